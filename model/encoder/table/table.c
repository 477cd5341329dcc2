/* SPDX-License-Identifier: Apache-2.0 */
#include "model/encoder/table/table.h"

#include "model/math/kernels.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* NaN and Inf are the values whose exponent bits are all ones. The loops have no early way out, so
   that the compiler turns them into vector code: a row is short, a table is not. */
static bool row_is_finite_32(const char *row, size_t dim)
{
    uint32_t bad = 0;
    for (size_t i = 0; i < dim; i++) {
        uint32_t bits;
        memcpy(&bits, row + i * sizeof bits, sizeof bits);
        bad |= (bits & 0x7F800000u) == 0x7F800000u;
    }
    return !bad;
}

static bool row_is_finite_16(const char *row, size_t dim, uint16_t exponent)
{
    uint16_t bad = 0;
    for (size_t i = 0; i < dim; i++) {
        uint16_t bits;
        memcpy(&bits, row + i * sizeof bits, sizeof bits);
        bad |= (uint16_t)((bits & exponent) == exponent);
    }
    return !bad;
}

static bool row_is_finite_64(const char *row, size_t dim)
{
    uint64_t bad = 0;
    for (size_t i = 0; i < dim; i++) {
        double value;
        memcpy(&value, row + i * sizeof value, sizeof value);
        bad |= !isfinite((float)value);
    }
    return !bad;
}

static bool row_is_finite(const struct rows *rows, uint32_t dim, uint32_t i)
{
    const char *row = rows_at(rows, i);
    switch (rows->dtype) {
    case DTYPE_F32:
        return row_is_finite_32(row, dim);
    case DTYPE_F16:
        return row_is_finite_16(row, dim, 0x7C00);
    case DTYPE_BF16:
        return row_is_finite_16(row, dim, 0x7F80);
    case DTYPE_I8:
        return isfinite(rows_scale(rows, i) * INT8_MIN);
    case DTYPE_I4:
        return row_is_finite_16(rows_scales(rows, i),
                                dtype_scale_bytes(DTYPE_I4, dim) / sizeof(uint16_t), 0x7C00);
    case DTYPE_F64:
        return row_is_finite_64(row, dim);
    case DTYPE_PQ:
        break;
    }
    return false;
}

/* ---- tables that are read a row at a time ---- */

static void read_f64(const char *row, size_t n, float *out)
{
    for (size_t j = 0; j < n; j++) {
        double value;
        memcpy(&value, row + j * sizeof value, sizeof value);
        out[j] = (float)value;
    }
}

void table_floats(const struct table *table, uint32_t id, size_t from, size_t n, float *out)
{
    assert(id < table->n_rows && from + n <= table->dim);
    if (table->maker) {
        table->maker->row(table->source, id, (uint32_t)from, (uint32_t)n, out);
        return;
    }
    const struct rows rows = rows_from(&table->rows, from);
    const uint32_t row = table_row(table, id);
    if (rows.dtype == DTYPE_F64)
        read_f64(rows_at(&rows, row), n, out);
    else
        kernels_get()->row[rows.dtype](out, &rows, row, n);
    for (size_t j = 0; table->factors && j < n; j++)
        out[j] *= table->factors[id];
}

/* Of a row that is made float32 at once. */
#define COLUMNS_AT_ONCE 256

float table_inverse_norm(const struct table *table, uint32_t id)
{
    float row[COLUMNS_AT_ONCE];
    double squares = 0;
    if (table->inverse_norms) return table->inverse_norms[id];
    for (size_t from = 0, n; from < table->dim; from += n) {
        n = table->dim - from < COLUMNS_AT_ONCE ? table->dim - from : COLUMNS_AT_ONCE;
        table_floats(table, id, from, n, row);
        for (size_t j = 0; j < n; j++)
            squares += (double)row[j] * row[j];
    }
    const float by = (float)(1 / sqrt(squares));
    return isfinite(by) ? by : 0;
}

bool table_find_norms(struct table *table)
{
    float *norms = malloc((size_t)table->n_rows * sizeof *norms);
    for (uint32_t id = 0; norms && id < table->n_rows; id++)
        norms[id] = table_inverse_norm(table, id);
    table->inverse_norms = table->owned[4] = norms;
    return norms;
}

bool table_scale_by_one(struct table *table)
{
    float *ones = malloc((size_t)table->rows.n * sizeof *ones);
    for (uint32_t i = 0; ones && i < table->rows.n; i++)
        ones[i] = 1;
    table->owned[3] = ones;
    table->rows.scales = (const char *)ones;
    return ones;
}

bool table_check_finite(const struct table *table, uint32_t *row)
{
    if (table->maker) return table->maker->check_finite(table->source, row);
    for (uint32_t i = 0; i < table->rows.n; i++) {
        if (row_is_finite(&table->rows, table->dim, i)) continue;
        *row = i;
        return false;
    }
    return true;
}

void table_close(struct table *table)
{
    for (size_t i = 0; i < sizeof table->owned / sizeof *table->owned; i++)
        free(table->owned[i]);
    free(table->owned_mapping);
    *table = (struct table){0};
}
