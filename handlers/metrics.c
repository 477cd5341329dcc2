/* SPDX-License-Identifier: Apache-2.0 */
#include "handlers/metrics.h"

#include "base/file.h"
#include "base/log.h"
#include "handlers/key_counts.h"
#include "handlers/te_metrics.h"

#include <assert.h>
#include <dirent.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define CACHE_LINE 64

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
    [REJECT_AUTH] = "auth",
    [REJECT_RATE_LIMIT] = "rate_limit",
    [REJECT_DEADLINE] = "deadline",
};

const char *metrics_reject_name(enum metrics_reject reject)
{
    return reject == REJECT_NONE ? NULL : reject_names[reject];
}

/* The statuses that the service sends; anything else is counted under the last, "other". */
static const unsigned codes[] = {200, 204, 400, 401, 403, 404, 405, 408, 409, 413, 414,
                                 415, 422, 424, 429, 431, 499, 500, 503, 504, 0};
#define N_CODES (sizeof codes / sizeof *codes)

/* Upper bounds of the buckets; above the last is +Inf. */
static const uint64_t duration_bounds_ns[] = {
    10000,     20000,      50000,      100000,     200000,      500000,    1000000,
    2000000,   5000000,    10000000,   20000000,   50000000,    100000000, 200000000,
    500000000, 1000000000, 2000000000, 5000000000, 10000000000,
};
static const char *const duration_labels[] = {
    "1e-05", "2e-05", "5e-05", "0.0001", "0.0002", "0.0005", "0.001", "0.002", "0.005", "0.01",
    "0.02",  "0.05",  "0.1",   "0.2",    "0.5",    "1.0",    "2.0",   "5.0",   "10.0",
};
static const uint64_t count_bounds[] = {1,   2,    5,    10,   20,    50,    100,   200,
                                        500, 1000, 2000, 5000, 10000, 20000, 50000, 100000};
static const char *const count_labels[] = {
    "1.0",   "2.0",    "5.0",    "10.0",   "20.0",    "50.0",    "100.0",   "200.0",
    "500.0", "1000.0", "2000.0", "5000.0", "10000.0", "20000.0", "50000.0", "100000.0"};
#define N_DURATIONS (sizeof duration_bounds_ns / sizeof *duration_bounds_ns)
#define N_COUNTS (sizeof count_bounds / sizeof *count_bounds)
#define N_BUCKETS (N_DURATIONS + 1)
static_assert(sizeof duration_labels / sizeof *duration_labels == N_DURATIONS, "a label a bound");
static_assert(sizeof count_labels / sizeof *count_labels == N_COUNTS, "a label a bound");
static_assert(N_COUNTS < N_BUCKETS, "counts fit the buckets of durations");

/* Only its owner writes; a scrape reads what is there. All 64 bits at once, nothing more. */
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

/* By its owner alone, as a slot. */
struct model_slot {
    _Alignas(CACHE_LINE) _Atomic uint64_t totals[MODEL_TOTALS];
};

/* Of a head with these very labels; more than one thread counts. */
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
    char *slots;
    _Atomic uint64_t reloads[2]; /* failed, done */
    atomic_bool last_reload_done;
    _Atomic uint64_t last_reload_unix_s; /* of the last that was done, at first the start */
    pthread_mutex_t mutex;       /* over the lists of models, heads and keys, not what they count */
    struct model_counts *models; /* in the order in which their names came */
};

#define AT(field) offsetof(struct metrics_slot, field)

static size_t route_offset(size_t route)
{
    return AT(routes) + route * sizeof(struct route_counts);
}

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

static void free_head(struct head_counts *head)
{
    for (size_t i = 0; head->labels && i < head->n_labels; i++)
        free(head->labels[i]);
    free(head->labels);
    free(head->name);
    free(head->own);
    free(head);
}

static void free_model(struct model_counts *model)
{
    for (struct head_counts *head = model->heads, *next; head; head = next) {
        next = head->next;
        free_head(head);
    }
    free(model->name);
    free(model->info);
    free(model->slots);
    free(model);
}

void metrics_free(struct metrics *metrics)
{
    if (!metrics) return;
    for (struct model_counts *model = metrics->models, *next; model; model = next) {
        next = model->next;
        free_model(model);
    }
    te_metrics_free(metrics->te);
    key_counts_free(metrics->keys);
    pthread_mutex_destroy(&metrics->mutex);
    free(metrics->slots);
    free(metrics);
}

