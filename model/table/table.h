/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file table.h
 * The embedding table W (rows, dim): a view into read-only bytes, whatever format they came from.
 * Plain data, immutable; any thread may read it.
 */
#pragma once

#include "base/err.h"
#include "model/source.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum dtype {
    DTYPE_F32,
    DTYPE_F16,
    DTYPE_BF16,
};

/** Names as safetensors writes them: F32, F16, BF16. */
extern const char *const dtype_names[3];

struct table {
    const void
        *rows; /* (n_rows, dim) of dtype, row-major, little-endian; aligned as the file has it */
    size_t stride_bytes; /* from a row to the next */
    uint32_t n_rows, dim;
    enum dtype dtype;
    const float
        *weights; /* (n_rows) token weights for weighted pooling, or NULL; owned by the table */
};

/**
 * table_open_safetensors reads the header of `weights` and finds the table in it: tensor
 * `embeddings`, or `embedding.weight`, or the only 2-D one; optional `weights` (n_rows) in F64
 * or any of the dtypes, each finite and not negative. The whole header is validated before any byte
 * of a tensor is used: length, JSON, each tensor's shape × dtype = its byte range, ranges inside
 * the file, without overlap or hole. Format: safetensors, as its own README defines it.
 * @param weights borrowed while the table lives
 * @param where   name of the file, for messages
 * @return false with ERR_FORMAT
 */
bool table_open_safetensors(struct table *table, struct span weights, const char *where,
                            struct err *err);

/**
 * table_check_finite reads every value of the table; false with `row` the first one that holds NaN
 * or Inf.
 */
bool table_check_finite(const struct table *table, uint32_t *row);

/** table_close frees what the table owns (not the bytes it looks at); a zeroed table is fine. */
void table_close(struct table *table);
