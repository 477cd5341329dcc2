/* SPDX-License-Identifier: Apache-2.0 */
#include "model/table/table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const dtype_names[DTYPES] = {"F32", "F16", "BF16", "I8"};

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
    }
    return false;
}

bool table_check_finite(const struct table *table, uint32_t *row)
{
    for (uint32_t i = 0; i < table->n_rows; i++) {
        if (row_is_finite(table, i)) continue;
        *row = i;
        return false;
    }
    return true;
}

void table_close(struct table *table)
{
    free((void *)(uintptr_t)table->weights);
    *table = (struct table){0};
}