static struct metrics_slot *slot_at(const struct metrics *metrics, size_t thread)
{
    assert(thread < metrics->n_slots);
    return (struct metrics_slot *)(void *)(metrics->slots + thread * metrics->slot_bytes);
}

void metrics_watch_memory(struct metrics *metrics, const struct arena_budget *budget)
{
    metrics->budget = budget;
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

struct metrics_slot *metrics_slot(struct metrics *metrics, size_t thread)
{
    return slot_at(metrics, thread);
}

/* ---- models ---- */

static bool has_labels(const struct head_counts *counts, const struct metrics_head *head)
{
    if (counts->n_labels != head->n_labels || strcmp(counts->name, head->name) != 0) return false;
    for (size_t i = 0; i < head->n_labels; i++)
        if (strcmp(counts->labels[i], head->labels[i]) != 0) return false;
    return true;
}

static struct head_counts *new_head(const struct metrics_head *head)
{
    const size_t n = head->n_labels;
    struct head_counts *counts = calloc(1, sizeof *counts + n * sizeof *counts->predicted);
    if (!counts) return NULL;
    counts->name = strdup(head->name);
    counts->labels = calloc(n + 1, sizeof *counts->labels);
    counts->own = calloc(n + 1, sizeof *counts->own);
    bool is_whole = counts->name && counts->labels && counts->own;
    for (size_t i; is_whole && (i = counts->n_labels) < n; counts->n_labels++) {
        is_whole = (counts->labels[i] = strdup(head->labels[i]));
        counts->predicted[i] = &counts->own[i];
    }
    if (is_whole) return counts;
    free_head(counts);
    return NULL;
}

static int compare_labels(const void *a, const void *b)
{
    return strcmp(**(char **const *)a, **(char **const *)b);
}

/* Labels that the older head has, too, go on there: a series must not be written twice. */
static bool share_labels(struct head_counts *head, const struct head_counts *older)
{
    char ***sorted = malloc((older->n_labels + 1) * sizeof *sorted);
    if (!sorted) return false;
    for (size_t i = 0; i < older->n_labels; i++)
        sorted[i] = &older->labels[i];
    qsort(sorted, older->n_labels, sizeof *sorted, compare_labels);
    for (size_t i = 0; i < head->n_labels; i++) {
        char **const label = &head->labels[i], ***found;
        found = bsearch(&label, sorted, older->n_labels, sizeof *sorted, compare_labels);
        if (found) head->predicted[i] = older->predicted[*found - older->labels];
    }
    free(sorted);
    return true;
}

/* The lock is held. */
static struct head_counts *take_head(struct model_counts *model, const struct metrics_head *head)
{
    struct head_counts **at = &model->heads;
    while (*at && !has_labels(*at, head))
        at = &(*at)->next;
    if (*at) return *at;
    struct head_counts *counts = new_head(head);
    bool is_whole = counts;
    for (struct head_counts *older = model->heads; is_whole && older; older = older->next)
        if (strcmp(older->name, head->name) == 0) is_whole = share_labels(counts, older);
    if (is_whole) return *at = counts;
    if (counts) free_head(counts);
    return NULL;
}

static struct model_counts *new_model(const struct metrics *metrics, const char *name)
{
    struct model_counts *model = calloc(1, sizeof *model);
    if (!model) return NULL;
    const size_t bytes = metrics->n_slots * sizeof *model->slots;
    model->name = strdup(name);
    model->slots = aligned_alloc(CACHE_LINE, bytes);
    if (model->name && model->slots) {
        memset(model->slots, 0, bytes);
        return model;
    }
    free_model(model);
    return NULL;
}

/* The lock is held. */
static struct model_counts *take_model(struct metrics *metrics, const char *name)
{
    struct model_counts **at = &metrics->models;
    while (*at && strcmp((*at)->name, name) != 0)
        at = &(*at)->next;
    if (!*at) *at = new_model(metrics, name);
    return *at;
}

static void add_label(struct buf *out, const char *before, const char *name, const char *value);

/* The labels of embedd_model_info; malloc'ed. */
static char *describe(const struct metrics_model *model)
{
    struct arena arena;
    struct buf out;
    char *text = NULL;
    arena_init(&arena, 1 << 20);
    buf_init(&out, &arena);
    add_label(&out, "", "model", model->model);
    add_label(&out, ",", "version", model->version);
    buf_printf(&out, ",vocab_size=\"%" PRIu64 "\",dim=\"%" PRIu64 "\"", model->vocab_size,
               model->dim);
    add_label(&out, ",", "dtype", model->dtype);
    add_label(&out, ",", "tokenizer", model->tokenizer);
    if (!out.failed) text = strndup(out.data, out.bytes);
    arena_clear(&arena);
    return text;
}

/* The lock is held. */
static bool fill_served(struct metrics *metrics, const struct metrics_model *about,
                        struct metrics_served *served)
{
    struct model_counts *model = take_model(metrics, about->model);
    char *info = model ? describe(about) : NULL;
    if (!info) return false;
    free(model->info);
    model->info = info;
    served->slots = model->slots;
    for (size_t i = 0; i < about->n_heads; i++)
        if (!(served->heads[i] = take_head(model, &about->heads[i]))) return false;
    return true;
}

struct metrics_served *metrics_serve(struct metrics *metrics, const struct metrics_model *model)
{
    struct metrics_served *served = malloc(sizeof *served + model->n_heads * sizeof *served->heads);
    if (!served) return NULL;
    pthread_mutex_lock(&metrics->mutex);
    const bool done = fill_served(metrics, model, served);
    pthread_mutex_unlock(&metrics->mutex);
    if (done) return served;
    free(served);
    return NULL;
}

void metrics_unserve(struct metrics *metrics, const char *name)
{
    pthread_mutex_lock(&metrics->mutex);
    for (struct model_counts *model = metrics->models; model; model = model->next) {
        if (strcmp(model->name, name) != 0) continue;
        free(model->info);
        model->info = NULL;
    }
    pthread_mutex_unlock(&metrics->mutex);
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

void metrics_count_reload(struct metrics *metrics, bool is_done)
{
    atomic_store_explicit(&metrics->last_reload_done, is_done, memory_order_relaxed);
    if (is_done)
        atomic_store_explicit(&metrics->last_reload_unix_s, (uint64_t)time(NULL),
                              memory_order_relaxed);
    atomic_fetch_add_explicit(&metrics->reloads[is_done], 1, memory_order_relaxed);
}

/* ---- counting ---- */

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
    while (i < N_CODES - 1 && codes[i] != status)
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
    observe(&route->duration_ns, duration_bounds_ns, N_DURATIONS, sample->duration_ns);
    for (size_t i = 0; i < STAGE_COUNT; i++) {
        if (sample->stage_ns[i] > 0)
            observe(&slot->stage_ns[i], duration_bounds_ns, N_DURATIONS, sample->stage_ns[i]);
    }
    if (sample->inputs > 0) {
        observe(&slot->inputs, count_bounds, N_COUNTS, sample->inputs);
        observe(&slot->tokens, count_bounds, N_COUNTS, sample->tokens);
    }
    add(&slot->totals[TOTAL_TOKENS], sample->tokens);
    if (sample->empty_inputs) add(&slot->totals[TOTAL_EMPTY_INPUTS], sample->empty_inputs);
    if (sample->unknown_tokens) add(&slot->totals[TOTAL_UNKNOWN_TOKENS], sample->unknown_tokens);
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

/* ---- adding the slots up ---- */

static uint64_t total(const struct metrics *metrics, size_t offset)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < metrics->n_slots; i++) {
        const char *slot = (const char *)slot_at(metrics, i);
        sum += atomic_load_explicit((const _Atomic uint64_t *)(const void *)(slot + offset),
                                    memory_order_relaxed);
    }
    return sum;
}

