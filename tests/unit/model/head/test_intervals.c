/* SPDX-License-Identifier: Apache-2.0 */
/* Intervals against published tables, and where they are extreme. */
#include "model/head/intervals.h"
#include "tests/test.h"

#include <math.h>

/* Newcombe, "Two-sided confidence intervals for the single proportion: comparison of seven
 * methods", Statistics in Medicine 17 (1998), table I, method 3: four decimals. */
static void wilson_gives_the_published_intervals(void **state)
{
    (void)state;
    static const struct {
        uint64_t n_right, n;
        double low, high;
    } cases[] = {{81, 263, 0.2553, 0.3662},
                 {15, 148, 0.0624, 0.1605},
                 {0, 20, 0, 0.1611},
                 {1, 29, 0.0061, 0.1718}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double low, high;
        interval_wilson(cases[i].n_right, cases[i].n, &low, &high);
        assert_true(fabs(low - cases[i].low) < 5e-5);
        assert_true(fabs(high - cases[i].high) < 5e-5);
    }
}

static void wilson_stays_within_0_and_1_and_holds_the_share(void **state)
{
    (void)state;
    for (uint64_t n = 1; n <= 300; n++) {
        for (uint64_t n_right = 0; n_right <= n; n_right++) {
            double low, high, p = (double)n_right / (double)n;
            interval_wilson(n_right, n, &low, &high);
            assert_true(0 <= low && low <= p && p <= high && high <= 1);
            assert_true((low == 0) == (n_right == 0) && (high == 1) == (n_right == n));
        }
    }
}

static void wilson_of_nothing_is_not_a_number(void **state)
{
    (void)state;
    double low = 0, high = 0;
    interval_wilson(0, 0, &low, &high);
    assert_true(isnan(low) && isnan(high));
}

static void wilson_takes_the_largest_counts(void **state)
{
    (void)state;
    double low, high;
    interval_wilson(UINT64_MAX, UINT64_MAX, &low, &high);
    assert_true(low > 1 - 1e-15 && high == 1);
    interval_wilson(UINT64_MAX / 2, UINT64_MAX, &low, &high);
    assert_true(fabs(low - 0.5) < 1e-9);
    assert_true(fabs(high - 0.5) < 1e-9);
}

static void percentiles_are_numpys_and_hold_the_figure(void **state)
{
    (void)state;
    double values[101];
    for (int i = 0; i < 101; i++)
        values[i] = (i * 37) % 101; /* 0 to 100 in another order */
    struct interval found = interval_percentile(values, 101, 50);
    assert_true(fabs(found.low - 2.5) < 1e-12 && fabs(found.high - 97.5) < 1e-12);
    found = interval_percentile(values, 101, 99);
    assert_true(fabs(found.low - 2.5) < 1e-12 && found.high == 99);
    found = interval_percentile(values, 101, 1);
    assert_true(found.low == 1 && fabs(found.high - 97.5) < 1e-12);
    found = interval_percentile((double[]){3}, 1, 3);
    assert_true(found.low == 3 && found.high == 3);
}

static void percentiles_of_what_is_not_known_are_not_known(void **state)
{
    (void)state;
    double values[] = {1, NAN, 2};
    assert_true(isnan(interval_percentile(values, 3, 1).low));
    assert_true(isnan(interval_percentile(values, 1, NAN).high));
    assert_true(isnan(interval_percentile(values, 0, 1).low));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wilson_gives_the_published_intervals),
        cmocka_unit_test(wilson_stays_within_0_and_1_and_holds_the_share),
        cmocka_unit_test(wilson_of_nothing_is_not_a_number),
        cmocka_unit_test(wilson_takes_the_largest_counts),
        cmocka_unit_test(percentiles_are_numpys_and_hold_the_figure),
        cmocka_unit_test(percentiles_of_what_is_not_known_are_not_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
