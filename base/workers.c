/* SPDX-License-Identifier: Apache-2.0 */
#include "base/workers.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

/* Steps are short (some hundred microseconds): looking again for a little while is cheaper than
   sleeping. */
#define SPINS 2000

struct member {
    struct workers *workers;
    pthread_t thread;
    unsigned worker;
};

struct workers {
    unsigned n, n_started;
    struct member *members; /* (n), the first is the calling thread */
    workers_job *work;
    void *user;
    _Atomic uint64_t step; /* counts up when there is work */
    _Atomic unsigned n_busy;
    _Atomic bool is_over;
    pthread_mutex_t mutex; /* for sleeping only */
    pthread_cond_t has_step, is_done;
};

static uint64_t wait_for_step(struct workers *workers, uint64_t seen)
{
    for (int i = 0; i < SPINS; i++)
        if (atomic_load(&workers->step) != seen) return atomic_load(&workers->step);
    pthread_mutex_lock(&workers->mutex);
    while (atomic_load(&workers->step) == seen)
        pthread_cond_wait(&workers->has_step, &workers->mutex);
    pthread_mutex_unlock(&workers->mutex);
    return atomic_load(&workers->step);
}

static void finish_step(struct workers *workers)
{
    if (atomic_fetch_sub(&workers->n_busy, 1) != 1) return;
    pthread_mutex_lock(&workers->mutex);
    pthread_cond_signal(&workers->is_done);
    pthread_mutex_unlock(&workers->mutex);
}

static void *run_member(void *user)
{
    const struct member *member = user;
    struct workers *workers = member->workers;
    uint64_t seen = 0;
    for (;;) {
        seen = wait_for_step(workers, seen);
        if (atomic_load(&workers->is_over)) return NULL;
        workers->work(workers->user, member->worker, workers->n);
        finish_step(workers);
    }
}

unsigned workers_count(uint64_t asked)
{
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    if (asked > 0) return (unsigned)asked;
    return cores > 0 ? (unsigned)cores : 1;
}

/* Signals are for the program's own threads, but for those that a thread causes itself. */
static void block_signals(sigset_t *before)
{
    sigset_t blocked;
    sigfillset(&blocked);
    sigdelset(&blocked, SIGBUS);
    sigdelset(&blocked, SIGFPE);
    sigdelset(&blocked, SIGILL);
    sigdelset(&blocked, SIGSEGV);
    pthread_sigmask(SIG_SETMASK, &blocked, before);
}

static bool start_member(struct member *member)
{
    sigset_t before;
    block_signals(&before);
    const bool is_started = pthread_create(&member->thread, NULL, run_member, member) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return is_started;
}

struct workers *workers_new(unsigned n_workers, struct err *err)
{
    struct workers *workers = calloc(1, sizeof *workers);
    struct member *members = calloc(n_workers, sizeof *members);
    if (!workers || !members) {
        free(workers);
        free(members);
        err_set(err, ERR_MEMORY, NULL, "no memory for %u threads", n_workers);
        return NULL;
    }
    workers->n = n_workers;
    workers->members = members;
    pthread_mutex_init(&workers->mutex, NULL);
    pthread_cond_init(&workers->has_step, NULL);
    pthread_cond_init(&workers->is_done, NULL);
    for (workers->n_started = 1; workers->n_started < n_workers; workers->n_started++) {
        struct member *member = &members[workers->n_started];
        *member = (struct member){.workers = workers, .worker = workers->n_started};
        if (start_member(member)) continue;
        workers_free(workers);
        err_set(err, ERR_MEMORY, "threads", "cannot start %u threads; give fewer with `threads`",
                n_workers);
        return NULL;
    }
    return workers;
}

unsigned workers_size(const struct workers *workers)
{
    return workers->n;
}

static void start_step(struct workers *workers)
{
    pthread_mutex_lock(&workers->mutex);
    atomic_fetch_add(&workers->step, 1);
    pthread_cond_broadcast(&workers->has_step);
    pthread_mutex_unlock(&workers->mutex);
}

void workers_run(struct workers *workers, workers_job *work, void *user)
{
    if (workers->n == 1) {
        work(user, 0, 1);
        return;
    }
    workers->work = work;
    workers->user = user;
    atomic_store(&workers->n_busy, workers->n);
    start_step(workers);
    work(user, 0, workers->n);
    finish_step(workers);
    for (int i = 0; i < SPINS; i++)
        if (atomic_load(&workers->n_busy) == 0) return;
    pthread_mutex_lock(&workers->mutex);
    while (atomic_load(&workers->n_busy) > 0)
        pthread_cond_wait(&workers->is_done, &workers->mutex);
    pthread_mutex_unlock(&workers->mutex);
}

void workers_free(struct workers *workers)
{
    if (!workers) return;
    atomic_store(&workers->is_over, true);
    start_step(workers);
    for (unsigned i = 1; i < workers->n_started; i++)
        pthread_join(workers->members[i].thread, NULL);
    pthread_cond_destroy(&workers->is_done);
    pthread_cond_destroy(&workers->has_step);
    pthread_mutex_destroy(&workers->mutex);
    free(workers->members);
    free(workers);
}
