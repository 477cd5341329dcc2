/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "base/utf8.h"
#include "tests/test.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Each kind of input is read with both memories: malloc, where a leak would be seen, and an arena.
 */
static void check_refused_as(enum err_code code, const char *text, size_t bytes, const char *part)
{
    struct arena arena;
    arena_init(&arena, 1 << 20);
    for (int with_arena = 0; with_arena < 2; with_arena++) {
        struct err err = {0};
        if (with_arena) json_use_arena(&arena);
        assert_null(json_read(text, bytes, &err));
        json_use_arena(NULL);
        assert_int_equal(err.code, code);
        if (!strstr(err.message, part)) fail_msg("'%s' says nothing of '%s'", err.message, part);
    }
    arena_clear(&arena);
}

static void check_refused(const char *text, size_t bytes, const char *part)
{
    check_refused_as(ERR_INVALID, text, bytes, part);
}

static void check_refused_text(const char *text, const char *part)
{
    check_refused(text, strlen(text), part);
}

static void what_is_no_json_is_refused_with_its_place(void **state)
{
    (void)state;
    check_refused("", 0, "empty");
    check_refused_text("hello", "line 1, column 5");
    check_refused_text("{\"a\":\n  1,\n  b}", "line 3");
    check_refused_text("\xEF\xBB\xBF{}", "byte order mark");
    check_refused_text("  ", "line 1");
    check_refused_text("{'a': 1}", "line 1");
    check_refused_text("[1,]", "line 1");
    check_refused_text("[NaN]", "line 1");
    check_refused_text("[01]", "line 1");
    check_refused_text("[+1]", "line 1");
    check_refused_text("[.5]", "line 1");
}

static void what_is_quoted_of_a_text_is_whole_characters(void **state)
{
    (void)state;
    struct err err;
    assert_null(json_read_line("[\"a\\u\xE3\x80\x81\"]", 9, &err));
    assert_string_equal(err.message, "invalid JSON at column 6: invalid escape near '\"a\\u'");
}

static void in_a_line_of_a_file_the_place_is_a_column(void **state)
{
    (void)state;
    struct err err;
    assert_null(json_read_line("[1,]", 4, &err));
    assert_int_equal(err.code, ERR_INVALID);
    assert_non_null(strstr(err.message, "invalid JSON at column 4: "));
    json_t *value = json_read_line("[1]", 3, &err);
    assert_int_equal(json_array_size(value), 1);
    json_decref(value);
}

static void truncated_json_is_refused_at_every_length(void **state)
{
    (void)state;
    const char *text = "{\"input\": [\"a\\u00e9\", \"饭\", -1.5e3, true, null], \"n\": {}}";
    size_t bytes = strlen(text);
    for (size_t cut = 0; cut < bytes; cut++)
        check_refused(text, cut, "invalid JSON");
    check_refused(text, bytes - 1, "ends too early");
}

static void trailing_garbage_and_duplicate_keys_are_refused(void **state)
{
    (void)state;
    check_refused_text("{} x", "follows the end");
    check_refused_text("{}{}", "follows the end");
    check_refused("{}\0", 3, "NUL byte");
    check_refused("[3\0,2]", 6, "NUL byte");
    check_refused("\"a\0b\"", 5, "NUL byte");
    check_refused("{\0\"\0a\0\"\0:\0001\0}\0", 14, "this is UTF-16LE, not UTF-8; convert it first");
    check_refused_text("{\"input\": 1, \"input\": 2}", "duplicate");
}

static void nesting_a_hundred_thousand_deep_is_refused(void **state)
{
    (void)state;
    size_t depth = 100000;
    char *text = malloc(depth * 5);
    memset(text, '[', depth);
    check_refused(text, depth, "2,048");
    for (size_t i = 0; i < depth; i++)
        memcpy(text + 5 * i, "{\"a\":", 5);
    check_refused(text, depth * 5, "2,048");
    free(text);
}

