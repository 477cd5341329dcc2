/* SPDX-License-Identifier: Apache-2.0 */
/** @file labelled_types.h  How a labelled file is read, its limits, its rows. Plain data. */
#pragma once

#include "base/lines.h"
#include "base/recode.h"
#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A longer record is refused: it is not a row, and memory stays bounded. */
#define LABELLED_RECORD_BYTES_MAX LINES_BYTES_MAX

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
     * these; numbers and booleans become their JSON text. An empty list is no label. Or OpenAI's
     * chats, {"messages": [{"role": "user", "content": "..."}, {"role": "assistant", ...}]}, where
     * no keys are given: the last message of the user is the text, the last of the assistant the
     * label.
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
 *      lines it is always a key, or, where there is no such key, a path of keys and of numbers from
 *      0 in lists, with dots between: annotations.0.label;
 *   2. the only one of the header with a usual name (usual_names.h: text, review, 评论内容; label,
 *      category, 标签), or, where none has one of these, with a name that may do (title; rating);
 *   3. of two columns, the one that is not the other, unless it has a usual name for the other;
 *   4. of two columns of a CSV or TSV of which nothing is known, what the rows show (look.h): a few
 *      short values that recur are labels;
 * and otherwise labelled_open fails and lists the columns.
 *
 * The first record is a header if `header` says so or a column is given by name. If not, that of a
 * CSV is one unless a column is given by number, or was found by looking; and any other if it holds
 * a usual name for what is not given, or for both where both are given. Otherwise it is a row,
 * unless the other rows show that it is not: see labelled_doubtful.
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
    const char *text, *label; /* borrowed by labelled_open; NULL = detected */

    /* What belongs together, as the author or the day of a text: a column by name or number, a key
       or path of JSON lines; borrowed while rows are read. NULL: nothing does. Not for fastText. */
    const char *group;
    enum labelled_header header;

    /**
     * Splits a cell or a string of labels into several, empty ones left out, so that a row may have
     * none. 0: a cell is one label, and an empty one is an error. Not for fastText.
     */
    char label_separator;

    /* A row that cannot be read is left out and counted (labelled_left_out), one without a text
       too. Otherwise it is an error, and a row without a text is a row. */
    bool skips_bad;

    enum text_encoding encoding;

    size_t read_bytes; /* read at once at most; 0 = as is good; for tests */
};

struct labelled_row {
    const char *text; /* not NUL-terminated; may hold NUL */
    size_t text_bytes;
    const struct span *labels; /* none is empty, holds NUL or has white space at its ends; may
                                  repeat */
    size_t n_labels;
    uint64_t group; /* a hash of what stands there, never 0 then; 0: rows have no group */
    uint64_t line;  /* on which the record begins, from 1 */
};
