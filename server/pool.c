/* SPDX-License-Identifier: Apache-2.0 */
#include "server/pool.h"

#include "base/clock.h"
#include "handlers/handlers.h"

#include <assert.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* As libuv's pool asks for (uv 1.44, threadpool.c: init_threads), which aborts where it cannot have
   it. */
#define STACK_BYTES ((size_t)8 << 20)
/* What is believed of a worker's speed before there is any work, and until so much time of work
   has been seen; twice that is remembered. */
#define FIRST_COST ((uint64_t)1 << 20)
#define FIRST_NS 200000000u
#define REMEMBERED_NS 1000000000u

/* Of libuv's threads: for what is looked at in the background, and for jobs aside, one of which
   may take as long as a disk takes. */
#define SPARE_THREADS 2

struct pool {
    size_t n_workers;
    uv_work_t *works; /* (n_workers) each has one of libuv's threads, from the start to the end */
    uv_mutex_t mutex; /* over the following, held for a few instructions */
    uv_cond_t more;
    struct fair fair;
    bool is_ending;
    uint64_t seen_cost, seen_ns; /* of late, by all workers */

    /* Of jobs that wait or are worked on. */
    _Atomic uint64_t cost;
    atomic_size_t n;
    _Atomic uint64_t cost_per_s; /* of all workers together; never 0 */
    _Atomic uint64_t busy_ns;    /* since when each worker has had something to do */
};

/* Who sends many batches at once has them wait for as long as they may. Where something has waited
   all the time for so long, that is no burst: all that waiting does is to make everybody late, so
   it may be a twenty-fifth of that (as CoDel, RFC 8289, does with packets); each worker's next job
   may wait in any case. */
#define STANDING_SHARE 25

/* ---- the workers ---- */

/* The lock is held. */
static void measure(struct pool *pool, uint64_t cost, uint64_t ns)
{
    pool->seen_cost += cost;
    pool->seen_ns += ns;
    if (pool->seen_ns > 2 * (uint64_t)REMEMBERED_NS) {
        pool->seen_cost /= 2;
        pool->seen_ns /= 2;
    }
    const double per_s =
        (double)pool->seen_cost * (double)pool->n_workers / ((double)pool->seen_ns / 1e9);
    atomic_store_explicit(&pool->cost_per_s, per_s < 1 ? 1 : (uint64_t)per_s, memory_order_relaxed);
}

/* The lock is held. Returns the seat if its loop does not know yet that it is to look: the caller
   rings then, without the lock, which the loop takes as soon as it wakes. */
static struct pool_seat *report(struct pool_job *job)
{
    struct pool_seat *seat = job->seat;
    const bool is_first = !seat->finished;
    atomic_fetch_sub_explicit(&seat->pool->cost, job->item.cost, memory_order_relaxed);
    atomic_fetch_sub_explicit(&seat->pool->n, 1, memory_order_relaxed);
    job->next = seat->finished;
    seat->finished = job;
    if (!is_first) return NULL;
    atomic_fetch_add_explicit(&seat->n_ringing, 1, memory_order_relaxed);
    return seat;
}

/* The last that is done with a seat whose jobs are all finished. */
static void ring(struct pool_seat *seat)
{
    eventfd_write(seat->bell, 1);
    atomic_fetch_sub_explicit(&seat->n_ringing, 1, memory_order_release);
}

static uint64_t run(struct pool_job *job)
{
    const uint64_t start_ns = clock_now_ns(), waited_ns = start_ns - job->queued_ns;
    struct exchange *x = job->exchange;
    x->sample.stage_ns[STAGE_QUEUE] = waited_ns;
    x->work_max = 0;
    job->was_run = true;
    if (job->is_wanted && !job->is_wanted(job, waited_ns)) return 0;
    handlers_dispatch(x);
    return clock_now_ns() - start_ns;
}

static void work(uv_work_t *request)
{
    struct pool *pool = request->data;
    uv_mutex_lock(&pool->mutex);
    for (;;) {
        struct pool_job *job = (struct pool_job *)(void *)fair_take(&pool->fair);
        if (!job && pool->is_ending) break;
        if (!job) {
            uv_cond_wait(&pool->more, &pool->mutex);
            continue;
        }
        uv_mutex_unlock(&pool->mutex);
        const uint64_t cost = job->item.cost, ns = run(job);
        uv_mutex_lock(&pool->mutex);
        if (ns > 0) measure(pool, cost, ns);
        struct pool_seat *seat = report(job);
        if (!seat) continue;
        uv_mutex_unlock(&pool->mutex);
        ring(seat);
        uv_mutex_lock(&pool->mutex);
    }
    uv_mutex_unlock(&pool->mutex);
}

