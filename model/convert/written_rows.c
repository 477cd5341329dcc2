/* SPDX-License-Identifier: Apache-2.0 */
#include "model/convert/written_rows.h"

#include "model/encoder/table/encode_rows.h"
#include "model/math/kernels.h"

#include <stdlib.h>
#include <string.h>

size_t written_rows_bytes(const struct written_rows *rows)
{
    return dtype_row_bytes(rows->dtype, rows->dim);
}

static size_t scale_bytes(const struct written_rows *rows)
{
    return dtype_scale_bytes(rows->dtype, rows->dim);
}

/* NULL where there are none. */
static char *scales_at(const struct written_rows *rows, uint32_t i)
{
    return rows->scales ? rows->scales + i * scale_bytes(rows) : NULL;
}

bool written_rows_open(struct written_rows *rows, struct err *err)
{
    const size_t room = (size_t)rows->table->dim + rows->dim;
    rows->values = malloc(room * sizeof *rows->values);
    rows->wide = malloc(rows->table->dim * sizeof *rows->wide);
    if (scale_bytes(rows) > 0) rows->scales = calloc((size_t)rows->n + 1, scale_bytes(rows));
    if (rows->has_norms) rows->inverse_norms = calloc((size_t)rows->n + 1, sizeof(float));
    if (rows->values && rows->wide && (rows->scales || scale_bytes(rows) == 0) &&
        (rows->inverse_norms || !rows->has_norms))
        return true;
    return err_set(err, ERR_MEMORY, NULL, "no memory for a row of %u columns", rows->table->dim);
}

void written_rows_close(struct written_rows *rows)
{
    free(rows->values);
    free(rows->wide);
    free(rows->scales);
    free(rows->inverse_norms);
}

static uint32_t source_row(const struct written_rows *rows, uint32_t i)
{
    return rows->kept ? rows->kept[i] : i;
}

void written_rows_floats(const struct written_rows *rows, uint32_t i, float *out)
{
    table_floats(rows->table, source_row(rows, i), 0, rows->table->dim, out);
}

static bool refuse(const struct written_rows *rows, uint32_t i, const char *what, struct err *err)
{
    return err_set(err, ERR_FORMAT, NULL, "%.300s: row %u %s", rows->where, source_row(rows, i),
                   what);
}

/* A table of row `i` alone, as it was written. */
static struct table written_row(const struct written_rows *rows, uint32_t i, const char *row)
{
    return table_of((struct rows){.at = row,
                                  .stride_bytes = written_rows_bytes(rows),
                                  .n = 1,
                                  .dtype = rows->dtype,
                                  .scales = scales_at(rows, i)},
                    rows->dim);
}

/* As it is: not a bit changes. */
static void copy_row(struct written_rows *rows, uint32_t i, char *out)
{
    const uint32_t from = source_row(rows, i);
    memcpy(out, rows_at(&rows->table->rows, from), written_rows_bytes(rows));
    if (rows->scales)
        memcpy(scales_at(rows, i), rows_scales(&rows->table->rows, from), scale_bytes(rows));
}

/* A half may be too small for what a float holds. */
static bool write_row(struct written_rows *rows, uint32_t i, const float *x, char *out,
                      struct err *err)
{
    uint32_t row;
    encode_row(out, x, rows->dim, rows->dtype, scales_at(rows, i));
    const struct table written = written_row(rows, i, out);
    return table_check_finite(&written, &row) ||
           refuse(rows, i, "holds a value too large for this dtype; convert with `dtype` f32", err);
}

static bool is_copied(const struct written_rows *rows)
{
    return !rows->pca && rows->dtype == rows->table->rows.dtype && table_is_plain(rows->table);
}

bool written_rows_read(struct written_rows *rows, uint32_t i, char *out, struct err *err)
{
    float *x = rows->values, *projected = x + rows->table->dim;
    written_rows_floats(rows, i, x);
    if (!kernels_get()->is_finite(x, rows->table->dim))
        return refuse(rows, i, "holds NaN or Inf; make the table again, every value must be finite",
                      err);
    if (rows->pca) pca_project(rows->pca, x, projected, rows->wide);
    if (is_copied(rows))
        copy_row(rows, i, out);
    else if (!write_row(rows, i, rows->pca ? projected : x, out, err))
        return false;
    const struct table written = written_row(rows, i, out);
    if (rows->has_norms) rows->inverse_norms[i] = table_inverse_norm(&written, 0);
    return true;
}
