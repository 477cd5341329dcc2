/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file labelled.h
 * Labelled training files: texts with their labels, a row at a time, from CSV (RFC 4180), TSV, JSON
 * lines or fastText's form.
 *
 * A file may be gzip or zstd, and in another encoding (base/inflow.h). Text and labels come out as
 * UTF-8 (a byte order mark at the start is dropped); lines end in LF or CRLF, the last one also at
 * the end of the file; empty lines are skipped. Only one record is in memory at a time, that of
 * JSON lines also parsed. Each `struct labelled` is used by one thread at a time; JSON is parsed
 * into malloc'ed memory, so that thread must not have an arena in use for it (base/json.h).
 */
#pragma once

#include "base/err.h"
#include "base/span.h"
#include "model/train/labelled_types.h"
#include "model/train/left_out.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct labelled;

/**
 * labelled_open opens `path` ("-" = standard input, which need not be seekable), reads the first
 * record and finds format, header and columns.
 * @param out     on success owned by the caller (labelled_close), otherwise NULL
 * @param path    borrowed until labelled_close, for messages
 * @param options borrowed; NULL = all found out
 * @return false with err set: ERR_IO (naming the file), ERR_FORMAT (what is wrong with the file, an
 * empty one included), ERR_USAGE (columns that are missing or not clear: lists those there are and
 * names the arguments `text` and `label`; a format that is not clear: names `input-format`),
 * ERR_MEMORY
 */
bool labelled_open(struct labelled **out, const char *path, const struct labelled_options *options,
                   struct err *err);

/**
 * labelled_next moves to the next row. A doubtful one is left out.
 * @param row valid until the next call or labelled_close; untouched unless 1 is returned
 * @return 1: there is one; 0: the end; -1: err is set, ERR_IO (naming the file), ERR_FORMAT (naming
 *         file and line) or ERR_MEMORY; nothing can be read after that. Where the options leave bad
 *         rows out, none of these is the reason.
 */
int labelled_next(struct labelled *labelled, struct labelled_row *row, struct err *err);

/** What is known of a first row that may be a header. */
struct labelled_doubt {
    bool recurs;    /* a later row has its label: it is not a header */
    bool has_names; /* text and label look like names, not like numbers or sentences, and no other
                       cell is a number or a date */
};

/**
 * labelled_doubtful: the first row where it may be a header all the same (columns are known by
 * number, and it has one label), which labelled_next has left out. The reader decides at the end: a
 * label that is nowhere else is a header's, or that of a rare row where `has_names` is false.
 * @param doubt set, if there is such a row
 * @return valid until labelled_close; NULL: there is none
 */
const struct labelled_row *labelled_doubtful(const struct labelled *labelled,
                                             struct labelled_doubt *doubt);

/**
 * labelled_repeats_header: the row's label is the name of its column, as in files with headers that
 * were joined.
 * @param is_whole set to whether its text is the name of its column, too
 */
bool labelled_repeats_header(const struct labelled *labelled, const struct labelled_row *row,
                             bool *is_whole);

/** labelled_left_out: the rows that were left out so far, because options.skips_bad is set. */
const struct left_out *labelled_left_out(const struct labelled *labelled);

/** labelled_fail_no_rows says of a file that has been read to its end that it holds no rows, and
 * of the first one that was left out why. Returns false. */
bool labelled_fail_no_rows(const struct labelled *labelled, struct err *err);

/** labelled_close frees and closes; NULL is fine. Standard input stays open. */
void labelled_close(struct labelled *labelled);

/** labelled_share: how much of the file its rows so far were, 0 to 1; 0 where nobody knows. */
double labelled_share(const struct labelled *labelled);

/** labelled_format: the format of the file, never LABELLED_AUTO. */
enum labelled_format labelled_format(const struct labelled *labelled);

/**
 * labelled_about says what is read, to follow "reading": "CSV: text = column 'text', label = column
 * 'category'". Lives as long as `labelled`.
 */
const char *labelled_about(const struct labelled *labelled);

/** labelled_was_looked_at: which column is which was told by what stands in them, not by names or
 * numbers; a user should be told (labelled_about). */
bool labelled_was_looked_at(const struct labelled *labelled);
