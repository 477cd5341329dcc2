/* SPDX-License-Identifier: Apache-2.0 */
#include "handlers/te_metrics.h"

#include <assert.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CACHE_LINE 64
#define N_BOUNDS_MAX 35

/* Upper bounds of buckets: `first` and then each so many times the one before, as TEI makes them.
 */
struct scale {
    double first, factor;
    size_t n;
    bool is_ns; /* values are nanoseconds, and written as seconds */
};

static const struct scale durations = {1.5e-5, 1.5, 35, true};
static const struct scale lengths = {1, 2, 20, false};
static const struct scale sizes = {1, 2, 13, false};
static const struct scale token_counts = {1, 2, 21, false};

enum counter {
    COUNT_SINGLE,
    COUNT_BATCH,
    SUCCESS_SINGLE,
    SUCCESS_BATCH,
    EMBED_COUNT,
    EMBED_SUCCESS,
    PREDICT_COUNT,
    PREDICT_SUCCESS,
    FAILURE_VALIDATION,
    FAILURE_BATCH_SIZE,
    FAILURE_TOKENIZATION,
    FAILURE_OVERLOADED,
    FAILURE_MODEL_TYPE,
    FAILURE_INFERENCE,
    FAILURE_DROPPED,
    FAILURE_MISSING_VALUES,
    N_COUNTERS,
};

static const struct {
    const char *name, *labels;
} counters[N_COUNTERS] = {
    [COUNT_SINGLE] = {"te_request_count", "{method=\"single\"}"},
    [COUNT_BATCH] = {"te_request_count", "{method=\"batch\"}"},
    [SUCCESS_SINGLE] = {"te_request_success", "{method=\"single\"}"},
    [SUCCESS_BATCH] = {"te_request_success", "{method=\"batch\"}"},
    [EMBED_COUNT] = {"te_embed_count", ""},
    [EMBED_SUCCESS] = {"te_embed_success", ""},
    [PREDICT_COUNT] = {"te_predict_count", ""},
    [PREDICT_SUCCESS] = {"te_predict_success", ""},
    [FAILURE_VALIDATION] = {"te_request_failure", "{err=\"validation\"}"},
    [FAILURE_BATCH_SIZE] = {"te_request_failure", "{err=\"batch_size\"}"},
    [FAILURE_TOKENIZATION] = {"te_request_failure", "{err=\"tokenization\"}"},
    [FAILURE_OVERLOADED] = {"te_request_failure", "{err=\"overloaded\"}"},
    [FAILURE_MODEL_TYPE] = {"te_request_failure", "{err=\"model_type\"}"},
    [FAILURE_INFERENCE] = {"te_request_failure", "{err=\"inference\"}"},
    [FAILURE_DROPPED] = {"te_request_failure", "{err=\"dropped\"}"},
    [FAILURE_MISSING_VALUES] = {"te_request_failure", "{err=\"missing_values\"}"},
};

/* The four durations of a request, of an input that is embedded, and of one that is predicted. */
enum part { PART_ALL, PART_TOKENIZATION, PART_QUEUE, PART_INFERENCE, N_PARTS };
enum histogram_name {
    REQUEST_DURATION,
    EMBED_DURATION = REQUEST_DURATION + N_PARTS,
    PREDICT_DURATION = EMBED_DURATION + N_PARTS,
    INPUT_LENGTH = PREDICT_DURATION + N_PARTS,
    BATCH_SIZE,
    BATCH_TOKENS,
    N_HISTOGRAMS,
};

static const struct {
    const char *name;
    const struct scale *scale;
} histograms[N_HISTOGRAMS] = {
    [REQUEST_DURATION] = {"te_request_duration", &durations},
    [REQUEST_DURATION + PART_TOKENIZATION] = {"te_request_tokenization_duration", &durations},
    [REQUEST_DURATION + PART_QUEUE] = {"te_request_queue_duration", &durations},
    [REQUEST_DURATION + PART_INFERENCE] = {"te_request_inference_duration", &durations},
    [EMBED_DURATION] = {"te_embed_duration", &durations},
    [EMBED_DURATION + PART_TOKENIZATION] = {"te_embed_tokenization_duration", &durations},
    [EMBED_DURATION + PART_QUEUE] = {"te_embed_queue_duration", &durations},
    [EMBED_DURATION + PART_INFERENCE] = {"te_embed_inference_duration", &durations},
    [PREDICT_DURATION] = {"te_predict_duration", &durations},
    [PREDICT_DURATION + PART_TOKENIZATION] = {"te_predict_tokenization_duration", &durations},
    [PREDICT_DURATION + PART_QUEUE] = {"te_predict_queue_duration", &durations},
    [PREDICT_DURATION + PART_INFERENCE] = {"te_predict_inference_duration", &durations},
    [INPUT_LENGTH] = {"te_request_input_length", &lengths},
    [BATCH_SIZE] = {"te_batch_next_size", &sizes},
    [BATCH_TOKENS] = {"te_batch_next_tokens", &token_counts},
};

