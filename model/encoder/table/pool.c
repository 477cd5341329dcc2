/* SPDX-License-Identifier: Apache-2.0 */
#include "model/encoder/table/pool.h"

#include "model/math/kernels.h"
#include "model/text/tokens.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* By the kernels. Weights are the table's, or what its rows are to be divided by. */
static void gather_plain(float *out, const struct table *table, enum pooling pooling,
                         const uint32_t *ids, size_t n, size_t dims)
{
    const struct kernels *kernels = kernels_get();
    const struct rows *rows = &table->rows;
    switch (pooling) {
    case POOLING_MEAN:
    case POOLING_SUM:
        kernels->sum[rows->dtype](out, rows, ids, n, dims);
        break;
    case POOLING_WEIGHTED:
        kernels->weighted_sum[rows->dtype](out, rows, table->weights, ids, n, dims);
        break;
    case POOLING_UNIT:
        kernels->weighted_sum[rows->dtype](out, rows, table->inverse_norms, ids, n, dims);
        break;
    case POOLING_MAX:
        kernels->max[rows->dtype](out, rows, ids, n, dims);
        break;
    }
}

/* How many of the first ids have the row of their own number. */
static size_t count_own(const struct table *table, const uint32_t *ids, size_t n)
{
    size_t n_own = 0;
    while (n_own < n && ids[n_own] < table->mapped_from)
        n_own++;
    return n_own;
}

/* A row has as many weights as ids that share it. So those of ids that are mapped are added one by
   one, each as the first of a table of one row. weights: of the table's ids. */
static void add_weighted(float *out, const struct table *table, const float *weights,
                         const uint32_t *ids, size_t n, size_t dims)
{
    static const uint32_t first = 0;
    const struct kernels *kernels = kernels_get();
    const enum dtype dtype = table->rows.dtype;
    for (size_t at = 0, n_own; at < n; at += n_own + 1) {
        n_own = count_own(table, ids + at, n - at);
        kernels->weighted_sum[dtype](out, &table->rows, weights, ids + at, n_own, dims);
        if (at + n_own == n) return;
        const uint32_t id = ids[at + n_own];
        const struct rows row = rows_one(&table->rows, table_row(table, id));
        kernels->weighted_sum[dtype](out, &row, weights + id, &first, 1, dims);
    }
}

/* Ids whose rows are looked up before the kernels get them. */
#define IDS_AT_ONCE 256

/* Where ids share rows. Like gather_rows not inlined, so that who needs no array has none on the
   stack. */
static __attribute__((noinline)) void gather_mapped(float *out, const struct table *table,
                                                    enum pooling pooling, const uint32_t *ids,
                                                    size_t n, size_t dims)
{
    uint32_t rows[IDS_AT_ONCE];
    if (pooling == POOLING_WEIGHTED || pooling == POOLING_UNIT) {
        add_weighted(out, table, pooling == POOLING_UNIT ? table->inverse_norms : table->weights,
                     ids, n, dims);
        return;
    }
    for (size_t at = 0, n_ids; at < n; at += n_ids) {
        n_ids = n - at < IDS_AT_ONCE ? n - at : IDS_AT_ONCE;
        for (size_t i = 0; i < n_ids; i++)
            rows[i] = table_row(table, ids[at + i]);
        gather_plain(out, table, pooling, rows, n_ids, dims);
    }
}

static bool is_unknown(uint32_t unknown_id, uint32_t id)
{
    return id == unknown_id || id == TOKEN_ID_NONE;
}

/* A row at a time, some columns at a time: tables that the kernels do not know. Each step is
   rounded to float32, as the kernels do, but for rows of float64: their library sums these in
   float64. */
#define COLUMNS_AT_ONCE 256
#define ROWS_AT_ONCE 64

static void take_row(double *out, const float *row, float weight, size_t n,
                     const struct table *table, enum pooling pooling)
{
    for (size_t j = 0; j < n; j++) {
        if (pooling == POOLING_MAX)
            out[j] = row[j] > out[j] || isnan(row[j]) ? row[j] : out[j];
        else if (table->rows.dtype == DTYPE_F64)
            out[j] += (double)weight * row[j];
        else
            out[j] = (float)out[j] + weight * row[j];
    }
}

/* @param norms (n) 1 by each row's, for unit pooling */
static void gather_columns(float *out, const struct table *table, enum pooling pooling,
                           const uint32_t *ids, const float *norms, size_t n, size_t from,
                           size_t columns)
{
    float row[COLUMNS_AT_ONCE];
    double sums[COLUMNS_AT_ONCE];
    for (size_t j = 0; j < columns; j++)
        sums[j] = out[j];
    for (size_t i = 0; i < n; i++) {
        table_floats(table, ids[i], from, columns, row);
        const float weight = pooling == POOLING_UNIT       ? norms[i]
                             : pooling == POOLING_WEIGHTED ? table->weights[ids[i]]
                                                           : 1;
        take_row(sums, row, weight, columns, table, pooling);
    }
    for (size_t j = 0; j < columns; j++)
        out[j] = (float)sums[j];
}

static void gather_all_columns(float *out, const struct table *table, enum pooling pooling,
                               const uint32_t *ids, const float *norms, size_t n, size_t dims)
{
    for (size_t from = 0; from < dims; from += COLUMNS_AT_ONCE)
        gather_columns(out + from, table, pooling, ids, norms, n, from,
                       dims - from < COLUMNS_AT_ONCE ? dims - from : COLUMNS_AT_ONCE);
}

