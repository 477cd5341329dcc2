/* SPDX-License-Identifier: Apache-2.0 */
/* The text of /metrics. */
#include "base/log.h"
#include "handlers/key_counts.h"
#include "handlers/metrics.h"
#include "handlers/metrics_data.h"
#include "handlers/metrics_process.h"
#include "handlers/metrics_text.h"
#include "handlers/te_metrics.h"
#include "model/registry.h"

#include <inttypes.h>
#include <stdio.h>

static const char *const duration_labels[] = {
    "1e-05", "2e-05", "5e-05", "0.0001", "0.0002", "0.0005", "0.001", "0.002", "0.005", "0.01",
    "0.02",  "0.05",  "0.1",   "0.2",    "0.5",    "1.0",    "2.0",   "5.0",   "10.0",
};
static const char *const count_labels[] = {
    "1.0",   "2.0",    "5.0",    "10.0",   "20.0",    "50.0",    "100.0",   "200.0",
    "500.0", "1000.0", "2000.0", "5000.0", "10000.0", "20000.0", "50000.0", "100000.0"};

static_assert(sizeof duration_labels / sizeof *duration_labels == N_DURATIONS, "a label a bound");
static_assert(sizeof count_labels / sizeof *count_labels == N_COUNTS, "a label a bound");

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

/* ---- histograms ---- */

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
static void write_histogram(const struct metrics_writer *w, const char *name,
                            const struct scale *scale, size_t offset, const char *label,
                            const char *value)
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
        if (label) metrics_add_label(w->out, "{", label, value);
        metrics_add_label(w->out, label ? "," : "{", "le",
                          i < scale->n ? scale->labels[i] : "+Inf");
        buf_add_str(w->out, "} ");
        buf_add_u64(w->out, below);
        buf_add_char(w->out, '\n');
    }
    for (int is_count = 0; is_count < 2; is_count++) {
        buf_add_str(w->out, name);
        buf_add_str(w->out, is_count ? "_count" : "_sum");
        if (label) {
            metrics_add_label(w->out, "{", label, value);
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

/* ---- families ---- */

static void write_requests(const struct metrics_writer *w)
{
    const struct metrics *metrics = w->metrics;
    metrics_begin_family(w, "embedd_requests", "counter", "Finished requests.");
    for (size_t route = 0; route < metrics->n_routes; route++) {
        for (size_t code = 0; code < N_CODES; code++) {
            uint64_t n =
                total(metrics, route_offset(route) + offsetof(struct route_counts, requests[code]));
            if (n == 0) continue;
            char text[16] = "other";
            if (metrics_codes[code]) snprintf(text, sizeof text, "%u", metrics_codes[code]);
            metrics_add_label(w->out, "embedd_requests_total{", "route", metrics->routes[route]);
            metrics_add_label(w->out, ",", "code", text);
            buf_printf(w->out, "} %" PRIu64 "\n", n);
        }
    }
    metrics_begin_family(w, "embedd_request_duration_seconds", "histogram",
                         "Time from the first line of a request to its completion.");
    for (size_t route = 0; route < metrics->n_routes; route++) {
        write_histogram(w, "embedd_request_duration_seconds", &of_durations,
                        route_offset(route) + offsetof(struct route_counts, duration_ns), "route",
                        metrics->routes[route]);
    }
}

static void write_work(const struct metrics_writer *w)
{
    metrics_begin_family(w, "embedd_stage_duration_seconds", "histogram",
                         "Time that requests spend in each stage.");
    for (size_t i = 0; i < STAGE_COUNT; i++)
        write_histogram(w, "embedd_stage_duration_seconds", &of_durations, AT(stage_ns[i]), "stage",
                        metrics_stage_names[i]);
    metrics_begin_family(w, "embedd_request_inputs", "histogram", "Inputs per request.");
    write_histogram(w, "embedd_request_inputs", &of_counts, AT(inputs), NULL, NULL);
    metrics_begin_family(w, "embedd_request_tokens", "histogram",
                         "Tokens per request, over all its inputs.");
    write_histogram(w, "embedd_request_tokens", &of_counts, AT(tokens), NULL, NULL);

    static const struct {
        const char *name, *help;
    } totals[TOTAL_COUNT] = {
        [TOTAL_TOKENS] = {"embedd_tokens", "Tokens of all requests."},
        [TOTAL_EMPTY_INPUTS] = {"embedd_empty_inputs", "Inputs without a token."},
        [TOTAL_UNKNOWN_TOKENS] = {"embedd_unknown_tokens", "Tokens outside the vocabulary."},
        [TOTAL_FOREIGN_TEXTS] = {"embedd_foreign_texts",
                                 "Texts mostly in scripts that the model does not know."},
        [TOTAL_REJECTED_ANSWERS] = {"embedd_unsure_answers",
                                    "Answers without a label: the head was too unsure (reject)."},
        [TOTAL_TRUNCATED_INPUTS] = {"embedd_truncated_inputs",
                                    "Inputs cut to max-input-tokens or the model's own limit."},
        [TOTAL_IGNORED_FIELDS] = {"embedd_ignored_fields",
                                  "JSON keys in requests that the route does not know."},
    };
    for (size_t i = 0; i < TOTAL_COUNT; i++)
        metrics_write_simple(w, totals[i].name, "counter", totals[i].help,
                             total(w->metrics, AT(totals[i])));

    metrics_begin_family(w, "embedd_rejected", "counter",
                         "Requests and connections that were refused, by reason.");
    for (size_t i = REJECT_NONE + 1; i < REJECT_COUNT; i++) {
        metrics_add_label(w->out, "embedd_rejected_total{", "reason",
                          metrics_reject_name((enum metrics_reject)i));
        buf_printf(w->out, "} %" PRIu64 "\n", total(w->metrics, AT(rejected[i])));
    }
}

/* Only labels that were predicted: a head may have more than a scrape should hold. */
static void write_predictions(const struct metrics_writer *w)
{
    metrics_begin_family(w, "embedd_predictions", "counter",
                         "Labels that classifier heads predicted.");
    for (const struct model_counts *model = w->metrics->models; model; model = model->next)
        for (const struct head_counts *head = model->heads; head; head = head->next)
            for (size_t label = 0; label < head->n_labels; label++) {
                uint64_t n = atomic_load_explicit(&head->own[label], memory_order_relaxed);
                if (n == 0) continue;
                metrics_add_label(w->out, "embedd_predictions_total{", "model", model->name);
                metrics_add_label(w->out, ",", "head", head->name);
                metrics_add_label(w->out, ",", "label", head->labels[label]);
                buf_printf(w->out, "} %" PRIu64 "\n", n);
            }
}

static uint64_t model_total(const struct metrics_writer *w, const struct model_counts *model,
                            enum model_total total)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < w->metrics->n_slots; i++)
        sum += atomic_load_explicit(&model->slots[i].totals[total], memory_order_relaxed);
    return sum;
}

