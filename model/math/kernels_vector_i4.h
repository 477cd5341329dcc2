/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file kernels_vector_i4.h
 * The kernels of I4 rows, a part of kernels_vector.h. A row is read group by group: the last one is
 * as long as the others, so no row is too short and none has a rest. Pure functions.
 */

#define GROUP_VECTORS (I4_COLUMNS / LANES)

/* Rows that the compiler knows to be I4. */
static ALWAYS_INLINE struct rows rows_of_i4(const struct rows *rows, size_t from)
{
    return (struct rows){.at = (const char *)rows->at + from * I4_BYTES,
                         .stride_bytes = rows->stride_bytes,
                         .n = rows->n,
                         .dtype = DTYPE_I4,
                         .scales = rows->scales + from * sizeof(uint16_t)};
}

static ALWAYS_INLINE void prefetch_groups(const struct rows *rows, uint32_t id, size_t groups)
{
    const char *numbers = rows_at(rows, id), *scales = rows_scales(rows, id);
    for (size_t at = 0; at < groups * I4_BYTES; at += CACHE_LINE)
        __builtin_prefetch(numbers + at);
    for (size_t at = 0; at < groups * sizeof(uint16_t); at += CACHE_LINE)
        __builtin_prefetch(scales + at);
}

static ALWAYS_INLINE vector load_columns(const float *from, size_t at, size_t columns)
{
    if (at + LANES <= columns) return vector_load(from + at);
    return at < columns ? vector_load_some(from + at, columns - at) : vector_zero();
}

static ALWAYS_INLINE void store_columns(float *to, size_t at, size_t columns, vector x)
{
    if (at + LANES <= columns)
        vector_store(to + at, x);
    else if (at < columns)
        vector_store_some(to + at, columns - at, x);
}

/* out (columns) op= the same columns of n rows: as many groups, beginning with group `from`; the
   last may be a part of one. prefetch: groups of each row, ahead of their use. As gather_block. */
static ALWAYS_INLINE void gather_groups(float *out, const struct rows *all, const float *weights,
                                        const uint32_t *ids, size_t n, size_t from, size_t groups,
                                        size_t columns, size_t prefetch, enum op op)
{
    vector acc[BLOCK_VECTORS];
    struct scales scales;
    const struct rows rows = rows_of_i4(all, from), whole = rows_of_i4(all, 0);
#pragma GCC unroll 16
    for (size_t v = 0; v < groups * GROUP_VECTORS; v++)
        acc[v] = load_columns(out, v * LANES, columns);
    for (size_t i = 0; i < n; i++) {
        if (prefetch && i + PREFETCH_ROWS < n)
            prefetch_groups(&whole, ids[i + PREFETCH_ROWS], prefetch);
        const char *numbers = rows_at(&rows, ids[i]);
        const vector weight = op == OP_WEIGHTED ? vector_same(weights[ids[i]]) : vector_zero();
        scales_read(&scales, rows_scales(&rows, ids[i]), groups);
#pragma GCC unroll 16
        for (size_t v = 0; v < groups * GROUP_VECTORS; v++) {
            const size_t g = v / GROUP_VECTORS, at = v % GROUP_VECTORS;
            const struct group group = group_read(numbers + g * I4_BYTES, scales.of[g]);
            if (op == OP_SUM)
                acc[v] = group_add(acc[v], &group, at);
            else if (op == OP_WEIGHTED)
                acc[v] = vector_add(acc[v], vector_multiply(weight, group_values(&group, at)));
            else
                acc[v] = vector_larger(acc[v], group_values(&group, at));
        }
    }
#pragma GCC unroll 16
    for (size_t v = 0; v < groups * GROUP_VECTORS; v++)
        store_columns(out, v * LANES, columns, acc[v]);
}

/* One chunk of tokens. */
static ALWAYS_INLINE void gather_chunk_i4(float *out, const struct rows *rows, const float *weights,
                                          const uint32_t *ids, size_t n, size_t dims, enum op op)
{
    size_t prefetch = (dims + I4_COLUMNS - 1) / I4_COLUMNS, at = 0;
#define GATHER(groups, columns)                                                                    \
    gather_groups(out + at, rows, weights, ids, n, at / I4_COLUMNS, groups, columns, prefetch, op)
    for (; at + BLOCK_COLUMNS <= dims; at += BLOCK_COLUMNS, prefetch = 0)
        GATHER(BLOCK_COLUMNS / I4_COLUMNS, BLOCK_COLUMNS);
    for (; at + 4 * LANES <= dims; at += 4 * LANES, prefetch = 0)
        GATHER(4 * LANES / I4_COLUMNS, 4 * LANES);
    for (; at + I4_COLUMNS <= dims; at += I4_COLUMNS, prefetch = 0)
        GATHER(1, I4_COLUMNS);
    if (at < dims) GATHER(1, dims - at);
#undef GATHER
}

static ALWAYS_INLINE void gather_i4(float *out, const struct rows *rows, const float *weights,
                                    const uint32_t *ids, size_t n, size_t dims, enum op op)
{
    const size_t groups = (dims + I4_COLUMNS - 1) / I4_COLUMNS;
    const struct rows whole = rows_of_i4(rows, 0);
    for (size_t i = 0; i < n && i < PREFETCH_ROWS; i++)
        prefetch_groups(&whole, ids[i], groups);
    while (n > 0) {
        const size_t chunk = n < CHUNK_TOKENS ? n : CHUNK_TOKENS;
        for (size_t i = chunk; i < n && i < chunk + PREFETCH_ROWS; i++)
            prefetch_groups(&whole, ids[i], groups);
        gather_chunk_i4(out, rows, weights, ids, chunk, dims, op);
        ids += chunk;
        n -= chunk;
    }
}

static void row_i4(float *out, const struct rows *rows, uint32_t id, size_t dims)
{
    const char *numbers = rows_at(rows, id), *halves = rows_scales(rows, id);
    struct scales scale;
    for (size_t at = 0; at < dims; at += I4_COLUMNS) {
        scales_read(&scale, halves, 1);
        const struct group group = group_read(numbers, scale.of[0]);
#pragma GCC unroll 4
        for (size_t v = 0; v < GROUP_VECTORS; v++)
            store_columns(out, at + v * LANES, dims, group_values(&group, v));
        numbers += I4_BYTES;
        halves += sizeof(uint16_t);
    }
}

DEFINE_I4_KERNELS
