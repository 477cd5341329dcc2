/* SPDX-License-Identifier: Apache-2.0 */
/* Measures against those of scikit-learn (tests/golden/make_evaluation.py), and by hand. */
#include "base/json.h"
#include "model/head/evaluation.h"
#include "tests/test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LABELS_MAX 16

static const char *const names[LABELS_MAX] = {"a", "b", "c", "d", "e", "f", "g", "h", "i"};
static json_t *golden;
static const char *case_name;

static int read_golden(void **state)
{
    (void)state;
    FILE *file = fopen("tests/golden/evaluation.json", "rb");
    if (!file) return -1;
    static char text[1 << 20];
    size_t bytes = fread(text, 1, sizeof text, file);
    fclose(file);
    struct err err;
    json_init();
    golden = json_read(text, bytes, &err);
    if (!golden) print_error("%s\n", err.message);
    return golden ? 0 : -1;
}

static int drop_golden(void **state)
{
    (void)state;
    json_decref(golden);
    return 0;
}

/* ---- against scikit-learn ---- */

static void check(const char *what, double got, const json_t *want)
{
    if (!want || json_is_null(want)) {
        if (!isnan(got)) fail_msg("%s: %s is %.17g, not NaN", case_name, what, got);
        return;
    }
    double x = json_number_value(want);
    if (!(fabs(got - x) <= 1e-12 * fmax(1, fabs(x))))
        fail_msg("%s: %s is %.17g, not %.17g", case_name, what, got, x);
}

static void check_average(const char *what, const struct evaluation_average *got,
                          const json_t *want)
{
    check(what, got->precision, json_array_get(want, 0));
    check(what, got->recall, json_array_get(want, 1));
    check(what, got->f1, json_array_get(want, 2));
}

static void check_count(const char *what, uint64_t got, const json_t *want)
{
    if (!json_is_integer(want) || (uint64_t)json_integer_value(want) != got)
        fail_msg("%s: %s is %llu", case_name, what, (unsigned long long)got);
}

static void check_classes(const struct evaluation_result *result, const json_t *want)
{
    assert_int_equal(json_array_size(want), result->n_labels);
    for (uint32_t i = 0; i < result->n_labels; i++) {
        const struct evaluation_class *class = &result->classes[i];
        const json_t *one = json_array_get(want, i);
        struct evaluation_average got = {class->precision, class->recall, class->f1};
        check_average("a class", &got, one);
        check_count("support", class->support, json_array_get(one, 3));
        check_count("predicted", class->predicted, json_array_get(one, 4));
        check_count("correct", class->correct, json_array_get(one, 5));
    }
}

static void check_pairs(const struct evaluation_result *result, const json_t *want)
{
    assert_int_equal(result->n_pairs, json_array_size(want));
    for (size_t i = 0; i < result->n_pairs; i++) {
        const struct evaluation_pair *pair = &result->pairs[i];
        const json_t *one = json_array_get(want, i);
        uint32_t truth = (uint32_t)json_integer_value(json_array_get(one, 0)); /* -1: unknown */
        if (pair->truth != truth) fail_msg("%s: truth %u at %zu", case_name, pair->truth, i);
        check_count("confused with", pair->predicted, json_array_get(one, 1));
        check_count("confusions", pair->n, json_array_get(one, 2));
    }
}

static void check_bins(const struct evaluation_result *result, const json_t *want)
{
    for (int i = 0; i < EVALUATION_BINS; i++) {
        const json_t *one = json_array_get(want, (size_t)i);
        check_count("of a bin", result->bins[i].n, json_array_get(one, 0));
        check("a bin's confidence", result->bins[i].confidence, json_array_get(one, 1));
        check("a bin's accuracy", result->bins[i].accuracy, json_array_get(one, 2));
    }
}

static void check_curve(const struct evaluation_result *result, const json_t *want)
{
    assert_int_equal(json_array_size(want), EVALUATION_POINTS);
    for (int i = 0; i < EVALUATION_POINTS; i++) {
        const struct evaluation_point *point = &result->curve[i];
        const json_t *one = json_array_get(want, (size_t)i);
        struct evaluation_average got = {point->precision, point->recall, point->f1};
        const json_t *average = json_pack("[O,O,O]", json_array_get(one, 1), json_array_get(one, 2),
                                          json_array_get(one, 3));
        assert_true(point->threshold == (float)(i / 100.0));
        check_count("n of a point", point->n, json_array_get(one, 0));
        check_average("a point", &got, average);
        check("a point's accuracy", point->accuracy, json_array_get(one, 4));
        check("a point's coverage", point->coverage, json_array_get(one, 5));
        json_decref((json_t *)(uintptr_t)average);
    }
}

