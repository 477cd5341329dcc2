/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file key_counts.h
 * What the clients with each key did, by the key's name, and its text in /metrics.
 *
 * A name has counters for as long as the metrics, also when its key has gone: they go on when it
 * comes back. Each thread that counts has counters of its own (a slot), as in metrics.h.
 */
#pragma once

#include "base/buf.h"
#include "handlers/sample.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum key_total { KEY_REQUESTS, KEY_INPUTS, KEY_TOKENS, KEY_TOTALS };

/** A name, and where it is counted: the totals of slot 0, those of the next `stride` behind. */
struct key_usage {
    const char *name;
    _Atomic uint64_t *totals; /* (KEY_TOTALS) */
    size_t stride;
};

struct key_counts;

/** key_counts_new: for `n_slots` threads; NULL: no memory. */
struct key_counts *key_counts_new(size_t n_slots);
void key_counts_free(struct key_counts *counts);

/** How many names there are counters for, over all times: what comes later is counted together. */
#define KEY_COUNTS_MAX ((size_t)200000)
#define KEY_COUNTS_REST "(others)"

/**
 * key_counts_take finds or makes the counters of `n` different names, `usages` (n) of which are
 * valid as long as the counts. One thread at a time, while others count and none writes.
 * @return false: no memory
 */
bool key_counts_take(struct key_counts *counts, const char *const *names, size_t n,
                     const struct key_usage **usages);

/** key_counts_add counts a request of sample->key. Only the slot's owner calls it. */
void key_counts_add(size_t slot, const struct metrics_sample *sample);

/** key_counts_write appends the text; of names that did anything. */
void key_counts_write(const struct key_counts *counts, bool openmetrics, struct buf *out);
