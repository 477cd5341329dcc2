/* SPDX-License-Identifier: Apache-2.0 */
#include "handlers/metrics.h"
#include "tests/test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const routes[] = {"other", "/v1/embeddings", "/embed"};
#define N_ROUTES (sizeof routes / sizeof *routes)
static const char *const mood[] = {"bad", "good"};
static const char *const topics[] = {"a\"b\\c\nd", "good", "x"};
static const struct metrics_head heads[] = {{"mood", mood, 2}, {"topics \"1\"", topics, 3}};
static const struct metrics_model model = {.model = "a\"b\\c\nd",
                                           .version = "1",
                                           .dtype = "f16",
                                           .tokenizer = "wordpiece",
                                           .vocab_size = 30522,
                                           .dim = 256,
                                           .heads = heads,
                                           .n_heads = 2};

/* ---- a reader of the exposition format, as strict as its definition ---- */

struct sample {
    char name[64];
    char labels[200]; /* as written, between the brackets */
    double value;
};

struct exposition {
    struct sample samples[2000];
    size_t n;
    char types[60][80]; /* "name type" */
    size_t n_types;
};

static const char *read_name(const char *at, char *out, size_t cap)
{
    size_t n = strspn(at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_:0123456789");
    assert_in_range(n, 1, cap - 1);
    assert_false(*at >= '0' && *at <= '9');
    memcpy(out, at, n);
    out[n] = '\0';
    return at + n;
}

/* name="value",... with \\, \" and \n as the only escapes; returns what follows the bracket. */
static const char *read_labels(const char *at, char *out, size_t cap)
{
    const char *start = at;
    char name[64];
    for (;;) {
        at = read_name(at, name, sizeof name);
        assert_int_equal(*at++, '=');
        assert_int_equal(*at++, '"');
        for (; *at != '"'; at++) {
            assert_true(*at != '\0' && *at != '\n');
            if (*at != '\\') continue;
            at++;
            assert_true(*at == '\\' || *at == '"' || *at == 'n');
        }
        if (*++at != ',') break;
        at++;
    }
    assert_int_equal(*at, '}');
    assert_true((size_t)(at - start) < cap);
    memcpy(out, start, (size_t)(at - start));
    out[at - start] = '\0';
    return at + 1;
}

static const char *type_of(const struct exposition *e, const char *family)
{
    size_t bytes = strlen(family);
    for (size_t i = 0; i < e->n_types; i++) {
        if (strncmp(e->types[i], family, bytes) == 0 && e->types[i][bytes] == ' ')
            return e->types[i] + bytes + 1;
    }
    return NULL;
}

/* The family of a sample has been declared, with a type that allows its name. */
static void check_family(const struct exposition *e, const char *name, bool openmetrics)
{
    static const char *const suffixes[] = {"_bucket", "_sum", "_count"};
    char family[64];
    const char *type = type_of(e, name);
    if (type && strcmp(type, "gauge") == 0) return;
    if (type && strcmp(type, "counter") == 0 && !openmetrics) {
        const char *end = name + strlen(name) - 6;
        assert_string_equal(end, "_total");
        return;
    }
    snprintf(family, sizeof family, "%s", name);
    char *end = strrchr(family, '_');
    assert_non_null(end);
    if (openmetrics && strcmp(end, "_total") == 0) {
        *end = '\0';
        type = type_of(e, family);
        assert_true(type && strcmp(type, "counter") == 0);
        return;
    }
    bool is_suffix = false;
    for (size_t i = 0; i < 3; i++)
        is_suffix = is_suffix || strcmp(end, suffixes[i]) == 0;
    if (!is_suffix) fail_msg("%s belongs to no family", name);
    *end = '\0';
    type = type_of(e, family);
    if (!type || strcmp(type, "histogram") != 0) fail_msg("%s is of no histogram", name);
}

static void read_line(struct exposition *e, const char *at, bool openmetrics)
{
    char name[64];
    if (strncmp(at, "# TYPE ", 7) == 0) {
        const char *type = read_name(at + 7, name, sizeof name);
        assert_null(type_of(e, name));
        assert_true(strcmp(type, " counter") == 0 || strcmp(type, " gauge") == 0 ||
                    strcmp(type, " histogram") == 0);
        assert_true(e->n_types < 60);
        snprintf(e->types[e->n_types++], 80, "%s%s", name, type);
        return;
    }
    if (strncmp(at, "# HELP ", 7) == 0) {
        at = read_name(at + 7, name, sizeof name);
        assert_int_equal(*at, ' ');
        return;
    }
    assert_int_not_equal(*at, '#');
    assert_true(e->n < sizeof e->samples / sizeof *e->samples);
    struct sample *sample = &e->samples[e->n++];
    sample->labels[0] = '\0';
    at = read_name(at, sample->name, sizeof sample->name);
    if (*at == '{') at = read_labels(at + 1, sample->labels, sizeof sample->labels);
    assert_int_equal(*at, ' ');
    char *end;
    sample->value = strtod(at + 1, &end);
    assert_true(end > at + 1 && *end == '\0');
    for (size_t i = 0; i + 1 < e->n; i++) {
        if (strcmp(e->samples[i].name, sample->name) == 0 &&
            strcmp(e->samples[i].labels, sample->labels) == 0)
            fail_msg("twice: %s{%s}", sample->name, sample->labels);
    }
    check_family(e, sample->name, openmetrics);
}

/* Scrapes and parses; the result is to be freed. */
static struct exposition *scrape(const struct metrics *metrics, bool openmetrics)
{
    struct arena arena;
    struct buf buf;
    arena_init(&arena, 1 << 20);
    buf_init(&buf, &arena);
    metrics_write(metrics, openmetrics, &buf);
    assert_false(buf.failed);
    assert_int_equal(buf.data[buf.bytes - 1], '\n');
    buf_add_char(&buf, '\0');
    struct exposition *e = calloc(1, sizeof *e);
    char *line = buf.data;
    for (char *end; (end = strchr(line, '\n')); line = end + 1) {
        *end = '\0';
        if (openmetrics && end[1] == '\0') {
            assert_string_equal(line, "# EOF");
            break;
        }
        read_line(e, line, openmetrics);
    }
    arena_clear(&arena);
    return e;
}

static double value_of(const struct exposition *e, const char *name, const char *labels)
{
    for (size_t i = 0; i < e->n; i++) {
        if (strcmp(e->samples[i].name, name) == 0 && strcmp(e->samples[i].labels, labels) == 0)
            return e->samples[i].value;
    }
    fail_msg("%s{%s} is missing", name, labels);
    return 0;
}

static size_t count_of(const struct exposition *e, const char *name)
{
    size_t n = 0;
    for (size_t i = 0; i < e->n; i++)
        n += strcmp(e->samples[i].name, name) == 0;
    return n;
}

/* ---- the tests ---- */

/* The model, as the samples have it; of the last metrics. */
static struct metrics_served *served;

static struct metrics *new_metrics(size_t threads)
{
    struct metrics *metrics = metrics_new(threads, routes, N_ROUTES);
    assert_non_null(metrics);
    free(served);
    served = metrics_serve(metrics, &model);
    assert_non_null(served);
    return metrics;
}

#define DURATION "embedd_request_duration_seconds"
#define PREDICTIONS "embedd_predictions_total"
#define MODEL_LABEL "model=\"a\\\"b\\\\c\\nd\""

static void slots_are_added_up(void **state)
{
    (void)state;
    struct metrics *metrics = new_metrics(3);
    struct metrics_sample sample = {.route = 1,
                                    .status = 200,
                                    .duration_ns = 15000,
                                    .inputs = 2,
                                    .tokens = 30,
                                    .empty_inputs = 2,
                                    .unknown_tokens = 3,
                                    .foreign_texts = 2,
                                    .truncated_inputs = 1,
                                    .ignored_fields = 4};
    sample.stage_ns[STAGE_PARSE] = 10000;
    sample.stage_ns[STAGE_WRITE] = 10001;
    for (size_t i = 0; i < 3; i++)
        metrics_add(metrics_slot(metrics, i), &sample);
    sample = (struct metrics_sample){
        .route = 1, .status = 400, .duration_ns = UINT64_C(20000000000), .reject = REJECT_BAD_JSON};
    metrics_add(metrics_slot(metrics, 1), &sample);
    for (int openmetrics = 0; openmetrics < 2; openmetrics++) {
        struct exposition *e = scrape(metrics, openmetrics);
        const char *requests = "embedd_requests_total";
        assert_true(value_of(e, requests, "route=\"/v1/embeddings\",code=\"200\"") == 3);
        assert_true(value_of(e, requests, "route=\"/v1/embeddings\",code=\"400\"") == 1);
        assert_true(value_of(e, "embedd_tokens_total", "") == 90);
        assert_true(value_of(e, "embedd_empty_inputs_total", "") == 6);
        assert_true(value_of(e, "embedd_unknown_tokens_total", "") == 9);
        assert_true(value_of(e, "embedd_foreign_texts_total", "") == 6);
        assert_true(value_of(e, "embedd_truncated_inputs_total", "") == 3);
        assert_true(value_of(e, "embedd_ignored_fields_total", "") == 12);
        assert_true(value_of(e, "embedd_rejected_total", "reason=\"bad_json\"") == 1);
        assert_true(value_of(e, "embedd_rejected_total", "reason=\"timeout\"") == 0);
        assert_true(value_of(e, DURATION "_count", "route=\"/v1/embeddings\"") == 4);
        assert_true(value_of(e, DURATION "_sum", "route=\"/v1/embeddings\"") == 20.000045);
        assert_true(value_of(e, "embedd_request_inputs_sum", "") == 6);
        assert_true(value_of(e, "embedd_request_tokens_count", "") == 3);
        free(e);
    }
    metrics_free(metrics);
}

static void buckets_go_1_2_5_from_10_us_to_10_s_and_their_bounds_are_included(void **state)
{
    (void)state;
    static const char *const bounds[] = {
        "1e-05", "2e-05", "5e-05", "0.0001", "0.0002", "0.0005", "0.001", "0.002", "0.005", "0.01",
        "0.02",  "0.05",  "0.1",   "0.2",    "0.5",    "1.0",    "2.0",   "5.0",   "10.0",  "+Inf"};
    struct metrics *metrics = new_metrics(1);
    uint64_t ns = 10000;
    for (size_t i = 0; i < 19; i++) { /* one on each bound, one above it */
        struct metrics_sample sample = {.route = 2, .status = 200, .duration_ns = ns};
        metrics_add(metrics_slot(metrics, 0), &sample);
        sample.duration_ns++;
        metrics_add(metrics_slot(metrics, 0), &sample);
        ns = i % 3 == 1 ? ns * 5 / 2 : ns * 2;
    }
    struct exposition *e = scrape(metrics, false);
    for (size_t i = 0; i < 20; i++) {
        char labels[64];
        snprintf(labels, sizeof labels, "route=\"/embed\",le=\"%s\"", bounds[i]);
        assert_true(value_of(e, DURATION "_bucket", labels) == (i < 19 ? 2.0 * (double)i + 1 : 38));
    }
    free(e);
    metrics_free(metrics);
}

/* Every histogram: the buckets rise, and +Inf is the count. */
static void check_histograms(const struct exposition *e)
{
    double last = 0;
    for (size_t i = 0; i < e->n; i++) {
        const struct sample *sample = &e->samples[i];
        size_t bytes = strlen(sample->name);
        if (bytes < 7 || strcmp(sample->name + bytes - 7, "_bucket") != 0) continue;
        assert_true(sample->value >= last);
        last = sample->value;
        if (!strstr(sample->labels, "le=\"+Inf\"")) continue;
        assert_true(e->samples[i + 2].value == last);
        last = 0;
    }
}

static void an_untouched_service_is_a_valid_exposition_too(void **state)
{
    (void)state;
    struct metrics *metrics = new_metrics(2);
    for (int openmetrics = 0; openmetrics < 2; openmetrics++) {
        struct exposition *e = scrape(metrics, openmetrics);
        check_histograms(e);
        assert_int_equal(count_of(e, "embedd_requests_total"), 0);
        assert_int_equal(count_of(e, PREDICTIONS), 0);
        assert_true(value_of(e, "embedd_request_inputs_count", "") == 0);
        assert_true(value_of(e, "embedd_model_info",
                             "model=\"a\\\"b\\\\c\\nd\",version=\"1\",vocab_size=\"30522\",dim=\""
                             "256\",dtype=\"f16\",tokenizer=\"wordpiece\"") == 1);
        free(e);
    }
    assert_string_equal(metrics_content_type(false), "text/plain; version=0.0.4; charset=utf-8");
    assert_string_equal(metrics_content_type(true),
                        "application/openmetrics-text; version=1.0.0; charset=utf-8");
    metrics_free(metrics);
}

static void add_predictions(struct metrics_slot *slot, size_t head, const uint32_t *predicted)
{
    struct metrics_sample sample = {
        .status = 200, .served = served, .head = head, .predicted = predicted};
    metrics_add(slot, &sample);
}

static void predictions_are_counted_by_head_and_label(void **state)
{
    (void)state;
    struct metrics *metrics = new_metrics(2);
    struct metrics_sample no_head = {.status = 200};
    metrics_add(metrics_slot(metrics, 0), &no_head);
    add_predictions(metrics_slot(metrics, 0), 0, (const uint32_t[]){0, 1});
    add_predictions(metrics_slot(metrics, 0), 1, (const uint32_t[]){3, 0, UINT32_MAX});
    add_predictions(metrics_slot(metrics, 1), 1, (const uint32_t[]){4, 0, UINT32_MAX});
    add_predictions(metrics_slot(metrics, 1), 1, (const uint32_t[]){0, 0, 0});
    for (int openmetrics = 0; openmetrics < 2; openmetrics++) {
        struct exposition *e = scrape(metrics, openmetrics);
        assert_true(value_of(e, PREDICTIONS, MODEL_LABEL ",head=\"mood\",label=\"good\"") == 1);
        assert_true(value_of(e, PREDICTIONS,
                             MODEL_LABEL
                             ",head=\"topics \\\"1\\\"\",label=\"a\\\"b\\\\c\\nd\"") == 7);
        assert_true(
            value_of(e, PREDICTIONS, MODEL_LABEL ",head=\"topics \\\"1\\\"\",label=\"x\"") ==
            2.0 * UINT32_MAX);
        assert_int_equal(count_of(e, PREDICTIONS), 3); /* what was never predicted is left out */
        assert_true(value_of(e, "embedd_tokens_total", "") == 0);
        free(e);
    }
    metrics_free(metrics);
}

#define LABELS_MAX 65536

static void a_head_of_many_labels_makes_no_large_scrape(void **state)
{
    (void)state;
    const char **labels = calloc(LABELS_MAX, sizeof *labels);
    uint32_t *predicted = calloc(LABELS_MAX, sizeof *predicted);
    for (size_t i = 0; i < LABELS_MAX; i++)
        labels[i] = i + 1 < LABELS_MAX ? "other" : "last";
    const struct metrics_head head = {"many", labels, LABELS_MAX};
    struct metrics_model large = model;
    large.heads = &head;
    large.n_heads = 1;
    struct metrics *metrics = metrics_new(2, routes, N_ROUTES);
    assert_non_null(metrics);
    free(served);
    served = metrics_serve(metrics, &large);
    assert_non_null(served);
    predicted[LABELS_MAX - 1] = 1;
    for (size_t i = 0; i < 2; i++)
        add_predictions(metrics_slot(metrics, i), 0, predicted);
    struct exposition *e = scrape(metrics, false);
    assert_true(value_of(e, PREDICTIONS, MODEL_LABEL ",head=\"many\",label=\"last\"") == 2);
    assert_int_equal(count_of(e, PREDICTIONS), 1);
    free(e);
    metrics_free(metrics);
    free(predicted);
    free(labels);
}

static void counts_of_a_model_go_on_when_it_is_replaced(void **state)
{
    (void)state;
    struct metrics *metrics = new_metrics(2);
    struct metrics_sample sample = {
        .status = 200, .served = served, .inputs = 2, .tokens = 9, .predicted = (uint32_t[]){1, 2}};
    metrics_add(metrics_slot(metrics, 1), &sample);
    const char *const other[] = {"bad", "good", "new"};
    const struct metrics_head changed[] = {{"mood", mood, 2}, {"mood", other, 3}};
    struct metrics_model next = model;
    next.version = "2";
    next.heads = changed;
    struct metrics_served *replaced = metrics_serve(metrics, &next);
    assert_non_null(replaced);
    sample.served = replaced;
    metrics_add(metrics_slot(metrics, 0), &sample);
    sample.head = 1;
    sample.predicted = (uint32_t[]){0, 5, 7};
    metrics_add(metrics_slot(metrics, 0), &sample);
    next.model = "second";
    next.n_heads = 0;
    struct metrics_served *second = metrics_serve(metrics, &next);
    assert_non_null(second);
    metrics_count_reload(metrics, true);
    metrics_count_reload(metrics, false);
    metrics_count_reload(metrics, true);
    struct exposition *e = scrape(metrics, true);
    assert_true(value_of(e, "embedd_model_requests_total", MODEL_LABEL) == 3);
    assert_true(value_of(e, "embedd_model_inputs_total", MODEL_LABEL) == 6);
    assert_true(value_of(e, "embedd_model_tokens_total", MODEL_LABEL) == 27);
    assert_true(value_of(e, "embedd_model_requests_total", "model=\"second\"") == 0);
    assert_true(value_of(e, PREDICTIONS, MODEL_LABEL ",head=\"mood\",label=\"bad\"") == 2);
    assert_true(value_of(e, PREDICTIONS, MODEL_LABEL ",head=\"mood\",label=\"good\"") == 9);
    assert_true(value_of(e, PREDICTIONS, MODEL_LABEL ",head=\"mood\",label=\"new\"") == 7);
    assert_true(value_of(e, "embedd_model_reloads_total", "result=\"done\"") == 2);
    assert_true(value_of(e, "embedd_model_reloads_total", "result=\"failed\"") == 1);
    assert_int_equal(count_of(e, "embedd_model_info"), 2);
    free(e);
    free(replaced);
    free(second);
    metrics_free(metrics);
}

static void every_status_and_every_reason_is_counted(void **state)
{
    (void)state;
    struct metrics *metrics = new_metrics(1);
    for (unsigned status = 100; status < 600; status++) {
        struct metrics_sample sample = {.status = status};
        metrics_add(metrics_slot(metrics, 0), &sample);
    }
    for (int reject = REJECT_NONE + 1; reject < REJECT_COUNT; reject++)
        metrics_count_reject(metrics_slot(metrics, 0), (enum metrics_reject)reject);
    struct exposition *e = scrape(metrics, false);
    double requests = 0, rejected = 0;
    for (size_t i = 0; i < e->n; i++) {
        if (strcmp(e->samples[i].name, "embedd_requests_total") == 0)
            requests += e->samples[i].value;
        if (strcmp(e->samples[i].name, "embedd_rejected_total") == 0)
            rejected += e->samples[i].value == 1;
    }
    assert_true(requests == 500);
    assert_true(rejected == REJECT_COUNT - 1);
    assert_true(value_of(e, "embedd_requests_total", "route=\"other\",code=\"404\"") == 1);
    free(e);
    metrics_free(metrics);
}

static void gauges_go_up_and_down_over_all_slots(void **state)
{
    (void)state;
    struct metrics *metrics = new_metrics(2);
    metrics_connections(metrics_slot(metrics, 0), 5);
    metrics_connections(metrics_slot(metrics, 1), -2);
    metrics_in_flight(metrics_slot(metrics, 1), 1);
    metrics_in_flight(metrics_slot(metrics, 1), -1);
    metrics_offload_queue(metrics_slot(metrics, 0), 7);
    struct exposition *e = scrape(metrics, false);
    assert_true(value_of(e, "embedd_connections", "") == 3);
    assert_true(value_of(e, "embedd_requests_in_flight", "") == 0);
    assert_true(value_of(e, "embedd_offload_queue", "") == 7);
    free(e);
    metrics_free(metrics);
}

static void the_process_is_described(void **state)
{
    (void)state;
    struct metrics *metrics = new_metrics(1);
    struct exposition *e = scrape(metrics, false);
    assert_true(value_of(e, "process_cpu_seconds_total", "") >= 0);
    assert_true(value_of(e, "process_start_time_seconds", "") > 1.5e9);
    assert_true(value_of(e, "process_resident_memory_bytes", "") > 100000);
    assert_true(value_of(e, "process_virtual_memory_bytes", "") >=
                value_of(e, "process_resident_memory_bytes", ""));
    assert_true(value_of(e, "process_virtual_memory_max_bytes", "") > 0);
    assert_true(value_of(e, "process_max_fds", "") >= value_of(e, "process_open_fds", ""));
    double before = value_of(e, "process_open_fds", "");
    free(e);
    FILE *file = fopen("/dev/null", "r");
    e = scrape(metrics, false);
    assert_true(value_of(e, "process_open_fds", "") == before + 1);
    fclose(file);
    free(e);
    metrics_free(metrics);
}

static void a_full_arena_fails_the_buffer(void **state)
{
    (void)state;
    struct metrics *metrics = new_metrics(1);
    struct arena arena;
    struct buf buf;
    arena_init(&arena, 1000);
    buf_init(&buf, &arena);
    metrics_write(metrics, false, &buf);
    assert_true(buf.failed);
    arena_clear(&arena);
    metrics_free(metrics);
}

#define THREADS 4
#define REQUESTS 20000

struct worker {
    struct metrics_slot *slot;
    _Atomic int *running;
};

static void *count_requests(void *user)
{
    struct worker *worker = user;
    static const uint32_t predicted[] = {0, 2, 1};
    struct metrics_sample sample = {.route = 1,
                                    .status = 200,
                                    .inputs = 1,
                                    .tokens = 10,
                                    .served = served,
                                    .head = 1,
                                    .predicted = predicted};
    for (uint64_t i = 0; i < REQUESTS; i++) {
        metrics_in_flight(worker->slot, 1);
        sample.duration_ns = i * 100;
        sample.stage_ns[STAGE_LOOKUP] = i;
        metrics_add(worker->slot, &sample);
        metrics_in_flight(worker->slot, -1);
    }
    (*worker->running)--;
    return NULL;
}

static void scrapes_see_rising_counts_while_threads_write(void **state)
{
    (void)state;
    struct metrics *metrics = new_metrics(THREADS);
    pthread_t threads[THREADS];
    struct worker workers[THREADS];
    _Atomic int running = THREADS;
    for (size_t i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){metrics_slot(metrics, i), &running};
        assert_int_equal(pthread_create(&threads[i], NULL, count_requests, &workers[i]), 0);
    }
    double last = 0;
    do {
        struct exposition *e = scrape(metrics, true);
        double now = value_of(e, "embedd_tokens_total", "");
        assert_true(now >= last);
        last = now;
        check_histograms(e);
        free(e);
    } while (running > 0);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    struct exposition *e = scrape(metrics, false);
    assert_true(value_of(e, "embedd_requests_total", "route=\"/v1/embeddings\",code=\"200\"") ==
                THREADS * REQUESTS);
    assert_true(value_of(e, "embedd_tokens_total", "") == THREADS * REQUESTS * 10);
    assert_true(value_of(e, PREDICTIONS, MODEL_LABEL ",head=\"topics \\\"1\\\"\",label=\"good\"") ==
                THREADS * REQUESTS * 2);
    assert_true(value_of(e, "embedd_stage_duration_seconds_count", "stage=\"lookup\"") ==
                THREADS * (REQUESTS - 1));
    assert_true(value_of(e, "embedd_requests_in_flight", "") == 0);
    free(e);
    metrics_free(metrics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slots_are_added_up),
        cmocka_unit_test(buckets_go_1_2_5_from_10_us_to_10_s_and_their_bounds_are_included),
        cmocka_unit_test(an_untouched_service_is_a_valid_exposition_too),
        cmocka_unit_test(predictions_are_counted_by_head_and_label),
        cmocka_unit_test(a_head_of_many_labels_makes_no_large_scrape),
        cmocka_unit_test(counts_of_a_model_go_on_when_it_is_replaced),
        cmocka_unit_test(every_status_and_every_reason_is_counted),
        cmocka_unit_test(gauges_go_up_and_down_over_all_slots),
        cmocka_unit_test(the_process_is_described),
        cmocka_unit_test(a_full_arena_fails_the_buffer),
        cmocka_unit_test(scrapes_see_rising_counts_while_threads_write),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(served);
    return failed;
}
