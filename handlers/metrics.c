/* SPDX-License-Identifier: Apache-2.0 */
#include "handlers/metrics.h"

#include "handlers/key_counts.h"
#include "handlers/metrics_data.h"
#include "handlers/te_metrics.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

const char *const metrics_stage_names[STAGE_COUNT] = {
    [STAGE_PARSE] = "parse", [STAGE_TOKENIZE] = "tokenize", [STAGE_LOOKUP] = "lookup",
    [STAGE_HEAD] = "head",   [STAGE_WRITE] = "write",       [STAGE_QUEUE] = "queue",
};

static const char *const reject_names[REJECT_COUNT] = {
    [REJECT_NONE] = "",
    [REJECT_BAD_JSON] = "bad_json",
    [REJECT_BAD_VALUE] = "bad_value",
    [REJECT_BODY_TOO_LARGE] = "body_too_large",
    [REJECT_TOO_MANY_INPUTS] = "too_many_inputs",
    [REJECT_TOO_MANY_TOKENS] = "too_many_tokens",
    [REJECT_MEMORY] = "memory",
    [REJECT_REPLY_TOO_LARGE] = "reply_too_large",
    [REJECT_OVERLOAD] = "overload",
    [REJECT_MEDIA_TYPE] = "media_type",
    [REJECT_METHOD] = "method",
    [REJECT_NOT_FOUND] = "not_found",
    [REJECT_UNKNOWN_TOKEN] = "unknown_token",
    [REJECT_TIMEOUT] = "timeout",
    [REJECT_CONNECTIONS] = "connections",
    [REJECT_DRAINING] = "draining",
    [REJECT_MODEL_UNREADABLE] = "model_unreadable",
    [REJECT_PROXY_HEADER] = "proxy_header",
    [REJECT_MALFORMED] = "malformed",
    [REJECT_AUTH] = "auth",
    [REJECT_SCOPE] = "scope",
    [REJECT_RATE_LIMIT] = "rate_limit",
    [REJECT_DEADLINE] = "deadline",
};

const char *metrics_reject_name(enum metrics_reject reject)
{
    return reject == REJECT_NONE ? NULL : reject_names[reject];
}

const unsigned metrics_codes[] = {200, 204, 304, 400, 401, 403, 404, 405, 408, 409, 413,
                                  414, 415, 422, 424, 429, 431, 499, 500, 503, 504, 0};

const uint64_t metrics_duration_bounds_ns[] = {
    10000,     20000,      50000,      100000,     200000,      500000,    1000000,
    2000000,   5000000,    10000000,   20000000,   50000000,    100000000, 200000000,
    500000000, 1000000000, 2000000000, 5000000000, 10000000000,
};
const uint64_t metrics_count_bounds[] = {1,   2,    5,    10,   20,    50,    100,   200,
                                         500, 1000, 2000, 5000, 10000, 20000, 50000, 100000};

#define LENGTH(list) (sizeof(list) / sizeof(list)[0])
static_assert(LENGTH(metrics_codes) == N_CODES, "a code a counter");
static_assert(LENGTH(metrics_duration_bounds_ns) == N_DURATIONS, "a bound a bucket");
static_assert(LENGTH(metrics_count_bounds) == N_COUNTS, "a bound a bucket");

/* ---- the start and the end ---- */

struct metrics *metrics_new(size_t threads, const char *const *routes, size_t n_routes)
{
    assert(threads > 0 && n_routes > 0);
    struct metrics *metrics = calloc(1, sizeof *metrics);
    if (!metrics) return NULL;
    *metrics = (struct metrics){.n_slots = threads, .n_routes = n_routes, .routes = routes};
    size_t bytes = route_offset(n_routes);
    /* One line more: the next slot's first line may be fetched along with this one's last. */
    bytes = (bytes + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE + CACHE_LINE;
    metrics->slot_bytes = bytes;
    metrics->slots = aligned_alloc(CACHE_LINE, threads * bytes);
    if (!metrics->slots) {
        free(metrics);
        return NULL;
    }
    memset(metrics->slots, 0, threads * bytes);
    for (size_t i = 0; i < threads; i++) {
        metrics_slot(metrics, i)->metrics = metrics;
        metrics_slot(metrics, i)->number = i;
    }
    pthread_mutex_init(&metrics->mutex, NULL);
    atomic_init(&metrics->last_reload_done, true);
    atomic_init(&metrics->last_reload_unix_s, (uint64_t)time(NULL));
    return metrics;
}

void metrics_free(struct metrics *metrics)
{
    if (!metrics) return;
    metrics_free_models(metrics);
    te_metrics_free(metrics->te);
    key_counts_free(metrics->keys);
    pthread_mutex_destroy(&metrics->mutex);
    free(metrics->slots);
    free(metrics);
}

void metrics_watch_memory(struct metrics *metrics, const struct arena_budget *budget)
{
    metrics->budget = budget;
}

void metrics_watch_models(struct metrics *metrics, struct registry *registry)
{
    metrics->registry = registry;
}

void metrics_watch_tls(struct metrics *metrics, const struct metrics_tls *tls)
{
    metrics->tls = tls;
}

bool metrics_count_te(struct metrics *metrics)
{
    metrics->te = te_metrics_new(metrics->n_slots);
    return metrics->te;
}

bool metrics_serve_keys(struct metrics *metrics, const char *const *names, size_t n,
                        const struct key_usage **usages)
{
    pthread_mutex_lock(&metrics->mutex);
    if (!metrics->keys) metrics->keys = key_counts_new(metrics->n_slots);
    const bool is_done = metrics->keys && key_counts_take(metrics->keys, names, n, usages);
    pthread_mutex_unlock(&metrics->mutex);
    return is_done;
}

struct metrics_slot *metrics_slot(struct metrics *metrics, size_t thread)
{
    return slot_at(metrics, thread);
}

/* ---- counting ---- */

void metrics_count_reload(struct metrics *metrics, bool is_done)
{
    atomic_store_explicit(&metrics->last_reload_done, is_done, memory_order_relaxed);
    if (is_done)
        atomic_store_explicit(&metrics->last_reload_unix_s, (uint64_t)time(NULL),
                              memory_order_relaxed);
    atomic_fetch_add_explicit(&metrics->reloads[is_done], 1, memory_order_relaxed);
}

/* One writer: a load and a store, where an atomic addition would lock the bus. */
static inline void add(_Atomic uint64_t *counter, uint64_t value)
{
    uint64_t now = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, now + value, memory_order_relaxed);
}

