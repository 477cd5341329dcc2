/* SPDX-License-Identifier: Apache-2.0 */
#include "model/text/unicode/fold_case.h"
#include "tests/test.h"

#include <string.h>

static void assert_folded(const char *text, const char *expected)
{
    struct arena arena;
    struct buf out;
    arena_init(&arena, 1 << 20);
    buf_init(&out, &arena);
    fold_case(text, strlen(text), &out);
    assert_false(out.failed);
    assert_int_equal(out.bytes, strlen(expected));
    assert_memory_equal(out.bytes > 0 ? out.data : "", expected, out.bytes);
    arena_clear(&arena);
}

static void case_is_folded(void **state)
{
    (void)state;
    assert_folded("", "");
    assert_folded("Hello, World 12", "hello, world 12");
    assert_folded("ÀÉ Straße STRASSE", "àé strasse strasse");
    assert_folded("ΣΊΣΥΦΟΣ σίσυφος", "σίσυφοσ σίσυφοσ");
    assert_folded("Привет 我爱 ☃", "привет 我爱 ☃");
    assert_folded("ﬃ ΐ", "ffi ι\u0308\u0301");
}

static void bytes_that_are_not_utf8_stay(void **state)
{
    (void)state;
    assert_folded("\xff\xc3", "\xff\xc3");
    assert_folded("A\xe9"
                  "B\xe6\x88",
                  "a\xe9"
                  "b\xe6\x88");
    assert_folded("\x80\xc3\x89", "\x80\xc3\xa9");
    assert_folded("\xed\xa0\x80Z", "\xed\xa0\x80z");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(case_is_folded),
        cmocka_unit_test(bytes_that_are_not_utf8_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
