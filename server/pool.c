/* SPDX-License-Identifier: Apache-2.0 */
#include "server/pool.h"

#include "base/clock.h"
#include "handlers/handlers.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

size_t pool_set_size(size_t workers)
{
    if (workers == 0) workers = uv_available_parallelism();
    char text[24];
    snprintf(text, sizeof text, "%zu", workers);
    setenv("UV_THREADPOOL_SIZE", text, 1); /* libuv reads it when the first job comes */
    return workers;
}

static void on_work(uv_work_t *work)
{
    struct pool_job *job = work->data;
    job->exchange->sample.stage_ns[STAGE_QUEUE] = clock_now_ns() - job->queued_ns;
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
