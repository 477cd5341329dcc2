/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of characters are what Oniguruma takes them for, and other expressions are left to it. */
#include "tests/test.h"

#include "base/utf8.h"
#include "model/text/pipeline/character_class.h"
#include "model/text/pipeline/regex.h"

#include <string.h>

static void lists_match_where_oniguruma_does(void **state)
{
    (void)state;
    static const char *const lists[] = {"[^a]",     "[^a-z0]",
                                        "[^!-,./]", "[^0-9a-z\u00e9\u4e00-\u9fff]",
                                        "[^\n ]",   "[^a\U00020000-\U0010FFFF]"};
    struct regex_scratch *scratch = regex_scratch_new();
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        struct character_class listed;
        struct regex *regex;
        struct err err;
        bool is_read = character_class_read(&listed, lists[i], strlen(lists[i]));
        assert_int_equal(is_read, i != 1); /* whose ranges do not ascend */
        assert_true(regex_open(&regex, lists[i], strlen(lists[i]), &err));
        for (uint32_t code = 0; is_read && code < 0x110000; code += code < 0x3000 ? 1 : 61) {
            char text[4];
            size_t start, end, bytes;
            struct regex_matches matches;
            if (code >= 0xD800 && code < 0xE000) continue;
            bytes = utf8_write(text, code);
            regex_matches_start(&matches, regex, scratch, text, bytes);
            assert_int_equal(regex_matches_next(&matches, &start, &end) == REGEX_NONE,
                             character_class_lists(&listed, code));
        }
        regex_close(regex);
        character_class_clear(&listed);
    }
    regex_scratch_free(scratch);
}

static void anything_else_is_another_expression(void **state)
{
    (void)state;
    static const char *const others[] = {
        "",       "[^",      "[^]",    "[^]]",  "[a-z]", "[^a-z]+",      "[^a-z",
        "[^\\d]", "[^a&&b]", "[^z-a]", "[^a-]", "[^-a]", "[^[:alpha:]]", "[^ba]",
        "[^aa]",  "[^a-cb]", "[^a^]",  "x[^a]", "[^a]x",
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct character_class listed;
        assert_false(character_class_read(&listed, others[i], strlen(others[i])));
        assert_null(listed.ranges);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_match_where_oniguruma_does),
        cmocka_unit_test(anything_else_is_another_expression),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
