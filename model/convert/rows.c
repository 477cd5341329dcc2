/* SPDX-License-Identifier: Apache-2.0 */
#include "model/convert/rows.h"

#include "model/math/half.h"
#include "model/math/kernels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static size_t item_bytes(enum dtype dtype)
{
    return dtype == DTYPE_F32 ? 4 : dtype == DTYPE_I8 ? 1 : 2;
}

size_t rows_bytes(const struct rows *rows)
{
    return rows->dim * item_bytes(rows->dtype);
}

bool rows_open(struct rows *rows, struct err *err)
{
    const size_t room = (size_t)rows->table->dim + rows->dim;
    rows->values = malloc(room * sizeof *rows->values);
    rows->wide = malloc(rows->table->dim * sizeof *rows->wide);
    if (rows->dtype == DTYPE_I8) rows->scales = calloc((size_t)rows->n + 1, sizeof *rows->scales);
    if (rows->values && rows->wide && (rows->scales || rows->dtype != DTYPE_I8)) return true;
    return err_set(err, ERR_MEMORY, NULL, "no memory for a row of %u columns", rows->table->dim);
}

void rows_close(struct rows *rows)
{
    free(rows->values);
    free(rows->wide);
    free(rows->scales);
}

static uint32_t source_row(const struct rows *rows, uint32_t i)
{
    return rows->kept ? rows->kept[i] : i;
}

void rows_floats(const struct rows *rows, uint32_t i, float *out)
{
    table_floats(rows->table, source_row(rows, i), 0, rows->table->dim, out);
}

static bool refuse(const struct rows *rows, uint32_t i, const char *what, struct err *err)
{
    return err_set(err, ERR_FORMAT, NULL, "%.300s: row %u %s", rows->where, source_row(rows, i),
                   what);
}

/* ---- dtypes ---- */

static bool write_f16(const float *x, size_t n, char *out)
{
    bool fits = true;
    for (size_t j = 0; j < n; j++) {
        uint16_t half = half_from_float(x[j]);
        fits &= (half & 0x7C00) != 0x7C00;
        memcpy(out + 2 * j, &half, sizeof half);
    }
    return fits;
}

static bool write_bf16(const float *x, size_t n, char *out)
{
    bool fits = true;
    for (size_t j = 0; j < n; j++) {
        uint16_t half = bfloat_from_float(x[j]);
        fits &= (half & 0x7F80) != 0x7F80;
        memcpy(out + 2 * j, &half, sizeof half);
    }
    return fits;
}

/* The largest value is ±127. */
static void write_i8(const float *x, size_t n, char *out, float *scale)
{
    float largest = 0;
    for (size_t j = 0; j < n; j++)
        largest = fabsf(x[j]) > largest ? fabsf(x[j]) : largest;
    *scale = largest / 127;
    for (size_t j = 0; j < n; j++)
        out[j] = (char)(*scale > 0 ? rintf(x[j] / *scale) : 0);
}

static bool write_row(struct rows *rows, uint32_t i, const float *x, char *out, struct err *err)
{
    bool fits = true;
    switch (rows->dtype) {
    case DTYPE_F32:
        memcpy(out, x, rows->dim * sizeof *x);
        break;
    case DTYPE_F16:
        fits = write_f16(x, rows->dim, out);
        break;
    case DTYPE_BF16:
        fits = write_bf16(x, rows->dim, out);
        break;
    case DTYPE_I8:
        write_i8(x, rows->dim, out, &rows->scales[i]);
        break;
    case DTYPE_F64:
    case DTYPE_PQ:
        return false; /* never asked for */
    }
    return fits ||
           refuse(rows, i, "holds a value too large for this dtype; convert with --dtype f32", err);
}

/* As they are: not a bit changes. */
static bool is_copied(const struct rows *rows)
{
    return !rows->pca && rows->dtype == rows->table->dtype && table_is_plain(rows->table);
}

bool rows_read(struct rows *rows, uint32_t i, char *out, struct err *err)
{
    float *x = rows->values, *projected = x + rows->table->dim;
    rows_floats(rows, i, x);
    if (!kernels_get()->is_finite(x, rows->table->dim))
        return refuse(rows, i, "holds NaN or Inf; make the table again, every value must be finite",
                      err);
    if (is_copied(rows)) {
        memcpy(out, table_row(rows->table, source_row(rows, i)), rows_bytes(rows));
        if (rows->scales) rows->scales[i] = table_scale(rows->table, source_row(rows, i));
        return true;
    }
    if (!rows->pca) return write_row(rows, i, x, out, err);
    pca_project(rows->pca, x, projected, rows->wide);
    return write_row(rows, i, projected, out, err);
}
