/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "tests/test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/embedd-test-file-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

static const char *write_file(const char *name, const char *content, size_t bytes)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(content, 1, bytes, file), bytes);
    assert_int_equal(fclose(file), 0);
    return path;
}

static void a_file_is_read_whole_with_a_nul_behind(void **state)
{
    (void)state;
    size_t n = 100000, bytes;
    char *content = malloc(n), *data;
    for (size_t i = 0; i < n; i++)
        content[i] = (char)(i * 7);
    const char *path = write_file("a", content, n);
    struct err err;
    assert_true(file_read(path, n, &data, &bytes, &err));
    assert_int_equal(bytes, n);
    assert_memory_equal(data, content, n);
    assert_int_equal(data[n], '\0');
    free(data);
    unlink(path);
    free(content);
}

static void a_file_above_the_cap_is_refused(void **state)
{
    (void)state;
    const char *path = write_file("a", "0123456789", 10);
    char *data;
    size_t bytes;
    struct err err;
    assert_false(file_read(path, 9, &data, &bytes, &err));
    assert_int_equal(errno, EFBIG);
    assert_null(data);
    assert_non_null(strstr(err.message, path));
    assert_non_null(strstr(err.message, "9 bytes"));
    assert_true(file_read(path, 10, &data, &bytes, &err));
    free(data);
    unlink(path);
}

static void a_file_that_tells_no_size_is_read_whole(void **state)
{
    (void)state;
    char *data;
    size_t bytes;
    struct err err;
    assert_true(file_read("/proc/self/smaps", 1 << 20, &data, &bytes, &err));
    assert_true(bytes > 4096); /* more than is read at first */
    assert_int_equal(strlen(data), bytes);
    free(data);
    assert_false(file_read("/proc/self/smaps", 100, &data, &bytes, &err));
    assert_int_equal(errno, EFBIG);
}

static void a_pipe_is_read_to_its_end(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "hello", 5), 5);
    close(ends[1]);
    char path[32], *data;
    size_t bytes;
    snprintf(path, sizeof path, "/proc/self/fd/%d", ends[0]);
    assert_true(file_read(path, 100, &data, &bytes, NULL));
    assert_int_equal(bytes, 5);
    assert_string_equal(data, "hello");
    free(data);
    const char *map;
    struct err err;
    assert_false(file_map(path, &map, &bytes, NULL, &err));
    assert_int_equal(errno, ENODEV);
    close(ends[0]);
}

static void a_mapped_file_is_what_was_written(void **state)
{
    (void)state;
    const char *path = write_file("a", "0123456789", 10), *data;
    size_t bytes;
    struct err err;
    assert_true(file_map(path, &data, &bytes, NULL, &err));
    assert_int_equal(bytes, 10);
    for (int is_on = 0; is_on < 2; is_on++) {
        file_read_ahead(data, bytes, is_on);
        assert_memory_equal(data, "0123456789", 10);
    }
    file_unmap(data, bytes);
    unlink(path);
}

static void write_over(const char *path, int flags, const char *data)
{
    const int fd = open(path, O_WRONLY | flags);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, strlen(data)), strlen(data));
    close(fd);
}