static void bytes_that_are_not_utf8_are_refused(void **state)
{
    (void)state;
    check_refused_text("[\"\xFF\"]", "line 1");
    check_refused_text("[\"\xC0\xAF\"]", "line 1");
    check_refused_text("[\"\xED\xA0\x80\"]", "line 1");
    check_refused_text("[\"\xF4\x90\x80\x80\"]", "line 1");
    check_refused_text("[\"\xE9\xA5\"]", "line 1");
    check_refused_text("[\"\\ud800\"]", "line 1");
    check_refused_text("[\"\\ud800\\ud800\"]", "line 1");
    check_refused_text("[\"\\udc00\"]", "line 1");
    check_refused_text("[\"\n\"]", "line 1");
}

static void numbers_beyond_their_kind_are_refused_with_a_code_of_their_own(void **state)
{
    (void)state;
    static const char *const texts[] = {"[1e999]", "[-1e999]", "[9223372036854775808]",
                                        "[-9223372036854775809]"};
    for (size_t i = 0; i < 4; i++)
        check_refused_as(ERR_RANGE, texts[i], strlen(texts[i]), "too large");
    check_refused_text("[1 \"too large\", 1e999]", "line 1, column 14");
}

static void numbers_keep_their_kind_and_strings_their_nul(void **state)
{
    (void)state;
    const char *text = "[1, 1.0, -9223372036854775808, \"a\\u0000b\"]";
    json_t *root = json_read(text, strlen(text), NULL);
    assert_non_null(root);
    assert_true(json_is_integer(json_array_get(root, 0)));
    assert_true(json_is_real(json_array_get(root, 1)));
    assert_true(json_integer_value(json_array_get(root, 2)) == INT64_MIN);
    assert_int_equal(json_string_length(json_array_get(root, 3)), 3);
    assert_memory_equal(json_string_value(json_array_get(root, 3)), "a\0b", 3);
    json_decref(root);
    root = json_read("12", 2, NULL);
    assert_int_equal(json_integer_value(root), 12);
    json_decref(root);
}

/* A file with `text` as one value says `expected` there. */
static void check_file(const char *text, const char *expected)
{
    char file[200];
    struct err err = {0};
    const int n = snprintf(file, sizeof file, "{\"a\": 1, \"b\": %s}", text);
    json_t *root = json_read_file(file, (size_t)n, false, &err);
    if (!root) fail_msg("%s: %s", file, err.message);
    char *got = json_dumps(json_object_get(root, "b"), JSON_ENCODE_ANY | JSON_COMPACT);
    assert_string_equal(got, expected);
    free(got);
    json_decref(root);
}

static void a_file_of_another_program_is_read_as_that_reads_it(void **state)
{
    (void)state;
    check_file("1000000000000000019884624838656", "9223372036854775807");
    check_file("-1000000000000000019884624838656", "-9223372036854775808");
    check_file("9223372036854775807", "9223372036854775807");
    check_file("9223372036854775808", "9223372036854775807");
    check_file("-9223372036854775808", "-9223372036854775808");
    check_file("-9223372036854775809", "-9223372036854775808");
    check_file("NaN", "[]");
    check_file("[Infinity,-Infinity , NaN]", "[[],[],[]]");
    check_file("1e999", "[]");
    check_file("-1.5E+400", "[]");
    check_file("[1e30, 0.5, 17, -0]", "[1e30,0.5,17,0]");
    check_file("\"NaN 1e999 \\\" Infinity 99999999999999999999\"",
               "\"NaN 1e999 \\\" Infinity 99999999999999999999\"");
    check_file("\"\\ud83d\\ude00 \\ud83d \\ude00 \\ud83d\\ud83d\"",
               "\"\xF0\x9F\x98\x80 \xEF\xBF\xBD \xEF\xBF\xBD \xEF\xBF\xBD\xEF\xBF\xBD\"");
    check_file("{\"\\\\\": \"\\\\\", \"c\": NaN}", "{\"\\\\\":\"\\\\\",\"c\":[]}");
}

