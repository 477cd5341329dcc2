/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file kernels_vector.h
 * The kernels of one vector instruction set, included once by each kernels_*.c that has defined
 * `vector`, LANES, BLOCK_VECTORS, load_*, vector_*, struct group, group_*, struct
 * scales, scales_read and KERNELS.
 *
 * A gather keeps a block of columns in registers while it walks over all tokens, so an accumulator
 * is read and written once, not once a token. What is left over at the end of a row is done as one
 * more vector that ends with the row: its first columns are computed twice, to the same bits. Pure
 * functions.
 */
#include <assert.h>
#include <string.h>

/* Rows that are asked for ahead of their use (random rows of 150 MB, 14 tokens, a token: 55 ns with
   none, 38 with 4, 30 with 8 and 12); and tokens done at a time, so that the later blocks of
   columns find their rows in the first-level cache. */
#define PREFETCH_ROWS 8
#define CHUNK_TOKENS 32
#define CACHE_LINE 64
#define NEAR_BYTES (256 << 10) /* of all rows: the nearest caches hold them, none is asked for */
#define BLOCK_COLUMNS (BLOCK_VECTORS * LANES)

/* What is less than a whole block goes by as many vectors as it needs, up to these. */
#define SOME_VECTORS 8
#define SOME_COLUMNS (SOME_VECTORS * LANES)
#define CASES CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) CASE(7) CASE(8)

#define ALWAYS_INLINE inline __attribute__((always_inline))

static ALWAYS_INLINE size_t item_bytes(enum dtype dtype)
{
    return dtype == DTYPE_F32 ? 4 : dtype == DTYPE_I8 ? 1 : 2;
}

/* `scale` is of use for I8 only. */
static ALWAYS_INLINE vector load_values(const char *from, enum dtype dtype, vector scale)
{
    if (dtype == DTYPE_F32) return load_f32(from);
    if (dtype == DTYPE_I8) return vector_multiply(scale, load_i8(from));
    return dtype == DTYPE_F16 ? load_f16(from) : load_bf16(from);
}

/* The first n < LANES numbers, and zeros; of I8 without their scale. */
static ALWAYS_INLINE vector load_some(const char *from, size_t n, enum dtype dtype)
{
    if (dtype == DTYPE_F32) return vector_load_some((const float *)(const void *)from, n);
    if (dtype == DTYPE_I8) return load_some_i8(from, n);
    return dtype == DTYPE_F16 ? load_some_f16(from, n) : load_some_bf16(from, n);
}

static ALWAYS_INLINE vector scale_of(const struct rows *rows, uint32_t id, enum dtype dtype)
{
    return dtype == DTYPE_I8 ? vector_same(rows_scale(rows, id)) : vector_zero();
}

static ALWAYS_INLINE void prefetch_row(const struct rows *rows, uint32_t id, size_t bytes)
{
    const char *row = rows_at(rows, id);
    for (size_t at = 0; at < bytes; at += CACHE_LINE)
        __builtin_prefetch(row + at);
}

/* Where vector v of a block begins: the last one ends with the block. */
static ALWAYS_INLINE size_t vector_at(size_t v, size_t vectors, size_t columns)
{
    return v + 1 < vectors ? v * LANES : columns - LANES;
}

/* out (columns) op= the same columns of n rows, beginning with column `from`; as many vectors as
   hold them, so LANES columns at least. weights (rows->n): for OP_WEIGHTED, otherwise NULL.
   prefetch_bytes: of each row, ahead of its use; 0 where another block has done so. */
static ALWAYS_INLINE void gather_block(float *out, const struct rows *rows, const float *weights,
                                       const uint32_t *ids, size_t n, size_t from, size_t vectors,
                                       size_t columns, size_t prefetch_bytes, enum dtype dtype,
                                       enum op op)
{
    vector acc[BLOCK_VECTORS];
    const size_t item = item_bytes(dtype);
#pragma GCC unroll 16
    for (size_t v = 0; v < vectors; v++)
        acc[v] = vector_load(out + vector_at(v, vectors, columns));
    for (size_t i = 0; i < n; i++) {
        if (prefetch_bytes && i + PREFETCH_ROWS < n)
            prefetch_row(rows, ids[i + PREFETCH_ROWS], prefetch_bytes);
        const char *row = rows_at(rows, ids[i]) + from * item;
        const vector scale = scale_of(rows, ids[i], dtype);
        const vector weight = op == OP_WEIGHTED ? vector_same(weights[ids[i]]) : vector_zero();
#pragma GCC unroll 16
        for (size_t v = 0; v < vectors; v++) {
            vector x = load_values(row + vector_at(v, vectors, columns) * item, dtype, scale);
            if (op == OP_WEIGHTED) x = vector_multiply(weight, x);
            acc[v] = op == OP_MAX ? vector_larger(acc[v], x) : vector_add(acc[v], x);
        }
    }
#pragma GCC unroll 16
    for (size_t v = 0; v < vectors; v++)
        vector_store(out + vector_at(v, vectors, columns), acc[v]);
}

