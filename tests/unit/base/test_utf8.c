/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"
#include "tests/test.h"

#include <stdio.h>
#include <string.h>

static bool is_surrogate(uint32_t code)
{
    return code >= 0xD800 && code <= 0xDFFF;
}

static void every_code_point_is_written_found_valid_and_read_back(void **state)
{
    (void)state;
    for (uint32_t code = 0; code <= 0x10FFFF; code++) {
        if (is_surrogate(code)) continue;
        char text[4];
        size_t bytes = utf8_write(text, code);
        if (utf8_valid_bytes(text, bytes) != bytes || utf8_count(text, bytes) != 1)
            fail_msg("U+%04X", code);
        const char *at = text;
        if (utf8_next(&at) != code || at != text + bytes) fail_msg("U+%04X", code);
        /* Cut short it is not valid. */
        for (size_t cut = 1; cut < bytes; cut++) {
            if (utf8_valid_bytes(text, cut) != 0) fail_msg("U+%04X cut at %zu", code, cut);
        }
    }
}

static void every_pair_of_bytes_is_judged_as_the_grammar_says(void **state)
{
    (void)state;
    for (unsigned a = 0; a < 256; a++) {
        for (unsigned b = 0; b < 256; b++) {
            char text[2] = {(char)a, (char)b};
            size_t want = a < 0x80 ? 1 + (b < 0x80) : 0;
            if (a >= 0xC2 && a <= 0xDF && b >= 0x80 && b <= 0xBF) want = 2;
            assert_int_equal(utf8_valid_bytes(text, 2), want);
        }
    }
}

/* Code point of a three or four byte form, whatever the rules say of it. */
static void raw_form_is_valid_only_in_its_range(size_t length, uint32_t first, uint32_t last)
{
    for (uint32_t code = 0; code < (length == 3 ? 0x10000u : 0x200000u); code++) {
        char text[4];
        size_t n = 0;
        if (length == 4) text[n++] = (char)(0xF0 | code >> 18);
        text[n++] = (char)(length == 4 ? 0x80 | (code >> 12 & 0x3F) : 0xE0 | code >> 12);
        text[n++] = (char)(0x80 | (code >> 6 & 0x3F));
        text[n++] = (char)(0x80 | (code & 0x3F));
        bool is_valid = code >= first && code <= last && !is_surrogate(code);
        if ((utf8_valid_bytes(text, n) == n) != is_valid) fail_msg("%zu bytes %X", length, code);
    }
}

static void overlong_forms_surrogates_and_what_is_above_unicode_are_invalid(void **state)
{
    (void)state;
    raw_form_is_valid_only_in_its_range(3, 0x800, 0xFFFF);
    raw_form_is_valid_only_in_its_range(4, 0x10000, 0x10FFFF);
    assert_int_equal(utf8_valid_bytes("\xF8\x88\x80\x80\x80", 5), 0);
    assert_int_equal(utf8_valid_bytes("\xFF", 1), 0);
    assert_int_equal(utf8_valid_bytes("\xFE", 1), 0);
}

static void the_first_bad_byte_is_found_wherever_it_stands(void **state)
{
    (void)state;
    char text[200];
    for (size_t at = 0; at < sizeof text; at++) {
        memset(text, 'a', sizeof text);
        assert_true(utf8_is_ascii(text, sizeof text));
        text[at] = (char)0x80;
        assert_int_equal(utf8_valid_bytes(text, sizeof text), at);
        for (size_t n = at + 1; n <= sizeof text; n++)
            assert_false(utf8_is_ascii(text, n));
        assert_true(utf8_is_ascii(text, at));
    }
    assert_true(utf8_is_ascii("", 0));
    assert_int_equal(utf8_valid_bytes("", 0), 0);
}

static void characters_are_counted_not_bytes(void **state)
{
    (void)state;
    const char *text = "aé饭😀";
    assert_int_equal(utf8_count(text, strlen(text)), 4);
    assert_int_equal(utf8_valid_bytes(text, strlen(text)), 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_point_is_written_found_valid_and_read_back),
        cmocka_unit_test(every_pair_of_bytes_is_judged_as_the_grammar_says),
        cmocka_unit_test(overlong_forms_surrogates_and_what_is_above_unicode_are_invalid),
        cmocka_unit_test(the_first_bad_byte_is_found_wherever_it_stands),
        cmocka_unit_test(characters_are_counted_not_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
