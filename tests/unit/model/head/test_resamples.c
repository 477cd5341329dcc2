/* SPDX-License-Identifier: Apache-2.0 */
/* The bootstrap of F1: against theory where there is one, and within its bounds. */
#include "base/random.h"
#include "model/head/confusions.h"
#include "model/head/intervals.h"
#include "model/head/resamples.h"
#include "tests/test.h"

#include <math.h>
#include <string.h>

static struct resampled_f1 f1, other_f1;

static struct resamples *start(enum head_kind kind, uint32_t n_labels, size_t entries_max)
{
    struct err err = {0};
    struct resamples *resamples = resamples_new(kind, n_labels, entries_max, &err);
    if (!resamples) fail_msg("%s", err.message);
    return resamples;
}

static void add(struct resamples *resamples, const uint32_t *truth, size_t n_truth,
                const uint32_t *predicted, uint32_t n)
{
    struct err err = {0};
    const struct answer answer = {predicted, n, false};
    if (!resamples_add(resamples, truth, n_truth, &answer, &err)) fail_msg("%s", err.message);
}

static void add_one(struct resamples *resamples, uint32_t truth, uint32_t predicted)
{
    add(resamples, &truth, 1, &predicted, 1);
}

static void draw(struct resamples *resamples, struct resampled_f1 *out)
{
    struct err err = {0};
    if (!resamples_draw(resamples, out, &err)) fail_msg("%s", err.message);
}

static double mean(const double *values)
{
    double sum = 0;
    for (size_t i = 0; i < RESAMPLES; i++)
        sum += values[i];
    return sum / RESAMPLES;
}

static double deviation(const double *values)
{
    double sum = 0;
    const double middle = mean(values);
    for (size_t i = 0; i < RESAMPLES; i++)
        sum += (values[i] - middle) * (values[i] - middle);
    return sqrt(sum / (RESAMPLES - 1));
}

/* n rows of two labels, first those of the one, then those of the other; of `of` rows 1 is wrong.
 */
static struct resamples *binary(uint32_t n, uint32_t of, size_t entries_max)
{
    struct resamples *resamples = start(HEAD_BINARY, 2, entries_max);
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t truth = i >= n / 2;
        add_one(resamples, truth, i % of == 0 ? !truth : truth);
    }
    return resamples;
}

/* Of a head that answers with one label micro F1 is the accuracy: sd = sqrt(p(1 - p)/n). */
static void expect_theory(struct resamples *resamples, uint32_t n, double p)
{
    const double sd = sqrt(p * (1 - p) / n);
    draw(resamples, &f1);
    assert_true(fabs(mean(f1.micro) - p) < sd / 5);
    assert_true(fabs(deviation(f1.micro) / sd - 1) < 0.1);
    resamples_free(resamples);
}

static void the_spread_is_that_of_theory(void **state)
{
    (void)state;
    expect_theory(binary(400, 5, 0), 400, 0.8);
    expect_theory(binary(4096, 8, 0), 4096, 0.875);
}

static void rows_beyond_the_groups_keep_the_spread_in_any_order(void **state)
{
    (void)state;
    expect_theory(binary(100000, 10, 0), 100000, 0.9);
    /* All wrong rows come first. */
    struct resamples *resamples = start(HEAD_MULTI_CLASS, 3, 0);
    for (uint32_t i = 0; i < 50000; i++)
        add_one(resamples, 0, i < 10000);
    expect_theory(resamples, 50000, 0.8);
}

static void groups_put_together_keep_the_spread(void **state)
{
    (void)state;
    expect_theory(binary(20000, 4, 2000), 20000, 0.75); /* 512 groups */
    expect_theory(binary(4096, 4, 2000), 4096, 0.75);
}

