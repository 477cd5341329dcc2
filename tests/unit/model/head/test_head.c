/* SPDX-License-Identifier: Apache-2.0 */
/* Heads from files: against scikit-learn's own answers (tests/golden/make_head.py), and by hand. */
#include "base/json.h"
#include "model/encoder/table/table.h"
#include "model/encoder/table/table_encoder.h"
#include "model/head/head.h"
#include "model/text/tokens.h"
#include "tests/test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROOM 16

static struct arena arena;

static int start(void **state)
{
    (void)state;
    json_init();
    arena_init(&arena, 1 << 20);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    arena_clear(&arena);
    return 0;
}

/* What heads of two columns stand on. */
static const float rows[3][2] = {{1, 0}, {0.5f, 2}, {-1, 1}};
static const struct table three_rows = {
    .rows = {.at = rows, .stride_bytes = sizeof rows[0], .n = 3, .dtype = DTYPE_F32},
    .n_rows = 3,
    .dim = 2};

static struct head *open_text(const char *text, uint32_t dim)
{
    struct head *head;
    struct err err;
    static struct table_encoder encoder;
    table_encoder_init(&encoder, &three_rows, TOKEN_ID_NONE);
    if (!head_open(&head, (struct span){text, strlen(text)}, "taste", "head",
                   &(struct head_input){.dim = dim,
                                        .encoder = &encoder.encoder,
                                        .pool = {.pooling = POOLING_SUM, .dims = dim}},
                   &err))
        fail_msg("%s", err.message);
    return head;
}

static void refuse(const char *text, const char *why)
{
    struct head *head;
    struct err err;
    assert_false(head_open(&head, (struct span){text, strlen(text)}, "taste", "head",
                           &(struct head_input){.dim = 2}, &err));
    assert_null(head);
    if (err.code != ERR_FORMAT || !strstr(err.message, why))
        fail_msg("'%s' does not say '%s'", err.message, why);
}

/* ---- against scikit-learn ---- */

static void close_to(const json_t *want, const float *got, size_t n)
{
    assert_int_equal(json_array_size(want), n);
    for (size_t i = 0; i < n; i++) {
        double x = json_number_value(json_array_get(want, i));
        if (!(fabs(got[i] - x) <= 1e-6 * fmax(1, fabs(x))))
            fail_msg("item %zu is %.9g, not %.9g", i, (double)got[i], x);
    }
}

static void check_case(const json_t *one)
{
    char *text = json_dumps(json_object_get(one, "head"), 0);
    const json_t *vectors = json_object_get(one, "vectors");
    const uint32_t dim = (uint32_t)json_array_size(json_array_get(vectors, 0));
    struct head *head = open_text(text, dim);
    const struct head_info *info = head_info(head);
    struct err err;
    assert_string_equal(head_kind_names[info->kind],
                        json_string_value(json_object_get(one, "kind")));
    for (size_t i = 0; i < json_array_size(vectors); i++) {
        float v[ROOM], logits[ROOM], p[ROOM];
        for (uint32_t j = 0; j < dim; j++)
            v[j] = (float)json_number_value(json_array_get(json_array_get(vectors, i), j));
        assert_true(head_logits(head, &arena, v, NULL, 0, logits, &err));
        head_probabilities(head, logits, p);
        close_to(json_array_get(json_object_get(one, "logits"), i), logits, info->rows);
        close_to(json_array_get(json_object_get(one, "probabilities"), i), p, info->n_labels);
    }
    head_close(head);
    free(text);
}

static void logits_and_probabilities_are_those_of_scikit_learn(void **state)
{
    (void)state;
    json_error_t error;
    json_t *golden = json_load_file("tests/golden/head.json", 0, &error);
    assert_non_null(golden);
    assert_int_equal(json_array_size(golden), 3);
    for (size_t i = 0; i < json_array_size(golden); i++)
        check_case(json_array_get(golden, i));
    json_decref(golden);
}

/* ---- by hand ---- */

