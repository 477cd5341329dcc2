/* SPDX-License-Identifier: Apache-2.0 */
#include "base/workers.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

/* Steps are short (some hundred microseconds): looking again for a little while is cheaper than
   sleeping. */
#define SPINS 2000

struct member {
    struct crew *crew;
    pthread_t thread;
    unsigned worker;
};

struct crew {
    unsigned n, n_started;
    struct member *members; /* (n), the first is the calling thread */
    crew_work *work;
    void *user;
    _Atomic uint64_t step; /* counts up when there is work */
    _Atomic unsigned n_busy;
    _Atomic bool is_over;
    pthread_mutex_t mutex; /* for sleeping only */
    pthread_cond_t has_step, is_done;
};

static uint64_t wait_for_step(struct crew *crew, uint64_t seen)
{
    for (int i = 0; i < SPINS; i++)
        if (atomic_load(&crew->step) != seen) return atomic_load(&crew->step);
    pthread_mutex_lock(&crew->mutex);
    while (atomic_load(&crew->step) == seen)
        pthread_cond_wait(&crew->has_step, &crew->mutex);
    pthread_mutex_unlock(&crew->mutex);
    return atomic_load(&crew->step);
}

static void finish_step(struct crew *crew)
{
    if (atomic_fetch_sub(&crew->n_busy, 1) != 1) return;
    pthread_mutex_lock(&crew->mutex);
    pthread_cond_signal(&crew->is_done);
    pthread_mutex_unlock(&crew->mutex);
}

static void *run_member(void *user)
{
    const struct member *member = user;
    struct crew *crew = member->crew;
    uint64_t seen = 0;
    for (;;) {
        seen = wait_for_step(crew, seen);
        if (atomic_load(&crew->is_over)) return NULL;
        crew->work(crew->user, member->worker, crew->n);
        finish_step(crew);
    }
}

unsigned crew_workers(uint64_t asked)
{
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    if (asked > 0) return (unsigned)asked;
    return cores > 0 ? (unsigned)cores : 1;
}

struct crew *crew_new(unsigned n_workers, struct err *err)
{
    struct crew *crew = calloc(1, sizeof *crew);
    struct member *members = calloc(n_workers, sizeof *members);
    if (!crew || !members) {
        free(crew);
        free(members);
        err_set(err, ERR_MEMORY, NULL, "no memory for %u threads", n_workers);
        return NULL;
    }
    crew->n = n_workers;
    crew->members = members;
    pthread_mutex_init(&crew->mutex, NULL);
    pthread_cond_init(&crew->has_step, NULL);
    pthread_cond_init(&crew->is_done, NULL);
    for (crew->n_started = 1; crew->n_started < n_workers; crew->n_started++) {
        struct member *member = &members[crew->n_started];
        *member = (struct member){.crew = crew, .worker = crew->n_started};
        if (pthread_create(&member->thread, NULL, run_member, member) == 0) continue;
        crew_free(crew);
        err_set(err, ERR_MEMORY, NULL, "cannot start %u threads; give fewer with --threads",
                n_workers);
        return NULL;
    }
    return crew;
}

unsigned crew_size(const struct crew *crew)
{
    return crew->n;
}

static void start_step(struct crew *crew)
{
    pthread_mutex_lock(&crew->mutex);
    atomic_fetch_add(&crew->step, 1);
    pthread_cond_broadcast(&crew->has_step);
    pthread_mutex_unlock(&crew->mutex);
}

void crew_run(struct crew *crew, crew_work *work, void *user)
{
    if (crew->n == 1) {
        work(user, 0, 1);
        return;
    }
    crew->work = work;
    crew->user = user;
    atomic_store(&crew->n_busy, crew->n);
    start_step(crew);
    work(user, 0, crew->n);
    finish_step(crew);
    for (int i = 0; i < SPINS; i++)
        if (atomic_load(&crew->n_busy) == 0) return;
    pthread_mutex_lock(&crew->mutex);
    while (atomic_load(&crew->n_busy) > 0)
        pthread_cond_wait(&crew->is_done, &crew->mutex);
    pthread_mutex_unlock(&crew->mutex);
}

void crew_free(struct crew *crew)
{
    if (!crew) return;
    atomic_store(&crew->is_over, true);
    start_step(crew);
    for (unsigned i = 1; i < crew->n_started; i++)
        pthread_join(crew->members[i].thread, NULL);
    pthread_cond_destroy(&crew->is_done);
    pthread_cond_destroy(&crew->has_step);
    pthread_mutex_destroy(&crew->mutex);
    free(crew->members);
    free(crew);
}
