/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file feed.h
 * The rows of a command's files, one file after the other: lines, JSON lines, or the records of CSV
 * (RFC 4180) and TSV, plain or packed by gzip or zstd; and the text in each of them.
 *
 * A feed is for one thread at a time. What is said of a row (feed_text, feed_write_row) depends on
 * the row and its file alone, which do not change: any thread, each with an arena of its own.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/lines.h"
#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum feed_format {
    FEED_AUTO, /* by the ending of the file's name; others are lines */
    FEED_TEXT, /* a text a line */
    FEED_JSONL,
    FEED_CSV,
    FEED_TSV,
};

/** The names of the formats, as a flag has them; NULL at the end. */
extern const char *const feed_formats[];

struct feed_options {
    int format;       /* enum feed_format */
    const char *text; /* the column or key (a path, json_find) of the text; NULL: "text", or of CSV
                         and TSV the only column */
    int has_header;   /* of CSV and TSV: the first record names the columns */
    const char *into; /* the key that feed_open_object leaves free; NULL: rows become no objects */
};

/** A file that has been opened. */
struct feed_file {
    const char *name; /* for messages */
    enum feed_format format;
    const struct feed_options *options;

    /* CSV and TSV */
    char separator;
    struct span header;      /* its first record, if that names the columns */
    struct span header_line; /* the same with a line feed */
    struct span *columns;    /* (n) names: those of the header, or "1", "2" … */
    size_t n_columns, text_column;
    char *memory; /* what header and columns point into */
};

struct feed {
    /* What feed_next found: line.text, line.bytes, line.number; valid until the next call. */
    struct lines line;
    const struct feed_file *file;  /* that it is in; valid until feed_close */
    const struct feed_file *first; /* file of all */
    bool may_wait;                 /* some may be no file: then rows may be long in coming */
    double share;                  /* how much of all files has been read, 0..1; 0: unknown */

    /* Hands off. */
    struct feed_options options;
    char **paths; /* (n_paths) what patterns stand for, too */
    size_t n_paths, paths_cap, next_path;
    struct feed_file **files; /* (n_files) opened so far */
    size_t n_files, files_cap;
    bool is_open;
};

/**
 * feed_open takes the files (n, borrowed; none, or "-": standard input); one that is not there and
 * holds `*`, `?` or `[` is a pattern, whose files are taken in the order of their names.
 * @param options copied, with what it borrows
 * @return false with ERR_IO (a pattern without files) or ERR_MEMORY; feed_close is fine then
 */
bool feed_open(struct feed *feed, char **files, int n, const struct feed_options *options,
               struct err *err);

/**
 * feed_next moves to the next row.
 * @return 1: there is one; 0: the end of the last file; -1: err is set as by lines_next; where
 * line.fault is set, line.text and line.bytes are what is wrong (LINES_ENCODING), and the next call
 * goes on behind it
 */
int feed_next(struct feed *feed, struct err *err);

/** feed_has_next: the next call need not wait for another row. */
bool feed_has_next(const struct feed *feed);

/** feed_describe writes what the files are, a line each, so that it is seen where they change. */
void feed_describe(const struct feed *feed, struct buf *out);

/** feed_close frees all, and closes what is open. */
void feed_close(struct feed *feed);

/* ---- a row ---- */

enum feed_found {
    FEED_FOUND,
    FEED_NULL,   /* JSON's null */
    FEED_BROKEN, /* err is set */
};

/**
 * feed_text finds the text of a row.
 * @param record of the file; stays as it is
 * @param arena  in which the text is, unless it is the record itself
 * @param err    without file and line
 */
enum feed_found feed_text(const struct feed_file *file, struct span record, struct arena *arena,
                          struct span *text, struct err *err);

/** feed_open_object writes a row for which feed_text found a text or null as a JSON object with all
 * its columns, up to the value of the key `into`; who asks writes that value, `}` and a line feed.
 * @param scratch an arena */
void feed_open_object(const struct feed_file *file, struct span record, struct arena *scratch,
                      struct buf *out);

/** feed_open_empty: the same of a row that is broken: an object without its columns. */
void feed_open_empty(const struct feed_file *file, struct buf *out);
