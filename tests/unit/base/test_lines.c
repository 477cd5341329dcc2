/* SPDX-License-Identifier: Apache-2.0 */
#include "base/lines.h"
#include "tests/test.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A pipe, and the path by which its end is read. */
struct tube {
    int out, in;
    char path[32];
};

static struct tube make_tube(void)
{
    int ends[2];
    struct tube tube;
    assert_int_equal(pipe(ends), 0);
    tube.out = ends[0];
    tube.in = ends[1];
    snprintf(tube.path, sizeof tube.path, "/dev/fd/%d", tube.out);
    return tube;
}

static void put(int fd, const char *text, size_t bytes)
{
    assert_int_equal(write(fd, text, bytes), bytes);
}

/* A file with this content, by its path. */
static const char *make_file(const char *text, size_t bytes)
{
    static char path[] = "/tmp/test_lines_XXXXXX";
    strcpy(path + sizeof path - 7, "XXXXXX");
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    put(fd, text, bytes);
    close(fd);
    return path;
}

/* Reads all lines, `read_bytes` at once, and compares them, '|' behind each and the error at the
   end, with `expected`. */
static void check_sizes(const char *text, bool skips_empty, char separator, const char *expected)
{
    for (size_t read_bytes = 1; read_bytes < 9; read_bytes++) {
        struct lines lines;
        struct err err = {0};
        char found[400] = "";
        int step;
        const char *path = make_file(text, strlen(text));
        if (!lines_open(&lines, path, read_bytes, &err)) fail_msg("%s", err.message);
        lines.skips_empty = skips_empty;
        lines.separator = separator;
        while ((step = lines_next(&lines, &err)) > 0) {
            char number[24];
            snprintf(number, sizeof number, "%llu ", (unsigned long long)lines.number);
            strcat(found, number);
            strncat(found, lines.text, lines.bytes);
            strcat(found, "|");
        }
        if (step < 0) strcat(found, err.message + strlen(path));
        assert_string_equal(found, expected);
        assert_true(step < 0 || lines_share(&lines) == (*text ? 1 : 0));
        lines_close(&lines);
        lines_close(&lines);
        unlink(path);
    }
}

static void lines_end_in_lf_or_crlf_or_with_the_file(void **state)
{
    (void)state;
    check_sizes("a\nb c\r\n\nd", false, 0, "1 a|2 b c|3 |4 d|");
    check_sizes("a\r\n", false, 0, "1 a|");
    check_sizes("a\r", false, 0, "1 a|");
    check_sizes("a\rb\n", false, 0, "1 a\rb|");
    check_sizes("", false, 0, "");
    check_sizes("\n", false, 0, "1 |");
}

static void empty_lines_are_left_out_where_that_is_wanted(void **state)
{
    (void)state;
    check_sizes("\na\n\r\n\nb\n\n", true, 0, "2 a|5 b|");
    check_sizes("\n\n", true, 0, "");
}

static void a_mark_is_dropped_at_the_start_alone(void **state)
{
    (void)state;
    check_sizes("\xEF\xBB\xBF"
                "a\n\xEF\xBB\xBF"
                "b\n",
                false, 0,
                "1 a|2 \xEF\xBB\xBF"
                "b|");
    check_sizes("\xEF\xBB\xBF", false, 0, "");
}

static void records_of_a_csv_hold_line_breaks(void **state)
{
    (void)state;
    check_sizes("a,\"b\n\"\"c\"\r\nd\n", true, ',', "1 a,\"b\n\"\"c\"|3 d|");
    check_sizes("a\n\"b\nc", true, ',',
                "1 a|, line 2: the quoted cell that begins here is not closed; close it, or double "
                "the quotes that are part of it");
}

static void bytes_that_are_not_utf8_are_named_by_line(void **state)
{
    (void)state;
    struct lines lines;
    struct err err;
    const char *path = make_file("a\n\"b\nc\xFF\"", 8);
    assert_true(lines_open(&lines, path, 0, &err));
    lines.separator = ',';
    assert_int_equal(lines_next(&lines, &err), 1);
    assert_int_equal(lines_next(&lines, &err), -1);
    assert_non_null(strstr(err.message, ", line 3: "));
    lines_close(&lines);
    unlink(path);
}

/* A byte at a time, each once the reader waits for it (or nearly so). */
static void *write_slowly(void *user)
{
    const struct tube *tube = user;
    static const char text[] = "\xEF\xBB\xBF"
                               "a\n";
    for (size_t i = 0; i < sizeof text - 1; i++) {
        usleep(2000);
        put(tube->in, text + i, 1);
    }
    close(tube->in);
    return NULL;
}