/* ---- the text ---- */

struct writer {
    const struct metrics *metrics;
    struct buf *out;
    bool openmetrics;
};

/* A counter's family has no _total in OpenMetrics and has it in the older format. */
static void begin(const struct writer *w, const char *name, const char *type, const char *help)
{
    const char *suffix = strcmp(type, "counter") == 0 && !w->openmetrics ? "_total" : "";
    buf_printf(w->out, "# HELP %s%s %s\n# TYPE %s%s %s\n", name, suffix, help, name, suffix, type);
}

/* Label values: \, " and newline are escaped. */
static void add_label_value(struct buf *out, const char *value)
{
    for (; *value; value++) {
        if (*value == '\\' || *value == '"') buf_add_char(out, '\\');
        if (*value == '\n')
            buf_add_str(out, "\\n");
        else
            buf_add_char(out, *value);
    }
}

static void add_label(struct buf *out, const char *before, const char *label, const char *value)
{
    buf_add_str(out, before);
    buf_add_str(out, label);
    buf_add_str(out, "=\"");
    add_label_value(out, value);
    buf_add_char(out, '"');
}

static void write_simple(const struct writer *w, const char *name, const char *type,
                         const char *help, uint64_t value)
{
    begin(w, name, type, help);
    buf_add_str(w->out, name);
    if (strcmp(type, "counter") == 0) buf_add_str(w->out, "_total");
    buf_add_char(w->out, ' ');
    buf_add_u64(w->out, value);
    buf_add_char(w->out, '\n');
}

