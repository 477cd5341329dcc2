/* SPDX-License-Identifier: Apache-2.0 */
#include "model/head/unsure.h"
#include "tests/test.h"

#include <math.h>

static void a_margin_is_what_stands_out(void **state)
{
    (void)state;
    const struct head_info many = {.kind = HEAD_MULTI_CLASS, .rows = 4};
    const struct head_info one = {.kind = HEAD_BINARY, .rows = 1};
    const struct head_info several = {.kind = HEAD_MULTI_LABEL, .rows = 3};
    assert_true(unsure_margin(&many, (const float[]){1, 5, -1, 3}) == 3);
    assert_true(unsure_margin(&many, (const float[]){2, 2, 2, 2}) == 0);
    assert_true(unsure_margin(&one, (const float[]){-2.5f}) == 2.5f);
    assert_true(unsure_margin(&one, (const float[]){2.5f}) == 2.5f);
    assert_true(unsure_margin(&several, (const float[]){-3, 1, 2}) == 3);
}

static void quantiles_part_the_margins_evenly(void **state)
{
    (void)state;
    float margins[1000], quantiles[9];
    for (int i = 0; i < 1000; i++)
        margins[i] = (float)((i * 7 + 3) % 1000) + 0.5f;
    unsure_quantiles(margins, 1000, quantiles, 9);
    for (int i = 0; i < 9; i++)
        assert_true(fabsf(quantiles[i] - 100 * (float)(i + 1)) < 1);
    unsure_quantiles((float[]){4}, 1, quantiles, 9);
    assert_true(quantiles[0] == 4 && quantiles[8] == 4);
    unsure_quantiles((float[]){8, 2}, 2, quantiles, 9);
    assert_true(quantiles[0] == 2 && quantiles[4] == 5 && quantiles[8] == 8);
}

static void the_score_is_the_share_of_those_that_are_surer(void **state)
{
    (void)state;
    static const float quantiles[] = {1, 2, 4, 4, 10};
    const struct head_info info = {.margins = quantiles, .n_margins = 5};
    static const struct {
        float margin, score;
    } cases[] = {{0, 1},         {0.5f, 1 - 0.5f / 6}, {1, 5.0f / 6}, {1.5f, 4.5f / 6},
                 {2, 4.0f / 6},  {3, 3.5f / 6},        {4, 2.0f / 6}, {7, 1.5f / 6},
                 {10, 1.0f / 6}, {20, 0.5f / 6}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const float found = unsure_score(&info, cases[i].margin);
        if (!(fabsf(found - cases[i].score) < 1e-6f))
            fail_msg("%g: %g, not %g", (double)cases[i].margin, (double)found,
                     (double)cases[i].score);
    }
}

static bool repeats(size_t n, uint32_t n_different)
{
    static uint32_t ids[100000];
    for (size_t i = 0; i < n; i++)
        ids[i] = (uint32_t)i % n_different * 7;
    return unsure_repeats(ids, n);
}

static void few_words_over_and_over_are_told_by_their_number(void **state)
{
    (void)state;
    assert_true(repeats(16, 1) && repeats(16, 4) && repeats(1000, 1) && repeats(100000, 16));
    assert_false(repeats(0, 1) || repeats(15, 1) || repeats(16, 5) || repeats(16, 16));
    assert_true(repeats(256, 16));
    assert_false(repeats(256, 17) || repeats(100000, 30011));
}

/* Rows that the head says nothing of have the margin 0. */
static void quantiles_may_be_zero(void **state)
{
    (void)state;
    static const float quantiles[] = {0, 0, 3};
    const struct head_info info = {.margins = quantiles, .n_margins = 3};
    assert_true(unsure_score(&info, 0) == 0.5f);
    assert_true(unsure_score(&info, 1.5f) == 0.375f);
    static const float nothing[] = {0, 0};
    const struct head_info zero = {.margins = nothing, .n_margins = 2};
    assert_true(unsure_score(&zero, 0) == 1 && unsure_score(&zero, 2) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_margin_is_what_stands_out),
        cmocka_unit_test(quantiles_part_the_margins_evenly),
        cmocka_unit_test(the_score_is_the_share_of_those_that_are_surer),
        cmocka_unit_test(few_words_over_and_over_are_told_by_their_number),
        cmocka_unit_test(quantiles_may_be_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
