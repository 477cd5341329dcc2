/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file table.h
 * The embedding table W (rows, dim): a view into read-only bytes, whatever format they came from.
 * Plain data, immutable; any thread may read it.
 */
#pragma once

#include "base/err.h"
#include "base/span.h"
#include "model/math/rows.h"

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct table;

/** How the rows of a table are made, if they are made when they are read. */
struct table_maker {
    /** row: out (n) = columns [from, from + n) of row `id`; zeros where memory is out. */
    void (*row)(const void *source, uint32_t id, uint32_t from, uint32_t n, float *out);
    /** check_finite: as table_check_finite, of what rows are made of. */
    bool (*check_finite)(const void *source, uint32_t *row);
};

struct table {
    struct rows rows; /* (rows.n, dim) as they lie there; table_row says which one an id has */
    uint32_t n_rows, dim;
    const float *weights; /* (n_rows) token weights for weighted pooling, or NULL */
    /* (n_rows) 1 by the L2 norm of each id's row, 0 of a row of zeros, for unit pooling; NULL:
       worked out at each use (table_inverse_norm). */
    const float *inverse_norms;
    /* Where ids share rows: (n_rows - mapped_from) int32, little-endian, the stored row of each id
       from mapped_from on; ids below it have the row of their own number. NULL: all ids have. */
    const char *mapping;
    uint32_t mapped_from;
    const float *factors;            /* (n_rows) what each id's row is multiplied by; or NULL */
    const struct table_maker *maker; /* not NULL: there are no rows, each is made from `source` */
    const void *source;              /* borrowed */
    float *owned[5];        /* of weights, factors, rows, scales, norms: its own memory, or NULL */
    int32_t *owned_mapping; /* the same, of the mapping */
};

/** table_of: the table that has these rows, one a token. */
static inline struct table table_of(struct rows rows, uint32_t dim)
{
    return (struct table){.rows = rows, .n_rows = rows.n, .dim = dim};
}

/** table_is_plain: an id's vector is its stored row (table_row), in numbers that the kernels
 * know. */
static inline bool table_is_plain(const struct table *table)
{
    return !table->factors && table->rows.dtype < DTYPES && !table->maker;
}

/** table_row: the stored row of an id (< n_rows); of tables that have rows. */
static inline uint32_t table_row(const struct table *table, uint32_t id)
{
    int32_t row;
    if (!table->mapping || id < table->mapped_from) return id;
    memcpy(&row, table->mapping + (size_t)(id - table->mapped_from) * sizeof row, sizeof row);
    /* In a packed file nobody has looked at all of them. */
    return row >= 0 && (uint32_t)row < table->rows.n ? (uint32_t)row : 0;
}

struct tensors;

/** In the metadata of a safetensors file whose table is I4: the number of its columns. */
#define TABLE_I4_COLUMNS_KEY "embedd.i4_columns"

/** What must be known about a safetensors file besides its bytes. */
struct table_options {
    const char *tensor; /* the name of the table, or NULL: found by its name */
    bool has_factors; /* `weights` is what rows are multiplied by, and I8 rows need no `scales`: as
                         model2vec means them */
    bool is_checked;  /* numbers were looked through when the file was made */
    bool has_shared;  /* a tensor `shared` says which rows the tokens past the last one have */
};

/**
 * table_open_tensors finds the table in a safetensors file: tensor `embeddings` or
 * `embedding.weight`, else the only one whose name is known (table_is_tensor_name), or the only 2-D
 * one; in F64, F32, F16, BF16, I8 with a tensor `scales` (n_rows) in F32, or I4: U8 (n_rows,
 * dtype_row_bytes) with TABLE_I4_COLUMNS_KEY and `scales` (n_rows, groups) in F16. Optional:
 * `weights` (n_rows) for weighted pooling, finite and not negative, in F64, F32, F16 or BF16;
 * `mapping` (n_rows, I32 or I64), the row of each token; `factors` (n_rows), what rows are
 * multiplied by. Where has_shared, `shared` (I32) instead of a mapping: the row of each token past
 * the last row.
 * @param file its bytes are borrowed while the table lives, the rest is not
 * @return false with ERR_FORMAT or ERR_MEMORY
 */
bool table_open_tensors(struct table *table, const struct tensors *file,
                        const struct table_options *options);

/** table_is_tensor_name: tensors of that name hold token embeddings. */
bool table_is_tensor_name(const char *name);

/** table_open_safetensors: the same from the bytes of the file (tensors.h), named `where` in
 * messages. */
bool table_open_safetensors(struct table *table, struct span weights, const char *where,
                            struct err *err);

struct tensor;

/** table_tensor_floats: n numbers of a tensor in F64, F32, F16 or BF16 as float32; false if it is
 * of another dtype. */
bool table_tensor_floats(const struct tensor *tensor, size_t n, float *out);

/** table_is_npy: a file begins as NumPy's .npy does. */
bool table_is_npy(struct span file);

/** table_open_npy: the table in a .npy file of two dimensions, <f8, <f4, <f2 or |i1, row by row. As
 * above. */
bool table_open_npy(struct table *table, struct span file, const char *where, struct err *err);

/** table_floats: out (n) = columns [from, from + n) of row `id` (< n_rows) of any table, as
 * float32. `from` is a multiple of I4_COLUMNS where the table may be I4. */
void table_floats(const struct table *table, uint32_t id, size_t from, size_t n, float *out);

/** table_inverse_norm: 1 by the L2 norm of row `id` (< n_rows), in float64 and then rounded; 0 of a
 * row of zeros, or so short that float32 holds no such number. */
float table_inverse_norm(const struct table *table, uint32_t id);

/** table_find_norms fills in inverse_norms, in memory of the table. False: there is none left. */
bool table_find_norms(struct table *table);

/** table_scale_by_one makes scales of 1 for an I8 table that came without; false when memory is
 * out. */
bool table_scale_by_one(struct table *table);

/**
 * table_check_finite reads every value of the table; false with `row` the first stored one that
 * holds NaN or Inf.
 */
bool table_check_finite(const struct table *table, uint32_t *row);

/** table_close frees what the table owns (not the bytes it looks at); a zeroed table is fine. */
void table_close(struct table *table);