/* What the numbers of a histogram mean. */
struct scale {
    const char *const *labels;
    size_t n;
    bool is_ns; /* the sum is kept in ns and written in seconds */
};

static const struct scale of_durations = {duration_labels, N_DURATIONS, true};
static const struct scale of_counts = {count_labels, N_COUNTS, false};

static void add_sum(struct buf *out, uint64_t sum, bool is_ns)
{
    if (!is_ns)
        buf_add_u64(out, sum);
    else
        buf_printf(out, "%" PRIu64 ".%09" PRIu64, sum / 1000000000, sum % 1000000000);
}

/* name_bucket{label="value",le="..."} and so on; label NULL: none. Empty ones are left out where
   there is a label: most routes are never asked for. */
static void write_histogram(const struct writer *w, const char *name, const struct scale *scale,
                            size_t offset, const char *label, const char *value)
{
    uint64_t counts[N_BUCKETS], count = 0;
    for (size_t i = 0; i <= scale->n; i++) {
        counts[i] = total(w->metrics, offset + offsetof(struct histogram, buckets[i]));
        count += counts[i];
    }
    if (count == 0 && label) return;
    uint64_t sum = total(w->metrics, offset + offsetof(struct histogram, sum)), below = 0;
    for (size_t i = 0; i <= scale->n; i++) {
        below += counts[i];
        buf_add_str(w->out, name);
        buf_add_str(w->out, "_bucket");
        if (label) add_label(w->out, "{", label, value);
        add_label(w->out, label ? "," : "{", "le", i < scale->n ? scale->labels[i] : "+Inf");
        buf_add_str(w->out, "} ");
        buf_add_u64(w->out, below);
        buf_add_char(w->out, '\n');
    }
    for (int is_count = 0; is_count < 2; is_count++) {
        buf_add_str(w->out, name);
        buf_add_str(w->out, is_count ? "_count" : "_sum");
        if (label) {
            add_label(w->out, "{", label, value);
            buf_add_char(w->out, '}');
        }
        buf_add_char(w->out, ' ');
        if (is_count)
            buf_add_u64(w->out, count);
        else
            add_sum(w->out, sum, scale->is_ns);
        buf_add_char(w->out, '\n');
    }
}

static void write_requests(const struct writer *w)
{
    const struct metrics *metrics = w->metrics;
    begin(w, "embedd_requests", "counter", "Finished requests.");
    for (size_t route = 0; route < metrics->n_routes; route++) {
        for (size_t code = 0; code < N_CODES; code++) {
            uint64_t n =
                total(metrics, route_offset(route) + offsetof(struct route_counts, requests[code]));
            if (n == 0) continue;
            char text[16] = "other";
            if (codes[code]) snprintf(text, sizeof text, "%u", codes[code]);
            add_label(w->out, "embedd_requests_total{", "route", metrics->routes[route]);
            add_label(w->out, ",", "code", text);
            buf_printf(w->out, "} %" PRIu64 "\n", n);
        }
    }
    begin(w, "embedd_request_duration_seconds", "histogram",
          "From the first sight of a request to its completion.");
    for (size_t route = 0; route < metrics->n_routes; route++) {
        write_histogram(w, "embedd_request_duration_seconds", &of_durations,
                        route_offset(route) + offsetof(struct route_counts, duration_ns), "route",
                        metrics->routes[route]);
    }
}