/* ---- the start and the end ---- */

static void wait_for_leave(void *arg)
{
    uv_mutex_t *leave = arg;
    uv_mutex_lock(leave);
    uv_mutex_unlock(leave);
}

/* Whether so many threads can live at the same time. */
static bool can_have_threads(size_t n)
{
    const uv_thread_options_t options = {.flags = UV_THREAD_HAS_STACK_SIZE,
                                         .stack_size = STACK_BYTES};
    uv_thread_t *threads = calloc(n, sizeof *threads);
    uv_mutex_t leave;
    if (!threads || uv_mutex_init(&leave) != 0) {
        free(threads);
        return false;
    }
    size_t made = 0;
    uv_mutex_lock(&leave);
    while (made < n && uv_thread_create_ex(&threads[made], &options, wait_for_leave, &leave) == 0)
        made++;
    uv_mutex_unlock(&leave);
    for (size_t i = 0; i < made; i++)
        uv_thread_join(&threads[i]);
    uv_mutex_destroy(&leave);
    free(threads);
    return made == n;
}

static void start(struct pool *pool, uv_loop_t *loop)
{
    char text[24];
    snprintf(text, sizeof text, "%zu", pool->n_workers + SPARE_THREADS);
    setenv("UV_THREADPOOL_SIZE", text, 1);
    for (size_t i = 0; i < pool->n_workers; i++) {
        pool->works[i].data = pool;
        int failure = uv_queue_work(loop, &pool->works[i], work, NULL);
        assert(!failure); /* only without a work callback */
        (void)failure;
    }
}

struct pool *pool_new(uv_loop_t *loop, size_t *workers)
{
    if (*workers == 0) *workers = uv_available_parallelism();
    if (!can_have_threads(*workers + SPARE_THREADS)) return NULL;
    struct pool *pool = calloc(1, sizeof *pool);
    uv_work_t *works = calloc(*workers, sizeof *works);
    if (!pool || !works || uv_mutex_init(&pool->mutex) != 0) goto fail;
    if (uv_cond_init(&pool->more) != 0) {
        uv_mutex_destroy(&pool->mutex);
        goto fail;
    }
    pool->n_workers = *workers;
    pool->works = works;
    measure(pool, FIRST_COST, FIRST_NS);
    start(pool, loop);
    return pool;
fail:
    free(works);
    free(pool);
    return NULL;
}

void pool_stop(struct pool *pool)
{
    if (!pool) return;
    assert(atomic_load(&pool->n) == 0);
    uv_mutex_lock(&pool->mutex);
    pool->is_ending = true;
    uv_cond_broadcast(&pool->more);
    uv_mutex_unlock(&pool->mutex);
}

void pool_free(struct pool *pool)
{
    if (!pool) return;
    uv_cond_destroy(&pool->more);
    uv_mutex_destroy(&pool->mutex);
    free(pool->works);
    free(pool);
}

/* ---- on the loops' threads ---- */

/* In the order in which they were done. */
static struct pool_job *take_finished(struct pool_seat *seat)
{
    struct pool_job *list = NULL;
    uv_mutex_lock(&seat->pool->mutex);
    struct pool_job *job = seat->finished;
    seat->finished = NULL;
    uv_mutex_unlock(&seat->pool->mutex);
    for (struct pool_job *next; job; job = next) {
        next = job->next;
        job->next = list;
        list = job;
    }
    return list;
}

static void on_news(uv_poll_t *news, int status, int events)
{
    (void)status;
    (void)events;
    struct pool_seat *seat = news->data;
    eventfd_t rings;
    eventfd_read(seat->bell, &rings); /* before looking: what is rung for from now on wakes again */
    struct pool_job *job = take_finished(seat);
    for (struct pool_job *next; job; job = next) {
        next = job->next;
        job->done(job, job->was_run);
    }
}

bool pool_sit(struct pool *pool, struct pool_seat *seat, uv_loop_t *loop)
{
    *seat = (struct pool_seat){.pool = pool};
    seat->bell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (seat->bell < 0) return false;
    if (uv_poll_init(loop, &seat->news, seat->bell) != 0) {
        close(seat->bell);
        return false;
    }
    seat->news.data = seat;
    uv_poll_start(&seat->news, UV_READABLE, on_news);
    return true;
}

void pool_stand(struct pool_seat *seat)
{
    assert(!seat->finished);
    uv_close((uv_handle_t *)&seat->news, NULL);
    /* A worker may be between giving the last job back and ringing for it. */
    while (atomic_load_explicit(&seat->n_ringing, memory_order_acquire) > 0)
        sched_yield();
    close(seat->bell);
}

