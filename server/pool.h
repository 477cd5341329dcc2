/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file pool.h
 * Long requests on libuv's worker threads, for all loops of the process: a queue that is bounded by
 * what the work costs, and fair between clients (fair.h).
 *
 * A job is handed over with its exchange: from pool_submit until its `done`, which runs on the
 * submitting loop's thread, the exchange belongs to the worker, and the job to the pool, whatever
 * becomes of the client.
 *
 * What a job costs is counted in bytes of text to be worked on. How many of them the workers get
 * done is measured as they work, and so it is known how long a job would wait.
 */
#pragma once

#include "handlers/exchange.h"
#include "server/fair.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct pool;

/** Where a loop hears of the jobs that are done. Its thread's, but for what the pool has. */
struct pool_seat {
    uv_poll_t news; /* of the bell */
    int bell;       /* an eventfd: libuv's own may have the loop spin until the worker goes on */
    struct pool *pool;
    struct pool_job *finished; /* the pool's lock */
    atomic_size_t n_ringing;   /* who is about to ring the bell: up with the pool's lock */
};

struct pool_job {
    struct fair_item item; /* first; its client and cost are the caller's to set */
    struct exchange *exchange;
    struct pool_seat *seat;
    struct pool_job *next; /* in the seat's list */
    uint64_t queued_ns;
    bool was_run;
    /* The caller's: it takes as long as a disk takes. It keeps no worker, waits for none, and is
       not measured. */
    bool is_aside;
    uv_work_t aside;
    /** Whether the work is still wanted; on the worker's thread. False with a finished reply in
     * the exchange. */
    bool (*is_wanted)(struct pool_job *job, uint64_t waited_ns);
    void (*done)(struct pool_job *job, bool was_run);
};

/** What may wait: so many bytes of cost at most, and as many as the workers do in so long, or in a
 * twenty-fifth of it where something has waited all the time for so long; 0: no such limit. */
struct pool_limits {
    uint64_t cost_max, wait_ns;
};

/**
 * pool_new puts `*workers` of libuv's threads to work (0 = one a core; then set to that), which has
 * two more for what is looked at in the background and for jobs aside. Once a process: nobody has
 * used libuv's pool.
 * @param loop the calling thread's; it runs on until pool_stop
 * @return NULL when so many threads cannot be had
 */
struct pool *pool_new(uv_loop_t *loop, size_t *workers);

/** pool_stop lets go of the threads: there are no jobs any more. NULL is fine. */
void pool_stop(struct pool *pool);

/** pool_free: the loop has run to its end after pool_stop. NULL is fine. */
void pool_free(struct pool *pool);

/** pool_sit: `seat` is for one loop; false: no descriptor for it. */
bool pool_sit(struct pool *pool, struct pool_seat *seat, uv_loop_t *loop);

/** pool_stand ends that; every job of this seat is done. Its memory is the loop's until
 * that has run to its end. */
void pool_stand(struct pool_seat *seat);

/**
 * pool_has_room: whether a job of that cost would be taken now. One that a worker can begin with
 * always is; so is one of a client that has less waiting than its share of what may wait, unless
 * there is twice that already. Any thread.
 */
bool pool_has_room(struct pool *pool, const struct fair_item *item,
                   const struct pool_limits *limits);

/** pool_wait_ahead_ns: how long that takes of all that waits which comes before a job of this
 * client, about, at least: what is worked on and who comes later are left out. Any thread. */
uint64_t pool_wait_ahead_ns(struct pool *pool, uint64_t client);

/** pool_wait_ms: how long all that waits is going to take, about. Any thread. */
uint64_t pool_wait_ms(const struct pool *pool);

/** pool_submit has a worker run handlers_dispatch on `exchange`, then calls `done` on this loop. */
void pool_submit(struct pool_seat *seat, struct pool_job *job, struct exchange *exchange,
                 void (*done)(struct pool_job *job, bool was_run));

/** pool_cancel: `done` will come with was_run false if no worker has begun. */
void pool_cancel(struct pool_job *job);
