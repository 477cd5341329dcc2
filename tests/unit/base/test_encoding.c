/* SPDX-License-Identifier: Apache-2.0 */
#include "base/encoding.h"
#include "tests/test.h"

#include <string.h>

#define GUESS(text) encoding_guess(text, sizeof text - 1)

static void a_byte_order_mark_is_believed(void **state)
{
    (void)state;
    assert_string_equal(GUESS("\xFF\xFEt\0"), "UTF-16");
    assert_string_equal(GUESS("\xFE\xFF\0t"), "UTF-16");
    assert_string_equal(GUESS("\xFF\xFE"), "UTF-16");
    assert_string_equal(GUESS("\xFF\xFE\0\0t\0\0\0"), "UTF-32");
    assert_string_equal(GUESS("\0\0\xFE\xFF\0\0\0t"), "UTF-32");
}

static void a_file_of_ascii_in_utf_16_is_found_too(void **state)
{
    (void)state;
    assert_string_equal(encoding_guess_file("{\0\"\0}\0", 6), "UTF-16LE");
    assert_string_equal(encoding_guess_file("\0{\0\"\0}", 6), "UTF-16BE");
    assert_string_equal(encoding_guess_file("\xFF\xFE{\0", 4), "UTF-16");
    assert_null(encoding_guess_file("{}", 2));
    assert_null(encoding_guess_file("\"a\0b\"", 5));
    assert_null(encoding_guess_file("\xE9t\xE9", 3));
    assert_null(encoding_guess_file("", 0));
}

static void utf_16_without_a_mark_is_found_by_its_characters(void **state)
{
    (void)state;
    assert_string_equal(GUESS("\x11\x62\x31\x72\x03\x54\x6D\x99"), "UTF-16LE"); /* 我爱吃饭 */
    assert_string_equal(GUESS("\x62\x11\x72\x31\x54\x03\x99\x6D"), "UTF-16BE");
    /* Behind the first half of an LF. */
    assert_string_equal(GUESS("\0\x11\x62\x31\x72\x03\x54\x6D\x99\r\0"), "UTF-16LE");
    assert_string_equal(GUESS("n\0a\0\xEF\0v\0e\0"), "UTF-16LE");
    assert_string_equal(GUESS("\0n\0a\0\xEF\0v\0e"), "UTF-16BE");
    assert_string_equal(GUESS("\x04\xD5\x55\xB1\x20\0\xD8\xC7"), "UTF-16LE"); /* 한국 완 */
}

static void other_encodings_are_not_taken_for_it(void **state)
{
    (void)state;
    assert_null(GUESS("na\xEFve"));
    assert_null(GUESS("caf\xE9 \x96 r\xE9sum\xE9"));
    assert_null(GUESS("\xCE\xD2\xB0\xAE\xB3\xD4\xB7\xB9"));         /* GB2312 */
    assert_null(GUESS("\xA7\xDA\xB7R\xA6Y\xB6\xBA\xA1I"));          /* Big5 */
    assert_null(GUESS("\x82\xB1\x82\xF1\x82\xC9\x82\xBF\x82\xCD")); /* Shift JIS */
    assert_null(GUESS("\x00\xFF\x01\x02\x89PNG\x0D\x1A\x00\x00\xF0\x9F"));
    assert_null(GUESS("\xFF"));
    assert_null(GUESS(""));
}

static void check(const char *text, size_t bytes, bool is_first, const char *want)
{
    struct err err = {0};
    const struct encoding_line line = {.file = "F",
                                       .number = 1,
                                       .is_first = is_first,
                                       .text = text,
                                       .bytes = bytes,
                                       .known = bytes};
    const bool is_right = encoding_check_line(&line, &err);
    assert_int_equal(is_right, want == NULL);
    if (!want) return;
    assert_int_equal(err.code, ERR_FORMAT);
    assert_string_equal(err.message, want);
}

#define CHECK(text, is_first, want) check(text, sizeof text - 1, is_first, want)