static void the_same_rows_give_the_same_bits_and_paired_ones_the_same_draws(void **state)
{
    (void)state;
    struct resamples *a = binary(300, 3, 0), *b = binary(300, 3, 0);
    draw(a, &f1);
    draw(b, &other_f1);
    assert_memory_equal(&f1, &other_f1, sizeof f1);
    resamples_free(a);
    resamples_free(b);
    a = binary(20000, 4, 0);
    b = binary(20000, 4, 1000);
    struct err err = {0};
    assert_true(resamples_match(a, b, &err));
    draw(a, &f1);
    draw(b, &other_f1);
    assert_memory_equal(&f1, &other_f1, sizeof f1);
    resamples_free(a);
    resamples_free(b);
}

static void all_right_is_1_in_every_draw_and_all_unknown_0(void **state)
{
    (void)state;
    struct resamples *right = start(HEAD_MULTI_CLASS, 5, 0);
    struct resamples *unknown = start(HEAD_MULTI_CLASS, 5, 0);
    for (uint32_t i = 0; i < 50; i++) {
        add_one(right, i % 5, i % 5);
        add_one(unknown, EVALUATION_UNKNOWN, i % 5);
    }
    draw(right, &f1);
    draw(unknown, &other_f1);
    for (size_t i = 0; i < RESAMPLES; i++) {
        assert_true(f1.macro[i] == 1 && f1.micro[i] == 1 && f1.weighted[i] == 1);
        assert_true(other_f1.macro[i] == 0 && other_f1.micro[i] == 0 && other_f1.weighted[i] == 0);
    }
    resamples_free(right);
    resamples_free(unknown);
}

static void a_rare_label_of_a_multi_label_head_that_is_not_drawn_is_no_0(void **state)
{
    (void)state;
    /* Ten labels, each in one row and found; five more occur nowhere: macro F1 is 10/15. */
    struct resamples *resamples = start(HEAD_MULTI_LABEL, 15, 0);
    for (uint32_t i = 0; i < 10; i++)
        add_one(resamples, i, i);
    draw(resamples, &f1);
    for (size_t i = 0; i < RESAMPLES; i++)
        assert_true(fabs(f1.macro[i] - 10.0 / 15) < 1e-12 && f1.micro[i] == 1);
    resamples_free(resamples);
}

static void labels_are_counted_once_and_what_is_not_known_as_one(void **state)
{
    (void)state;
    struct resamples *resamples = start(HEAD_MULTI_LABEL, 4, 0);
    add(resamples, (uint32_t[]){2, EVALUATION_UNKNOWN, 2, EVALUATION_UNKNOWN}, 4,
        (uint32_t[]){2, 1}, 2);
    draw(resamples, &f1);
    /* Support 2, predicted 2, right 1. */
    assert_true(f1.micro[0] == 0.5 && f1.weighted[0] == 0.5 && fabs(f1.macro[0] - 0.2) < 1e-12);
    resamples_free(resamples);
}

static void without_rows_or_with_too_many_labels_nothing_is_known(void **state)
{
    (void)state;
    struct resamples *none = start(HEAD_BINARY, 2, 0), *much = start(HEAD_MULTI_CLASS, 1000, 100);
    draw(none, &f1);
    assert_true(isnan(f1.macro[0]) && isnan(f1.micro[RESAMPLES - 1]));
    assert_true(isnan(interval_percentile(f1.macro, RESAMPLES, 0.5).low));
    for (uint32_t i = 0; i < 5000; i++)
        add_one(much, i % 1000, 0);
    draw(much, &f1);
    assert_true(isnan(f1.macro[0]));
    resamples_free(none);
    resamples_free(much);
    resamples_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_spread_is_that_of_theory),
        cmocka_unit_test(rows_beyond_the_groups_keep_the_spread_in_any_order),
        cmocka_unit_test(groups_put_together_keep_the_spread),
        cmocka_unit_test(the_same_rows_give_the_same_bits_and_paired_ones_the_same_draws),
        cmocka_unit_test(all_right_is_1_in_every_draw_and_all_unknown_0),
        cmocka_unit_test(a_rare_label_of_a_multi_label_head_that_is_not_drawn_is_no_0),
        cmocka_unit_test(labels_are_counted_once_and_what_is_not_known_as_one),
        cmocka_unit_test(without_rows_or_with_too_many_labels_nothing_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
