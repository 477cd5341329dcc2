/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file pool.h
 * The threads of the public embedd_pool, with an arena each. Any thread may ask for work: one after
 * the other gets it. In a child after fork(2), where no thread but the calling one is left, the
 * first work starts others.
 */
#pragma once

#include "base/arena.h"
#include "include/embedd.h"
#include "library/fault.h"

#include <stdbool.h>

/** The memory of a worker for what it does at once: tokens of a text of EMBEDD_TEXT_BYTES_MAX. */
#define POOL_ARENA_BYTES ((size_t)64 * EMBEDD_TEXT_BYTES_MAX)

/** What a worker does: as a workers_job, with memory of its own, which is empty. */
typedef void pool_job(void *user, struct arena *arena);

/**
 * pool_run has every thread of the pool do `work` once, at the same time; the calling thread alone
 * where `pool` is NULL or `is_small`. Which of them takes how much of the work is its own affair.
 * @return false with EMBEDD_ERROR_MEMORY: a child could not start threads
 */
bool pool_run(embedd_pool *pool, bool is_small, pool_job *work, void *user, struct fault *fault);
