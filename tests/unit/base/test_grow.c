/* SPDX-License-Identifier: Apache-2.0 */
#include "base/grow.h"
#include "tests/test.h"

#include <stdint.h>
#include <stdlib.h>

static void a_list_doubles_from_the_least_on_and_keeps_its_items(void **state)
{
    (void)state;
    uint32_t *list = NULL;
    size_t cap = 0, n = 0, changes = 0;
    while (n < 1000) {
        const size_t before = cap;
        assert_true(grow_list(&list, &cap, n + 1, sizeof *list));
        changes += cap != before;
        list[n] = (uint32_t)n;
        n++;
    }
    assert_int_equal(cap, 1024);
    assert_int_equal(changes, 5);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(list[i], i);
    free(list);
}

static void room_that_is_there_is_not_made_again(void **state)
{
    (void)state;
    char *list = NULL;
    size_t cap = 0;
    assert_true(grow_list(&list, &cap, 0, 1));
    assert_null(list);
    assert_true(grow_list(&list, &cap, GROW_ITEMS_MIN, 1));
    const char *before = list;
    assert_true(grow_list(&list, &cap, GROW_ITEMS_MIN, 1));
    assert_ptr_equal(list, before);
    assert_int_equal(cap, GROW_ITEMS_MIN);
    free(list);
}

static void sizes_that_overflow_leave_the_list_as_it_is(void **state)
{
    (void)state;
    uint64_t *list = NULL, *kept;
    size_t cap = 0;
    assert_true(grow_list(&list, &cap, 10, sizeof *list));
    list[9] = 9;
    kept = list;
    assert_false(grow_list(&list, &cap, SIZE_MAX, sizeof *list));
    assert_false(grow_list(&list, &cap, SIZE_MAX / 2, sizeof *list));
    assert_false(grow_list(&list, &cap, SIZE_MAX / 8 + 1, sizeof *list));
    assert_false(grow_to(&list, SIZE_MAX / 4, sizeof *list));
    assert_ptr_equal(list, kept);
    assert_int_equal(list[9], 9);
    assert_int_equal(cap, GROW_ITEMS_MIN);
    assert_int_equal(grow_cap(0, SIZE_MAX), 0);
    assert_int_equal(grow_cap(SIZE_MAX / 2 + 1, SIZE_MAX / 2), SIZE_MAX / 2 + 1);
    free(list);
}

static void lists_in_step_take_one_capacity(void **state)
{
    (void)state;
    uint32_t *numbers = NULL;
    char *letters = NULL;
    const size_t cap = grow_cap(GROW_ITEMS_MIN, GROW_ITEMS_MIN + 1);
    assert_int_equal(cap, 2 * GROW_ITEMS_MIN);
    assert_true(grow_to(&numbers, cap, sizeof *numbers) && grow_to(&letters, cap, 1));
    numbers[cap - 1] = 1;
    letters[cap - 1] = 'a';
    free(numbers);
    free(letters);
}

static void a_list_in_an_arena_stops_at_its_cap(void **state)
{
    (void)state;
    struct arena arena;
    uint32_t *list = NULL;
    size_t cap = 0, n = 0;
    arena_init(&arena, 64 << 10);
    while (grow_in_arena(&arena, &list, &cap, n + 1, sizeof *list)) {
        list[n] = (uint32_t)n;
        n++;
    }
    assert_int_equal(n, cap);
    assert_true(n >= 4096);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(list[i], i);
    assert_false(grow_in_arena(&arena, &list, &cap, SIZE_MAX / 2, sizeof *list));
    assert_int_equal(n, cap);
    arena_clear(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_doubles_from_the_least_on_and_keeps_its_items),
        cmocka_unit_test(room_that_is_there_is_not_made_again),
        cmocka_unit_test(sizes_that_overflow_leave_the_list_as_it_is),
        cmocka_unit_test(lists_in_step_take_one_capacity),
        cmocka_unit_test(a_list_in_an_arena_stops_at_its_cap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
