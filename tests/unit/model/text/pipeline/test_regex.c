/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"

#include "model/text/pipeline/regex.h"

#include <stdio.h>
#include <string.h>

/* All matches as "start-end start-end". */
static const char *matches_of(const char *pattern, const char *text)
{
    static char list[256];
    struct regex *regex;
    struct err err;
    struct regex_matches matches;
    size_t start, end, n = 0;
    struct regex_scratch *scratch = regex_scratch_new();
    assert_true(regex_open(&regex, pattern, strlen(pattern), &err));
    regex_matches_start(&matches, regex, scratch, text, strlen(text));
    list[0] = '\0';
    while (regex_matches_next(&matches, &start, &end) == REGEX_FOUND)
        n += (size_t)snprintf(list + n, sizeof list - n, "%s%zu-%zu", n ? " " : "", start, end);
    regex_scratch_free(scratch);
    regex_close(regex);
    return list;
}

static void matches_come_from_left_to_right(void **state)
{
    (void)state;
    assert_string_equal(matches_of("a+", "aabaXa"), "0-2 3-4 5-6");
    assert_string_equal(matches_of("\\p{L}", "\xE6\x88\x91 1 \xC3\xA9"), "0-3 6-8");
    assert_string_equal(matches_of("(?<=a).", "abab"), "1-2 3-4");
    assert_string_equal(matches_of("x", "abc"), "");
}

static void empty_matches_never_follow_a_match(void **state)
{
    (void)state;
    assert_string_equal(matches_of("x*", "axb"), "0-0 1-2 3-3");
    assert_string_equal(matches_of("", "\xE6\x88\x91x"), "0-0 3-3 4-4");
    assert_string_equal(matches_of("^", "ab"), "0-0");
    assert_string_equal(matches_of("a|", "aa"), "0-1 1-2");
}

static void what_does_not_compile_says_why(void **state)
{
    (void)state;
    struct regex *regex;
    struct err err;
    assert_false(regex_open(&regex, "(a", 2, &err));
    assert_null(regex);
    assert_int_equal(err.code, ERR_FORMAT);
    assert_non_null(strstr(err.message, "end pattern with unmatched parenthesis"));
    assert_false(regex_open(&regex, "\\p{Klingon}", 11, &err));
    regex_close(NULL);
}

static void a_search_without_end_is_given_up(void **state)
{
    (void)state;
    struct regex *regex;
    struct err err;
    struct regex_matches matches;
    size_t start, end;
    char text[101];
    memset(text, 'a', 100);
    text[100] = 'c';
    struct regex_scratch *scratch = regex_scratch_new();
    assert_true(regex_open(&regex, "(a|aa|a.)+$b", 12, &err));
    regex_matches_start(&matches, regex, scratch, text, sizeof text);
    assert_int_equal(regex_matches_next(&matches, &start, &end), REGEX_GAVE_UP);
    /* The scratch is good for the next text. */
    regex_matches_start(&matches, regex, scratch, "xyz", 3);
    assert_int_equal(regex_matches_next(&matches, &start, &end), REGEX_NONE);
    regex_scratch_free(scratch);
    regex_close(regex);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matches_come_from_left_to_right),
        cmocka_unit_test(empty_matches_never_follow_a_match),
        cmocka_unit_test(what_does_not_compile_says_why),
        cmocka_unit_test(a_search_without_end_is_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
