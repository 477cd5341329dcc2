/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file folder.h
 * A folder of a test's own, made before it and removed after it with all that is in it; names are
 * paths in it.
 */
#pragma once

#include "tests/test.h"

#include <ftw.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char test_folder[64];

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_begin, folder_end)

static inline int folder_begin(void **state)
{
    (void)state;
    strcpy(test_folder, "/tmp/embedd-test-XXXXXX");
    return mkdtemp(test_folder) ? 0 : -1;
}

static inline int folder_drop(const char *path, const struct stat *info, int what, struct FTW *at)
{
    (void)info;
    (void)what;
    (void)at;
    return remove(path);
}

static inline void folder_remove(const char *path)
{
    assert_int_equal(nftw(path, folder_drop, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static inline int folder_end(void **state)
{
    (void)state;
    folder_remove(test_folder);
    return 0;
}

/** in_folder: the path of `name`; good for 63 more calls. */
static inline char *in_folder(const char *name)
{
    static char paths[64][PATH_MAX];
    static size_t next;
    char *path = paths[next++ % 64];
    snprintf(path, sizeof paths[0], "%s/%s", test_folder, name);
    return path;
}

static inline char *make_folder(const char *name)
{
    char *path = in_folder(name);
    assert_int_equal(mkdir(path, 0755), 0);
    return path;
}

static inline char *write_text(const char *name, const char *text)
{
    char *path = in_folder(name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    return path;
}

/** make_link: `name` leads to `target`, whatever it was before. */
static inline char *make_link(const char *name, const char *target)
{
    char *path = in_folder(name), *next = in_folder(".next");
    assert_int_equal(symlink(target, next), 0);
    assert_int_equal(rename(next, path), 0);
    return path;
}