static void set_time(const char *path, time_t seconds)
{
    const struct timespec times[] = {{.tv_sec = seconds}, {.tv_sec = seconds}};
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void a_look_tells_what_has_become_of_a_file(void **state)
{
    (void)state;
    const char *path = write_file("a", "0123456789", 10), *data;
    size_t bytes;
    struct file_mark mark;
    set_time(path, 1000);
    assert_true(file_map(path, &data, &bytes, &mark, NULL));
    assert_int_equal(mark.bytes, 10);
    assert_int_equal(file_look(path, &mark), FILE_AS_IT_WAS);
    set_time(path, 1001);
    assert_int_equal(file_look(path, &mark), FILE_WRITTEN);
    write_over(path, O_APPEND, "more");
    set_time(path, 1000);
    assert_int_equal(file_look(path, &mark), FILE_WRITTEN);
    assert_int_equal(truncate(path, 9), 0);
    set_time(path, 1000);
    assert_int_equal(file_look(path, &mark), FILE_CUT);
    write_over(path, 0, "0123456789");
    set_time(path, 1000);
    assert_int_equal(file_look(path, &mark), FILE_AS_IT_WAS);
    file_unmap(data, bytes);
    unlink(path);
}

static void of_a_file_without_its_name_nothing_is_known(void **state)
{
    (void)state;
    char path[64], other[64];
    struct file_mark mark;
    const char *data;
    size_t bytes;
    snprintf(path, sizeof path, "%s", write_file("a", "0123456789", 10));
    snprintf(other, sizeof other, "%s", write_file("b", "0", 1));
    assert_true(file_map(path, &data, &bytes, &mark, NULL));
    assert_int_equal(rename(other, path), 0);
    assert_int_equal(file_look(path, &mark), FILE_AS_IT_WAS);
    unlink(path);
    assert_int_equal(file_look(path, &mark), FILE_AS_IT_WAS);
    file_unmap(data, bytes);
}

static void an_empty_file_is_no_error(void **state)
{
    (void)state;
    const char *path = write_file("a", "", 0), *map;
    char *data;
    size_t bytes = 1;
    struct err err;
    assert_true(file_map(path, &map, &bytes, NULL, &err));
    assert_non_null(map);
    assert_int_equal(bytes, 0);
    file_unmap(map, bytes);
    assert_true(file_read(path, 0, &data, &bytes, &err));
    assert_string_equal(data, "");
    free(data);
    unlink(path);
    file_unmap(NULL, 0);
}

static void check_refused(const char *path, int reason)
{
    char *data;
    const char *map;
    size_t bytes;
    struct err err = {0};
    assert_false(file_read(path, 100, &data, &bytes, &err));
    assert_int_equal(errno, reason);
    assert_int_equal(err.code, ERR_IO);
    assert_null(data);
    assert_non_null(strstr(err.message, path));
    assert_non_null(strstr(err.message, strerror(reason)));
    err = (struct err){0};
    assert_false(file_map(path, &map, &bytes, NULL, &err));
    assert_int_equal(errno, reason);
    assert_null(map);
    assert_non_null(strstr(err.message, path));
    assert_non_null(strstr(err.message, strerror(reason)));
}

static void a_missing_file_and_a_folder_are_named(void **state)
{
    (void)state;
    check_refused("/no/such/file", ENOENT);
    check_refused("/tmp", EISDIR);
}

static void a_file_one_may_not_read_is_named(void **state)
{
    (void)state;
    const char *path = write_file("a", "x", 1);
    assert_int_equal(chmod(path, 0), 0);
    assert_int_equal(chmod(folder, 0755), 0);
    /* Root may read anything: be somebody else for a moment. */
    bool is_root = geteuid() == 0;
    if (is_root) assert_int_equal(seteuid(65534), 0);
    check_refused(path, EACCES);
    if (is_root) assert_int_equal(seteuid(0), 0);
    unlink(path);
}

static void what_is_not_there_is_told_from_what_cannot_be_looked_at(void **state)
{
    (void)state;
    char below[300], long_name[300];
    struct stat info;
    struct err err;
    const char *path = write_file("a", "ab", 2);
    assert_true(file_stat(path, &info, &err));
    assert_true(S_ISREG(info.st_mode) && info.st_size == 2);
    snprintf(below, sizeof below, "%s/b", path);
    assert_true(file_stat(below, &info, &err) && info.st_mode == 0);
    unlink(path);
    assert_true(file_stat(path, &info, &err) && info.st_mode == 0 && info.st_size == 0);
    memset(long_name, 'x', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    assert_false(file_stat(long_name, &info, &err));
    assert_int_equal(err.code, ERR_IO);
    assert_non_null(strstr(err.message, "cannot look at"));
    assert_non_null(strstr(err.message, strerror(ENAMETOOLONG)));
}

static void a_folder_has_its_entries_and_an_end(void **state)
{
    (void)state;
    const char *path = write_file("a", "", 0);
    DIR *opened = opendir(folder);
    size_t n = 0;
    assert_non_null(opened);
    errno = EIO; /* of something else */
    while (file_next_entry(opened))
        n++;
    assert_int_equal(errno, 0);
    assert_int_equal(n, 3);
    closedir(opened);
    unlink(path);
}

/* Where the system can read pages for us (Linux 5.14). */
static void what_cannot_be_read_is_told_when_it_is_warmed(void **state)
{
    (void)state;
    static const char content[3 * 4096];
    const char *path = write_file("a", content, sizeof content), *data;
    size_t bytes;
    assert_true(file_map(path, &data, &bytes, NULL, NULL));
    const bool can_tell = madvise((void *)(uintptr_t)data, bytes, 22) == 0;
    assert_true(file_warm(data, bytes, bytes));
    assert_true(file_warm(data, 0, bytes));
    assert_int_equal(truncate(path, 4096), 0);
    assert_int_equal(file_warm(data, bytes, bytes), !can_tell);
    assert_true(file_warm(data, 4096, bytes));
    assert_true(file_warm(data, bytes, bytes - 1)); /* beside other work */
    file_unmap(data, bytes);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_read_whole_with_a_nul_behind),
        cmocka_unit_test(a_file_above_the_cap_is_refused),
        cmocka_unit_test(a_file_that_tells_no_size_is_read_whole),
        cmocka_unit_test(a_pipe_is_read_to_its_end),
        cmocka_unit_test(a_mapped_file_is_what_was_written),
        cmocka_unit_test(a_look_tells_what_has_become_of_a_file),
        cmocka_unit_test(of_a_file_without_its_name_nothing_is_known),
        cmocka_unit_test(what_is_not_there_is_told_from_what_cannot_be_looked_at),
        cmocka_unit_test(a_folder_has_its_entries_and_an_end),
        cmocka_unit_test(what_cannot_be_read_is_told_when_it_is_warmed),
        cmocka_unit_test(an_empty_file_is_no_error),
        cmocka_unit_test(a_missing_file_and_a_folder_are_named),
        cmocka_unit_test(a_file_one_may_not_read_is_named),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
