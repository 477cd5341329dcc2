/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file metrics_data.h
 * What metrics are kept in. For the files of metrics.h alone: metrics.c (counting),
 * metrics_models.c (models and their heads), metrics_write.c (the text). For the threads that
 * metrics.h names.
 */
#pragma once

#include "base/arena.h"
#include "handlers/sample.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct key_counts;
struct metrics_tls;
struct te_metrics;

#define CACHE_LINE 64

/** The statuses that the service sends; anything else is counted under the last, "other". */
#define N_CODES 22
extern const unsigned metrics_codes[N_CODES];

/** Upper bounds of the buckets; above the last is +Inf. */
#define N_DURATIONS 19
#define N_COUNTS 16
#define N_BUCKETS (N_DURATIONS + 1)
static_assert(N_COUNTS < N_BUCKETS, "counts fit the buckets of durations");
extern const uint64_t metrics_duration_bounds_ns[N_DURATIONS], metrics_count_bounds[N_COUNTS];

/** Only its owner writes; a scrape reads what is there. All 64 bits at once, nothing more. */
struct histogram {
    _Atomic uint64_t buckets[N_BUCKETS]; /* not cumulated; the last used one is +Inf */
    _Atomic uint64_t sum;
};

struct route_counts {
    _Atomic uint64_t requests[N_CODES];
    struct histogram duration_ns;
};

enum total {
    TOTAL_TOKENS,
    TOTAL_EMPTY_INPUTS,
    TOTAL_UNKNOWN_TOKENS,
    TOTAL_FOREIGN_TEXTS,
    TOTAL_REJECTED_ANSWERS,
    TOTAL_TRUNCATED_INPUTS,
    TOTAL_IGNORED_FIELDS,
    TOTAL_COUNT,
};

enum gauge {
    GAUGE_IN_FLIGHT,
    GAUGE_CONNECTIONS,
    GAUGE_OFFLOAD_QUEUE,
    GAUGE_COUNT,
};

struct metrics_slot {
    _Atomic uint64_t rejected[REJECT_COUNT];
    _Atomic uint64_t totals[TOTAL_COUNT];
    _Atomic int64_t gauges[GAUGE_COUNT];
    struct histogram stage_ns[STAGE_COUNT];
    struct histogram inputs, tokens;
    const struct metrics *metrics; /* what it is a slot of */
    size_t number;                 /* of the slot */
    struct route_counts routes[];
};

enum model_total { MODEL_REQUESTS, MODEL_INPUTS, MODEL_TOKENS, MODEL_TOTALS };

/** By its owner alone, as a slot. */
struct model_slot {
    _Alignas(CACHE_LINE) _Atomic uint64_t totals[MODEL_TOTALS];
};

/** Of a head with these very labels; more than one thread counts. */
struct head_counts {
    struct head_counts *next; /* of the same model */
    char *name;
    char **labels;
    size_t n_labels;
    _Atomic uint64_t *own;         /* (n_labels) */
    _Atomic uint64_t *predicted[]; /* of own, or of the first head of that name with that label */
};

struct model_counts {
    struct model_counts *next;
    char *name;
    char *info; /* labels of embedd_model_info */
    struct head_counts *heads;
    struct model_slot *slots; /* (n_slots) */
};

struct metrics_served {
    struct model_slot *slots;
    struct head_counts *heads[];
};

struct metrics {
    size_t n_slots, n_routes;
    size_t slot_bytes; /* a multiple of the cache line, and the slots start on one */
    const char *const *routes;
    struct te_metrics *te;             /* NULL: not kept */
    struct key_counts *keys;           /* NULL: there are no keys */
    const struct arena_budget *budget; /* NULL: not watched */
    const struct metrics_tls *tls;     /* NULL: not watched */
    struct registry *registry;         /* NULL: not watched */
    char *slots;
    _Atomic uint64_t reloads[2]; /* failed, done */
    atomic_bool last_reload_done;
    _Atomic uint64_t last_reload_unix_s; /* of the last that was done, at first the start */
    pthread_mutex_t mutex;       /* over the lists of models, heads and keys, not what they count */
    struct model_counts *models; /* in the order in which their names came */
};

#define AT(field) offsetof(struct metrics_slot, field)

/** route_offset: of the counts of a route, in a slot. */
static inline size_t route_offset(size_t route)
{
    return AT(routes) + route * sizeof(struct route_counts);
}

/** slot_at: slot `thread`. */
static inline struct metrics_slot *slot_at(const struct metrics *metrics, size_t thread)
{
    assert(thread < metrics->n_slots);
    return (struct metrics_slot *)(void *)(metrics->slots + thread * metrics->slot_bytes);
}

/** metrics_free_models: all of them, with what they count. */
void metrics_free_models(struct metrics *metrics);
