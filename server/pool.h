/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file pool.h
 * Long requests on worker threads: libuv's pool, one for all loops of the process.
 *
 * A job is handed over with its exchange: from pool_submit until its `done`, which runs on the
 * submitting loop's thread, the exchange belongs to the worker. libuv owns the job's `work` just as
 * long, so the job's memory must not be reused before `done`, whatever becomes of the client.
 */
#pragma once

#include "handlers/exchange.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct pool_job {
    uv_work_t work;
    struct exchange *exchange;
    uint64_t queued_ns;
    void (*done)(struct pool_job *job, bool was_run);
};

/**
 * pool_start makes the threads, `workers` of them (0 = one a core; then set to that), before the
 * first pool_submit: libuv would make them when the first job comes, and abort where it cannot.
 * `work` is used by the loop until it has run once.
 * @return false when so many threads cannot be had
 */
bool pool_start(uv_loop_t *loop, uv_work_t *work, size_t *workers);

/** pool_submit has a worker run handlers_dispatch on `exchange`, then calls `done` on this loop. */
void pool_submit(uv_loop_t *loop, struct pool_job *job, struct exchange *exchange,
                 void (*done)(struct pool_job *job, bool was_run));

/** pool_cancel: `done` will come with was_run false if no worker has begun. */
void pool_cancel(struct pool_job *job);