struct histogram {
    _Atomic uint64_t buckets[N_BOUNDS_MAX + 1]; /* not cumulated */
    _Atomic uint64_t sum;
};

struct slot {
    _Alignas(CACHE_LINE) _Atomic uint64_t counters[N_COUNTERS];
    struct histogram histograms[N_HISTOGRAMS];
};

struct te_metrics {
    size_t n_slots;
    struct slot *slots;
};

struct te_metrics *te_metrics_new(size_t threads)
{
    struct te_metrics *te = malloc(sizeof *te);
    if (!te) return NULL;
    *te = (struct te_metrics){threads, aligned_alloc(CACHE_LINE, threads * sizeof *te->slots)};
    if (te->slots) {
        memset(te->slots, 0, threads * sizeof *te->slots);
        return te;
    }
    free(te);
    return NULL;
}

void te_metrics_free(struct te_metrics *te)
{
    if (!te) return;
    free(te->slots);
    free(te);
}

/* -- counting -- */

static void add(_Atomic uint64_t *counter, uint64_t value)
{
    const uint64_t now = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, now + value, memory_order_relaxed);
}

/* A value that n have. */
static void observe(struct slot *slot, unsigned which, uint64_t value, uint64_t n)
{
    const struct scale *scale = histograms[which].scale;
    struct histogram *histogram = &slot->histograms[which];
    const double shown = scale->is_ns ? (double)value / 1e9 : (double)value;
    double bound = scale->first;
    size_t i = 0;
    for (; i < scale->n && shown > bound; i++)
        bound *= scale->factor;
    add(&histogram->buckets[i], n);
    add(&histogram->sum, value * n);
}

static enum counter failure_of(const struct metrics_sample *sample)
{
    switch (sample->reject) {
    case REJECT_TOO_MANY_INPUTS:
        return FAILURE_BATCH_SIZE;
    case REJECT_TOO_MANY_TOKENS:
        return FAILURE_TOKENIZATION;
    case REJECT_OVERLOAD:
    case REJECT_RATE_LIMIT:
    case REJECT_DRAINING:
        return FAILURE_OVERLOADED;
    case REJECT_NOT_FOUND:
        return FAILURE_MODEL_TYPE;
    case REJECT_NONE:
    case REJECT_MODEL_UNREADABLE:
        return FAILURE_INFERENCE;
    case REJECT_TIMEOUT:
    case REJECT_DEADLINE:
    case REJECT_CONNECTIONS:
    case REJECT_PROXY_HEADER:
        return FAILURE_DROPPED;
    case REJECT_BAD_JSON:
    case REJECT_BAD_VALUE:
    case REJECT_BODY_TOO_LARGE:
    case REJECT_MEMORY:
    case REJECT_REPLY_TOO_LARGE:
    case REJECT_MEDIA_TYPE:
    case REJECT_METHOD:
    case REJECT_MALFORMED:
    case REJECT_AUTH:
    case REJECT_SCOPE:
    case REJECT_UNKNOWN_TOKEN:
    case REJECT_COUNT:
        break;
    }
    return FAILURE_VALIDATION;
}

static void observe_parts(struct slot *slot, unsigned first, const struct metrics_sample *sample,
                          uint64_t n)
{
    const uint64_t *ns = sample->stage_ns, each = n > 0 ? n : 1;
    const uint64_t parts[N_PARTS] = {
        [PART_ALL] = sample->duration_ns,
        [PART_TOKENIZATION] = ns[STAGE_TOKENIZE],
        [PART_QUEUE] = ns[STAGE_QUEUE],
        [PART_INFERENCE] = ns[STAGE_LOOKUP] + ns[STAGE_HEAD],
    };
    for (unsigned i = 0; i < N_PARTS; i++)
        observe(slot, first + i, parts[i] / each, n);
}

