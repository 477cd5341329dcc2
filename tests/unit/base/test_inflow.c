/* SPDX-License-Identifier: Apache-2.0 */
#include "base/inflow.h"
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* printf 'a\nb\n' | gzip -n */
static const char packed[] =
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\x4b\xe4\x4a\xe2\x02\x00\x97\x2a"
    "\x57\x18\x04\x00\x00\x00";

/* printf 'a\nb\n' | zstd --no-check */
static const char packed_by_zstd[] = "\x28\xb5\x2f\xfd\x00\x58\x21\x00\x00\x61\x0a\x62\x0a";

static struct err err;

/* A file of these bytes, or with `is_pipe` a pipe that gives them and stays open. */
static const char *path_of(const char *data, size_t bytes, bool is_pipe)
{
    static char path[64];
    int ends[2];
    if (is_pipe)
        assert_int_equal(pipe(ends), 0);
    else
        ends[0] = ends[1] = memfd_create("inflow", MFD_CLOEXEC);
    assert_int_equal(write(ends[1], data, bytes), bytes);
    snprintf(path, sizeof path, "/proc/self/fd/%d", ends[0]);
    return path;
}

static void check(const char *data, size_t bytes, bool is_plain, const char *want,
                  size_t want_bytes)
{
    char text[100];
    ssize_t n, all = 0;
    double share = 0;
    struct inflow *inflow = inflow_open(path_of(data, bytes, false), is_plain, TEXT_AUTO, &err);
    assert_non_null(inflow);
    while ((n = inflow_read(inflow, text + all, 3, &err)) > 0) {
        all += n;
        assert_true(inflow_share(inflow, 0) >= share);
        share = inflow_share(inflow, 0);
    }
    assert_int_equal(n, 0);
    assert_int_equal(all, want_bytes);
    assert_memory_equal(text, want, want_bytes);
    assert_true(inflow_share(inflow, 0) == (bytes > 0 ? 1 : 0));
    inflow_close(inflow);
}

#define CHECK(data, is_plain, want) check(data, sizeof data - 1, is_plain, want, sizeof want - 1)

static void bytes_are_unpacked_and_recoded_where_that_is_wanted(void **state)
{
    (void)state;
    CHECK(packed, false, "a\nb\n");
    CHECK(packed, true, "a\nb\n");
    CHECK(packed_by_zstd, false, "a\nb\n");
    CHECK(packed_by_zstd, true, "a\nb\n");
    CHECK("\xFF\xFE"
          "a\0",
          false,
          "\xEF\xBB\xBF"
          "a");
    CHECK("\xFF\xFE"
          "a\0",
          true,
          "\xFF\xFE"
          "a\0");
    CHECK("", false, "");
    CHECK("\x1f", false, "\x1f"); /* too little to be anything */
    CHECK("PK", false, "PK");
    CHECK("\xEF\xBB", false, "\xEF\xBB");
}

static void what_was_found_is_told(void **state)
{
    (void)state;
    struct inflow *inflow =
        inflow_open(path_of(packed, sizeof packed - 1, false), false, TEXT_GB18030, &err);
    assert_string_equal(inflow_packing(inflow), "gzip");
    assert_int_equal(inflow_encoding(inflow), TEXT_GB18030);
    inflow_close(inflow);
    inflow = inflow_open(path_of("a", 1, false), false, TEXT_AUTO, &err);
    assert_null(inflow_packing(inflow));
    assert_int_equal(inflow_encoding(inflow), TEXT_UTF_8);
    inflow_close(inflow);
    inflow_close(NULL);
}

/* Nothing is waited for that does not matter: the pipe has no more, and does not end. */
static void a_short_line_is_handed_out_at_once(void **state)
{
    (void)state;
    static const char *const lines[] = {"\n", "a\n", "P\n", "\x1f\n", "\xEF\xBB\xBF"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        char text[8];
        const size_t bytes = strlen(lines[i]);
        struct inflow *inflow = inflow_open(path_of(lines[i], bytes, true), false, TEXT_AUTO, &err);
        assert_non_null(inflow);
        for (size_t all = 0; all < bytes;) {
            const ssize_t n = inflow_read(inflow, text + all, sizeof text - all, &err);
            assert_true(n > 0);
            all += (size_t)n;
        }
        assert_memory_equal(text, lines[i], bytes);
        inflow_close(inflow);
    }
}

static void what_cannot_be_read_is_named(void **state)
{
    (void)state;
    assert_null(inflow_open("/no/such/file", true, TEXT_AUTO, &err));
    assert_int_equal(err.code, ERR_IO);
    assert_null(inflow_open("/tmp", false, TEXT_AUTO, &err));
    assert_string_equal(err.message, "/tmp cannot be read: Is a directory");
    assert_null(inflow_open(path_of("PK\3\4", 4, false), false, TEXT_AUTO, &err));
    assert_int_equal(err.code, ERR_FORMAT);
    assert_null(inflow_open(path_of(packed, 3, false), false, TEXT_AUTO, &err));
    assert_non_null(strstr(err.message, ": the gzip data is cut off; fetch the whole file"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_unpacked_and_recoded_where_that_is_wanted),
        cmocka_unit_test(what_was_found_is_told),
        cmocka_unit_test(a_short_line_is_handed_out_at_once),
        cmocka_unit_test(what_cannot_be_read_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
