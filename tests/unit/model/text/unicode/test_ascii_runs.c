/* SPDX-License-Identifier: Apache-2.0 */
#include "model/text/unicode/ascii_runs.h"
#include "tests/test.h"

#include <ctype.h>
#include <stdlib.h>

static void check(const char *text)
{
    struct ascii_runs want = {0, 0, 0};
    for (unsigned i = 0; i < ASCII_RUNS_BYTES; i++) {
        const unsigned char c = (unsigned char)text[i];
        want.others |= (uint64_t) !(c < 0x80 && isalnum(c)) << i;
        want.spaces |= (uint64_t)(c == ' ') << i;
        want.wide |= (uint64_t)(c >= 0x80) << i;
    }
    const struct ascii_runs runs = ascii_runs_of(text), plain = ascii_runs_plain(text);
    assert_int_equal(runs.others, want.others);
    assert_int_equal(runs.spaces, want.spaces);
    assert_int_equal(plain.others, want.others);
    assert_int_equal(plain.spaces, want.spaces);
    assert_int_equal(runs.wide, want.wide);
    assert_int_equal(plain.wide, want.wide);
}

static void every_byte_is_told_at_every_place(void **state)
{
    (void)state;
    static const char beside[] = {'a', ' ', '\x80', '\0'};
    for (int c = 0; c < 256; c++) {
        for (unsigned at = 0; at < ASCII_RUNS_BYTES; at++) {
            char text[ASCII_RUNS_BYTES];
            memset(text, beside[at % sizeof beside], sizeof text);
            text[at] = (char)c;
            check(text);
        }
    }
}

static void bytes_that_share_bits_with_letters_are_none(void **state)
{
    (void)state;
    static const char bytes[] = {'a',  'Z', '9', '@', '[', '`',    '{',   '/',
                                 0x10, ':', ' ', '!', 0,   '\x80', '\xFF'};
    srand(1);
    for (int i = 0; i < 100000; i++) {
        char text[ASCII_RUNS_BYTES];
        for (unsigned at = 0; at < ASCII_RUNS_BYTES; at++)
            text[at] = bytes[(unsigned)rand() % sizeof bytes];
        check(text);
    }
}

static void a_run_ends_before_the_first_that_is_none_or_goes_on(void **state)
{
    (void)state;
    char text[ASCII_RUNS_BYTES];
    for (unsigned end = 0; end <= ASCII_RUNS_BYTES; end++) {
        memset(text, 'x', sizeof text);
        if (end < ASCII_RUNS_BYTES) text[end] = '.';
        const struct ascii_runs runs = ascii_runs_of(text);
        for (unsigned from = 0; from < ASCII_RUNS_BYTES; from++)
            assert_int_equal(ascii_runs_end(&runs, from), from <= end ? end : ASCII_RUNS_BYTES);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_is_told_at_every_place),
        cmocka_unit_test(bytes_that_share_bits_with_letters_are_none),
        cmocka_unit_test(a_run_ends_before_the_first_that_is_none_or_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
