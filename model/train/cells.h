/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file cells.h
 * Where the records of a CSV (RFC 4180) end, and the cells of a record of CSV or TSV.
 * Internal to labelled.c and records.c. Pure functions.
 */
#pragma once

#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>

enum cells_state {
    CELLS_START,  /* of a cell */
    CELLS_PLAIN,  /* in a cell without quotes */
    CELLS_QUOTED, /* in a cell with quotes */
    CELLS_QUOTE,  /* behind a quote in there: the end of the cell, or half of a doubled one */
    CELLS_CR,     /* behind the CR after that: LF must follow */
    CELLS_END,    /* at the LF that ends the record */
    CELLS_BROKEN, /* something follows the end of a quoted cell */
};

/** How far a record has been looked through; all zero at its start. */
struct cells_scan {
    enum cells_state state;
    size_t at;       /* the next byte; the one in question in the last two states */
    size_t quote_at; /* where the last quoted cell begins */
};

/**
 * cells_scan goes on looking for the record's end.
 * @param record its `bytes` so far; what was looked at before is not looked at again
 * @return whether the state is CELLS_END or CELLS_BROKEN; otherwise more bytes are needed
 */
bool cells_scan(struct cells_scan *scan, const char *record, size_t bytes, char separator);

/** cells_find_separator: ';' if `line` has one outside of quotes, and no comma; otherwise ','. */
char cells_find_separator(const char *line, size_t bytes);

/**
 * cells_split cuts a record into its cells.
 * @param record    written to: doubled quotes in quoted cells become one; cells point into it
 * @param quoted    whether cells may be quoted; then cells_scan has found the record whole
 * @param cells     (cells_max); more are only counted
 * @return how many cells there are, at least 1
 */
size_t cells_split(char *record, size_t bytes, char separator, bool quoted, struct span *cells,
                   size_t cells_max);
