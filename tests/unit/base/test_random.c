/* SPDX-License-Identifier: Apache-2.0 */
#include "base/random.h"
#include "tests/test.h"

#define N 1000

static void numbers_are_those_of_splitmix64(void **state)
{
    (void)state;
    static const uint64_t expected[] = {6457827717110365317u, 3203168211198807973u,
                                        9817491932198370423u, 4593380528125082431u,
                                        16408922859458223821u};
    uint64_t random = 1234567;
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        assert_int_equal(random_next(&random), expected[i]);
}

static void each_of_three_numbers_changes_the_seed(void **state)
{
    (void)state;
    const uint64_t seed = random_seed(1, 2, 3);
    assert_int_equal(random_seed(1, 2, 3), seed);
    assert_int_not_equal(random_seed(0, 2, 3), seed);
    assert_int_not_equal(random_seed(1, 0, 3), seed);
    assert_int_not_equal(random_seed(1, 2, 0), seed);
    assert_int_not_equal(random_seed(1, 3, 2), seed);
}

static void shares_are_from_0_to_below_1_and_even(void **state)
{
    (void)state;
    uint64_t random = 5;
    size_t below_half = 0;
    for (size_t i = 0; i < N; i++) {
        const float share = random_share(&random);
        assert_true(share >= 0 && share < 1);
        below_half += share < 0.5f;
    }
    assert_true(below_half > N * 4 / 10 && below_half < N * 6 / 10);
}

static void shuffling_keeps_each_number_once_and_moves_most(void **state)
{
    (void)state;
    uint32_t list[N];
    size_t seen[N] = {0}, moved = 0;
    uint64_t random = 7;
    for (uint32_t i = 0; i < N; i++)
        list[i] = i;
    random_shuffle(&random, list, N);
    for (uint32_t i = 0; i < N; i++) {
        seen[list[i]]++;
        moved += list[i] != i;
    }
    for (size_t i = 0; i < N; i++)
        assert_int_equal(seen[i], 1);
    assert_true(moved > N * 9 / 10);
    random_shuffle(&random, list, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_those_of_splitmix64),
        cmocka_unit_test(each_of_three_numbers_changes_the_seed),
        cmocka_unit_test(shares_are_from_0_to_below_1_and_even),
        cmocka_unit_test(shuffling_keeps_each_number_once_and_moves_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