/* Less than LANES columns. */
static ALWAYS_INLINE void gather_short(float *out, const struct rows *rows, const float *weights,
                                       const uint32_t *ids, size_t n, size_t columns,
                                       enum dtype dtype, enum op op)
{
    vector acc = vector_load_some(out, columns);
    for (size_t i = 0; i < n; i++) {
        if (i + PREFETCH_ROWS < n) prefetch_row(rows, ids[i + PREFETCH_ROWS], 1);
        vector x = load_some(rows_at(rows, ids[i]), columns, dtype);
        if (dtype == DTYPE_I8) x = vector_multiply(scale_of(rows, ids[i], dtype), x);
        if (op == OP_WEIGHTED) x = vector_multiply(vector_same(weights[ids[i]]), x);
        acc = op == OP_MAX ? vector_larger(acc, x) : vector_add(acc, x);
    }
    vector_store_some(out, columns, acc);
}

/* How many columns the next block takes of those left. No block is left with less than a vector,
   which would end among the columns of the block before. */
static ALWAYS_INLINE size_t block_columns(size_t left)
{
    const size_t most = left >= BLOCK_COLUMNS ? BLOCK_COLUMNS : SOME_COLUMNS;
    if (left <= most) return left;
    return left - most < LANES ? most / 2 : most;
}

/* One chunk of tokens, dims >= LANES. prefetch: bytes of each row. */
static ALWAYS_INLINE void gather_chunk(float *out, const struct rows *rows, const float *weights,
                                       const uint32_t *ids, size_t n, size_t dims, size_t prefetch,
                                       enum dtype dtype, enum op op)
{
    size_t columns;
#define GATHER(vectors, columns)                                                                   \
    gather_block(out + at, rows, weights, ids, n, at, vectors, columns, prefetch, dtype, op)
#define CASE(vectors)                                                                              \
    case vectors:                                                                                  \
        GATHER(vectors, columns);                                                                  \
        break;
    for (size_t at = 0; at < dims; at += columns, prefetch = 0) {
        columns = block_columns(dims - at);
        if (columns == BLOCK_COLUMNS) {
            GATHER(BLOCK_VECTORS, BLOCK_COLUMNS);
            continue;
        }
        switch ((columns + LANES - 1) / LANES) {
            CASES
        }
    }
#undef CASE
#undef GATHER
}

static ALWAYS_INLINE void gather(float *out, const struct rows *rows, const float *weights,
                                 const uint32_t *ids, size_t n, size_t dims, enum dtype dtype,
                                 enum op op)
{
    const bool is_near = rows->n * rows->stride_bytes <= NEAR_BYTES;
    const size_t row_bytes = is_near ? 0 : dims * item_bytes(dtype);
    for (size_t i = 0; i < n && i < PREFETCH_ROWS; i++)
        prefetch_row(rows, ids[i], row_bytes);
    while (n > 0) {
        size_t chunk = n < CHUNK_TOKENS ? n : CHUNK_TOKENS;
        for (size_t i = chunk; i < n && i < chunk + PREFETCH_ROWS; i++)
            prefetch_row(rows, ids[i], row_bytes);
        gather_chunk(out, rows, weights, ids, chunk, dims, row_bytes, dtype, op);
        ids += chunk;
        n -= chunk;
    }
}

#define DEFINE_GATHER(function, op, name, dtype)                                                   \
    static void function##_##name(float *out, const struct rows *rows, const uint32_t *ids,        \
                                  size_t n, size_t dims)                                           \
    {                                                                                              \
        if (dims < LANES)                                                                          \
            gather_short(out, rows, NULL, ids, n, dims, dtype, op);                                \
        else                                                                                       \
            gather(out, rows, NULL, ids, n, dims, dtype, op);                                      \
    }

#define DEFINE_WEIGHTED(name, dtype)                                                               \
    static void weighted_sum_##name(float *out, const struct rows *rows, const float *weights,     \
                                    const uint32_t *ids, size_t n, size_t dims)                    \
    {                                                                                              \
        if (dims < LANES)                                                                          \
            gather_short(out, rows, weights, ids, n, dims, dtype, OP_WEIGHTED);                    \
        else                                                                                       \
            gather(out, rows, weights, ids, n, dims, dtype, OP_WEIGHTED);                          \
    }

#define DEFINE_KERNELS(name, dtype)                                                                \
    static void row_##name(float *out, const struct rows *rows, uint32_t id, size_t dims)          \
    {                                                                                              \
        if (dims < LANES) {                                                                        \
            kernels_scalar.row[dtype](out, rows, id, dims);                                        \
            return;                                                                                \
        }                                                                                          \
        const vector scale = scale_of(rows, id, dtype);                                            \
        for (size_t j = 0; j < dims; j += LANES) {                                                 \
            size_t at = j + LANES <= dims ? j : dims - LANES;                                      \
            vector_store(out + at,                                                                 \
                         load_values(rows_at(rows, id) + at * item_bytes(dtype), dtype, scale));   \
        }                                                                                          \
    }                                                                                              \
    DEFINE_GATHER(sum, OP_SUM, name, dtype)                                                        \
    DEFINE_WEIGHTED(name, dtype)                                                                   \
    DEFINE_GATHER(max, OP_MAX, name, dtype)

