/* SPDX-License-Identifier: Apache-2.0 */
#include "handlers/rates.h"
#include "tests/test.h"

#define S UINT64_C(1000000000)
#define START (1000 * S)

static struct rates *rates;

static bool take(uint64_t client, struct rate_limits limits, uint64_t at, struct rate_state *state)
{
    return rates_take(rates, client, &limits, START + at, state);
}

static void a_minute_s_worth_may_come_at_once_and_then_it_comes_in_steadily(void **state)
{
    (void)state;
    const struct rate_limits limits = {.requests = 60};
    struct rate_state now;
    for (uint64_t i = 0; i < 60; i++) {
        assert_true(take(1, limits, 0, &now));
        assert_int_equal(now.requests_left, 59 - i);
    }
    assert_in_range(now.requests_full_ms, 59999, 60001);
    assert_false(take(1, limits, 0, &now));
    assert_in_range(now.retry_ms, 1000, 1001);
    assert_false(take(1, limits, S - 1000, &now));
    assert_true(take(1, limits, S + 2 * S / 1000, &now));
    assert_false(take(1, limits, S + 3 * S / 1000, &now));
    for (int i = 0; i < 60; i++)
        assert_true(take(1, limits, 1000 * S, &now));
    assert_false(take(1, limits, 1000 * S, &now));
}

static void who_comes_back_when_he_was_told_gets_in(void **state)
{
    (void)state;
    const struct rate_limits limits = {.requests = 7, .tokens = 100};
    struct rate_state now;
    uint64_t at = 0;
    for (int i = 0; i < 100; i++) {
        while (take(2, limits, at, &now))
            rates_charge(rates, 2, &limits, 33, START + at);
        at += now.retry_ms * (S / 1000);
        assert_true(take(2, limits, at, &now));
    }
}

static void tokens_are_owed_until_they_have_come_in(void **state)
{
    (void)state;
    const struct rate_limits limits = {.tokens = 600};
    struct rate_state now;
    assert_true(take(3, limits, 0, &now));
    assert_int_equal(now.tokens_left, 600);
    rates_charge(rates, 3, &limits, 900, START);
    assert_false(take(3, limits, 0, &now));
    assert_int_equal(now.tokens_left, 0);
    assert_in_range(now.retry_ms, 30000, 30003);
    assert_false(take(3, limits, 29 * S, &now));
    assert_true(take(3, limits, 31 * S, &now));
}

static void one_client_takes_nothing_from_another(void **state)
{
    (void)state;
    const struct rate_limits limits = {.requests = 1};
    struct rate_state now;
    for (uint64_t client = 100; client < 1000; client++)
        assert_true(take(client, limits, 0, &now));
    assert_false(take(999, limits, 0, &now));
}

static void where_limits_change_what_was_used_stays_used(void **state)
{
    (void)state;
    struct rate_state now;
    const struct rate_limits few = {.requests = 2}, some = {.requests = 5}, none = {0};
    assert_true(take(4, (struct rate_limits){.requests = 1000}, 0, &now));
    assert_true(take(4, few, 0, &now));
    assert_int_equal(now.requests_left, 0);
    assert_false(take(4, few, 0, &now));
    assert_true(take(4, some, 0, &now));
    assert_int_equal(now.requests_left, 2);
    assert_false(take(4, few, 0, &now)); /* of which all is used, and no more */
    assert_in_range(now.requests_full_ms, 59999, 60001);
    assert_true(take(4, few, 31 * S, &now));
    assert_true(take(4, none, 31 * S, &now));
    assert_true(take(4, few, 31 * S, &now)); /* nothing was counted meanwhile, nor before */
    assert_int_equal(now.requests_left, 1);
}

static void what_came_in_before_a_change_came_in_by_the_limit_before(void **state)
{
    (void)state;
    struct rate_state now;
    const struct rate_limits slow = {.requests = 60}, quick = {.requests = 6000};
    for (int i = 0; i < 60; i++)
        assert_true(take(5, slow, 0, &now));
    assert_true(take(5, quick, 10 * S, &now)); /* 10 of the 60, not 1000 */
    assert_int_equal(now.requests_left, 6000 - 50 - 1);
}

static void tokens_that_are_owed_stay_owed_and_are_charged_under_the_limits_of_now(void **state)
{
    (void)state;
    struct rate_state now;
    const struct rate_limits many = {.tokens = 600}, few = {.tokens = 60}, none = {0};
    assert_true(take(6, many, 0, &now));
    rates_charge(rates, 6, &many, 660, START);
    assert_false(take(6, few, 0, &now)); /* all 60, and the 60 that are owed */
    assert_in_range(now.tokens_full_ms, 119999, 120001);
    assert_true(take(6, few, 61 * S, &now));
    rates_charge(rates, 6, &many, 30, START + 61 * S); /* of a request that began under others */
    assert_false(take(6, few, 61 * S, &now));
    assert_in_range(now.tokens_full_ms, 88999, 89001);
    assert_true(take(6, none, 61 * S, &now));
    rates_charge(rates, 6, &few, 1000, START + 61 * S);
    assert_true(take(6, few, 61 * S, &now));
    assert_int_equal(now.tokens_left, 60);
}

static int open_rates(void **state)
{
    (void)state;
    return (rates = rates_new()) ? 0 : -1;
}

static int close_rates(void **state)
{
    (void)state;
    rates_free(rates);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_minute_s_worth_may_come_at_once_and_then_it_comes_in_steadily),
        cmocka_unit_test(who_comes_back_when_he_was_told_gets_in),
        cmocka_unit_test(tokens_are_owed_until_they_have_come_in),
        cmocka_unit_test(one_client_takes_nothing_from_another),
        cmocka_unit_test(where_limits_change_what_was_used_stays_used),
        cmocka_unit_test(what_came_in_before_a_change_came_in_by_the_limit_before),
        cmocka_unit_test(tokens_that_are_owed_stay_owed_and_are_charged_under_the_limits_of_now),
    };
    return cmocka_run_group_tests(tests, open_rates, close_rates);
}
