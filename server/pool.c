/* SPDX-License-Identifier: Apache-2.0 */
#include "server/pool.h"

#include "base/clock.h"
#include "handlers/handlers.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

/* As libuv's pool asks for (uv 1.44, threadpool.c: init_threads). */
#define STACK_BYTES ((size_t)8 << 20)

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

static void do_nothing(uv_work_t *work)
{
    (void)work;
}

bool pool_start(uv_loop_t *loop, uv_work_t *work, size_t *workers)
{
    if (*workers == 0) *workers = uv_available_parallelism();
    if (!can_have_threads(*workers)) return false;
    char text[24];
    snprintf(text, sizeof text, "%zu", *workers);
    setenv("UV_THREADPOOL_SIZE", text, 1);
    return uv_queue_work(loop, work, do_nothing, NULL) == 0;
}

static void on_work(uv_work_t *work)
{
    struct pool_job *job = work->data;
    job->exchange->sample.stage_ns[STAGE_QUEUE] = clock_now_ns() - job->queued_ns;
    job->exchange->work_max = 0;
    handlers_dispatch(job->exchange);
}

static void after_work(uv_work_t *work, int status)
{
    struct pool_job *job = work->data;
    job->done(job, status == 0);
}

void pool_submit(uv_loop_t *loop, struct pool_job *job, struct exchange *exchange,
                 void (*done)(struct pool_job *job, bool was_run))
{
    job->work.data = job;
    job->exchange = exchange;
    job->queued_ns = clock_now_ns();
    job->done = done;
    int failure = uv_queue_work(loop, &job->work, on_work, after_work);
    assert(!failure); /* only without a work callback */
    (void)failure;
}

void pool_cancel(struct pool_job *job)
{
    uv_cancel((uv_req_t *)&job->work);
}
