/* SPDX-License-Identifier: Apache-2.0 */
#include "model/math/rows.h"

const char *const dtype_names[DTYPES + 2] = {"F32", "F16", "BF16", "I8", "F64", "PQ"};

size_t dtype_bytes(enum dtype dtype)
{
    static const size_t bytes[] = {4, 2, 2, 1, 8, 1};
    return bytes[dtype];
}