DEFINE_KERNELS(f32, DTYPE_F32)
DEFINE_KERNELS(f16, DTYPE_F16)
DEFINE_KERNELS(bf16, DTYPE_BF16)
DEFINE_KERNELS(i8, DTYPE_I8)

#include "model/math/kernels_vector_i4.h"

/* y (columns) += the same columns of all rows, `vectors` hold them. stride: of a row, in floats. */
static ALWAYS_INLINE void linear_block(float *y, const float *matrix, size_t stride, const float *x,
                                       size_t n, size_t vectors, size_t columns)
{
    const size_t last = (vectors - 1) * LANES, n_last = columns - last;
    vector acc[SOME_VECTORS];
#pragma GCC unroll 16
    for (size_t v = 0; v + 1 < vectors; v++)
        acc[v] = vector_load(y + v * LANES);
    acc[vectors - 1] = vector_load_some(y + last, n_last);
    for (size_t i = 0; i < n; i++, matrix += stride) {
        const vector weight = vector_same(x[i]);
#pragma GCC unroll 16
        for (size_t v = 0; v + 1 < vectors; v++)
            acc[v] = vector_add(acc[v], vector_multiply(weight, vector_load(matrix + v * LANES)));
        acc[vectors - 1] = vector_add(
            acc[vectors - 1], vector_multiply(weight, vector_load_some(matrix + last, n_last)));
    }
#pragma GCC unroll 16
    for (size_t v = 0; v + 1 < vectors; v++)
        vector_store(y + v * LANES, acc[v]);
    vector_store_some(y + last, n_last, acc[vectors - 1]);
}

static void linear(float *y, const float *matrix, const float *x, size_t n, size_t columns)
{
    for (size_t at = 0; at < columns; at += SOME_COLUMNS) {
        const size_t n_at = columns - at < SOME_COLUMNS ? columns - at : SOME_COLUMNS;
        switch ((n_at + LANES - 1) / LANES) {
#define CASE(vectors)                                                                              \
    case vectors:                                                                                  \
        linear_block(y + at, matrix + at, columns, x, n, vectors, n_at);                           \
        break;
            CASES
#undef CASE
        }
    }
}

static float sum_squares(const float *x, size_t n)
{
    float lanes[KERNELS_LANES];
    vector sums[KERNELS_LANES / LANES];
    size_t j = 0;
    for (size_t v = 0; v < KERNELS_LANES / LANES; v++)
        sums[v] = vector_zero();
    for (; j + KERNELS_LANES <= n; j += KERNELS_LANES) {
        for (size_t v = 0; v < KERNELS_LANES / LANES; v++) {
            vector part = vector_load(x + j + v * LANES);
            sums[v] = vector_add(sums[v], vector_multiply(part, part));
        }
    }
    for (size_t v = 0; v < KERNELS_LANES / LANES; v++)
        vector_store(lanes + v * LANES, sums[v]);
    for (size_t lane = 0; j < n; j++, lane++)
        lanes[lane] += x[j] * x[j];
    return kernels_add_lanes(lanes);
}

static void divide(float *x, size_t n, float by)
{
    size_t j = 0;
    for (; j + LANES <= n; j += LANES)
        vector_store(x + j, vector_divide(vector_load(x + j), vector_same(by)));
    kernels_scalar.divide(x + j, n - j, by);
}

/* The plain loop, for the compiler to turn into this instruction set. */
static bool is_finite(const float *x, size_t n)
{
    uint32_t bad = 0;
    for (size_t j = 0; j < n; j++) {
        uint32_t bits;
        memcpy(&bits, x + j, sizeof bits);
        bad |= (bits & 0x7F800000u) == 0x7F800000u;
    }
    return !bad;
}

static void exponentials(float *out, const float *x, float from, float by, size_t n)
{
    kernels_exponentials(out, x, from, by, n);
}

static void add_scaled(float *y, const float *x, float factor, size_t n)
{
    kernels_add_scaled(y, x, factor, n);
}

static void learn(float *x, float *squares, const float *gradient, float factor, float rate,
                  size_t n)
{
    kernels_learn(x, squares, gradient, factor, rate, n);
}

const struct kernels KERNELS = {
    .name = KERNELS_NAME,
    .row = {row_f32, row_f16, row_bf16, row_i8, row_i4},
    .sum = {sum_f32, sum_f16, sum_bf16, sum_i8, sum_i4},
    .weighted_sum = {weighted_sum_f32, weighted_sum_f16, weighted_sum_bf16, weighted_sum_i8,
                     weighted_sum_i4},
    .max = {max_f32, max_f16, max_bf16, max_i8, max_i4},
    .linear = linear,
    .sum_squares = sum_squares,
    .divide = divide,
    .is_finite = is_finite,
    .exponentials = exponentials,
    .add_scaled = add_scaled,
    .learn = learn,
};
