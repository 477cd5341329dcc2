/* SPDX-License-Identifier: Apache-2.0 */
/* Paired comparisons against published figures and exact sums. */
#include "model/head/paired.h"
#include "tests/test.h"

#include <math.h>

static void expect(struct paired paired, double low, double high)
{
    const struct interval found = paired_interval(&paired);
    if (fabs(found.low - low) > 5e-5 || fabs(found.high - high) > 5e-5)
        fail_msg("%.6f to %.6f, not %.4f to %.4f", found.low, found.high, low, high);
}

/* Newcombe's table II, method 10: cells e, f, g, h; his difference is that of f and g. */
static void the_interval_is_newcombes(void **state)
{
    (void)state;
    expect((struct paired){.both_right = 36, .b_alone = 12, .a_alone = 2}, 0.0569, 0.3404);
    expect((struct paired){20, 2, 12, 16}, 0.0562, 0.3292);
    expect((struct paired){36, 0, 14, 0}, 0.1528, 0.4167);
    expect((struct paired){18, 0, 14, 18}, 0.1441, 0.3963);
    expect((struct paired){36, 0, 0, 14}, -0.0491, 0.0491);
    expect((struct paired){54, 0, 0, 0}, -0.0664, 0.0664);
    expect((struct paired){0, 20, 30, 4}, -0.0703, 0.4170);
}

static void turned_round_the_interval_turns_round(void **state)
{
    (void)state;
    const struct paired one = {20, 2, 12, 16}, other = {20, 12, 2, 16};
    const struct interval a = paired_interval(&one), b = paired_interval(&other);
    assert_true(fabs(a.low + b.high) < 1e-12 && fabs(a.high + b.low) < 1e-12);
    assert_true(paired_difference(&one) == 0.2 && paired_difference(&other) == -0.2);
}

static void the_interval_holds_the_difference_and_stays_within_bounds(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 10000; i++) {
        const struct paired paired = {i % 10, i / 10 % 10, i / 100 % 10, i / 1000};
        const struct interval found = paired_interval(&paired);
        const double difference = paired_difference(&paired);
        if (i == 0) {
            assert_true(isnan(found.low) && isnan(difference));
            continue;
        }
        assert_true(-1 - 1e-12 <= found.low && found.low <= difference);
        assert_true(difference <= found.high && found.high <= 1 + 1e-12);
    }
}

/* Sums of whole numbers, divided once. */
static void mcnemars_test_is_exact(void **state)
{
    (void)state;
    static const struct {
        uint64_t a, b;
        double p;
    } cases[] = {{0, 0, 1},
                 {0, 1, 1},
                 {7, 7, 1},
                 {0, 6, 0.03125},
                 {1, 9, 0.021484375},
                 {12, 2, 0.012939453125},
                 {59, 6, 4.964650327128617e-12},
                 {86, 150, 3.715936139571442e-05},
                 {4800, 5200, 6.593515598672442e-05}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const double found =
            paired_mcnemar(&(struct paired){5, cases[i].a, cases[i].b, UINT32_MAX});
        if (fabs(found / cases[i].p - 1) > 1e-9) fail_msg("%.15g, not %.15g", found, cases[i].p);
    }
    assert_true(paired_mcnemar(&(struct paired){0, 0, 2000000, 0}) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_interval_is_newcombes),
        cmocka_unit_test(turned_round_the_interval_turns_round),
        cmocka_unit_test(the_interval_holds_the_difference_and_stays_within_bounds),
        cmocka_unit_test(mcnemars_test_is_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
