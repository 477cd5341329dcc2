/* SPDX-License-Identifier: Apache-2.0 */
#include "server/fair.h"

#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

#define N_ITEMS 64

static struct fair fair;
static struct fair_item items[N_ITEMS];

static void begin(void)
{
    memset(&fair, 0, sizeof fair);
    memset(items, 0, sizeof items);
}

static void put(size_t i, uint64_t client, uint64_t cost)
{
    items[i].client = client;
    items[i].cost = cost;
    fair_put(&fair, &items[i]);
}

static size_t take(void)
{
    const struct fair_item *item = fair_take(&fair);
    assert_non_null(item);
    return (size_t)(item - items);
}

static void one_client_is_served_in_the_order_he_came(void **state)
{
    (void)state;
    begin();
    assert_null(fair_take(&fair));
    for (size_t i = 0; i < N_ITEMS; i++)
        put(i, 7, 100 + i);
    for (size_t i = 0; i < N_ITEMS; i++)
        assert_int_equal(take(), i);
    assert_null(fair_take(&fair));
    assert_int_equal(fair.n, 0);
}

static void who_comes_later_waits_for_one_of_each_other_at_most(void **state)
{
    (void)state;
    begin();
    for (size_t i = 0; i < 32; i++)
        put(i, 1, 1000);
    assert_int_equal(take(), 0);
    assert_int_equal(take(), 1);
    put(32, 2, 1000);
    const size_t next[] = {take(), take()};
    assert_true(next[0] == 32 || next[1] == 32);
}

static void what_is_dear_counts_for_more(void **state)
{
    (void)state;
    begin();
    for (size_t i = 0; i < 8; i++)
        put(i, 1, 4000);
    for (size_t i = 8; i < 40; i++)
        put(i, 2, 1000);
    size_t dear = 0;
    for (size_t i = 0; i < 20; i++)
        dear += take() < 8;
    assert_in_range(dear, 3, 5);
}

static void nobody_saves_up_turns(void **state)
{
    (void)state;
    begin();
    for (size_t i = 0; i < 20; i++)
        put(i, 1, 1000);
    for (size_t i = 0; i < 16; i++)
        take();
    for (size_t i = 20; i < 28; i++)
        put(i, 2, 1000);
    size_t of_new = 0;
    for (size_t i = 0; i < 6; i++)
        of_new += take() >= 20;
    assert_in_range(of_new, 2, 4);
}

static void what_is_removed_is_not_served_and_the_rest_is(void **state)
{
    (void)state;
    begin();
    for (size_t i = 0; i < N_ITEMS; i++)
        put(i, i % 5, 10);
    for (size_t i = 0; i < N_ITEMS; i += 2)
        assert_true(fair_remove(&fair, &items[i]));
    assert_false(fair_remove(&fair, &items[0]));
    for (size_t i = 0; i < N_ITEMS / 2; i++)
        assert_int_equal(take() % 2, 1);
    assert_null(fair_take(&fair));
    put(0, 3, 1); /* a lane that was left is entered again */
    put(1, 3, 1);
    assert_true(fair_remove(&fair, &items[1]));
    put(2, 3, 1);
    assert_int_equal(take(), 0);
    assert_int_equal(take(), 2);
}

static void as_many_as_there_are_come_out_again(void **state)
{
    (void)state;
    begin();
    bool waits[N_ITEMS] = {false};
    size_t n = 0;
    srand(1);
    for (int step = 0; step < 20000; step++) {
        const size_t i = (size_t)rand() % N_ITEMS;
        if (!waits[i]) {
            put(i, (uint64_t)rand() % 9, (uint64_t)rand() % 1000);
            waits[i] = true;
            n++;
        } else if (rand() % 2) {
            assert_true(fair_remove(&fair, &items[i]));
            waits[i] = false;
            n--;
        } else {
            const size_t got = take();
            assert_true(waits[got]);
            waits[got] = false;
            n--;
        }
        assert_int_equal(fair.n, n);
    }
}

/* Whatever waits: what is said to come before an item does, and of each client at most one more. */
static void what_is_ahead_is_known(void **state)
{
    (void)state;
    uint64_t random = 1;
    for (int round = 0; round < 2000; round++) {
        begin();
        for (size_t i = 0; i < N_ITEMS - 1; i++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            put(i, random >> 60, 1 + (random >> 33) % 1000);
            if ((random >> 40) % 3 == 0) fair_take(&fair);
        }
        const uint64_t client = (uint64_t)round % 17;
        const uint64_t ahead = fair_cost_ahead(&fair, client);
        put(N_ITEMS - 1, client, 500);
        uint64_t taken = 0;
        for (size_t next; (next = take()) != N_ITEMS - 1;)
            taken += items[next].cost;
        assert_in_range(taken, ahead, ahead + 16 * 1000);
    }
}

static void a_client_waits_for_his_own_and_as_much_of_each_other(void **state)
{
    (void)state;
    begin();
    assert_int_equal(fair_cost_ahead(&fair, 1), 0);
    for (size_t i = 0; i < 30; i++)
        put(i, 1, 1000);
    assert_int_equal(fair_cost_ahead(&fair, 1), 30000);
    assert_int_equal(fair_cost_ahead(&fair, 2), 0);
    put(30, 2, 1000);
    put(31, 2, 1000);
    assert_int_equal(fair_cost_ahead(&fair, 2), 2 * 2000);
    assert_int_equal(fair_cost_ahead(&fair, 1), 32000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_client_is_served_in_the_order_he_came),
        cmocka_unit_test(who_comes_later_waits_for_one_of_each_other_at_most),
        cmocka_unit_test(what_is_dear_counts_for_more),
        cmocka_unit_test(nobody_saves_up_turns),
        cmocka_unit_test(what_is_removed_is_not_served_and_the_rest_is),
        cmocka_unit_test(as_many_as_there_are_come_out_again),
        cmocka_unit_test(what_is_ahead_is_known),
        cmocka_unit_test(a_client_waits_for_his_own_and_as_much_of_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
