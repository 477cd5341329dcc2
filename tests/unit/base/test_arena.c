/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include "tests/test.h"

#include <string.h>

static void blocks_are_aligned_and_do_not_overlap(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    char *blocks[100];
    for (int i = 0; i < 100; i++) {
        blocks[i] = arena_alloc(&arena, (size_t)i * 7);
        assert_non_null(blocks[i]);
        assert_int_equal((uintptr_t)blocks[i] % ARENA_ALIGN, 0);
        memset(blocks[i], i, (size_t)i * 7);
    }
    for (int i = 0; i < 100; i++) {
        for (int j = 0; j < i * 7; j++)
            assert_int_equal(blocks[i][j], i);
    }
    arena_clear(&arena);
}

static void the_cap_holds_and_what_was_given_stays(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 100000);
    char *first = arena_alloc(&arena, 60000);
    assert_non_null(first);
    memset(first, 1, 60000);
    assert_null(arena_alloc(&arena, 60000));
    assert_null(arena_grow(&arena, first, 60000, 200000));
    assert_int_equal(first[59999], 1);
    assert_true(arena.used_bytes <= arena.cap_bytes);
    arena_reset(&arena);
    assert_non_null(arena_alloc(&arena, 60000));
    arena_clear(&arena);
}

static void an_array_whose_size_overflows_is_refused(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, SIZE_MAX);
    assert_null(arena_array(&arena, SIZE_MAX / 2, 8));
    assert_null(arena_alloc(&arena, SIZE_MAX - 3));
    arena_clear(&arena);
}

static void growing_keeps_the_content(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 10 << 20);
    size_t bytes = 10;
    char *data = arena_alloc(&arena, bytes);
    memset(data, 'x', bytes);
    while (bytes < 1 << 20) {
        if (bytes % 3 == 0) arena_alloc(&arena, 1); /* so that it is not the newest */
        data = arena_grow(&arena, data, bytes, bytes * 2);
        assert_non_null(data);
        memset(data + bytes, 'x', bytes);
        bytes *= 2;
    }
    for (size_t i = 0; i < bytes; i++)
        assert_int_equal(data[i], 'x');
    arena_clear(&arena);
}

static void a_large_block_that_grows_leaves_nothing_behind(void **state)
{
    (void)state;
    struct arena_budget budget = {.max_bytes = 64 << 20};
    struct arena arena;
    arena_init(&arena, 64 << 20);
    arena_share(&arena, &budget);
    char *small = arena_alloc(&arena, 100);
    memset(small, 's', 100);
    size_t bytes = 1 << 20;
    char *data = arena_alloc(&arena, bytes);
    memset(data, 'x', bytes);
    for (; bytes < 16 << 20; bytes *= 2) {
        data = arena_grow(&arena, data, bytes, bytes * 2);
        assert_non_null(data);
        memset(data + bytes, 'x', bytes);
    }
    for (size_t i = 0; i < bytes; i += 4095)
        assert_int_equal(data[i], 'x');
    assert_int_equal(small[99], 's');
    assert_true(arena.used_bytes < 17 << 20);
    assert_int_equal(atomic_load(&budget.used_bytes), arena.used_bytes);
    char *behind = arena_alloc(&arena, 1); /* no longer alone, and then no longer the newest */
    assert_non_null(arena_grow(&arena, data, bytes, bytes + 100));
    *behind = 'b';
    arena_clear(&arena);
    assert_int_equal(atomic_load(&budget.used_bytes), 0);
    spares_clear(&budget.spares);
}

static void a_large_chunk_serves_the_next_arena(void **state)
{
    (void)state;
    struct arena_budget budget = {.max_bytes = 64 << 20};
    struct arena one, other;
    arena_init(&one, 64 << 20);
    arena_init(&other, 64 << 20);
    arena_share(&one, &budget);
    arena_share(&other, &budget);
    arena_alloc(&one, 100);
    char *large = arena_alloc(&one, 700 << 10);
    arena_reset(&one);
    assert_int_equal(atomic_load(&budget.used_bytes), one.used_bytes);
    arena_alloc(&other, 100);
    assert_ptr_equal(arena_alloc(&other, 650 << 10), large);
    assert_true(other.used_bytes < 690 << 10); /* what it asked for counts */
    memset(large, 'x', 650 << 10);
    arena_clear(&one);
    arena_clear(&other);
    assert_int_equal(atomic_load(&budget.used_bytes), 0);
    assert_int_equal(spares_take(&budget.spares, 1 << 20), NULL);
    spares_clear(&budget.spares);
}

static void the_first_chunk_is_used_again(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 10 << 20);
    void *first = arena_alloc(&arena, 100);
    arena_alloc(&arena, 1 << 20);
    arena_reset(&arena);
    assert_ptr_equal(arena_alloc(&arena, 100), first);
    arena_clear(&arena);
}

static void a_budget_is_shared_and_given_back(void **state)
{
    (void)state;
    struct arena_budget budget = {.max_bytes = 1 << 20};
    struct arena one, other;
    arena_init(&one, 10 << 20);
    arena_init(&other, 10 << 20);
    arena_share(&one, &budget);
    arena_share(&other, &budget);
    assert_non_null(arena_alloc(&one, 700 << 10));
    assert_true(arena_has_budget(&other, 100 << 10));
    assert_false(arena_has_budget(&other, 700 << 10));
    assert_null(arena_alloc(&other, 700 << 10));
    assert_true(other.is_starved);
    assert_non_null(arena_alloc(&other, 100 << 10));
    arena_reset(&other);
    assert_false(other.is_starved);
    assert_null(arena_alloc(&other, 11 << 20)); /* its own cap: nobody else's doing */
    assert_false(other.is_starved);
    other.is_exempt = true;
    assert_true(arena_has_budget(&other, 700 << 10));
    assert_non_null(arena_alloc(&other, 700 << 10));
    assert_true(arena_is_tight(&other));
    arena_reset(&other);
    assert_false(other.is_exempt);
    arena_reset(&one);
    assert_false(arena_is_tight(&other));
    assert_non_null(arena_alloc(&other, 700 << 10));
    arena_clear(&one);
    arena_clear(&other);
    assert_int_equal(atomic_load(&budget.used_bytes), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_aligned_and_do_not_overlap),
        cmocka_unit_test(the_cap_holds_and_what_was_given_stays),
        cmocka_unit_test(an_array_whose_size_overflows_is_refused),
        cmocka_unit_test(growing_keeps_the_content),
        cmocka_unit_test(a_large_block_that_grows_leaves_nothing_behind),
        cmocka_unit_test(a_large_chunk_serves_the_next_arena),
        cmocka_unit_test(the_first_chunk_is_used_again),
        cmocka_unit_test(a_budget_is_shared_and_given_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