static void check_result(const struct evaluation_result *result, const json_t *want)
{
    check_count("unknown", result->n_unknown, json_object_get(want, "n_unknown"));
    check("accuracy", result->accuracy, json_object_get(want, "accuracy"));
    check("hamming loss", result->hamming_loss, json_object_get(want, "hamming_loss"));
    check("log loss", result->log_loss, json_object_get(want, "log_loss"));
    check("ROC AUC", result->roc_auc, json_object_get(want, "roc_auc"));
    check("top 3", result->top_3, json_object_get(want, "top_3"));
    check("top 5", result->top_5, json_object_get(want, "top_5"));
    check("ECE", result->calibration_error, json_object_get(want, "calibration_error"));
    check_average("micro", &result->micro, json_object_get(want, "micro"));
    check_average("macro", &result->macro, json_object_get(want, "macro"));
    check_average("weighted", &result->weighted, json_object_get(want, "weighted"));
    check_classes(result, json_object_get(want, "classes"));
    check_pairs(result, json_object_get(want, "pairs"));
    check_bins(result, json_object_get(want, "bins"));
    check_curve(result, json_object_get(want, "curve"));
    check("best F1", result->best_f1, json_object_get(want, "best_f1"));
    check("best accuracy", result->best_accuracy, json_object_get(want, "best_accuracy"));
}

static size_t read_floats(const json_t *list, float out[static LABELS_MAX])
{
    for (size_t i = 0; i < json_array_size(list); i++)
        out[i] = (float)json_number_value(json_array_get(list, i));
    return json_array_size(list);
}

static enum head_kind kind_of(const char *name)
{
    for (int kind = 0; kind < HEAD_KINDS; kind++) {
        if (strcmp(name, head_kind_names[kind]) == 0) return (enum head_kind)kind;
    }
    fail_msg("no such kind: %s", name);
    return HEAD_BINARY;
}

static void check_case(const json_t *one)
{
    float thresholds[LABELS_MAX], p[LABELS_MAX];
    uint32_t truth[LABELS_MAX];
    struct err err;
    const json_t *rows = json_object_get(one, "p"), *truths = json_object_get(one, "truth");
    bool has_thresholds = read_floats(json_object_get(one, "thresholds"), thresholds) > 0;
    case_name = json_string_value(json_object_get(one, "name"));
    struct evaluation *evaluation =
        evaluation_new(kind_of(json_string_value(json_object_get(one, "kind"))),
                       (uint32_t)json_integer_value(json_object_get(one, "n_labels")), names,
                       has_thresholds ? thresholds : NULL, &err);
    assert_non_null(evaluation);
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *labels = json_array_get(truths, i);
        size_t n = json_array_size(labels);
        for (size_t j = 0; j < n; j++)
            truth[j] = (uint32_t)json_integer_value(json_array_get(labels, j));
        read_floats(json_array_get(rows, i), p);
        if (!evaluation_add(evaluation, p, truth, n, &err)) fail_msg("%s", err.message);
    }
    const struct evaluation_result *result = evaluation_finish(evaluation);
    assert_int_equal(result->n, json_array_size(rows));
    check_result(result, json_object_get(one, "expected"));
    assert_ptr_equal(evaluation_finish(evaluation), result);
    evaluation_free(evaluation);
}

static void measures_are_those_of_the_reference(void **state)
{
    (void)state;
    assert_true(json_array_size(golden) >= 18);
    for (size_t i = 0; i < json_array_size(golden); i++)
        check_case(json_array_get(golden, i));
}

/* ---- by hand ---- */

static struct evaluation *start(enum head_kind kind, uint32_t n_labels)
{
    struct err err = {0};
    struct evaluation *evaluation = evaluation_new(kind, n_labels, names, NULL, &err);
    if (!evaluation) fail_msg("%s", err.message);
    return evaluation;
}

static void without_examples_nothing_has_a_value(void **state)
{
    (void)state;
    for (int kind = 0; kind < HEAD_KINDS; kind++) {
        struct evaluation *evaluation = start((enum head_kind)kind, kind == HEAD_BINARY ? 2 : 7);
        const struct evaluation_result *result = evaluation_finish(evaluation);
        assert_true(result->n == 0 && result->n_pairs == 0 && result->n_occur == 0);
        assert_true(isnan(result->accuracy) && isnan(result->hamming_loss));
        assert_true(isnan(result->macro.f1) && isnan(result->micro.f1));
        assert_true(isnan(result->weighted.recall) && isnan(result->log_loss));
        assert_true(isnan(result->roc_auc) && isnan(result->top_3) && isnan(result->top_5));
        assert_true(isnan(result->calibration_error) && isnan(result->bins[3].accuracy));
        assert_true(isnan(result->curve[7].f1) && isnan(result->curve[7].accuracy));
        assert_true(result->best_f1 == -1 && result->best_accuracy == -1);
        assert_true(result->classes[1].f1 == 0 && result->classes[1].support == 0);
        evaluation_free(evaluation);
    }
    evaluation_free(NULL);
}

