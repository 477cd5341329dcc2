/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file table.h
 * The embedding table W (rows, dim): a view into read-only bytes, whatever format they came from.
 * Plain data, immutable; any thread may read it.
 */
#pragma once

#include "base/err.h"
#include "model/source.h"

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum dtype {
    DTYPE_F32,
    DTYPE_F16,
    DTYPE_BF16,
    DTYPE_I8, /* a value is the number times its row's scale */
};

#define DTYPES 4

/** Names as safetensors writes them: F32, F16, BF16, I8. */
extern const char *const dtype_names[DTYPES];

struct table {
    const void
        *rows; /* (n_rows, dim) of dtype, row-major, little-endian; aligned as the file has it */
    size_t stride_bytes; /* from a row to the next */
    uint32_t n_rows, dim;
    enum dtype dtype;
    const char *scales; /* (n_rows) float32, little-endian, at any address; NULL unless I8 */
    const float
        *weights; /* (n_rows) token weights for weighted pooling, or NULL; owned by the table */
};

/** table_row: where row `id` (< n_rows) begins. */
static inline const char *table_row(const struct table *table, uint32_t id)
{
    assert(id < table->n_rows);
    return (const char *)table->rows + id * table->stride_bytes;
}

/** table_scale: what the numbers of row `id` (< n_rows) are multiplied by; of an I8 table. */
static inline float table_scale(const struct table *table, uint32_t id)
{
    float scale;
    memcpy(&scale, table->scales + id * sizeof scale, sizeof scale);
    return scale;
}

struct tensors;

/**
 * table_open_tensors finds the table in a safetensors file: tensor `embeddings`, or
 * `embedding.weight`, or the only 2-D one, in F32, F16, BF16, or I8 with a tensor `scales` (n_rows)
 * in F32; optional `weights` (n_rows) in F64, F32, F16 or BF16, each finite and not negative.
 * @param file its bytes are borrowed while the table lives, the rest is not
 * @return false with ERR_FORMAT
 */
bool table_open_tensors(struct table *table, const struct tensors *file);

/** table_open_safetensors: the same from the bytes of the file (tensors.h), named `where` in
 * messages. */
bool table_open_safetensors(struct table *table, struct span weights, const char *where,
                            struct err *err);

/**
 * table_check_finite reads every value of the table; false with `row` the first one that holds NaN
 * or Inf.
 */
bool table_check_finite(const struct table *table, uint32_t *row);

/** table_close frees what the table owns (not the bytes it looks at); a zeroed table is fine. */
void table_close(struct table *table);
