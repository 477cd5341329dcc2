/* SPDX-License-Identifier: Apache-2.0 */
#include "model/head/thresholds.h"
#include "tests/test.h"

#include <math.h>
#include <string.h>

#define N 8

static const struct threshold_row given[N] = {{0.9f, true},  {0.1f, false}, {0.8f, true},
                                              {0.7f, false}, {0.6f, true},  {0.6f, false},
                                              {0.3f, true},  {0.2f, false}};

static struct threshold_found choose(struct threshold_wish wish)
{
    struct threshold_row rows[N];
    struct threshold_found found;
    memcpy(rows, given, sizeof rows);
    assert_true(thresholds_choose(rows, N, &wish, &found));
    const struct threshold_found again = thresholds_count(given, N, found.threshold);
    assert_int_equal(again.n_predicted, found.n_predicted);
    assert_int_equal(again.n_correct, found.n_correct);
    assert_int_equal(again.n_true, 4);
    return found;
}

static bool is_at(struct threshold_found found, double threshold)
{
    return fabs((double)found.threshold - threshold) < 1e-6;
}

static void each_wish_has_its_threshold(void **state)
{
    (void)state;
    /* F1: 2 of 2: 0.667, 3 of 5: 0.667, 4 of 6: 0.8. */
    assert_true(is_at(choose((struct threshold_wish){.goal = GOAL_F1}), 0.25));
    assert_true(is_at(choose((struct threshold_wish){GOAL_PRECISION, .least = 1}), 0.75));
    assert_true(is_at(choose((struct threshold_wish){GOAL_PRECISION, .least = 0.65}), 0.25));
    assert_true(is_at(choose((struct threshold_wish){GOAL_RECALL, .least = 0.5}), 0.75));
    assert_true(is_at(choose((struct threshold_wish){GOAL_RECALL, .least = 0.75}), 0.25));
    assert_true(is_at(
        choose((struct threshold_wish){GOAL_COST, 0, .false_positive = 5, .false_negative = 1}),
        0.75));
    assert_true(is_at(
        choose((struct threshold_wish){GOAL_COST, 0, .false_positive = 1, .false_negative = 5}),
        0.25));
    /* Nothing at all, where what is missed costs nothing. */
    const struct threshold_found none =
        choose((struct threshold_wish){GOAL_COST, 0, .false_positive = 1, .false_negative = 0});
    assert_true(none.n_predicted == 0 && none.threshold == 1);
}

static void what_cannot_be_reached_is_said(void **state)
{
    (void)state;
    struct threshold_found found;
    struct threshold_row bad[] = {{0.9f, false}, {0.8f, true}}, none[] = {{0.9f, false}};
    const struct threshold_wish wish = {GOAL_PRECISION, .least = 0.9};
    assert_false(thresholds_choose(bad, 2, &wish, &found));
    assert_false(thresholds_choose(none, 1, &wish, &found));
    assert_false(thresholds_choose(none, 0, &wish, &found));
}

/* Probabilities next to each other, and ends of the range. */
static void ends_are_kept(void **state)
{
    (void)state;
    struct threshold_found found;
    const struct threshold_wish wish = {.goal = GOAL_F1};
    struct threshold_row sure[] = {{1, true}, {1, true}, {0, false}};
    assert_true(thresholds_choose(sure, 3, &wish, &found));
    assert_true(found.threshold > 0 && found.threshold <= 1 && found.n_predicted == 2);
    struct threshold_row next[] = {{nextafterf(0.5f, 1), true}, {0.5f, false}};
    assert_true(thresholds_choose(next, 2, &wish, &found));
    assert_true(found.n_predicted == 1 && found.threshold == nextafterf(0.5f, 1));
    struct threshold_row all[] = {{0, true}, {0, true}};
    assert_true(thresholds_choose(all, 2, &wish, &found));
    assert_true(found.threshold == 0 && found.n_predicted == 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_wish_has_its_threshold),
        cmocka_unit_test(what_cannot_be_reached_is_said),
        cmocka_unit_test(ends_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