static void refuse(struct evaluation *evaluation, const float *p, const uint32_t *truth,
                   size_t n_truth, const char *what)
{
    struct err err = {0};
    if (evaluation_add(evaluation, p, truth, n_truth, &err)) fail_msg("was taken: %s", what);
    assert_int_equal(err.code, ERR_INVALID);
    if (!strstr(err.message, what)) fail_msg("'%s' does not say '%s'", err.message, what);
}

static void what_is_no_prediction_is_refused_and_not_counted(void **state)
{
    (void)state;
    const float good[] = {0.25f, 0.75f, 0}, has_nan[] = {0.5f, NAN, 0.5f}, above[] = {0, 0, 1.5f},
                below[] = {-0.1f, 0, 0}, infinite[] = {0, INFINITY, 0};
    const uint32_t labels[] = {1, 3}, beyond[] = {3};
    for (int kind = 0; kind < HEAD_KINDS; kind++) {
        struct evaluation *evaluation = start((enum head_kind)kind, kind == HEAD_BINARY ? 2 : 3);
        refuse(evaluation, has_nan, labels, 1, "label 1 must be a number from 0 to 1, not nan");
        refuse(evaluation, below, labels, 1, "label 0");
        refuse(evaluation, infinite, labels, 1, "label 1");
        refuse(evaluation, good, beyond, 1, "not 3");
        if (kind != HEAD_BINARY) refuse(evaluation, above, labels, 1, "label 2");
        if (kind != HEAD_MULTI_LABEL) {
            refuse(evaluation, good, labels, 0, head_kind_names[kind]);
            refuse(evaluation, good, labels, 2, "not 2");
        }
        const struct evaluation_result *result = evaluation_finish(evaluation);
        assert_true(result->n == 0 && result->n_pairs == 0 && result->bins[0].n == 0);
        evaluation_free(evaluation);
    }
}

static void a_number_of_labels_that_does_not_fit_is_refused(void **state)
{
    (void)state;
    struct err err;
    assert_null(evaluation_new(HEAD_BINARY, 3, names, NULL, &err));
    assert_int_equal(err.code, ERR_INVALID);
    assert_null(evaluation_new(HEAD_MULTI_CLASS, 0, names, NULL, &err));
    assert_null(evaluation_new(HEAD_MULTI_LABEL, 0, names, NULL, &err));
    assert_null(evaluation_new(HEAD_MULTI_LABEL, EVALUATION_UNKNOWN, names, NULL, NULL));
}

static void negative_zero_is_zero(void **state)
{
    (void)state;
    struct evaluation *evaluation = start(HEAD_BINARY, 2);
    struct err err;
    const float minus[] = {1, -0.0f}, plus[] = {1, 0}, half[] = {0.5f, 0.5f};
    assert_true(evaluation_add(evaluation, minus, &(uint32_t){1}, 1, &err));
    assert_true(evaluation_add(evaluation, plus, &(uint32_t){0}, 1, &err));
    assert_true(evaluation_add(evaluation, half, &(uint32_t){0}, 1, &err));
    assert_true(evaluation_finish(evaluation)->roc_auc == 0.25);
    evaluation_free(evaluation);
}

static void a_label_that_stands_twice_counts_once(void **state)
{
    (void)state;
    struct evaluation *evaluation = start(HEAD_MULTI_LABEL, 3);
    struct err err;
    const float p[] = {0.9f, 0.1f, 0.1f};
    const uint32_t truth[] = {0, EVALUATION_UNKNOWN, 0, EVALUATION_UNKNOWN};
    assert_true(evaluation_add(evaluation, p, truth, 4, &err));
    assert_true(evaluation_add(evaluation, p, truth, 1, &err));
    const struct evaluation_result *result = evaluation_finish(evaluation);
    assert_int_equal(result->classes[0].support, 2);
    assert_int_equal(result->n_unknown, 1);
    assert_true(result->accuracy == 0.5 && result->hamming_loss == 1.0 / 8);
    evaluation_free(evaluation);
}

#define MANY 100000u