static void write_models(const struct metrics_writer *w)
{
    static const struct {
        const char *name, *help;
    } totals[MODEL_TOTALS] = {
        [MODEL_REQUESTS] = {"embedd_model_requests", "Requests to a model."},
        [MODEL_INPUTS] = {"embedd_model_inputs", "Inputs of the requests to a model."},
        [MODEL_TOKENS] = {"embedd_model_tokens", "Tokens of the inputs to a model."},
    };
    char name[64];
    for (size_t i = 0; i < MODEL_TOTALS; i++) {
        metrics_begin_family(w, totals[i].name, "counter", totals[i].help);
        snprintf(name, sizeof name, "%s_total{", totals[i].name);
        for (const struct model_counts *model = w->metrics->models; model; model = model->next) {
            metrics_add_label(w->out, name, "model", model->name);
            buf_printf(w->out, "} %" PRIu64 "\n", model_total(w, model, (enum model_total)i));
        }
    }
    static const char *const results[] = {"failed", "done"};
    metrics_begin_family(w, "embedd_model_reloads", "counter",
                         "Reloads of options, models, certificates and keys, by result.");
    for (size_t i = 0; i < 2; i++) {
        metrics_add_label(w->out, "embedd_model_reloads_total{", "result", results[i]);
        buf_printf(w->out, "} %" PRIu64 "\n",
                   atomic_load_explicit(&w->metrics->reloads[i], memory_order_relaxed));
    }
    metrics_write_simple(w, "embedd_config_last_reload_successful", "gauge",
                         "1 if the last reload, or the start, succeeded in full, otherwise 0.",
                         atomic_load_explicit(&w->metrics->last_reload_done, memory_order_relaxed));
    metrics_write_simple(
        w, "embedd_config_last_reload_success_timestamp_seconds", "gauge",
        "Unix time of the last reload, or the start, that succeeded in full.",
        atomic_load_explicit(&w->metrics->last_reload_unix_s, memory_order_relaxed));
    metrics_begin_family(w, "embedd_model_info", "gauge",
                         "One line for each model that is served.");
    for (const struct model_counts *model = w->metrics->models; model; model = model->next)
        if (model->info) buf_printf(w->out, "embedd_model_info{%s} 1\n", model->info);
}