static void a_byte_order_mark_of_a_file_is_passed_over(void **state)
{
    (void)state;
    struct err err = {0};
    json_t *root = json_read_file("\xEF\xBB\xBF{}", 5, false, &err);
    assert_true(json_is_object(root));
    json_decref(root);
    assert_null(json_read_file("\xEF\xBB\xBF", 3, false, &err));
    assert_non_null(strstr(err.message, "empty"));
}

static void of_a_key_that_comes_twice_in_a_file_the_last_may_count(void **state)
{
    (void)state;
    struct err err = {0};
    const char *text = "{\"a\": 1, \"a\": 2}";
    json_t *root = json_read_file(text, strlen(text), true, &err);
    assert_int_equal(json_integer_value(json_object_get(root, "a")), 2);
    json_decref(root);
    assert_null(json_read_file(text, strlen(text), false, &err));
    assert_non_null(strstr(err.message, "duplicate"));
}

static void what_is_no_json_in_a_file_stays_none(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",           "nan",         "[NaN",     "NaNNaN",
        "1NaN",       "-NaN",        "{NaN: 1}", "[00000000000000000000001]",
        "[1e999x]",   "[\"\\ud83d]", "[\"\\u",   "[\"\\",
        "[-]",        "[+1]",        "'a'",      "{} x",
        "[\"\xFF\"]", "[+Infinity]", "[1,]"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct err err = {0};
        char *exact = malloc(strlen(texts[i]) + 1);
        memcpy(exact, texts[i], strlen(texts[i]));
        if (json_read_file(exact, strlen(texts[i]), true, &err)) fail_msg("%s is read", texts[i]);
        assert_int_equal(err.code, ERR_INVALID);
        free(exact);
    }
    struct err err = {0};
    assert_null(json_read_file("[3\0]", 4, true, &err));
}

/* Values, and what is nearly one, out of pieces; exact memory, for what is read beyond it is seen.
 */
static void whatever_a_request_may_be_a_file_may_be_and_says_the_same(void **state)
{
    (void)state;
    static const char *const pieces[] = {"NaN", "Infinity", "-",    "1",      "9223372036854775807",
                                         "0",   ".5",       "e9",   "e999",   "\"",
                                         "\\",  "\\u",      "d83d", "de00",   "{",
                                         "}",   ":",        ",",    "[",      "]",
                                         " ",   "a",        "true", "\"b\":", "\\\""};
    uint32_t random = 1;
    size_t n_read = 0;
    for (int round = 0; round < 60000; round++) {
        char text[200] = "[";
        for (int i = 0; i < 1 + round % 9; i++) {
            random = random * 1664525 + 1013904223;
            strcat(text, pieces[(random >> 8) % (sizeof pieces / sizeof *pieces)]);
        }
        if (round % 3) strcat(text, "]");
        const size_t bytes = strlen(text);
        char *exact = malloc(bytes);
        memcpy(exact, text, bytes);
        struct err err = {0};
        json_t *strict = json_read(exact, bytes, &err);
        json_t *loose = json_read_file(exact, bytes, false, &err);
        if (strict && !(loose && json_equal(strict, loose))) fail_msg("%s", text);
        n_read += strict != NULL;
        json_decref(strict);
        json_decref(loose);
        free(exact);
    }
    assert_true(n_read > 500);
}

/* {"input": ["word0", ...], "ids": [0, ...]} */
static char *make_large_text(size_t n, size_t *bytes)
{
    char *text = malloc(n * 40), *at = text;
    at += sprintf(at, "{\"input\": [\"\"");
    for (size_t i = 0; i < n; i++)
        at += sprintf(at, ",\"word%zu\"", i);
    at += sprintf(at, "], \"ids\": [0");
    for (size_t i = 0; i < n; i++)
        at += sprintf(at, ",%zu", i);
    at += sprintf(at, "]}");
    *bytes = (size_t)(at - text);
    return text;
}