/* Norms are worked out once for all columns. */
static __attribute__((noinline)) void gather_rows(float *out, const struct table *table,
                                                  enum pooling pooling, const uint32_t *ids,
                                                  size_t n, size_t dims)
{
    float norms[ROWS_AT_ONCE];
    if (pooling != POOLING_UNIT) {
        gather_all_columns(out, table, pooling, ids, NULL, n, dims);
        return;
    }
    for (size_t at = 0, n_rows; at < n; at += n_rows) {
        n_rows = n - at < ROWS_AT_ONCE ? n - at : ROWS_AT_ONCE;
        for (size_t i = 0; i < n_rows; i++)
            norms[i] = table_inverse_norm(table, ids[at + i]);
        gather_all_columns(out, table, pooling, ids + at, norms, n_rows, dims);
    }
}

static void gather(float *out, const struct table *table, enum pooling pooling, const uint32_t *ids,
                   size_t n, size_t dims)
{
    if (!table_is_plain(table) || (pooling == POOLING_UNIT && !table->inverse_norms))
        gather_rows(out, table, pooling, ids, n, dims);
    else if (table->mapping)
        gather_mapped(out, table, pooling, ids, n, dims);
    else
        gather_plain(out, table, pooling, ids, n, dims);
}

/* Pools the known ids; returns how many there are. Most sequences hold no unknown token and go to
   the kernel as they are, the others in pieces. */
static size_t gather_known(const struct table *table, uint32_t unknown_id, enum pooling pooling,
                           const uint32_t *ids, size_t n, size_t dims, float *out)
{
    size_t n_known = 0, n_piece = 0;
    uint32_t piece[256];
    for (size_t i = 0; i < n; i++)
        n_known += !is_unknown(unknown_id, ids[i]);
    if (n_known == n) {
        gather(out, table, pooling, ids, n, dims);
        return n;
    }
    for (size_t i = 0; i < n; i++) {
        if (is_unknown(unknown_id, ids[i])) continue;
        piece[n_piece++] = ids[i];
        if (n_piece < sizeof piece / sizeof piece[0]) continue;
        gather(out, table, pooling, piece, n_piece, dims);
        n_piece = 0;
    }
    gather(out, table, pooling, piece, n_piece, dims);
    return n_known;
}

size_t pool_sum(const struct table *table, uint32_t unknown_id, const uint32_t *ids, size_t n,
                const struct pool_options *options, float *out)
{
    const size_t dims = options->dims;
    assert(dims >= 1 && dims <= table->dim);
    assert(options->pooling != POOLING_WEIGHTED || table->weights);
    for (size_t j = 0; j < dims; j++)
        out[j] = options->pooling == POOLING_MAX ? -INFINITY : 0;
    return gather_known(table, unknown_id, options->pooling, ids, n, dims, out);
}

/* Tokens that a mean is divided by. */
static size_t count(const struct table *table, uint32_t unknown_id, enum pooling pooling,
                    const uint32_t *ids, size_t n)
{
    size_t n_counted = 0;
    for (size_t i = 0; i < n; i++)
        n_counted += !is_unknown(unknown_id, ids[i]) &&
                     (pooling != POOLING_UNIT || table_inverse_norm(table, ids[i]) != 0);
    return n_counted;
}

static float sum_of_weights(const struct table *table, uint32_t unknown_id, const uint32_t *ids,
                            size_t n)
{
    float sum = 0;
    for (size_t i = 0; i < n; i++)
        if (!is_unknown(unknown_id, ids[i])) sum += table->weights[ids[i]];
    return sum;
}

double pool_divisor(const struct table *table, uint32_t unknown_id, const uint32_t *ids, size_t n,
                    const struct pool_options *options, const float *sum)
{
    double squares = 0;
    if (options->normalize) {
        for (uint32_t j = 0; j < options->dims; j++)
            squares += (double)sum[j] * sum[j];
        return sqrt(squares);
    }
    if (options->pooling == POOLING_WEIGHTED) return sum_of_weights(table, unknown_id, ids, n);
    if (options->pooling == POOLING_SUM) return 1;
    return (double)count(table, unknown_id, options->pooling, ids, n);
}

bool pool_rows(const struct table *table, uint32_t unknown_id, const uint32_t *ids, size_t n,
               const struct pool_options *options, float *out)
{
    const struct kernels *kernels = kernels_get();
    const size_t dims = options->dims;
    const enum pooling pooling = options->pooling;
    size_t n_known = pool_sum(table, unknown_id, ids, n, options, out);
    float divisor = 1;
    if (pooling == POOLING_MEAN) divisor = (float)n_known;
    if (pooling == POOLING_UNIT) divisor = (float)count(table, unknown_id, pooling, ids, n);
    if (pooling == POOLING_WEIGHTED) divisor = sum_of_weights(table, unknown_id, ids, n);
    if (!isfinite(divisor)) return false;
    /* Weights are not negative: where they sum to zero, so does the sum of rows. */
    if (n_known == 0 || divisor == 0) {
        memset(out, 0, dims * sizeof *out);
        return true;
    }
    /* A divisor that is not negative leaves the direction alone: L2 needs no division before. */
    if (options->normalize) return pooling_normalize(out, dims);
    if (divisor != 1) kernels->divide(out, dims, divisor);
    return kernels->is_finite(out, dims);
}