static void observe(struct histogram *histogram, const uint64_t *bounds, size_t n, uint64_t value)
{
    size_t i = 0;
    while (i < n && value > bounds[i])
        i++;
    add(&histogram->buckets[i], 1);
    add(&histogram->sum, value);
}

static size_t code_index(unsigned status)
{
    size_t i = 0;
    while (i < N_CODES - 1 && metrics_codes[i] != status)
        i++;
    return i;
}

static void count_served(const struct metrics_slot *slot, const struct metrics_sample *sample)
{
    _Atomic uint64_t *totals = sample->served->slots[slot->number].totals;
    add(&totals[MODEL_REQUESTS], 1);
    add(&totals[MODEL_INPUTS], sample->inputs);
    add(&totals[MODEL_TOKENS], sample->tokens);
    if (!sample->predicted) return;
    struct head_counts *head = sample->served->heads[sample->head];
    for (size_t i = 0; i < head->n_labels; i++)
        if (sample->predicted[i])
            atomic_fetch_add_explicit(head->predicted[i], sample->predicted[i],
                                      memory_order_relaxed);
}

void metrics_add(struct metrics_slot *slot, const struct metrics_sample *sample)
{
    assert(sample->route < slot->metrics->n_routes);
    struct route_counts *route = &slot->routes[sample->route];
    add(&route->requests[code_index(sample->status)], 1);
    observe(&route->duration_ns, metrics_duration_bounds_ns, N_DURATIONS, sample->duration_ns);
    for (size_t i = 0; i < STAGE_COUNT; i++) {
        if (sample->stage_ns[i] > 0)
            observe(&slot->stage_ns[i], metrics_duration_bounds_ns, N_DURATIONS,
                    sample->stage_ns[i]);
    }
    if (sample->inputs > 0) {
        observe(&slot->inputs, metrics_count_bounds, N_COUNTS, sample->inputs);
        observe(&slot->tokens, metrics_count_bounds, N_COUNTS, sample->tokens);
    }
    add(&slot->totals[TOTAL_TOKENS], sample->tokens);
    if (sample->empty_inputs) add(&slot->totals[TOTAL_EMPTY_INPUTS], sample->empty_inputs);
    if (sample->unknown_tokens) add(&slot->totals[TOTAL_UNKNOWN_TOKENS], sample->unknown_tokens);
    if (sample->foreign_texts) add(&slot->totals[TOTAL_FOREIGN_TEXTS], sample->foreign_texts);
    if (sample->rejected_answers)
        add(&slot->totals[TOTAL_REJECTED_ANSWERS], sample->rejected_answers);
    if (sample->truncated_inputs)
        add(&slot->totals[TOTAL_TRUNCATED_INPUTS], sample->truncated_inputs);
    if (sample->ignored_fields) add(&slot->totals[TOTAL_IGNORED_FIELDS], sample->ignored_fields);
    if (sample->served) count_served(slot, sample);
    if (sample->key) key_counts_add(slot->number, sample);
    struct te_metrics *te = slot->metrics->te;
    if (te && sample->te.work != TE_NONE) te_metrics_add(te, slot->number, sample);
    if (sample->reject != REJECT_NONE) metrics_count_reject(slot, sample->reject);
}

void metrics_count_reject(struct metrics_slot *slot, enum metrics_reject reject)
{
    assert(reject > REJECT_NONE && reject < REJECT_COUNT);
    add(&slot->rejected[reject], 1);
}

static void change_gauge(struct metrics_slot *slot, enum gauge gauge, int change)
{
    int64_t now = atomic_load_explicit(&slot->gauges[gauge], memory_order_relaxed);
    atomic_store_explicit(&slot->gauges[gauge], now + change, memory_order_relaxed);
}

void metrics_in_flight(struct metrics_slot *slot, int change)
{
    change_gauge(slot, GAUGE_IN_FLIGHT, change);
}

void metrics_connections(struct metrics_slot *slot, int change)
{
    change_gauge(slot, GAUGE_CONNECTIONS, change);
}

void metrics_offload_queue(struct metrics_slot *slot, int change)
{
    change_gauge(slot, GAUGE_OFFLOAD_QUEUE, change);
}