static void add_success(struct slot *slot, const struct metrics_sample *sample)
{
    const bool is_embed = sample->te.work == TE_EMBED;
    add(&slot->counters[sample->te.is_batch ? SUCCESS_BATCH : SUCCESS_SINGLE], 1);
    add(&slot->counters[is_embed ? EMBED_SUCCESS : PREDICT_SUCCESS], sample->inputs);
    observe_parts(slot, REQUEST_DURATION, sample, 1);
    observe_parts(slot, is_embed ? EMBED_DURATION : PREDICT_DURATION, sample, sample->inputs);
    observe(slot, BATCH_SIZE, sample->inputs, 1);
    observe(slot, BATCH_TOKENS, sample->tokens, 1);
}

void te_metrics_add(struct te_metrics *te, size_t thread, const struct metrics_sample *sample)
{
    struct slot *slot = &te->slots[thread];
    assert(thread < te->n_slots && sample->te.work != TE_NONE);
    add(&slot->counters[sample->te.is_batch ? COUNT_BATCH : COUNT_SINGLE], 1);
    add(&slot->counters[sample->te.work == TE_EMBED ? EMBED_COUNT : PREDICT_COUNT], sample->inputs);
    for (uint64_t i = 0; sample->te.lengths && i < sample->inputs; i++)
        observe(slot, INPUT_LENGTH, sample->te.lengths[i], 1);
    if (sample->status == 200)
        add_success(slot, sample);
    else
        add(&slot->counters[failure_of(sample)], 1);
}

/* -- the text -- */

static uint64_t total(const struct te_metrics *te, size_t offset)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < te->n_slots; i++) {
        const char *at = (const char *)&te->slots[i] + offset;
        sum +=
            atomic_load_explicit((const _Atomic uint64_t *)(const void *)at, memory_order_relaxed);
    }
    return sum;
}

static void begin(struct buf *out, const char *name, const char *type)
{
    buf_printf(out, "# HELP %s As text-embeddings-inference counts it.\n# TYPE %s %s\n", name, name,
               type);
}

/* The fewest digits that read back, and no exponent: as TEI writes bounds, so that series of both
   add up. */
static void add_bound(struct buf *out, double bound)
{
    char text[64];
    for (int digits = 0; digits < 40; digits++) {
        snprintf(text, sizeof text, "%.*f", digits, bound);
        if (strtod(text, NULL) == bound) break;
    }
    buf_add_str(out, text);
}

static void write_histogram(const struct te_metrics *te, unsigned which, struct buf *out)
{
    const char *name = histograms[which].name;
    const struct scale *scale = histograms[which].scale;
    const size_t at = offsetof(struct slot, histograms) + which * sizeof(struct histogram);
    const uint64_t sum = total(te, at + offsetof(struct histogram, sum));
    uint64_t below = 0;
    double bound = scale->first;
    begin(out, name, "histogram");
    for (size_t i = 0; i <= scale->n; i++, bound *= scale->factor) {
        below += total(te, at + offsetof(struct histogram, buckets[i]));
        buf_printf(out, "%s_bucket{le=\"", name);
        if (i < scale->n)
            add_bound(out, bound);
        else
            buf_add_str(out, "+Inf");
        buf_printf(out, "\"} %" PRIu64 "\n", below);
    }
    if (scale->is_ns)
        buf_printf(out, "%s_sum %" PRIu64 ".%09" PRIu64 "\n", name, sum / 1000000000,
                   sum % 1000000000);
    else
        buf_printf(out, "%s_sum %" PRIu64 "\n", name, sum);
    buf_printf(out, "%s_count %" PRIu64 "\n", name, below);
}

void te_metrics_write(const struct te_metrics *te, bool openmetrics, uint64_t queued,
                      struct buf *out)
{
    for (size_t i = 0; i < N_COUNTERS; i++) {
        if (i == 0 || strcmp(counters[i].name, counters[i - 1].name) != 0)
            begin(out, counters[i].name, openmetrics ? "unknown" : "counter");
        buf_printf(out, "%s%s %" PRIu64 "\n", counters[i].name, counters[i].labels,
                   total(te, offsetof(struct slot, counters[i])));
    }
    for (unsigned i = 0; i < N_HISTOGRAMS; i++)
        write_histogram(te, i, out);
    begin(out, "te_queue_size", "gauge");
    buf_printf(out, "te_queue_size %" PRIu64 "\n", queued);
}
