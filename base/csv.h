/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file csv.h
 * CSV (RFC 4180): where its records end, and their cells; the cells of TSV too.
 *
 * A cell that begins with a quote ends at the next one that is not doubled, and may hold separators
 * and line breaks; in any other cell a quote is a character. Lines end in LF or CRLF. Pure
 * functions and plain data: one thread a reader.
 */
#pragma once

#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum csv_state {
    CSV_START,  /* of a cell */
    CSV_PLAIN,  /* in a cell without quotes */
    CSV_QUOTED, /* in a cell with quotes */
    CSV_QUOTE,  /* behind a quote in there: the end of the cell, or half of a doubled one */
    CSV_CR,     /* behind the CR after that: LF must follow */
    CSV_END,    /* at the LF that ends the record */
    CSV_BROKEN, /* something follows the end of a quoted cell */
};

/** How far a record has been looked through; all zero at its start. */
struct csv_scan {
    enum csv_state state;
    size_t at;       /* the next byte; the one in question in the last two states */
    size_t quote_at; /* where the last quoted cell begins */
};

/**
 * csv_scan goes on looking for the record's end.
 * @param record its `bytes` so far; what was looked at before is not looked at again
 * @return whether the state is CSV_END or CSV_BROKEN; otherwise more bytes are needed
 */
bool csv_scan(struct csv_scan *scan, const char *record, size_t bytes, char separator);

/** csv_find_separator: ';' if `line` has one outside of quotes, and no comma; otherwise ','. */
char csv_find_separator(const char *line, size_t bytes);

/**
 * csv_split cuts a record into its cells.
 * @param record    written to: doubled quotes in quoted cells become one; cells point into it
 * @param quoted    whether cells may be quoted; then csv_scan has found the record whole
 * @param cells     (cells_max); more are only counted
 * @return how many cells there are, at least 1
 */
size_t csv_split(char *record, size_t bytes, char separator, bool quoted, struct span *cells,
                 size_t cells_max);

/**
 * csv_problem: what is wrong with a record that ends in `state`, and what to do; NULL: nothing.
 * It is at byte `scan.quote_at` (a quoted cell that is not closed) or `scan.at` (CSV_BROKEN) of it.
 */
const char *csv_problem(enum csv_state state);

/** The records of a CSV that is in memory. Set `left` and `separator`, and the rest to zero. */
struct csv_records {
    struct span left; /* what is still to be read */
    char separator;
    uint64_t line;    /* on which the last record began, from 1 */
    uint64_t n_lines; /* read so far */
};

/**
 * csv_next moves to the next record that is not empty.
 * @param record without the end of its line
 * @return 1: there is one; 0: the end; -1: it is broken, see csv_problem
 * @param problem set where -1 is returned, together with `line`, then that of the problem
 */
int csv_next(struct csv_records *records, struct span *record, const char **problem);
