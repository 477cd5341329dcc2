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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_aligned_and_do_not_overlap),
        cmocka_unit_test(the_cap_holds_and_what_was_given_stays),
        cmocka_unit_test(an_array_whose_size_overflows_is_refused),
        cmocka_unit_test(growing_keeps_the_content),
        cmocka_unit_test(the_first_chunk_is_used_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
