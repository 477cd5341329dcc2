/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file left_out.h
 * Rows of labelled files that cannot be read: kinds of them, how many were left out, and the first
 * few. Plain data.
 */
#pragma once

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

/** What may be wrong with a row while the others are right. */
enum bad_row {
    BAD_ROW_NONE,
    BAD_ROW_COLUMNS,
    BAD_ROW_QUOTES,
    BAD_ROW_ENCODING,
    BAD_ROW_JSON,
    BAD_ROW_MISSING,
    BAD_ROW_NO_LABEL,
    BAD_ROW_NUL,
    BAD_ROW_LABELS,
    BAD_ROW_NO_TEXT,
};

#define BAD_ROWS 10

/** To follow "3 rows with": "another number of columns". */
extern const char *const bad_row_names[BAD_ROWS];

/** So many are listed. */
#define LEFT_OUT_LISTED_MAX 5

/** All zero at the start. */
struct left_out {
    uint64_t n, counts[BAD_ROWS];
    size_t n_listed;
    char listed[LEFT_OUT_LISTED_MAX][sizeof((struct err *)0)->message]; /* sentences with file and
                                                                            line */
};

/** left_out_add counts a row; `err` says what is wrong with it. */
void left_out_add(struct left_out *left_out, enum bad_row kind, const struct err *err);