static void a_mark_may_come_in_pieces(void **state)
{
    (void)state;
    struct tube tube = make_tube();
    struct lines lines;
    struct err err;
    pthread_t writer;
    pthread_create(&writer, NULL, write_slowly, &tube);
    assert_true(lines_open(&lines, tube.path, 0, &err));
    assert_int_equal(lines_next(&lines, &err), 1);
    assert_int_equal(lines.bytes, 1);
    assert_int_equal(lines.text[0], 'a');
    assert_int_equal(lines_next(&lines, &err), 0);
    pthread_join(writer, NULL);
    lines_close(&lines);
    close(tube.out);
}

static void a_short_line_is_handed_out_before_more_comes(void **state)
{
    (void)state;
    struct tube tube = make_tube();
    struct lines lines;
    struct err err;
    put(tube.in, "\n", 1); /* shorter than a byte order mark: waiting for that would not end */
    assert_true(lines_open(&lines, tube.path, 0, &err));
    assert_int_equal(lines_next(&lines, &err), 1);
    assert_int_equal(lines.bytes, 0);
    assert_false(lines_has_next(&lines));
    put(tube.in, "a\nb\nc", 5);
    assert_int_equal(lines_next(&lines, &err), 1);
    assert_true(lines_has_next(&lines));
    assert_int_equal(lines_next(&lines, &err), 1);
    assert_false(lines_has_next(&lines));
    close(tube.in);
    lines_close(&lines);
    close(tube.out);
}

static void a_line_that_was_put_back_comes_again(void **state)
{
    (void)state;
    struct lines lines;
    struct err err;
    const char *path = make_file("\n\"a\nb\"\nc\n", 9);
    assert_true(lines_open(&lines, path, 2, &err));
    lines.skips_empty = true;
    assert_int_equal(lines_next(&lines, &err), 1);
    assert_int_equal(lines.bytes, 2);
    lines_put_back(&lines);
    lines.separator = ',';
    assert_int_equal(lines_next(&lines, &err), 1);
    assert_int_equal(lines.number, 2);
    assert_int_equal(lines.bytes, 5);
    assert_int_equal(lines_next(&lines, &err), 1);
    assert_int_equal(lines.number, 4);
    lines_close(&lines);
    unlink(path);
}

static void what_cannot_be_read_is_named(void **state)
{
    (void)state;
    struct lines lines;
    struct err err;
    assert_false(lines_open(&lines, "/no/such/file", 0, &err));
    assert_int_equal(err.code, ERR_IO);
    assert_string_equal(err.message, "/no/such/file cannot be opened: No such file or directory");
    lines_close(&lines);
    assert_false(lines_open(&lines, "/tmp", 0, &err));
    assert_int_equal(err.code, ERR_IO);
    assert_string_equal(err.message, "/tmp cannot be read: Is a directory");
    lines_close(&lines);
}

static void a_line_without_end_is_refused_in_the_words_of_the_caller(void **state)
{
    (void)state;
    struct lines lines;
    struct err err;
    assert_true(lines_open(&lines, "/dev/zero", 0, &err));
    lines.expected = "a poem is expected";
    assert_int_equal(lines_next(&lines, &err), -1);
    assert_string_equal(err.message, "/dev/zero, line 1: longer than 64 MiB; a poem is expected");
    lines_close(&lines);
}

static void lines_are_cut_off_a_text_in_memory(void **state)
{
    (void)state;
    struct span left = {"a\r\n\nb\r", 6}, line;
    assert_true(lines_cut(&left, &line));
    assert_int_equal(line.bytes, 1);
    assert_true(lines_cut(&left, &line));
    assert_int_equal(line.bytes, 0);
    assert_true(lines_cut(&left, &line));
    assert_int_equal(line.bytes, 1);
    assert_int_equal(line.data[0], 'b');
    assert_false(lines_cut(&left, &line));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_end_in_lf_or_crlf_or_with_the_file),
        cmocka_unit_test(empty_lines_are_left_out_where_that_is_wanted),
        cmocka_unit_test(a_mark_is_dropped_at_the_start_alone),
        cmocka_unit_test(records_of_a_csv_hold_line_breaks),
        cmocka_unit_test(bytes_that_are_not_utf8_are_named_by_line),
        cmocka_unit_test(a_mark_may_come_in_pieces),
        cmocka_unit_test(a_short_line_is_handed_out_before_more_comes),
        cmocka_unit_test(a_line_that_was_put_back_comes_again),
        cmocka_unit_test(what_cannot_be_read_is_named),
        cmocka_unit_test(a_line_without_end_is_refused_in_the_words_of_the_caller),
        cmocka_unit_test(lines_are_cut_off_a_text_in_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
