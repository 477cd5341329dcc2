/* SPDX-License-Identifier: Apache-2.0 */
#include "server/memory.h"
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void write_limit(const char *root, const char *group, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s%s/memory.max", root, group);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void the_least_limit_of_all_groups_above_counts(void **state)
{
    (void)state;
    char root[] = "/tmp/embedd-test-XXXXXX", path[128];
    assert_non_null(mkdtemp(root));
    snprintf(path, sizeof path, "%s/a", root);
    assert_int_equal(mkdir(path, 0700), 0);
    strcat(path, "/b");
    assert_int_equal(mkdir(path, 0700), 0);
    assert_true(memory_limit_of_group(root, "/a/b", "memory.max") == UINT64_MAX);
    write_limit(root, "/a/b", "max\n");
    assert_true(memory_limit_of_group(root, "/a/b", "memory.max") == UINT64_MAX);
    write_limit(root, "/a", "1000000\n");
    assert_int_equal(memory_limit_of_group(root, "/a/b", "memory.max"), 1000000);
    write_limit(root, "/a/b", "2000000\n");
    assert_int_equal(memory_limit_of_group(root, "/a/b", "memory.max"), 1000000);
    write_limit(root, "", "500000\n");
    assert_int_equal(memory_limit_of_group(root, "/a/b", "memory.max"), 500000);
    assert_int_equal(memory_limit_of_group(root, "/", "memory.max"),
                     500000); /* in a container of its own */
    assert_int_equal(memory_limit_of_group(root, "/gone", "memory.max"), 500000);
    char command[256];
    snprintf(command, sizeof command, "rm -r %s", root);
    assert_int_equal(system(command), 0);
}

static void what_there_is_is_some_memory(void **state)
{
    (void)state;
    assert_true(memory_allowed() >= 16 << 20 && memory_allowed() < UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_least_limit_of_all_groups_above_counts),
        cmocka_unit_test(what_there_is_is_some_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