static void values_lie_in_the_arena_and_need_no_freeing(void **state)
{
    (void)state;
    size_t n = 5000, bytes;
    char *text = make_large_text(n, &bytes);
    struct arena arena;
    arena_init(&arena, 16 << 20);
    for (int request = 0; request < 3; request++) {
        json_use_arena(&arena);
        json_t *root = json_read(text, bytes, NULL);
        assert_non_null(root);
        assert_int_equal(json_array_size(json_object_get(root, "input")), n + 1);
        assert_string_equal(json_string_value(json_array_get(json_object_get(root, "input"), n)),
                            "word4999");
        assert_int_equal(json_integer_value(json_array_get(json_object_get(root, "ids"), n)),
                         n - 1);
        json_decref(root);
        /* Not a byte of it was freed and used again. */
        assert_int_equal(json_array_size(json_object_get(root, "ids")), n + 1);
        json_use_arena(NULL);
        arena_reset(&arena);
    }
    arena_clear(&arena);
    free(text);
}

static void small_values_take_little_of_the_arena(void **state)
{
    (void)state;
    size_t n = 100000, bytes;
    char *text = make_large_text(n, &bytes);
    struct arena arena;
    arena_init(&arena, 64 << 20);
    json_use_arena(&arena);
    assert_non_null(json_read(text, bytes, NULL));
    json_use_arena(NULL);
    assert_true(arena.used_bytes < 160 * n);
    arena_clear(&arena);
    free(text);
}

static void the_arenas_cap_is_an_error_of_its_own(void **state)
{
    (void)state;
    size_t bytes;
    char *text = make_large_text(20000, &bytes);
    for (size_t cap = 0; cap < 2 << 20; cap += 99991) {
        struct arena arena;
        struct err err = {0};
        arena_init(&arena, cap);
        json_use_arena(&arena);
        assert_null(json_read(text, bytes, &err));
        json_use_arena(NULL);
        assert_int_equal(err.code, ERR_MEMORY);
        assert_non_null(strstr(err.message, "not enough memory"));
        arena_clear(&arena);
    }
    free(text);
}

static void *read_in_a_thread(void *user)
{
    size_t *n = user;
    size_t bytes;
    char *text = make_large_text(*n, &bytes);
    struct arena arena;
    arena_init(&arena, 16 << 20);
    bool is_right = true;
    for (int i = 0; i < 20; i++) {
        json_use_arena(&arena);
        json_t *root = json_read(text, bytes, NULL);
        is_right = is_right && json_array_size(json_object_get(root, "ids")) == *n + 1;
        json_use_arena(NULL);
        arena_reset(&arena);
    }
    arena_clear(&arena);
    free(text);
    return is_right ? user : NULL;
}

static void each_thread_has_an_arena_of_its_own(void **state)
{
    (void)state;
    pthread_t threads[4];
    size_t sizes[4] = {100, 1000, 2000, 3000};
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_in_a_thread, &sizes[i]), 0);
    for (int i = 0; i < 4; i++) {
        void *result;
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_non_null(result);
    }
}

static void check_written(const char *text, size_t bytes, const char *want)
{
    struct arena arena;
    struct buf buf;
    arena_init(&arena, 1 << 20);
    buf_init(&buf, &arena);
    json_write_string(&buf, text, bytes);
    assert_false(buf.failed);
    buf_add_char(&buf, '\0');
    assert_string_equal(buf.data, want);
    arena_clear(&arena);
}

static void strings_are_written_with_the_escapes_json_asks_for(void **state)
{
    (void)state;
    check_written("", 0, "\"\"");
    check_written("a/b饭😀\x7F", 11, "\"a/b饭😀\x7F\"");
    check_written("\"\\\b\f\n\r\t", 7, "\"\\\"\\\\\\b\\f\\n\\r\\t\"");
    check_written("\0\x01\x0B\x0E\x1F", 5, "\"\\u0000\\u0001\\u000b\\u000e\\u001f\"");
}

static void bytes_that_are_not_utf8_are_written_as_replacement_characters(void **state)
{
    (void)state;
    check_written("a\xFF"
                  "b\xE9\xA5",
                  5, "\"a�b��\"");
    check_written("\xED\xA0\x80", 3, "\"���\"");
}