#define SAYS(name)                                                                                 \
    "F, line 1: this is " name ", not UTF-8; convert the file first, with iconv -f " name          \
    " -t UTF-8"

static void a_line_is_checked_and_the_remedy_named(void **state)
{
    (void)state;
    CHECK("", true, NULL);
    CHECK("我爱吃饭", true, NULL);
    CHECK("na\xEFve", true,
          "F, line 1: not UTF-8 at byte 3 (0xEF); convert the file first, for example with iconv "
          "-f WINDOWS-1252 -t UTF-8");
    CHECK("\xA3\x35 for \x93 a caf\xE9\x94", true,
          "F, line 1: not UTF-8 at byte 1 (0xA3); convert the file first, for example with iconv "
          "-f WINDOWS-1252 -t UTF-8");
    CHECK("ok,\xCE\xD2\xB0\xAE\xB3\xD4\xB7\xB9 a", true, /* 我爱吃饭 */
          "F, line 1: not UTF-8 at byte 4 (0xCE); convert the file first, for example with iconv "
          "-f GB18030 -t UTF-8");
    CHECK("\xFF\xFEt\0e\0", true, SAYS("UTF-16"));
    CHECK("\x11\x62\x31\x72\x03\x54\x6D\x99", true, SAYS("UTF-16LE"));
}

static void whoever_takes_an_encoding_is_told_its_name(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t bytes;
        const char *want;
    } lines[] = {
#define LINE(text, want) {text, sizeof text - 1, "F, line 7: " want}
        LINE("\xCE\xD2\xB0\xAE\xB3\xD4", /* 我爱吃 */
             "not UTF-8 at byte 1 (0xCE); if it is GB18030, give `encoding` gb18030"),
        LINE("\x11\x62\x31\x72\x03\x54\x6D\x99",
             "this is UTF-16LE, not UTF-8; give `encoding` utf-16le"),
        LINE("na\xEFve",
             "not UTF-8 at byte 3 (0xEF); convert the file first, for example with iconv "
             "-f WINDOWS-1252 -t UTF-8"),
        LINE("\xFF\xFE\0\0t\0\0\0",
             "this is UTF-32, not UTF-8; convert the file first, with iconv -f "
             "UTF-32 -t UTF-8"),
#undef LINE
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct err err;
        const struct encoding_line line = {.file = "F",
                                           .number = 7,
                                           .text = lines[i].text,
                                           .bytes = lines[i].bytes,
                                           .known = lines[i].bytes,
                                           .takes_encoding = true};
        assert_false(encoding_check_line(&line, &err));
        assert_string_equal(err.message, lines[i].want);
    }
}

static void ascii_in_utf_16_is_valid_utf_8_and_found_all_the_same(void **state)
{
    (void)state;
    CHECK("t\0e\0x\0t\0,\0l\0", true, SAYS("UTF-16LE"));
    CHECK("\0t\0e\0x\0t\0", true, SAYS("UTF-16BE")); /* the LF is behind it */
    CHECK("h\0i\0", true, SAYS("UTF-16LE"));
    /* A NUL here and there is a character. */
    CHECK("a\0b", true, NULL);
    CHECK("\0", true, NULL);
    CHECK("\0\0\0\0", true, NULL);
    CHECK("one\0two\0three", true, NULL);
    CHECK("t\0e\0x\0t\0", false, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_byte_order_mark_is_believed),
        cmocka_unit_test(a_file_of_ascii_in_utf_16_is_found_too),
        cmocka_unit_test(utf_16_without_a_mark_is_found_by_its_characters),
        cmocka_unit_test(other_encodings_are_not_taken_for_it),
        cmocka_unit_test(a_line_is_checked_and_the_remedy_named),
        cmocka_unit_test(whoever_takes_an_encoding_is_told_its_name),
        cmocka_unit_test(ascii_in_utf_16_is_valid_utf_8_and_found_all_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
