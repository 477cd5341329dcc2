/* SPDX-License-Identifier: Apache-2.0 */
#include "handlers/te_metrics.h"
#include "tests/test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct given {
    struct te_metrics *te;
    struct arena arena;
    char text[1 << 17];
};

static int begin(void **state)
{
    struct given *given = calloc(1, sizeof *given);
    given->te = te_metrics_new(2);
    assert_non_null(given->te);
    arena_init(&given->arena, 4 << 20);
    *state = given;
    return 0;
}

static int end(void **state)
{
    struct given *given = *state;
    te_metrics_free(given->te);
    te_metrics_free(NULL);
    arena_clear(&given->arena);
    free(given);
    return 0;
}

static const char *written(struct given *given, bool openmetrics)
{
    struct buf out;
    buf_init(&out, &given->arena);
    te_metrics_write(given->te, openmetrics, 3, &out);
    assert_false(out.failed);
    assert_true(out.bytes < sizeof given->text);
    memcpy(given->text, out.data, out.bytes);
    given->text[out.bytes] = '\0';
    return given->text;
}

static void assert_line(const char *text, const char *line)
{
    char whole[200];
    snprintf(whole, sizeof whole, "\n%s\n", line);
    if (!strstr(text, whole)) fail_msg("there is no line %s in\n%s", line, text);
}

static void a_request_counts_once_and_each_of_its_inputs(void **state)
{
    struct given *given = *state;
    const uint32_t lengths[3] = {1, 2, 5};
    struct metrics_sample sample = {.status = 200,
                                    .inputs = 3,
                                    .tokens = 8,
                                    .duration_ns = 30000,
                                    .te = {TE_EMBED, true, 20, lengths}};
    sample.stage_ns[STAGE_TOKENIZE] = 9000;
    sample.stage_ns[STAGE_LOOKUP] = 3000;
    te_metrics_add(given->te, 0, &sample);
    te_metrics_add(given->te, 1, &sample);
    const char *text = written(given, false);
    assert_line(text, "# TYPE te_request_count counter");
    assert_line(text, "te_request_count{method=\"batch\"} 2");
    assert_line(text, "te_request_count{method=\"single\"} 0");
    assert_line(text, "te_request_success{method=\"batch\"} 2");
    assert_line(text, "te_embed_count 6");
    assert_line(text, "te_embed_success 6");
    assert_line(text, "te_predict_count 0");
    assert_line(text, "te_request_duration_count 2");
    assert_line(text, "te_request_duration_sum 0.000060000");
    assert_line(text, "te_embed_duration_count 6");
    assert_line(text, "te_embed_duration_sum 0.000060000");
    assert_line(text, "te_embed_tokenization_duration_sum 0.000018000");
    assert_line(text, "te_embed_inference_duration_sum 0.000006000");
    assert_line(text, "te_predict_duration_count 0");
    assert_line(text, "te_request_input_length_bucket{le=\"1\"} 2");
    assert_line(text, "te_request_input_length_bucket{le=\"2\"} 4");
    assert_line(text, "te_request_input_length_bucket{le=\"4\"} 4");
    assert_line(text, "te_request_input_length_bucket{le=\"8\"} 6");
    assert_line(text, "te_request_input_length_sum 16");
    assert_line(text, "te_batch_next_size_sum 6");
    assert_line(text, "te_batch_next_tokens_sum 16");
    assert_line(text, "te_queue_size 3");
}

static void what_failed_counts_by_its_cause(void **state)
{
    struct given *given = *state;
    static const struct {
        enum metrics_reject reject;
        const char *line;
    } cases[] = {
        {REJECT_BAD_VALUE, "te_request_failure{err=\"validation\"} 1"},
        {REJECT_TOO_MANY_INPUTS, "te_request_failure{err=\"batch_size\"} 1"},
        {REJECT_TOO_MANY_TOKENS, "te_request_failure{err=\"tokenization\"} 1"},
        {REJECT_OVERLOAD, "te_request_failure{err=\"overloaded\"} 1"},
        {REJECT_NOT_FOUND, "te_request_failure{err=\"model_type\"} 1"},
        {REJECT_NONE, "te_request_failure{err=\"inference\"} 1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct metrics_sample sample = {
            .status = 422, .reject = cases[i].reject, .te = {.work = TE_PREDICT}};
        te_metrics_add(given->te, 0, &sample);
        assert_line(written(given, false), cases[i].line);
    }
    const char *text = written(given, false);
    assert_line(text, "te_request_count{method=\"single\"} 6");
    assert_line(text, "te_request_success{method=\"single\"} 0");
    assert_line(text, "te_request_duration_count 0");
}

/* Bounds and how they are written: 1.5e-5 and then half as much again, 35 of them; powers of two.
 */
static void buckets_are_teis(void **state)
{
    const char *text = written(*state, false), *at = text;
    assert_line(text, "te_request_duration_bucket{le=\"0.000015\"} 0");
    double bound = 1.5e-5;
    size_t n = 0;
    static const char start[] = "te_request_duration_bucket{le=\"";
    while ((at = strstr(at, start)) && at[strlen(start)] != '+') {
        at += strlen(start);
        assert_true(strtod(at, NULL) == bound);
        assert_null(memchr(at, 'e', strcspn(at, "\"")));
        bound *= 1.5;
        n++;
    }
    assert_int_equal(n, 35);
    assert_line(text, "te_batch_next_size_bucket{le=\"4096\"} 0");
    assert_null(strstr(text, "te_batch_next_size_bucket{le=\"8192\"}"));
    assert_line(text, "te_batch_next_tokens_bucket{le=\"1048576\"} 0");
    assert_line(text, "te_request_input_length_bucket{le=\"524288\"} 0");
}

static void openmetrics_does_not_call_them_counters(void **state)
{
    const char *text = written(*state, true);
    assert_line(text, "# TYPE te_request_count unknown");
    assert_null(strstr(text, " counter\n"));
    assert_line(text, "te_request_count{method=\"single\"} 0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_request_counts_once_and_each_of_its_inputs, begin, end),
        cmocka_unit_test_setup_teardown(what_failed_counts_by_its_cause, begin, end),
        cmocka_unit_test_setup_teardown(buckets_are_teis, begin, end),
        cmocka_unit_test_setup_teardown(openmetrics_does_not_call_them_counters, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