static void write_work(const struct writer *w)
{
    begin(w, "embedd_stage_duration_seconds", "histogram", "Time of a request in each stage.");
    for (size_t i = 0; i < STAGE_COUNT; i++)
        write_histogram(w, "embedd_stage_duration_seconds", &of_durations, AT(stage_ns[i]), "stage",
                        metrics_stage_names[i]);
    begin(w, "embedd_request_inputs", "histogram", "Inputs of a request.");
    write_histogram(w, "embedd_request_inputs", &of_counts, AT(inputs), NULL, NULL);
    begin(w, "embedd_request_tokens", "histogram", "Tokens of a request, over all its inputs.");
    write_histogram(w, "embedd_request_tokens", &of_counts, AT(tokens), NULL, NULL);

    static const struct {
        const char *name, *help;
    } totals[TOTAL_COUNT] = {
        [TOTAL_TOKENS] = {"embedd_tokens", "Tokens of all requests."},
        [TOTAL_EMPTY_INPUTS] = {"embedd_empty_inputs", "Inputs without a token."},
        [TOTAL_UNKNOWN_TOKENS] = {"embedd_unknown_tokens", "Tokens outside the vocabulary."},
        [TOTAL_TRUNCATED_INPUTS] = {"embedd_truncated_inputs", "Inputs cut by max-input-tokens."},
        [TOTAL_IGNORED_FIELDS] = {"embedd_ignored_fields", "Keys of requests that no one reads."},
    };
    for (size_t i = 0; i < TOTAL_COUNT; i++)
        write_simple(w, totals[i].name, "counter", totals[i].help,
                     total(w->metrics, AT(totals[i])));

    begin(w, "embedd_rejected", "counter", "What was turned away, and why.");
    for (size_t i = REJECT_NONE + 1; i < REJECT_COUNT; i++) {
        add_label(w->out, "embedd_rejected_total{", "reason", reject_names[i]);
        buf_printf(w->out, "} %" PRIu64 "\n", total(w->metrics, AT(rejected[i])));
    }
}

/* Only labels that were predicted: a head may have more than a scrape should hold. */
static void write_predictions(const struct writer *w)
{
    begin(w, "embedd_predictions", "counter", "Labels that classifier heads predicted.");
    for (const struct model_counts *model = w->metrics->models; model; model = model->next)
        for (const struct head_counts *head = model->heads; head; head = head->next)
            for (size_t label = 0; label < head->n_labels; label++) {
                uint64_t n = atomic_load_explicit(&head->own[label], memory_order_relaxed);
                if (n == 0) continue;
                add_label(w->out, "embedd_predictions_total{", "model", model->name);
                add_label(w->out, ",", "head", head->name);
                add_label(w->out, ",", "label", head->labels[label]);
                buf_printf(w->out, "} %" PRIu64 "\n", n);
            }
}

static uint64_t model_total(const struct writer *w, const struct model_counts *model,
                            enum model_total total)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < w->metrics->n_slots; i++)
        sum += atomic_load_explicit(&model->slots[i].totals[total], memory_order_relaxed);
    return sum;
}