static void a_binary_head_says_the_second_label_from_its_threshold_on(void **state)
{
    (void)state;
    struct head *head = open_text(
        "{\"labels\":[\"bad\",\"good\"],\"weight\":[[1,-1]],\"bias\":0,\"thresholds\":[0.75]}", 2);
    const float half[2] = {0.25f, 0.75f}, enough[2] = {0.2f, 0.8f};
    assert_int_equal(head_info(head)->kind, HEAD_BINARY);
    assert_int_equal(head_info(head)->rows, 1);
    assert_true(head_passes(head, half, 1, -1) && !head_passes(head, half, 0, -1));
    assert_false(head_passes(head, half, 1, 0.8f));
    assert_true(head_passes(head, half, 0, 0.8f));
    assert_true(head_passes(head, enough, 1, 0.5f));
    assert_true(head_passes(head, (const float[2]){0.5f, 0.5f}, 1, 0)); /* zero is asked for */
    assert_int_equal(head_best(head, half, (const uint32_t[2]){1, 0}, 2, -1), 0);
    assert_int_equal(head_best(head, half, (const uint32_t[2]){1, 0}, 2, 0.8f), 1);
    assert_int_equal(head_best(head, half, (const uint32_t[1]){1}, 1, 0.8f), 1); /* none of them */
    head_close(head);
}

static void a_multi_label_head_says_each_label_from_its_threshold_on(void **state)
{
    (void)state;
    struct head *head = open_text(
        "{\"labels\":[\"a\",\"b\",\"c\"],\"kind\":\"multi-label\",\"weight\":[[0,0],[0,0],[0,0]],"
        "\"bias\":[0,0,0],\"thresholds\":[0.25,0.5,0.75]}",
        2);
    const float below[3] = {0.2499f, 0.4999f, 0.7499f}, just[3] = {0.25f, 0.5f, 0.75f};
    for (uint32_t i = 0; i < 3; i++) {
        assert_false(head_passes(head, below, i, -1));
        assert_true(head_passes(head, just, i, -1));
        /* A threshold that is asked for stands in for each; zero is one. */
        assert_true(head_passes(head, just, i, just[i]));
        assert_false(head_passes(head, below, i, just[i]));
        assert_true(head_passes(head, (const float[3]){0}, i, 0));
    }
    head_close(head);
}

static void equal_logits_come_in_the_order_of_labels(void **state)
{
    (void)state;
    struct head *head = open_text("{\"labels\":[\"a\",\"b\",\"c\",\"d\"],"
                                  "\"weight\":[[0,0],[0,0],[0,0],[0,0]],\"bias\":[0,0,0,0]}",
                                  2);
    const float logits[4] = {-0.0f, 3, 0, 3};
    static const uint32_t wanted[4] = {1, 3, 0, 2};
    uint32_t order[4];
    struct err err;
    for (uint32_t k = 1; k <= 4; k++) {
        assert_true(head_order(head, &arena, logits, k, order, &err));
        assert_memory_equal(order, wanted, k * sizeof *order);
    }
    head_close(head);
}

static void the_best_are_the_same_looked_for_or_sorted(void **state)
{
    (void)state;
    struct head *head = open_text("{\"labels\":[1,2,3,4,5,6,7,8,9],\"weight\":[[0,0],[0,0],[0,0],"
                                  "[0,0],[0,0],[0,0],[0,0],[0,0],[0,0]],\"bias\":"
                                  "[0,0,0,0,0,0,0,0,0]}",
                                  2);
    const float logits[9] = {-1, 2, 5, 2, -7, 5, 0, 1e30f, -1e30f};
    static const uint32_t wanted[9] = {7, 2, 5, 1, 3, 6, 0, 4, 8};
    uint32_t order[9];
    struct err err;
    for (uint32_t k = 1; k <= 9; k++) {
        assert_true(head_order(head, &arena, logits, k, order, &err));
        assert_memory_equal(order, wanted, k * sizeof *order);
    }
    head_close(head);
}

static void huge_logits_make_no_nan(void **state)
{
    (void)state;
    struct head *head = open_text("{\"labels\":[\"a\",\"b\",\"c\"],"
                                  "\"weight\":[[0,0],[0,0],[0,0]],\"bias\":[0,0,0]}",
                                  2);
    const float logits[3] = {3e38f, -3e38f, 3e38f};
    float p[3];
    head_probabilities(head, logits, p);
    assert_true(p[0] == 0.5f && p[1] == 0 && p[2] == 0.5f);
    head_close(head);
    head =
        open_text("{\"labels\":[\"a\",\"b\"],\"kind\":\"binary\",\"weight\":[0,0],\"bias\":0}", 2);
    head_probabilities(head, &logits[0], p);
    assert_true(p[0] == 0 && p[1] == 1);
    head_probabilities(head, &logits[1], p);
    assert_true(p[0] == 1 && p[1] == 0);
    head_close(head);
}

