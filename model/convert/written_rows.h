/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file written_rows.h
 * The rows that convert writes: which ones, how many columns, of what dtype. One thread.
 */
#pragma once

#include "base/err.h"
#include "model/encoder/table/table.h"
#include "model/math/pca.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct written_rows {
    const struct table *table;
    const uint32_t *kept;  /* (n) rows of the table; NULL: all, in order */
    const struct pca *pca; /* NULL: the first columns */
    uint32_t n, dim;
    enum dtype dtype;
    char *scales; /* (n, dtype_scale_bytes) of I8 and I4: filled as rows are read; otherwise NULL */
    bool has_norms;
    float *inverse_norms; /* (n + 1, the last 0) where has_norms: of what is written, filled as rows
                             are read (table_inverse_norm); otherwise NULL */
    float *values;        /* scratch: (table's dim) and (dim) */
    double *wide;         /* scratch of the projection (table's dim) */
    const char *where;    /* name of the file, for messages */
};

/** written_rows_open makes scratch; all but scales, inverse_norms, values and wide is set. False
 * with ERR_MEMORY. */
bool written_rows_open(struct written_rows *rows, struct err *err);
void written_rows_close(struct written_rows *rows);

/** written_rows_bytes: of a row as it is written. */
size_t written_rows_bytes(const struct written_rows *rows);

/**
 * written_rows_read writes row `i` (< n) to `out` (written_rows_bytes), little-endian.
 * @return false with ERR_FORMAT: a value is not finite, or too large for the dtype
 */
bool written_rows_read(struct written_rows *rows, uint32_t i, char *out, struct err *err);

/** written_rows_floats: row `i` of the table as float32 (table's dim). */
void written_rows_floats(const struct written_rows *rows, uint32_t i, float *out);
