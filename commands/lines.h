/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file lines.h
 * The texts of a command: files (or standard input) read line by line in bounded memory.
 *
 * A line ends in LF or CRLF, the last one also at the end of its file; a byte order mark at the
 * start of a file is dropped. Every line is valid UTF-8 of at most LINES_BYTES_MAX bytes, or an
 * error that names file and line. One thread.
 */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A longer line is refused: it is no text, and memory stays bounded. */
#define LINES_BYTES_MAX ((size_t)64 << 20)

struct lines {
    /* What lines_next found; valid until the next call. */
    const char *text; /* not NUL-terminated; may hold NUL */
    size_t bytes;
    const char *file; /* for messages; "standard input" for - */
    uint64_t number;  /* of the line in its file, from 1 */

    uint64_t total; /* lines of all files so far */
    double share;   /* how much of all files has been read, 0..1; 0 where nobody knows */

    /* Hands off. */
    char **files;
    int n_files, next_file;
    int fd; /* of the open file, or -1 */
    bool is_at_end;
    uint64_t file_bytes, file_bytes_read; /* 0 = size unknown */
    char *data;                           /* what was read and not yet handed out: [start, end) */
    size_t start, end, cap;
};

/** lines_init: the lines of `files` (n, borrowed), one after the other; none = standard input. */
void lines_init(struct lines *lines, char **files, int n);

/**
 * lines_next moves to the next line.
 * @return 1: there is one; 0: the end of the last file; -1: err is set, ERR_IO (naming the file) or
 *         ERR_FORMAT (naming file and line)
 */
int lines_next(struct lines *lines, struct err *err);

/**
 * lines_each calls `take` for each line, which finds it in `lines`; stops where it fails.
 * @param shows_progress  on a terminal, a line that says how far it has come
 * @return false with err set by lines_next or `take`
 */
bool lines_each(struct lines *lines, bool (*take)(void *user, struct err *err), void *user,
                bool shows_progress, struct err *err);

/** lines_has_next: another whole line is in memory, so that the next call need not wait for it. */
bool lines_has_next(const struct lines *lines);

/** lines_close frees and closes what is open. */
void lines_close(struct lines *lines);