static void the_temperature_divides_the_logits(void **state)
{
    (void)state;
    struct head *head = open_text("{\"labels\":[\"a\",\"b\"],\"weight\":[[0,0],[0,0]],"
                                  "\"bias\":[0,0],\"temperature\":2}",
                                  2);
    const float logits[2] = {2, 0};
    float p[2];
    head_probabilities(head, logits, p);
    assert_true(fabs(p[0] - 1 / (1 + exp(-1))) < 1e-7);
    head_close(head);
    head = open_text("{\"labels\":[\"a\",\"b\"],\"kind\":\"multi-label\",\"weight\":[[0,0],[0,0]],"
                     "\"bias\":[0,0],\"temperature\":2}",
                     2);
    head_probabilities(head, logits, p);
    assert_true(fabs(p[0] - 1 / (1 + exp(-1))) < 1e-7 && p[1] == 0.5f);
    head_close(head);
    head =
        open_text("{\"labels\":[\"a\",\"b\"],\"weight\":[[0,0]],\"bias\":0,\"temperature\":2}", 2);
    head_probabilities(head, logits, p);
    assert_true(fabs(p[1] - 1 / (1 + exp(-1))) < 1e-7 && fabs(p[0] + p[1] - 1) < 1e-7);
    head_close(head);
}

static void a_hidden_layer_stands_between(void **state)
{
    (void)state;
    struct head *head =
        open_text("{\"labels\":[\"a\",\"b\"],\"hidden_weight\":[[1,0],[0,1],[-1,-1]],"
                  "\"hidden_bias\":[0,-1,0],\"weight\":[[1,2,3],[0,1,0]],\"bias\":[0.5,0]}",
                  2);
    const float v[2] = {2, 3};
    float logits[2];
    const uint32_t id = 0;
    double share, bias;
    struct err err;
    assert_int_equal(head_info(head)->hidden, 3);
    assert_true(head_logits(head, &arena, v, NULL, 0, logits, &err));
    assert_true(logits[0] == 6.5f && logits[1] == 2);
    assert_false(head_explain(head, &arena, &id, 1, 0, &share, &bias, &err));
    assert_int_equal(err.code, ERR_INVALID);
    head_close(head);
}

static void shares_and_bias_add_up_to_the_logit(void **state)
{
    (void)state;
    struct head *head = open_text("{\"labels\":[\"a\",\"b\"],\"weight\":[[1,2],[3,-4]],"
                                  "\"bias\":[0.5,-0.25]}",
                                  2);
    static const uint32_t ids[4] = {0, 1, TOKEN_ID_NONE, 2};
    float v[2], logits[2];
    double shares[4], bias;
    struct err err;
    assert_true(head_vector(head, NULL, &(struct passage){.ids = ids, .n = 4}, v, &err));
    assert_true(v[0] == 0.5f && v[1] == 3);
    assert_true(head_logits(head, &arena, v, ids, 4, logits, &err));
    for (uint32_t row = 0; row < 2; row++) {
        assert_true(head_explain(head, &arena, ids, 4, row, shares, &bias, &err));
        assert_true(fabs(bias + shares[0] + shares[1] + shares[3] - (double)logits[row]) < 1e-6);
        assert_true(shares[2] == 0);
    }
    assert_true(shares[1] == 1.5 - 8);
    head_close(head);
}

static void vectors_that_are_no_sum_over_tokens_have_no_shares(void **state)
{
    (void)state;
    static const char text[] =
        "{\"labels\":[\"a\",\"b\"],\"weight\":[[1,2],[3,-4]],\"bias\":[0,0]}";
    static const enum pooling poolings[] = {POOLING_MAX, POOLING_UNIT};
    const uint32_t id = 0;
    double share, bias;
    for (size_t i = 0; i < 2; i++) {
        struct head *head;
        struct err err;
        struct table_encoder encoder;
        table_encoder_init(&encoder, &three_rows, TOKEN_ID_NONE);
        assert_true(head_open(&head, (struct span){text, strlen(text)}, "taste", "head",
                              &(struct head_input){.dim = 2,
                                                   .encoder = &encoder.encoder,
                                                   .pool = {.pooling = poolings[i], .dims = 2}},
                              &err));
        assert_false(head_explain(head, &arena, &id, 1, 0, &share, &bias, &err));
        assert_int_equal(err.code, ERR_INVALID);
        assert_non_null(strstr(err.message, pooling_names[poolings[i]]));
        head_close(head);
    }
}

