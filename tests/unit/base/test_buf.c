/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "tests/test.h"

#include <stdbool.h>
#include <string.h>

static void what_is_added_stands_there_in_order(void **state)
{
    (void)state;
    struct arena arena;
    struct buf buf;
    arena_init(&arena, 1 << 20);
    buf_init(&buf, &arena);
    buf_add_str(&buf, "one ");
    buf_add(&buf, "two\0x", 5);
    buf_add_char(&buf, ' ');
    buf_printf(&buf, "%d %s", 3, "three");
    buf_add(&buf, "", 0);
    buf_add_str(&buf, "");
    assert_false(buf.failed);
    assert_int_equal(buf.bytes, 17);
    assert_memory_equal(buf.data, "one two\0x 3 three", 17);
    arena_clear(&arena);
}

static void a_long_text_grows_by_small_steps(void **state)
{
    (void)state;
    struct arena arena;
    struct buf buf;
    arena_init(&arena, 1 << 20);
    buf_init(&buf, &arena);
    for (int i = 0; i < 20000; i++)
        buf_printf(&buf, "%05d", i);
    assert_int_equal(buf.bytes, 100000);
    assert_memory_equal(buf.data + 5 * 12345, "12345", 5);
    assert_memory_equal(buf.data + 5 * 19999, "19999", 5);
    arena_clear(&arena);
}

static void reserved_room_is_claimed_by_moving_the_end(void **state)
{
    (void)state;
    struct arena arena;
    struct buf buf;
    arena_init(&arena, 1 << 20);
    buf_init(&buf, &arena);
    char *room = buf_reserve(&buf, 1000);
    memset(room, 'x', 1000);
    buf.bytes += 10;
    buf_add_char(&buf, '!');
    assert_int_equal(buf.bytes, 11);
    assert_memory_equal(buf.data, "xxxxxxxxxx!", 11);
    arena_clear(&arena);
}

static void at_the_cap_it_fails_once_and_keeps_what_it_has(void **state)
{
    (void)state;
    struct arena arena;
    struct buf buf;
    arena_init(&arena, 100000);
    buf_init(&buf, &arena);
    buf_add_str(&buf, "kept");
    assert_null(buf_reserve(&buf, 200000));
    assert_true(buf.failed);
    assert_int_equal(buf.bytes, 4);
    assert_memory_equal(buf.data, "kept", 4);
    buf_printf(&buf, "%0*d", 150000, 1);
    assert_true(buf.failed);
    assert_int_equal(buf.bytes, 4);
    arena_clear(&arena);
}

static void numbers_stand_there_as_numtext_writes_them(void **state)
{
    (void)state;
    struct arena arena;
    struct buf buf;
    arena_init(&arena, 100000);
    buf_init(&buf, &arena);
    buf_add_u64(&buf, 0);
    buf_add_char(&buf, ' ');
    buf_add_u64(&buf, UINT64_MAX);
    buf_add_char(&buf, ' ');
    buf_add_float(&buf, -0.1f);
    assert_int_equal(buf.bytes, strlen("0 18446744073709551615 -0.1"));
    assert_memory_equal(buf.data, "0 18446744073709551615 -0.1", buf.bytes);
    while (!buf.failed)
        buf_add_float(&buf, 0.25f);
    buf_add_u64(&buf, 1);
    assert_true(buf.failed);
    arena_clear(&arena);
}

static void bytes_that_are_no_character_become_one_mark_a_run(void **state)
{
    (void)state;
    static const struct {
        const char *bytes, *want;
    } cases[] = {
        {"", ""},
        {"我\xE6\x88", "我\xEF\xBF\xBD"},                         /* cut short: one */
        {"\xE6\x88 a\x91", "\xEF\xBF\xBD a\xEF\xBF\xBD"},         /* and one that began nowhere */
        {"\xFF\xFF", "\xEF\xBF\xBD\xEF\xBF\xBD"},                 /* begins nothing: each */
        {"\xED\xA0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"}, /* a surrogate */
        {"\xF0\x9F\x98", "\xEF\xBF\xBD"},
    };
    struct arena arena;
    struct buf buf;
    arena_init(&arena, 1 << 20);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        buf_init(&buf, &arena);
        buf_add_lossy(&buf, cases[i].bytes, strlen(cases[i].bytes));
        assert_int_equal(buf.bytes, strlen(cases[i].want));
        if (buf.bytes) assert_memory_equal(buf.data, cases[i].want, buf.bytes);
    }
    arena_clear(&arena);
}

static void a_length_that_overflows_fails(void **state)
{
    (void)state;
    struct arena arena;
    struct buf buf;
    arena_init(&arena, SIZE_MAX);
    buf_init(&buf, &arena);
    buf_add_str(&buf, "x");
    assert_null(buf_reserve(&buf, SIZE_MAX));
    assert_true(buf.failed);
    arena_clear(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_added_stands_there_in_order),
        cmocka_unit_test(a_long_text_grows_by_small_steps),
        cmocka_unit_test(reserved_room_is_claimed_by_moving_the_end),
        cmocka_unit_test(at_the_cap_it_fails_once_and_keeps_what_it_has),
        cmocka_unit_test(numbers_stand_there_as_numtext_writes_them),
        cmocka_unit_test(bytes_that_are_no_character_become_one_mark_a_run),
        cmocka_unit_test(a_length_that_overflows_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
