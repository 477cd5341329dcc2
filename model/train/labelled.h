/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file labelled.h
 * Labelled training files: texts with their labels, a row at a time, from CSV (RFC 4180), TSV, JSON
 * lines or fastText's form.
 *
 * Text and labels are UTF-8 (a byte order mark at the start is dropped); lines end in LF or CRLF,
 * the last one also at the end of the file; empty lines are skipped. Only one record is in memory
 * at a time, that of JSON lines also parsed. Each `struct labelled` is used by one thread at a
 * time; JSON is parsed into malloc'ed memory, so that thread must not have an arena in use for it
 * (base/json.h).
 */
#pragma once

#include "base/err.h"
#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A longer record is refused: it is no row, and memory stays bounded. */
#define LABELLED_RECORD_BYTES_MAX ((size_t)64 << 20)

/** A row may have at most so many. */
#define LABELLED_COLUMNS_MAX 4096
#define LABELLED_LABELS_MAX 65536

enum labelled_format {
    /**
     * By the first line: JSON lines if it starts with {, fastText if a word of it starts with
     * __label__, TSV if it holds a tab, CSV if it holds a comma or a semicolon.
     */
    LABELLED_AUTO,

    /**
     * Cells in quotes may hold separators, line breaks and doubled quotes; elsewhere a quote is a
     * character. The separator is the comma, or the semicolon where the first line has one and no
     * comma (outside of quotes).
     */
    LABELLED_CSV,

    /** Cells end at a tab; a quote is a character. */
    LABELLED_TSV,

    /**
     * {"text": "...", "label": x} a line, where x is a string, an integer, a boolean or a list of
     * these; numbers and booleans become their JSON text. An empty list is no label.
     */
    LABELLED_JSONL,

    /**
     * Words __label__x anywhere in a line are its labels x, and there must be one; what remains is
     * its text.
     */
    LABELLED_FASTTEXT,
};

#define LABELLED_FORMATS 5

/** Names of the formats: "auto", "CSV", "TSV", "JSONL", "fastText". */
extern const char *const labelled_format_names[LABELLED_FORMATS];

/**
 * Which columns (of JSON lines: keys) are text and label. Each is, in this order:
 *   1. the one given: a number counts from 1, any other text is the name in the header; for JSON
 *      lines it is always a name;
 *   2. the only one of the header with a usual name (text, sentence, content, review, query,
 *      utterance, question, body, comment; label, labels, category, class, intent, target,
 *      sentiment, cat), whatever its case;
 *   3. of two columns, the one that is not the other;
 * and otherwise labelled_open fails and lists the columns.
 *
 * The first record is a header if `header` says so or a column is given by name. If not, that of a
 * CSV is one unless a column is given by number; and any other if it holds a usual name for what is
 * not given, or for both where both are given. Otherwise it is a row, unless the other rows tell
 * that it is none: see labelled_doubtful.
 *
 * fastText's form has no columns: giving one is an error.
 */
enum labelled_header {
    LABELLED_HEADER_AUTO, /* by these rules */
    LABELLED_HEADER_YES,  /* CSV and TSV only */
    LABELLED_HEADER_NO,   /* columns are then given by number */
};

struct labelled_options {
    enum labelled_format format;
    const char *text, *label; /* borrowed by labelled_open; NULL = found out */
    enum labelled_header header;

    /**
     * Splits a cell or a string of labels into several, empty ones left out, so that a row may have
     * none. 0: a cell is one label, and an empty one is an error. Not for fastText.
     */
    char label_separator;

    size_t read_bytes; /* read at once at most; 0 = as is good; for tests */
};

struct labelled_row {
    const char *text; /* not NUL-terminated; may hold NUL */
    size_t text_bytes;
    const struct span *labels; /* none is empty or has white space at its ends; may repeat */
    size_t n_labels;
    uint64_t line; /* on which the record begins, from 1 */
};

struct labelled;

/**
 * labelled_open opens `path` ("-" = standard input, which need not be seekable), reads the first
 * record and finds format, header and columns.
 * @param out     on success owned by the caller (labelled_close), otherwise NULL
 * @param path    borrowed until labelled_close, for messages
 * @param options borrowed; NULL = all found out
 * @return false with err set: ERR_IO (naming the file), ERR_FORMAT (what is wrong with the file, an
 *         empty one included), ERR_USAGE (columns that are not there or cannot be told: lists those
 *         there are and names the flags --text and --label; a format that cannot be told: names
 *         --input-format), ERR_MEMORY
 */
bool labelled_open(struct labelled **out, const char *path, const struct labelled_options *options,
                   struct err *err);

/**
 * labelled_next moves to the next row. A doubtful one is left out.
 * @param row valid until the next call or labelled_close; untouched unless 1 is returned
 * @return 1: there is one; 0: the end; -1: err is set, ERR_IO (naming the file), ERR_FORMAT (naming
 *         file and line) or ERR_MEMORY; nothing can be read after that
 */
int labelled_next(struct labelled *labelled, struct labelled_row *row, struct err *err);

/** What is known of a first row that may be a header. */
struct labelled_doubt {
    bool recurs;    /* a later row has its label: it is none */
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
 * labelled_repeats_header: the row's label is the name of its column, as where files with headers
 * were put one behind the other.
 * @param is_whole set to whether its text is the name of its column, too
 */
bool labelled_repeats_header(const struct labelled *labelled, const struct labelled_row *row,
                             bool *is_whole);

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
