/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file look.h
 * Which of two columns is the label, told by what stands in them: labels are short, and few of them
 * recur in many rows; texts differ. Internal to the reader of labelled files. One thread at a time.
 */
#pragma once

#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** So many rows are looked at, at most. */
#define LOOK_ROWS_MAX 1000

struct look_column {
    uint64_t hashes[LOOK_ROWS_MAX]; /* (n) of its values, empty ones left out */
    size_t n, bytes_max, n_figures;
};

/** All zero at the start. */
struct look {
    struct look_column columns[2];
    size_t n_rows;
};

/** What looking told. */
enum look_label {
    LOOK_UNTOLD, /* nobody looked; or too few rows; or both columns may be the label, or neither */
    LOOK_FIRST,  /* the first of the two columns is the label */
    LOOK_SECOND,
};

/** look_add takes the two cells of a row; false: enough have been seen. */
bool look_add(struct look *look, const struct span *cells);

/**
 * look_tell decides.
 * @param n_labels set to how many different labels there are, unless LOOK_UNTOLD
 */
enum look_label look_tell(struct look *look, size_t *n_labels);

/** look_is_figure: the cell is a number, a date or a time. */
bool look_is_figure(struct span cell);