/* With more waiting than there is time for: of those who ask, who keeps the others waiting? Not who
   has next to nothing there, however long the others' queue has stood. */
static bool is_within_share(struct pool *pool, const struct fair_item *item, double standing_max,
                            double cost_max)
{
    uv_mutex_lock(&pool->mutex);
    const uint64_t own = fair_cost(&pool->fair, item->client);
    const size_t n = pool->fair.n_waiting + 1;
    uv_mutex_unlock(&pool->mutex);
    return (double)own <= standing_max / (double)n &&
           (double)(own + item->cost) <= cost_max / (double)n;
}

/* With n jobs there. */
static bool is_standing(const struct pool *pool, size_t n, uint64_t wait_ns)
{
    const uint64_t busy_ns = atomic_load_explicit(&pool->busy_ns, memory_order_relaxed);
    return n >= 2 * pool->n_workers && busy_ns + wait_ns < clock_now_ns();
}

bool pool_has_room(struct pool *pool, const struct fair_item *item,
                   const struct pool_limits *limits)
{
    const uint64_t used = atomic_load_explicit(&pool->cost, memory_order_relaxed);
    const uint64_t per_s = atomic_load_explicit(&pool->cost_per_s, memory_order_relaxed);
    const size_t n = atomic_load_explicit(&pool->n, memory_order_relaxed);
    if (n < pool->n_workers) return true;
    if (limits->cost_max > 0 && used + item->cost > limits->cost_max) return false;
    if (limits->wait_ns == 0) return true;
    const double in_time = (double)per_s * (double)limits->wait_ns / 1e9;
    const double may_stand =
        is_standing(pool, n, limits->wait_ns) ? in_time / STANDING_SHARE : in_time;
    if ((double)used <= may_stand) return true;
    return (double)used <= 2 * in_time && is_within_share(pool, item, may_stand, in_time);
}

uint64_t pool_wait_ahead_ns(struct pool *pool, uint64_t client)
{
    uv_mutex_lock(&pool->mutex);
    const uint64_t ahead = fair_cost_ahead(&pool->fair, client);
    uv_mutex_unlock(&pool->mutex);
    const uint64_t per_s = atomic_load_explicit(&pool->cost_per_s, memory_order_relaxed);
    const double ns = (double)ahead * 1e9 / (double)per_s;
    return ns < (double)INT64_MAX ? (uint64_t)ns : INT64_MAX;
}

uint64_t pool_wait_ms(const struct pool *pool)
{
    const uint64_t used = atomic_load_explicit(&pool->cost, memory_order_relaxed);
    const uint64_t per_s = atomic_load_explicit(&pool->cost_per_s, memory_order_relaxed);
    return (uint64_t)((double)used * 1000 / (double)per_s);
}

static void run_aside(uv_work_t *aside)
{
    run(aside->data);
}

static void after_aside(uv_work_t *aside, int status)
{
    struct pool_job *job = aside->data;
    (void)status; /* of one that was cancelled nothing was run */
    job->done(job, job->was_run);
}

static void submit_aside(struct pool_seat *seat, struct pool_job *job)
{
    job->aside.data = job;
    int failure = uv_queue_work(seat->news.loop, &job->aside, run_aside, after_aside);
    assert(!failure); /* only without a work callback */
    (void)failure;
}

void pool_submit(struct pool_seat *seat, struct pool_job *job, struct exchange *exchange,
                 void (*done)(struct pool_job *job, bool was_run))
{
    struct pool *pool = seat->pool;
    job->exchange = exchange;
    job->seat = seat;
    job->queued_ns = clock_now_ns();
    job->was_run = false;
    job->done = done;
    if (job->is_aside) {
        submit_aside(seat, job);
        return;
    }
    atomic_fetch_add_explicit(&pool->cost, job->item.cost, memory_order_relaxed);
    if (atomic_fetch_add_explicit(&pool->n, 1, memory_order_relaxed) < pool->n_workers)
        atomic_store_explicit(&pool->busy_ns, job->queued_ns, memory_order_relaxed);
    uv_mutex_lock(&pool->mutex);
    fair_put(&pool->fair, &job->item);
    uv_cond_signal(&pool->more);
    uv_mutex_unlock(&pool->mutex);
}

void pool_cancel(struct pool_job *job)
{
    struct pool *pool = job->seat->pool;
    if (job->is_aside) {
        uv_cancel((uv_req_t *)&job->aside);
        return;
    }
    uv_mutex_lock(&pool->mutex);
    struct pool_seat *seat = fair_remove(&pool->fair, &job->item) ? report(job) : NULL;
    uv_mutex_unlock(&pool->mutex);
    if (seat) ring(seat);
}
