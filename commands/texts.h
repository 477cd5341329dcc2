/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file texts.h
 * The texts of a command: the lines (base/lines.h) of files, one file after the other, or of
 * standard input. One thread.
 */
#pragma once

#include "base/err.h"
#include "base/lines.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct texts {
    /* What texts_next found: line.text, line.bytes, line.number, line.file; valid until the next
       call. */
    struct lines line;

    uint64_t total; /* lines of all files so far */
    double share;   /* how much of all files they are, 0..1; 0 where nobody knows */

    /* Hands off. */
    char **files;
    int n_files, next_file;
    bool is_open;
};

/** texts_init: the lines of `files` (n, borrowed), one after the other; none = standard input. */
void texts_init(struct texts *texts, char **files, int n);

/**
 * texts_next moves to the next line.
 * @return 1: there is one; 0: the end of the last file; -1: err is set as lines_open and lines_next
 *         set it
 */
int texts_next(struct texts *texts, struct err *err);

/**
 * texts_each calls `take` for each line, which finds it in `texts`; stops where it fails.
 * @param shows_progress  on a terminal, a line that says how far it has come
 * @return false with err set by texts_next or `take`
 */
bool texts_each(struct texts *texts, bool (*take)(void *user, struct err *err), void *user,
                bool shows_progress, struct err *err);

/** texts_close frees and closes what is open. */
void texts_close(struct texts *texts);
