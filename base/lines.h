/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file lines.h
 * A file or standard input, line by line in bounded memory; or the records of a CSV, whose quoted
 * cells may hold line breaks. One thread a reader.
 *
 * A line ends in LF or CRLF, the last one also at the end of the file. A byte order mark at the
 * start is dropped. Every line is valid UTF-8 of at most LINES_BYTES_MAX bytes, or an error that
 * names file and line.
 */
#pragma once

#include "base/err.h"
#include "base/inflow.h"
#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A longer line is refused: it is not a text, and memory stays bounded. */
#define LINES_BYTES_MAX ((size_t)64 << 20)

/** What is wrong with a line while what follows may be right. */
enum lines_fault {
    LINES_RIGHT,
    LINES_ENCODING, /* it is not UTF-8 */
    LINES_QUOTES,   /* a quoted cell does not close, or goes on behind its closing quote */
};

struct lines {
    /* What lines_next found; valid until the next call. */
    char *text; /* may be written to; not NUL-terminated, and may hold NUL */
    size_t bytes;
    uint64_t number; /* of the line on which it begins, from 1 */

    /* Set where lines_next returns -1: the next call goes on with the next line (of quotes: behind
       the line that is named, where `passes_over` is set). LINES_RIGHT: nothing can be read. */
    enum lines_fault fault;

    const char *file; /* for messages: "standard input", or borrowed from the caller */

    /* Set by the caller, who may change them between two lines. */
    char separator;       /* of a CSV's cells; 0 = records are lines */
    bool passes_over;     /* after a fault the next call goes on behind it */
    bool skips_empty;     /* empty lines are not handed out */
    const char *expected; /* what a line should be, for messages: "one text per line is expected" */

    /* Hands off. */
    struct inflow *inflow;
    bool takes_encoding; /* lines_open_as opened it */
    bool is_at_end;
    size_t read_bytes;
    char *data; /* what was read and not yet handed out: [start, end) */
    size_t start, end, cap;
    uint64_t next_number;
    size_t record_start; /* of the last line, in data */
    bool is_marked;      /* what is read from `mark` on is kept */
    size_t mark;
    uint64_t mark_number;
};

/** A sentence about a line of the file; as err_set. */
#define LINES_FAIL(lines, at_line, err, fmt, ...)                                                  \
    err_set(err, ERR_FORMAT, NULL, "%.200s, line %llu: " fmt, (lines)->file,                       \
            (unsigned long long)(at_line), __VA_ARGS__)

/**
 * lines_open opens `path` (borrowed; "-" = standard input, which need not be seekable) and clears
 * what the caller may set.
 * @param read_bytes to be read at once at most; 0 = as is good
 * @return false with err set (ERR_IO); lines_close is fine then
 */
bool lines_open(struct lines *lines, const char *path, size_t read_bytes, struct err *err);

/**
 * lines_open_as: the same of a file that may be packed (gzip) and in another encoding than UTF-8
 * (base/inflow.h). Messages then name the argument `encoding`. Also ERR_FORMAT and ERR_MEMORY.
 */
bool lines_open_as(struct lines *lines, const char *path, size_t read_bytes,
                   enum text_encoding encoding, struct err *err);

/**
 * lines_next moves to the next line.
 * @return 1: there is one; 0: the end; -1: err is set, ERR_IO (naming the file), ERR_FORMAT (naming
 *         file and line) or ERR_MEMORY; see `fault`
 */
int lines_next(struct lines *lines, struct err *err);

/** lines_has_next: another whole line is in memory, so that the next call need not wait for it. */
bool lines_has_next(const struct lines *lines);

/** lines_put_back makes the last line the next one again, perhaps under another separator. Its
 * bytes must not have been written to. */
void lines_put_back(struct lines *lines);

/**
 * lines_mark marks the last line, and lines_rewind makes it the next one again: what was read since
 * then is kept in memory, and must not have been written to, nor the line itself.
 */
void lines_mark(struct lines *lines);
void lines_rewind(struct lines *lines);

/** lines_share: how much of the file has been handed out, 0 to 1; 0 = unknown. */
double lines_share(const struct lines *lines);

/** lines_close frees and closes; standard input stays open. A zeroed one, or one that is closed, is
 * fine. */
void lines_close(struct lines *lines);

/** lines_cut takes the next line, without its end, off a text in memory; false: there is none. */
bool lines_cut(struct span *left, struct span *line);
