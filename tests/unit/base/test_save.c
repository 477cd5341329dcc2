/* SPDX-License-Identifier: Apache-2.0 */
#include "base/save.h"
#include "tests/test.h"

#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64], path[128];

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/embedd-test-save-XXXXXX");
    if (!mkdtemp(folder)) return -1;
    snprintf(path, sizeof path, "%s/file", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path);
    rmdir(path);
    return rmdir(folder);
}

/* How many names the folder holds. */
static size_t count_names(void)
{
    DIR *list = opendir(folder);
    size_t n = 0;
    assert_non_null(list);
    for (const struct dirent *entry; (entry = readdir(list));)
        n += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(list);
    return n;
}

static void check_content(const char *wanted)
{
    char found[64] = {0};
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fread(found, 1, sizeof found - 1, file), strlen(wanted));
    fclose(file);
    assert_string_equal(found, wanted);
}

static void write_whole(const char *content)
{
    struct save save;
    struct err err;
    assert_true(save_open(&save, path, &err));
    assert_true(save_write(&save, content, strlen(content), &err));
    assert_true(save_close(&save, &err));
}

static void check_refused(const struct err *err, const char *why)
{
    assert_int_equal(err->code, ERR_IO);
    if (!strstr(err->message, why)) fail_msg("'%s' does not say '%s'", err->message, why);
}

static void a_file_appears_when_it_is_whole(void **state)
{
    (void)state;
    struct save save;
    struct err err;
    assert_true(save_open(&save, path, &err));
    assert_true(save_write(&save, "one ", 4, &err));
    assert_int_equal(access(path, F_OK), -1);
    assert_true(save_write(&save, "two", 3, &err));
    assert_true(save_close(&save, &err));
    save_abort(&save);
    check_content("one two");
    assert_int_equal(count_names(), 1);
}

static void the_old_one_stays_until_then(void **state)
{
    (void)state;
    struct save save;
    struct err err;
    write_whole("old");
    assert_true(save_open(&save, path, &err));
    assert_true(save_write(&save, "new", 3, &err));
    assert_int_equal(fflush(save.stream), 0);
    check_content("old");
    assert_true(save_close(&save, &err));
    check_content("new");
}

static void what_is_given_up_leaves_nothing(void **state)
{
    (void)state;
    struct save save;
    struct err err;
    write_whole("old");
    assert_true(save_open(&save, path, &err));
    assert_true(save_write(&save, "new", 3, &err));
    assert_int_equal(count_names(), 2);
    save_abort(&save);
    save_abort(&save);
    check_content("old");
    assert_int_equal(count_names(), 1);
    save = (struct save){0};
    save_abort(&save);
}

static void the_name_is_known_before_the_file_is_there(void **state)
{
    (void)state;
    struct save save;
    struct err err;
    assert_true(save_init(&save, path, &err));
    assert_int_equal(strncmp(save.temp, path, strlen(path)), 0);
    assert_int_equal(count_names(), 0);
    save_abort(&save);
    assert_true(save_start(&save, &err));
    assert_int_equal(access(save.temp, F_OK), 0);
    save.skips_sync = true;
    assert_true(save_write(&save, "new", 3, &err) && save_close(&save, &err));
    check_content("new");
}

static void limit_files(rlim_t bytes, struct rlimit *before)
{
    assert_int_equal(getrlimit(RLIMIT_FSIZE, before), 0);
    const struct rlimit limit = {bytes, before->rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* Large writes fail at once, small ones when they leave the buffer. */
static void write_too_much(size_t piece, struct err *err)
{
    static const char zeros[100000];
    struct rlimit before;
    struct save save;
    assert_true(save_open(&save, path, err));
    limit_files(4096, &before);
    bool ok = true;
    for (size_t done = 0; ok && done < sizeof zeros; done += piece)
        ok = save_write(&save, zeros, piece, err);
    ok = ok && save_close(&save, err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_false(ok);
}

static void a_full_disk_leaves_the_old_file_alone(void **state)
{
    (void)state;
    static const size_t pieces[] = {1, 1000, 100000};
    write_whole("old");
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        struct err err = {0};
        write_too_much(pieces[i], &err);
        check_refused(&err, path);
        check_content("old");
        assert_int_equal(count_names(), 1);
    }
}

/* Less than a buffer is only found out by save_close. */
static void a_disk_that_is_full_at_the_end_is_noticed_too(void **state)
{
    (void)state;
    struct rlimit before;
    struct save save;
    struct err err = {0};
    write_whole("old");
    assert_true(save_open(&save, path, &err));
    assert_true(save_write(&save, "0123456789", 10, &err));
    limit_files(5, &before);
    bool ok = save_close(&save, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_false(ok);
    check_refused(&err, "cannot write");
    check_content("old");
    assert_int_equal(count_names(), 1);
}

static void what_cannot_be_written_is_named(void **state)
{
    (void)state;
    struct save save;
    struct err err = {0};
    char missing[200], name[1200];
    snprintf(missing, sizeof missing, "%s/none/file", folder);
    assert_false(save_open(&save, missing, &err));
    check_refused(&err, "none/file: No such file");
    memset(name, 'a', sizeof name);
    name[sizeof name - 1] = '\0';
    assert_false(save_open(&save, name, &err));
    check_refused(&err, "File name too long");
    assert_int_equal(mkdir(path, 0777), 0);
    assert_true(save_open(&save, path, &err));
    assert_false(save_close(&save, &err));
    check_refused(&err, "Is a directory");
    assert_int_equal(count_names(), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_file_appears_when_it_is_whole, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(the_old_one_stays_until_then, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(what_is_given_up_leaves_nothing, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(the_name_is_known_before_the_file_is_there, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(a_full_disk_leaves_the_old_file_alone, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(a_disk_that_is_full_at_the_end_is_noticed_too, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(what_cannot_be_written_is_named, make_folder,
                                        remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
