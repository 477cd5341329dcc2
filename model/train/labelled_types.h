/* SPDX-License-Identifier: Apache-2.0 */
/** @file labelled_types.h  How a labelled file is read, its limits, its rows. Plain data. */
#pragma once

#include "base/lines.h"
#include "base/span.h"

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
 * not given, or for both where both are given. Otherwise it is a row, unless the other rows show
 * that it is not: see labelled_doubtful.
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