static void write_readable(const struct metrics_writer *w)
{
    struct registry *registry = w->metrics->registry;
    const struct snapshot *snapshot;
    if (!registry) return;
    metrics_begin_family(w, "embedd_model_readable", "gauge",
                         "Whether what is mapped of a model can be read; 0: it answers 503.");
    for (size_t i = 0; (snapshot = registry_borrow_nth(registry, i)); i++) {
        metrics_add_label(w->out, "embedd_model_readable{", "model", snapshot->name);
        buf_printf(w->out, "} %d\n", !snapshot_is_broken(snapshot));
        registry_give_back(registry, snapshot);
    }
}

static void write_gauges(const struct metrics_writer *w)
{
    static const struct {
        const char *name, *help;
    } gauges[GAUGE_COUNT] = {
        [GAUGE_IN_FLIGHT] = {"embedd_requests_in_flight", "Requests being answered."},
        [GAUGE_CONNECTIONS] = {"embedd_connections", "Open connections."},
        [GAUGE_OFFLOAD_QUEUE] = {"embedd_offload_queue",
                                 "Requests that wait for a worker thread or run on one."},
    };
    for (size_t i = 0; i < GAUGE_COUNT; i++) {
        /* Modulo 2^64 the slots' sum is right even where one of them is negative. */
        int64_t value = (int64_t)total(w->metrics, AT(gauges[i]));
        metrics_write_simple(w, gauges[i].name, "gauge", gauges[i].help,
                             value > 0 ? (uint64_t)value : 0);
    }
    const struct arena_budget *budget = w->metrics->budget;
    if (budget) {
        metrics_write_simple(
            w, "embedd_request_memory_bytes", "gauge",
            "Memory in use for all requests together: bodies, work, unread replies.",
            atomic_load_explicit(&budget->used_bytes, memory_order_relaxed));
        metrics_write_simple(w, "embedd_request_memory_max_bytes", "gauge",
                             "Most memory for all requests together, as max-memory sets it.",
                             budget->max_bytes);
    }
}

static void write_tls(const struct metrics_writer *w)
{
    const struct metrics_tls *tls = w->metrics->tls;
    if (!tls) return;
    metrics_write_simple(w, "embedd_tls_handshakes", "counter", "TLS handshakes that succeeded.",
                         atomic_load_explicit(&tls->handshakes, memory_order_relaxed));
    metrics_write_simple(w, "embedd_tls_handshake_failures", "counter",
                         "TLS handshakes that failed after the client had sent a byte.",
                         atomic_load_explicit(&tls->failures, memory_order_relaxed));
    int64_t expires = atomic_load_explicit(&tls->expires_unix_s, memory_order_relaxed);
    metrics_write_simple(w, "embedd_tls_certificate_expiry_timestamp_seconds", "gauge",
                         "Unix time at which the certificate expires.",
                         expires > 0 ? (uint64_t)expires : 0);
}

void metrics_write(const struct metrics *metrics, bool openmetrics, struct buf *out)
{
    struct metrics_writer w = {.metrics = metrics, .out = out, .openmetrics = openmetrics};
    write_requests(&w);
    write_work(&w);
    /* Info is replaced when a model is; it is short, and so is this. */
    pthread_mutex_lock((pthread_mutex_t *)(uintptr_t)&metrics->mutex);
    write_predictions(&w);
    write_gauges(&w);
    write_tls(&w);
    metrics_write_simple(&w, "embedd_log_lines_dropped", "counter",
                         "Log lines that could not be written to standard error.",
                         log_dropped_count());
    write_models(&w);
    if (metrics->keys) key_counts_write(metrics->keys, openmetrics, out);
    pthread_mutex_unlock((pthread_mutex_t *)(uintptr_t)&metrics->mutex);
    write_readable(&w);
    const int64_t queued = (int64_t)total(metrics, AT(gauges[GAUGE_OFFLOAD_QUEUE]));
    if (metrics->te)
        te_metrics_write(metrics->te, openmetrics, queued > 0 ? (uint64_t)queued : 0, out);
    metrics_write_process(&w);
    if (openmetrics) buf_add_str(out, "# EOF\n");
}

const char *metrics_content_type(bool openmetrics)
{
    return openmetrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                       : "text/plain; version=0.0.4; charset=utf-8";
}
