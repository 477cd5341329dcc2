/* SPDX-License-Identifier: Apache-2.0 */
#include "model/table/table.h"

#include "model/math/kernels.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const dtype_names[DTYPES + 1] = {"F32", "F16", "BF16", "I8", "F64"};

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

static bool row_is_finite(const struct table *table, uint32_t id)
{
    const char *row = table_row(table, id);
    switch (table->dtype) {
    case DTYPE_F32:
        return row_is_finite_32(row, table->dim);
    case DTYPE_F16:
        return row_is_finite_16(row, table->dim, 0x7C00);
    case DTYPE_BF16:
        return row_is_finite_16(row, table->dim, 0x7F80);
    case DTYPE_I8:
        return isfinite(table_scale(table, id) * INT8_MIN);
    case DTYPE_F64:
        return row_is_finite_64(row, table->dim);
    }
    return false;
}

/* ---- tables that are read a row at a time ---- */

/* The rows as they lie there, one for each stored row, from a column on. */
static struct table stored(const struct table *table, size_t from)
{
    static const size_t item_bytes[] = {4, 2, 2, 1, 8}; /* by enum dtype */
    struct table rows = *table;
    rows.mapping = NULL;
    rows.factors = NULL;
    rows.rows = (const char *)table->rows + from * item_bytes[table->dtype];
    if (table->mapping) rows.n_rows = table->n_stored;
    return rows;
}

static uint32_t stored_row(const struct table *table, uint32_t id)
{
    int32_t row;
    if (!table->mapping) return id;
    memcpy(&row, table->mapping + id * sizeof row, sizeof row);
    /* In a packed file nobody has looked at them. */
    return row >= 0 && (uint32_t)row < table->n_stored ? (uint32_t)row : 0;
}

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
    const struct table rows = stored(table, from);
    const uint32_t row = stored_row(table, id);
    if (table->dtype == DTYPE_F64)
        read_f64(table_row(&rows, row), n, out);
    else
        kernels_get()->row[table->dtype](out, &rows, row, n);
    for (size_t j = 0; table->factors && j < n; j++)
        out[j] *= table->factors[id];
}

bool table_check_finite(const struct table *table, uint32_t *row)
{
    const struct table rows = stored(table, 0);
    for (uint32_t i = 0; i < rows.n_rows; i++) {
        if (row_is_finite(&rows, i)) continue;
        *row = i;
        return false;
    }
    return true;
}

void table_close(struct table *table)
{
    for (size_t i = 0; i < sizeof table->owned / sizeof *table->owned; i++)
        free(table->owned[i]);
    *table = (struct table){0};
}
