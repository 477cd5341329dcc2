/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file workers.h
 * Threads that do one thing together, again and again: each call of workers_run is a step that all
 * take, and that is over when all are done.
 *
 * What a worker does may depend on its number only in which part of the work it takes: then the
 * result does not depend on how many there are. One thread at a time uses a `struct workers`.
 */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct workers;

/** What a worker does: `worker` of `n_workers`. */
typedef void workers_job(void *user, unsigned worker, unsigned n_workers);

/** workers_count: how many workers to have: `asked`, or one per core if that is 0. */
unsigned workers_count(uint64_t asked);

/** workers_new starts `n_workers` - 1 (>= 0) threads, which take no signals of others; NULL with
 * ERR_MEMORY. */
struct workers *workers_new(unsigned n_workers, struct err *err);

/** workers_size: how many workers there are. */
unsigned workers_size(const struct workers *workers);

/** workers_run has all workers, the calling thread among them, do `work`; returns when all are
 * done. */
void workers_run(struct workers *workers, workers_job *work, void *user);

/** workers_free ends the threads; NULL is fine. */
void workers_free(struct workers *workers);