static void whatever_is_written_reads_back(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 64 << 20);
    size_t n = 0;
    char *text = arena_alloc(&arena, 5 << 20);
    for (uint32_t code = 0; code <= 0x10FFFF; code++) {
        if (code < 0xD800 || code > 0xDFFF) n += utf8_write(text + n, code);
    }
    struct buf buf;
    buf_init(&buf, &arena);
    json_write_string(&buf, text, n);
    json_t *value = json_read(buf.data, buf.bytes, NULL);
    assert_int_equal(json_string_length(value), n);
    assert_memory_equal(json_string_value(value), text, n);
    json_decref(value);
    arena_clear(&arena);
}

static void escaping_stops_before_what_does_not_fit(void **state)
{
    (void)state;
    const char *text = "a饭\n\x01z";
    char whole[64], part[64];
    size_t used, bytes = strlen(text), n_whole = json_escape(whole, 64, text, bytes, &used);
    assert_int_equal(used, bytes);
    for (size_t cap = 0; cap <= n_whole; cap++) {
        memset(part, '#', sizeof part);
        size_t n = json_escape(part, cap, text, bytes, &used);
        assert_in_range(n, 0, cap);
        assert_memory_equal(part, whole, n);
        assert_int_equal(part[n], '#');
        assert_int_equal(utf8_valid_bytes(text, used), used);
        assert_true(n == 0 || part[n - 1] != '\\');
        assert_int_equal(used == bytes, cap == n_whole);
    }
}

static void a_full_arena_fails_the_buffer_not_the_program(void **state)
{
    (void)state;
    struct arena arena;
    struct buf buf;
    char text[4000];
    memset(text, 1, sizeof text);
    arena_init(&arena, 10000);
    buf_init(&buf, &arena);
    json_write_string(&buf, text, sizeof text);
    assert_true(buf.failed);
    arena_clear(&arena);
}

static int init(void **state)
{
    (void)state;
    json_init();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_json_is_refused_with_its_place),
        cmocka_unit_test(what_is_quoted_of_a_text_is_whole_characters),
        cmocka_unit_test(in_a_line_of_a_file_the_place_is_a_column),
        cmocka_unit_test(truncated_json_is_refused_at_every_length),
        cmocka_unit_test(trailing_garbage_and_duplicate_keys_are_refused),
        cmocka_unit_test(nesting_a_hundred_thousand_deep_is_refused),
        cmocka_unit_test(bytes_that_are_not_utf8_are_refused),
        cmocka_unit_test(numbers_beyond_their_kind_are_refused_with_a_code_of_their_own),
        cmocka_unit_test(numbers_keep_their_kind_and_strings_their_nul),
        cmocka_unit_test(a_file_of_another_program_is_read_as_that_reads_it),
        cmocka_unit_test(a_byte_order_mark_of_a_file_is_passed_over),
        cmocka_unit_test(of_a_key_that_comes_twice_in_a_file_the_last_may_count),
        cmocka_unit_test(what_is_no_json_in_a_file_stays_none),
        cmocka_unit_test(whatever_a_request_may_be_a_file_may_be_and_says_the_same),
        cmocka_unit_test(values_lie_in_the_arena_and_need_no_freeing),
        cmocka_unit_test(small_values_take_little_of_the_arena),
        cmocka_unit_test(the_arenas_cap_is_an_error_of_its_own),
        cmocka_unit_test(each_thread_has_an_arena_of_its_own),
        cmocka_unit_test(strings_are_written_with_the_escapes_json_asks_for),
        cmocka_unit_test(bytes_that_are_not_utf8_are_written_as_replacement_characters),
        cmocka_unit_test(whatever_is_written_reads_back),
        cmocka_unit_test(escaping_stops_before_what_does_not_fit),
        cmocka_unit_test(a_full_arena_fails_the_buffer_not_the_program),
    };
    return cmocka_run_group_tests(tests, init, NULL);
}