/* ---- files ---- */

static void a_csv_of_w_and_b_is_a_head(void **state)
{
    (void)state;
    struct head *head = open_text("\xEF\xBB\xBF\"red, dark\",1,2,0.5\r\nblue,3,4,-0.5\r\n", 2);
    const struct head_info *info = head_info(head);
    float logits[2];
    struct err err;
    assert_int_equal(info->kind, HEAD_MULTI_CLASS);
    assert_string_equal(info->labels[0], "red, dark");
    assert_true(head_logits(head, &arena, (const float[]){1, 1}, NULL, 0, logits, &err));
    assert_true(logits[0] == 3.5f && logits[1] == 6.5f);
    head_close(head);
    head = open_text("1,2,0.5\n", 2);
    assert_int_equal(head_info(head)->kind, HEAD_BINARY);
    assert_string_equal(head_info(head)->labels[1], "1");
    head_close(head);
    head = open_text("spam,1,2,0.5", 2);
    assert_string_equal(head_info(head)->labels[0], "not spam");
    assert_string_equal(head_info(head)->labels[1], "spam");
    head_close(head);
}

static void check_labels(const char *text, const char *first, const char *second)
{
    struct head *head = open_text(text, 2);
    const struct head_info *info = head_info(head);
    assert_int_equal(info->n_labels, 2);
    assert_string_equal(info->labels[0], first);
    assert_string_equal(info->labels[1], second);
    head_close(head);
}

static void labels_of_a_csv_are_quoted_as_in_any_csv(void **state)
{
    (void)state;
    check_labels("\"a\"\"b\",1,2,0\n\"\"\"c\"\"\",3,4,0\n", "a\"b", "\"c\"");
    check_labels("\"a\nb\",1,2,0\n\n\"c\r\nd\",\"3\",4,0", "a\nb", "c\r\nd");
    check_labels("a\"b,1,2,0\nc \"d\",3,4,0\n", "a\"b", "c \"d\"");
    check_labels("a;1;2;0\n\"b;c\";3;4;0\n", "a", "b;c");
    check_labels("\"a,1\",1,2,0\r\n\r\nb, 3 , 4,0\r\n", "a,1", "b");
}

/* A safetensors file in memory, as save_file would write it. */
static struct span pack(const char *header, const void *data, size_t bytes)
{
    static char file[4096];
    const uint64_t length = strlen(header);
    memcpy(file, &length, 8);
    memcpy(file + 8, header, length);
    memcpy(file + 8 + length, data, bytes);
    return (struct span){file, 8 + length + bytes};
}

static void a_safetensors_file_is_a_head(void **state)
{
    (void)state;
    const float numbers[6] = {1, 2, 3, 4, 0.5f, -0.5f};
    struct span file =
        pack("{\"__metadata__\":{\"labels\":\"[\\\"a\\\", 7]\",\"kind\":\"multi-label\","
             "\"thresholds\":\"[0.25, 0.5]\",\"training\":\"{\\\"epochs\\\": 3}\"},"
             "\"weight\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16]},"
             "\"bias\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[16,24]}}",
             numbers, sizeof numbers);
    struct head *head;
    struct err err;
    float logits[2];
    if (!head_open(&head, file, "taste", "head", &(struct head_input){.dim = 2}, &err))
        fail_msg("%s", err.message);
    const struct head_info *info = head_info(head);
    assert_int_equal(info->kind, HEAD_MULTI_LABEL);
    assert_string_equal(info->name, "taste");
    assert_string_equal(info->labels[1], "7");
    assert_string_equal(info->training, "{\"epochs\":3}");
    assert_string_equal(info->scores, "");
    assert_true(info->thresholds[0] == 0.25f && info->temperature == 1);
    assert_true(head_logits(head, &arena, (const float[]){1, 1}, NULL, 0, logits, &err));
    assert_true(logits[0] == 3.5f && logits[1] == 6.5f);
    head_close(head);
    assert_false(head_open(&head, file, "taste", "head", &(struct head_input){.dim = 3}, &err));
    assert_non_null(strstr(err.message, "takes vectors of 2 columns, but the table"));
}