/* Each label once, every tenth example given to its neighbour, every hundredth not known. */
static void a_hundred_thousand_labels_need_no_table_of_their_square(void **state)
{
    (void)state;
    const uint32_t n = 500;
    struct err err;
    struct evaluation *evaluation = start(HEAD_MULTI_CLASS, MANY);
    float *p = calloc(MANY, sizeof *p);
    assert_non_null(p);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t truth = i * 199, predicted = i % 10 == 1 ? truth + 1 : truth;
        p[predicted] = 0.875f;
        if (i % 100 == 0) truth = EVALUATION_UNKNOWN;
        if (!evaluation_add(evaluation, p, &truth, 1, &err)) fail_msg("%s", err.message);
        p[predicted] = 0;
    }
    const struct evaluation_result *result = evaluation_finish(evaluation);
    assert_int_equal(result->n_unknown, n / 100);
    assert_true(result->accuracy == 0.89);
    assert_int_equal(result->n_occur, n + n / 10);
    assert_true(fabs(result->macro.f1 - 445.0 / 551) < 1e-12);
    assert_true(fabs(result->calibration_error - 0.015) < 1e-12);
    assert_int_equal(result->n_pairs, n / 10 + n / 100);
    assert_true(result->pairs[0].truth == 199 && result->pairs[0].predicted == 200);
    assert_int_equal(result->pairs[result->n_pairs - 1].truth, EVALUATION_UNKNOWN);
    free(p);
    evaluation_free(evaluation);
}

/* Scores 0/1000 … 999/1000, of which the upper ones are positive more often. */
static void a_hundred_thousand_examples_are_counted_exactly(void **state)
{
    (void)state;
    struct err err;
    struct evaluation *evaluation = start(HEAD_BINARY, 2);
    for (uint32_t i = 0; i < MANY; i++) {
        uint32_t step = i % 1000, truth = i / 1000 * 10 < step;
        float p[2] = {0, (float)(step / 1000.0)};
        p[0] = 1 - p[1];
        if (!evaluation_add(evaluation, p, &truth, 1, &err)) fail_msg("%s", err.message);
    }
    const struct evaluation_result *result = evaluation_finish(evaluation);
    uint64_t n = 0;
    for (int i = 0; i < EVALUATION_BINS; i++)
        n += result->bins[i].n;
    assert_int_equal(n, MANY);
    for (uint32_t i = 0; i <= 100; i++)
        assert_int_equal(result->curve[i].n, MANY - i * 1000);
    assert_true(fabs(result->roc_auc - 5.0 / 6) < 0.005); /* ∫∫ of the continuous case */
    evaluation_free(evaluation);
}

/* By hand; scikit-learn's brier_score_loss says the same. */
static void the_brier_score_is_the_mean_squared_miss(void **state)
{
    (void)state;
    static const struct {
        enum head_kind kind;
        uint32_t n_labels, truth;
        float p[3];
        double wanted;
    } cases[] = {
        {HEAD_BINARY, 2, 1, {0.25f, 0.75f}, 0.0625},
        {HEAD_BINARY, 2, 0, {0.25f, 0.75f}, 0.5625},
        {HEAD_MULTI_CLASS, 3, 1, {0.25f, 0.5f, 0.25f}, 0.375},
        {HEAD_MULTI_CLASS, 3, 2, {1, 0, 0}, 2},
        {HEAD_MULTI_LABEL, 2, 1, {0.5f, 0.75f}, (0.25 + 0.0625) / 2},
    };
    static const char *const letters[] = {"a", "b", "c"};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct err err;
        struct evaluation *evaluation =
            evaluation_new(cases[i].kind, cases[i].n_labels, letters, NULL, &err);
        assert_true(evaluation_add(evaluation, cases[i].p, &cases[i].truth, 1, &err));
        assert_true(fabs(evaluation_finish(evaluation)->brier - cases[i].wanted) < 1e-12);
        evaluation_free(evaluation);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_brier_score_is_the_mean_squared_miss),
        cmocka_unit_test(measures_are_those_of_the_reference),
        cmocka_unit_test(without_examples_nothing_has_a_value),
        cmocka_unit_test(what_is_no_prediction_is_refused_and_not_counted),
        cmocka_unit_test(a_number_of_labels_that_does_not_fit_is_refused),
        cmocka_unit_test(negative_zero_is_zero),
        cmocka_unit_test(a_label_that_stands_twice_counts_once),
        cmocka_unit_test(a_hundred_thousand_labels_need_no_table_of_their_square),
        cmocka_unit_test(a_hundred_thousand_examples_are_counted_exactly),
    };
    return cmocka_run_group_tests(tests, read_golden, drop_golden);
}
