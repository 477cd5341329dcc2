/* SPDX-License-Identifier: Apache-2.0 */
#include "base/leftovers.h"
#include "tests/test.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/test_leftovers.XXXXXX";

static const char *path_of(const char *name)
{
    static char path[300];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void touch(const char *name)
{
    int fd = open(path_of(name), O_CREAT | O_WRONLY, 0644);
    assert_true(fd >= 0);
    close(fd);
}

static bool is_there(const char *name)
{
    struct stat info;
    return lstat(path_of(name), &info) == 0;
}

static void remove_any(const char *temp)
{
    if (unlink(temp) != 0) rmdir(temp);
}

static void sweep(const char *name)
{
    char path[300];
    snprintf(path, sizeof path, "%s", path_of(name));
    leftovers_remove(path, remove_any);
}

static void what_nobody_holds_is_removed_and_nothing_else(void **state)
{
    (void)state;
    static const char *const others[] = {"model",        "model.tmp",   "model.7x.tmp",
                                         "model.7.tmpx", "mode.7.tmp",  "model.a.7.tmp",
                                         "model.7.old",  "xmodel.7.tmp"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        touch(others[i]);
    touch("model.7.tmp");
    touch("model.12345678901234567890.tmp");
    assert_int_equal(mkdir(path_of("model.8.tmp"), 0755), 0);
    touch("model.9.tmp");
    const int held = leftovers_hold(path_of("model.9.tmp"));
    assert_true(held >= 0);
    sweep("model");
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_true(is_there(others[i]));
    assert_false(is_there("model.7.tmp") || is_there("model.8.tmp") ||
                 is_there("model.12345678901234567890.tmp"));
    assert_true(is_there("model.9.tmp"));
    assert_int_equal(leftovers_hold(path_of("model.9.tmp")), -1); /* it is somebody's */
    close(held);
    sweep("model");
    assert_false(is_there("model.9.tmp"));
}

static void links_are_not_followed(void **state)
{
    (void)state;
    touch("kept");
    char target[300];
    snprintf(target, sizeof target, "%s", path_of("kept"));
    assert_int_equal(symlink(target, path_of("file.1.tmp")), 0);
    sweep("file");
    assert_true(is_there("kept") && is_there("file.1.tmp"));
}

static void what_is_gone_cannot_be_held_and_a_folder_that_is_not_there_holds_nothing(void **state)
{
    (void)state;
    assert_int_equal(leftovers_hold(path_of("gone.1.tmp")), -1);
    sweep("missing/file");
    leftovers_remove("test_leftovers_of_nobody", remove_any); /* in the working folder */
}

static int set_up(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : 1;
}

static int tear_down(void **state)
{
    (void)state;
    char command[320];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_nobody_holds_is_removed_and_nothing_else),
        cmocka_unit_test(links_are_not_followed),
        cmocka_unit_test(what_is_gone_cannot_be_held_and_a_folder_that_is_not_there_holds_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
