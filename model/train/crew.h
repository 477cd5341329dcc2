/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file crew.h
 * Threads that do one thing together, again and again: each call of crew_run is a step that all
 * take, and that is over when all are done.
 *
 * What a worker does may depend on its number only in which part of the work it takes: then the
 * result does not depend on how many there are.
 */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct crew;

/** What a worker does: `worker` of `n_workers`. */
typedef void crew_work(void *user, unsigned worker, unsigned n_workers);

/** crew_workers: how many workers to have: `asked`, or where that is 0 one a core. */
unsigned crew_workers(uint64_t asked);

/** crew_new starts `n_workers` - 1 (>= 0) threads; NULL with ERR_MEMORY. */
struct crew *crew_new(unsigned n_workers, struct err *err);

/** crew_size: how many workers there are. */
unsigned crew_size(const struct crew *crew);

/** crew_run has all workers, the calling thread among them, do `work`; returns when all are done.
 * One thread may call it. */
void crew_run(struct crew *crew, crew_work *work, void *user);

/** crew_free ends the threads; NULL is fine. */
void crew_free(struct crew *crew);
