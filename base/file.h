/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file file.h
 * Whole files: read into memory, or mapped read-only. Safe from any thread.
 *
 * On failure the sentence names the path and the system's reason, the code is ERR_IO, and errno is
 * what the system said, so that a caller can tell a file that is not there (ENOENT) from one that
 * cannot be read.
 */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dirent;
struct stat;

/**
 * file_read reads all of `path` (a pipe too, if somebody writes to it) into a malloc'ed block.
 * @param bytes_max a longer file is an error (errno EFBIG)
 * @param data      on success the content and one NUL more, owned by the caller (free); otherwise
 *                  NULL
 * @param bytes     without that NUL
 */
bool file_read(const char *path, size_t bytes_max, char **data, size_t *bytes, struct err *err);

/** file_say_confined: from now on the process may read only what it has said before (confine.h),
 * and messages about files that it may not read say so. Before there is another thread. */
void file_say_confined(void);

/** What a file was when it was mapped. */
struct file_mark {
    uint64_t device, inode, bytes;
    int64_t modified_ns;
};

/**
 * file_map maps the regular file `path` read-only.
 * @param data  on success the content, page-aligned, until file_unmap; not NULL even for an empty
 *              file; NULL on failure
 * @param mark  what it is now, for file_look; or NULL
 */
bool file_map(const char *path, const char **data, size_t *bytes, struct file_mark *mark,
              struct err *err);

/** What has become of a mapped file, the worst last. */
enum file_state {
    FILE_AS_IT_WAS, /* also where another file has its name by now, or none: nothing is known */
    FILE_WRITTEN,   /* it was written into, or touched: its time or its length is another */
    FILE_CUT,       /* shorter: what is missing reads as zeros up to the end of a page, then not at
                       all */
};

/** file_look at the file that was mapped from `path`. By its name, so that it costs no descriptor
 * in between. */
enum file_state file_look(const char *path, const struct file_mark *mark);

/**
 * file_stat tells what is at `path`, links followed; nothing: `info` is all zeros. Unlike stat(2)
 * it tells what is not there from what cannot be looked at.
 * @return false: it cannot
 */
bool file_stat(const char *path, struct stat *info, struct err *err);

/** file_next_entry: the next one of a folder (a DIR *, of opendir), NULL in the end: errno is then
 * 0 where that was the last one, else why the folder cannot be read. */
const struct dirent *file_next_entry(void *folder);

/** file_read_ahead: whether reading a page of a mapped file that is not in memory brings along
 * those around it (up to megabytes; at first it does). Only a hint. */
void file_read_ahead(const char *data, size_t bytes, bool is_on);

/** file_warm has the pages of a mapped file read and mapped before it returns, where it has at most
 * `at_once_max` bytes and the system can do that (Linux 5.14); otherwise they are read beside other
 * work.
 * @return false: one of them cannot be read */
bool file_warm(const char *data, size_t bytes, size_t at_once_max);

/** file_path_bytes: of a path without the slashes at its end; the root keeps its one. */
size_t file_path_bytes(const char *path);

/** file_unmap ends what file_map gave; data NULL is fine. */
void file_unmap(const char *data, size_t bytes);