static void write_models(const struct writer *w)
{
    static const struct {
        const char *name, *help;
    } totals[MODEL_TOTALS] = {
        [MODEL_REQUESTS] = {"embedd_model_requests", "Requests that asked this model."},
        [MODEL_INPUTS] = {"embedd_model_inputs", "Inputs of these requests."},
        [MODEL_TOKENS] = {"embedd_model_tokens", "Tokens of these inputs."},
    };
    char name[64];
    for (size_t i = 0; i < MODEL_TOTALS; i++) {
        begin(w, totals[i].name, "counter", totals[i].help);
        snprintf(name, sizeof name, "%s_total{", totals[i].name);
        for (const struct model_counts *model = w->metrics->models; model; model = model->next) {
            add_label(w->out, name, "model", model->name);
            buf_printf(w->out, "} %" PRIu64 "\n", model_total(w, model, (enum model_total)i));
        }
    }
    static const char *const results[] = {"failed", "done"};
    begin(w, "embedd_model_reloads", "counter",
          "Times that options, models and so on were read anew.");
    for (size_t i = 0; i < 2; i++) {
        add_label(w->out, "embedd_model_reloads_total{", "result", results[i]);
        buf_printf(w->out, "} %" PRIu64 "\n",
                   atomic_load_explicit(&w->metrics->reloads[i], memory_order_relaxed));
    }
    write_simple(w, "embedd_config_last_reload_successful", "gauge",
                 "Whether the last reload, or the start, took all that it read.",
                 atomic_load_explicit(&w->metrics->last_reload_done, memory_order_relaxed));
    write_simple(w, "embedd_config_last_reload_success_timestamp_seconds", "gauge",
                 "When that was last so.",
                 atomic_load_explicit(&w->metrics->last_reload_unix_s, memory_order_relaxed));
    begin(w, "embedd_model_info", "gauge", "The models that are served.");
    for (const struct model_counts *model = w->metrics->models; model; model = model->next)
        if (model->info) buf_printf(w->out, "embedd_model_info{%s} 1\n", model->info);
}

static void write_gauges(const struct writer *w)
{
    static const struct {
        const char *name, *help;
    } gauges[GAUGE_COUNT] = {
        [GAUGE_IN_FLIGHT] = {"embedd_requests_in_flight", "Requests being answered."},
        [GAUGE_CONNECTIONS] = {"embedd_connections", "Open connections."},
        [GAUGE_OFFLOAD_QUEUE] = {"embedd_offload_queue",
                                 "Requests waiting for or on a worker thread."},
    };
    for (size_t i = 0; i < GAUGE_COUNT; i++) {
        /* Modulo 2^64 the slots' sum is right even where one of them is negative. */
        int64_t value = (int64_t)total(w->metrics, AT(gauges[i]));
        write_simple(w, gauges[i].name, "gauge", gauges[i].help, value > 0 ? (uint64_t)value : 0);
    }
    const struct arena_budget *budget = w->metrics->budget;
    if (budget) {
        write_simple(w, "embedd_request_memory_bytes", "gauge",
                     "Memory of all requests together: bodies, work, replies not yet read.",
                     atomic_load_explicit(&budget->used_bytes, memory_order_relaxed));
        write_simple(w, "embedd_request_memory_max_bytes", "gauge",
                     "Most of it, as max-memory says.", budget->max_bytes);
    }
}

static void write_tls(const struct writer *w)
{
    const struct metrics_tls *tls = w->metrics->tls;
    if (!tls) return;
    write_simple(w, "embedd_tls_handshakes", "counter", "Connections that TLS began with.",
                 atomic_load_explicit(&tls->handshakes, memory_order_relaxed));
    write_simple(w, "embedd_tls_handshake_failures", "counter",
                 "Those that did not get so far, once a byte had come.",
                 atomic_load_explicit(&tls->failures, memory_order_relaxed));
    int64_t expires = atomic_load_explicit(&tls->expires_unix_s, memory_order_relaxed);
    write_simple(w, "embedd_tls_certificate_expiry_timestamp_seconds", "gauge",
                 "When the certificate expires, in Unix time.",
                 expires > 0 ? (uint64_t)expires : 0);
}

/* ---- the process (prometheus.io: standard process metrics) ---- */

#define PROC_BYTES_MAX ((size_t)1 << 20)

/* Numbers of /proc/self/stat, counted as proc(5) does: 14 utime, 15 stime, 22 starttime, 23 vsize,
   24 rss. The name in field 2 may hold anything, so counting starts after its last bracket. */
enum { STAT_FIRST = 3, STAT_UTIME = 14, STAT_STIME, STAT_START = 22, STAT_VSIZE, STAT_RSS };

static bool read_process_stat(uint64_t fields[static STAT_RSS + 1])
{
    char *text = NULL;
    size_t bytes = 0;
    if (!file_read("/proc/self/stat", PROC_BYTES_MAX, &text, &bytes, NULL)) return false;
    char *at = strrchr(text, ')');
    int field = STAT_FIRST;
    if (at) at = strchr(at, ' ');
    for (; at && field <= STAT_RSS; field++, at = strchr(at + 1, ' '))
        fields[field] = strtoull(at + 1, NULL, 10);
    free(text);
    return field > STAT_RSS;
}