static void what_is_wrong_is_named(void **state)
{
    (void)state;
    refuse("", "it is empty");
    refuse("{", "line 1");
    refuse("{}", "no 'weight'");
    refuse("{\"weight\":[[1,2]],\"labels\":[\"a\",\"b\"]}", "bias must be 1 numbers, not 0");
    refuse("{\"weight\":[[1,2],[1]],\"bias\":[0,0],\"labels\":[\"a\",\"b\"]}",
           "row 1 must be a list");
    refuse("{\"weight\":[[1,2],[1,\"x\"]],\"bias\":[0,0],\"labels\":[\"a\",\"b\"]}",
           "is not a number");
    refuse("{\"weight\":[[1,2]],\"bias\":[0],\"labels\":[\"a\"]}", "1 labels do not fit");
    refuse("{\"weight\":[[1,2],[3,4]],\"bias\":[0,0],\"labels\":[\"a\",\"a\"]}",
           "different strings");
    refuse("{\"weight\":[[1,2],[3,4]],\"bias\":[0,0],\"labels\":[\"a\",\"b\\u0000\"]}", "strings");
    refuse("{\"weight\":[[1,2],[3,4]],\"bias\":[0,0],\"labels\":\"a\"}", "labels must be");
    refuse("{\"weight\":[[1,2],[3,4]],\"bias\":[0,0],\"labels\":[\"a\",\"b\"],\"kind\":\"x\"}",
           "kind must be");
    refuse("{\"weight\":[[1,2],[3,4]],\"bias\":[0,0],\"labels\":[\"a\",\"b\"],\"kind\":\"binary\"}",
           "has one row");
    refuse("{\"weight\":[[1,2]],\"bias\":[0],\"labels\":[\"a\",\"b\"],\"thresholds\":[2]}",
           "thresholds[0] must be");
    refuse("{\"weight\":[[1,2]],\"bias\":[0],\"labels\":[\"a\",\"b\"],\"temperature\":0}",
           "temperature must be");
    refuse("{\"weight\":[[1,1e39]],\"bias\":[0],\"labels\":[\"a\",\"b\"]}",
           "NaN or Inf in row 0, column 1");
    refuse("{\"weight\":[[1,2,3]],\"bias\":[0],\"labels\":[\"a\",\"b\"]}",
           "takes vectors of 3 columns");
    refuse("a,1,2,3\nb,1,2\n", "line 2: field 3 is not a number");
    refuse("a,1,2,3\nb,1,2,3,4\n", "line 2 has more numbers than");
    refuse("hello\n", "it holds no line of numbers");
    refuse("a,1,2,3\n\n\"b,1,2,3\n", "line 3: the quoted cell that begins here is not closed");
    refuse("a,1,2,3\n\"b\" ,1,2,3\n", "line 2: something follows the closing quote of a cell");
    refuse("a,1,2,3\nb,1,,3\n", "line 2: field 2 is not a number");
    refuse("a,1,2,3,\n", "line 1: field 4 is not a number");
    refuse("\xFF,1,2,3\n", "line 1: its label is not UTF-8");
    refuse("a,1", "a label and one number");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logits_and_probabilities_are_those_of_scikit_learn),
        cmocka_unit_test(a_binary_head_says_the_second_label_from_its_threshold_on),
        cmocka_unit_test(a_multi_label_head_says_each_label_from_its_threshold_on),
        cmocka_unit_test(equal_logits_come_in_the_order_of_labels),
        cmocka_unit_test(the_best_are_the_same_looked_for_or_sorted),
        cmocka_unit_test(huge_logits_make_no_nan),
        cmocka_unit_test(the_temperature_divides_the_logits),
        cmocka_unit_test(a_hidden_layer_stands_between),
        cmocka_unit_test(shares_and_bias_add_up_to_the_logit),
        cmocka_unit_test(vectors_that_are_no_sum_over_tokens_have_no_shares),
        cmocka_unit_test(a_csv_of_w_and_b_is_a_head),
        cmocka_unit_test(labels_of_a_csv_are_quoted_as_in_any_csv),
        cmocka_unit_test(a_safetensors_file_is_a_head),
        cmocka_unit_test(what_is_wrong_is_named),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
