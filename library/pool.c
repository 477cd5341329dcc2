/* SPDX-License-Identifier: Apache-2.0 */
#include "library/pool.h"

#include "base/workers.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#define THREADS_MAX 1024

/* Threads of one process. A child's copy of its parent's team is never used: nobody runs in it, and
   its mutex may be held by who is not there. */
struct team {
    pid_t pid;
    pthread_mutex_t mutex; /* held by whoever has the workers */
    struct workers *workers;
    struct arena *arenas; /* one a worker */
};

struct embedd_pool {
    unsigned n;
    _Atomic(struct team *) team;
};

/* ---- teams ---- */

static void team_free(struct team *team)
{
    if (!team) return;
    const unsigned n = team->workers ? workers_size(team->workers) : 0;
    workers_free(team->workers);
    for (unsigned i = 0; i < n; i++)
        arena_clear(&team->arenas[i]);
    pthread_mutex_destroy(&team->mutex);
    free(team->arenas);
    free(team);
}

static struct team *team_new(unsigned n, struct err *err)
{
    struct team *team = calloc(1, sizeof *team);
    struct arena *arenas = calloc(n, sizeof *arenas);
    if (!team || !arenas) {
        free(team);
        free(arenas);
        err_set(err, ERR_MEMORY, NULL, "no memory for %u threads", n);
        return NULL;
    }
    for (unsigned i = 0; i < n; i++)
        arena_init(&arenas[i], POOL_ARENA_BYTES);
    team->pid = getpid();
    team->arenas = arenas;
    pthread_mutex_init(&team->mutex, NULL);
    team->workers = workers_new(n, err);
    if (team->workers) return team;
    team_free(team);
    return NULL;
}

/* This process's team. Of two threads of a child that make one, the first has its way. */
static struct team *team_of(embedd_pool *pool, struct err *err)
{
    struct team *team = atomic_load(&pool->team);
    if (team->pid == getpid()) return team;
    struct team *made = team_new(pool->n, err);
    if (!made) return NULL;
    if (atomic_compare_exchange_strong(&pool->team, &team, made)) return made;
    team_free(made);
    return team;
}

/* ---- work ---- */

struct shared_work {
    pool_job *work;
    void *user;
    struct arena *arenas;
};

static void work_in_team(void *user, unsigned worker, unsigned n_workers)
{
    (void)n_workers;
    const struct shared_work *shared = user;
    struct arena *arena = &shared->arenas[worker];
    shared->work(shared->user, arena);
    arena_reset(arena);
}

static void work_alone(pool_job *work, void *user)
{
    struct arena arena;
    arena_init(&arena, POOL_ARENA_BYTES);
    work(user, &arena);
    arena_clear(&arena);
}

bool pool_run(embedd_pool *pool, bool is_small, pool_job *work, void *user, struct fault *fault)
{
    if (!pool || is_small || pool->n == 1) {
        work_alone(work, user);
        return true;
    }
    struct team *team = team_of(pool, &fault->err);
    if (!team) return false;
    pthread_mutex_lock(&team->mutex);
    struct shared_work shared = {work, user, team->arenas};
    workers_run(team->workers, work_in_team, &shared);
    pthread_mutex_unlock(&team->mutex);
    return true;
}

/* ---- the public calls ---- */

int embedd_pool_new(uint32_t threads, embedd_pool **pool, embedd_error *error)
{
    struct fault fault = FAULT_NONE;
    if (!pool) return call_end(fault_null(&fault, "pool"), &fault, error);
    *pool = NULL;
    if (threads > THREADS_MAX) {
        fault_set(&fault, EMBEDD_ERROR_ARGUMENT, "threads",
                  "threads must be a whole number from 0 (one a core) to %d, not %u", THREADS_MAX,
                  threads);
        return fault_tell(&fault, error);
    }
    const unsigned wanted = workers_count(threads);
    const unsigned n = wanted < THREADS_MAX ? wanted : THREADS_MAX;
    struct embedd_pool *made = calloc(1, sizeof *made);
    struct team *team = made ? team_new(n, &fault.err) : NULL;
    if (!team) {
        if (!made) err_out_of_memory(&fault.err);
        free(made);
        return fault_tell(&fault, error);
    }
    made->n = n;
    atomic_init(&made->team, team);
    *pool = made;
    return EMBEDD_OK;
}

uint32_t embedd_pool_size(const embedd_pool *pool)
{
    return pool ? pool->n : 1;
}

void embedd_pool_free(embedd_pool *pool)
{
    if (!pool) return;
    struct team *team = atomic_load(&pool->team);
    if (team->pid == getpid()) team_free(team);
    free(pool);
}
