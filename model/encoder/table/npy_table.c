/* SPDX-License-Identifier: Apache-2.0 */
/* A table in NumPy's .npy (NEP 1): its numbers are used where they lie. */
#include "model/encoder/table/table.h"
#include "model/files/npy.h"

#include <string.h>

#define MAGIC "\x93NUMPY"
#define MAGIC_BYTES 6

bool table_is_npy(struct span file)
{
    return file.bytes >= MAGIC_BYTES && memcmp(file.data, MAGIC, MAGIC_BYTES) == 0;
}

static const char *find_dtype(const struct npy *npy, struct table *table)
{
    if (npy->kind == 'i' && npy->item_bytes == 1)
        table->rows.dtype = DTYPE_I8;
    else if (npy->kind == 'f')
        table->rows.dtype = npy->item_bytes == 8   ? DTYPE_F64
                            : npy->item_bytes == 4 ? DTYPE_F32
                                                   : DTYPE_F16;
    else
        return "holds numbers of a type that is not supported; save it as <f8, <f4, <f2 or |i1 (in "
               "NumPy: array.astype('<f4'))";
    return NULL;
}

static const char *find_shape(const struct npy *npy, struct table *table)
{
    if (npy->rank != 2 || npy->shape[0] == 0 || npy->shape[1] == 0 || npy->shape[0] >= UINT32_MAX ||
        npy->shape[1] >= UINT32_MAX)
        return "must have two dimensions, tokens and columns, both from 1 to 2^32 - 2";
    if (npy->is_fortran)
        return "is stored column by column; save it row by row (in NumPy: "
               "np.ascontiguousarray(array))";
    table->rows.n = table->n_rows = (uint32_t)npy->shape[0];
    table->dim = (uint32_t)npy->shape[1];
    table->rows.stride_bytes = npy->shape[1] * npy->item_bytes;
    table->rows.at = npy->data;
    return NULL;
}

bool table_open_npy(struct table *table, struct span file, const char *where, struct err *err)
{
    struct npy npy;
    *table = (struct table){0};
    const char *why = npy_open(&npy, file);
    if (!why) why = find_dtype(&npy, table);
    if (!why) why = find_shape(&npy, table);
    if (why) return err_set(err, ERR_FORMAT, NULL, "%.300s %s", where, why);
    return table->rows.dtype != DTYPE_I8 || table_scale_by_one(table) ||
           err_set(err, ERR_MEMORY, NULL, "no memory for one scale per row");
}
