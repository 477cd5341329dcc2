/* SPDX-License-Identifier: Apache-2.0 */
#include "model/math/rows.h"

const char *const dtype_names[DTYPES + 2] = {"F32", "F16", "BF16", "I8", "I4", "F64", "PQ"};

static size_t groups(size_t columns)
{
    return (columns + I4_COLUMNS - 1) / I4_COLUMNS;
}

size_t dtype_row_bytes(enum dtype dtype, size_t columns)
{
    static const size_t bytes[] = {
        [DTYPE_F32] = 4, [DTYPE_F16] = 2, [DTYPE_BF16] = 2,
        [DTYPE_I8] = 1,  [DTYPE_F64] = 8, [DTYPE_PQ] = 1,
    };
    return dtype == DTYPE_I4 ? groups(columns) * I4_BYTES : columns * bytes[dtype];
}

size_t dtype_scale_bytes(enum dtype dtype, size_t columns)
{
    if (dtype == DTYPE_I4) return groups(columns) * sizeof(uint16_t);
    return dtype == DTYPE_I8 ? sizeof(float) : 0;
}