/* When the machine started, in seconds since 1970; 0: not known. */
static uint64_t read_boot_time(void)
{
    char *text = NULL;
    size_t bytes = 0;
    if (!file_read("/proc/stat", PROC_BYTES_MAX, &text, &bytes, NULL)) return 0;
    const char *line = strstr(text, "\nbtime ");
    uint64_t seconds = line ? strtoull(line + strlen("\nbtime "), NULL, 10) : 0;
    free(text);
    return seconds;
}

static uint64_t count_open_fds(void)
{
    DIR *folder = opendir("/proc/self/fd");
    if (!folder) return 0;
    uint64_t n = 0;
    for (const struct dirent *entry; (entry = readdir(folder));)
        n += entry->d_name[0] != '.';
    closedir(folder);
    return n - 1; /* without the folder itself */
}

static void write_limit(const struct writer *w, const char *name, const char *help, int resource)
{
    struct rlimit limit;
    if (getrlimit(resource, &limit) != 0) return;
    if (limit.rlim_cur != RLIM_INFINITY) {
        write_simple(w, name, "gauge", help, limit.rlim_cur);
        return;
    }
    begin(w, name, "gauge", help);
    buf_printf(w->out, "%s +Inf\n", name);
}

static void write_hundredths(const struct writer *w, const char *name, uint64_t value)
{
    buf_printf(w->out, "%s %" PRIu64 ".%02" PRIu64 "\n", name, value / 100, value % 100);
}

static void write_process(const struct writer *w)
{
    uint64_t fields[STAT_RSS + 1], ticks = (uint64_t)sysconf(_SC_CLK_TCK);
    if (!read_process_stat(fields)) return;
    begin(w, "process_cpu_seconds", "counter", "User and system time.");
    write_hundredths(w, "process_cpu_seconds_total",
                     (fields[STAT_UTIME] + fields[STAT_STIME]) * 100 / ticks);
    uint64_t boot = read_boot_time();
    if (boot > 0) {
        begin(w, "process_start_time_seconds", "gauge", "When the process started, Unix time.");
        write_hundredths(w, "process_start_time_seconds",
                         boot * 100 + fields[STAT_START] * 100 / ticks);
    }
    write_simple(w, "process_virtual_memory_bytes", "gauge", "Virtual memory.", fields[STAT_VSIZE]);
    write_limit(w, "process_virtual_memory_max_bytes", "Most virtual memory allowed.", RLIMIT_AS);
    write_simple(w, "process_resident_memory_bytes", "gauge",
                 "Resident memory, mapped pages of the model included.",
                 fields[STAT_RSS] * (uint64_t)sysconf(_SC_PAGESIZE));
    write_simple(w, "process_open_fds", "gauge", "Open file descriptors.", count_open_fds());
    write_limit(w, "process_max_fds", "Most open file descriptors allowed.", RLIMIT_NOFILE);
}

void metrics_write(const struct metrics *metrics, bool openmetrics, struct buf *out)
{
    struct writer w = {.metrics = metrics, .out = out, .openmetrics = openmetrics};
    write_requests(&w);
    write_work(&w);
    /* Info is replaced when a model is; it is short, and so is this. */
    pthread_mutex_lock((pthread_mutex_t *)(uintptr_t)&metrics->mutex);
    write_predictions(&w);
    write_gauges(&w);
    write_tls(&w);
    write_simple(&w, "embedd_log_lines_dropped", "counter",
                 "Log lines that standard error did not take.", log_dropped_count());
    write_models(&w);
    if (metrics->keys) key_counts_write(metrics->keys, openmetrics, out);
    pthread_mutex_unlock((pthread_mutex_t *)(uintptr_t)&metrics->mutex);
    const int64_t queued = (int64_t)total(metrics, AT(gauges[GAUGE_OFFLOAD_QUEUE]));
    if (metrics->te)
        te_metrics_write(metrics->te, openmetrics, queued > 0 ? (uint64_t)queued : 0, out);
    write_process(&w);
    if (openmetrics) buf_add_str(out, "# EOF\n");
}

const char *metrics_content_type(bool openmetrics)
{
    return openmetrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                       : "text/plain; version=0.0.4; charset=utf-8";
}
