/* SPDX-License-Identifier: Apache-2.0 */
#include "model/encoder/table/table.h"

#include "base/arena.h"
#include "model/encoder/fasttext/fasttext.h"
#include "model/math/kernels.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const dtype_names[DTYPES + 2] = {"F32", "F16", "BF16", "I8", "F64", "PQ"};

size_t dtype_bytes(enum dtype dtype)
{
    static const size_t bytes[] = {4, 2, 2, 1, 8, 1};
    return bytes[dtype];
}

/* A word's rows and vectors: with the longest n-grams of the longest words. */
#define WORD_ARENA_BYTES ((size_t)64 << 20)

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

static bool row_is_finite_64(const char *row, size_t dim)
{
    uint64_t bad = 0;
    for (size_t i = 0; i < dim; i++) {
        double value;
        memcpy(&value, row + i * sizeof value, sizeof value);
        bad |= !isfinite((float)value);
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
    case DTYPE_F64:
        return row_is_finite_64(row, table->dim);
    case DTYPE_PQ:
        break;
    }
    return false;
}

/* ---- tables that are read a row at a time ---- */

/* The rows as they lie there, one for each stored row, from a column on. */
static struct table stored(const struct table *table, size_t from)
{
    struct table rows = *table;
    rows.mapping = NULL;
    rows.factors = NULL;
    rows.rows = (const char *)table->rows + from * dtype_bytes(table->dtype);
    if (table->mapping) rows.n_rows = table->n_stored;
    return rows;
}

static uint32_t stored_row(const struct table *table, uint32_t id)
{
    int32_t row;
    if (!table->mapping) return id;
    memcpy(&row, table->mapping + id * sizeof row, sizeof row);
    /* In a packed file nobody has looked at them. */
    return row >= 0 && (uint32_t)row < table->n_stored ? (uint32_t)row : 0;
}

static void read_f64(const char *row, size_t n, float *out)
{
    for (size_t j = 0; j < n; j++) {
        double value;
        memcpy(&value, row + j * sizeof value, sizeof value);
        out[j] = (float)value;
    }
}

/* ---- fastText ---- */

struct table table_of_fasttext(const struct fasttext *ft)
{
    const struct fasttext_info *info = fasttext_info(ft);
    return (struct table){.n_rows = info->n_words,
                          .dim = info->dim,
                          .dtype = info->is_quantized ? DTYPE_PQ : DTYPE_F32,
                          .fasttext = ft};
}

/* All zeros where memory is out. */
static void read_word(const struct table *table, uint32_t id, size_t from, size_t n, float *out)
{
    struct arena arena;
    arena_init(&arena, WORD_ARENA_BYTES);
    float *row = arena_array(&arena, table->dim, sizeof *row);
    memset(out, 0, n * sizeof *out);
    if (row &&
        fasttext_word_vector(table->fasttext, fasttext_word(table->fasttext, id), &arena, row))
        memcpy(out, row + from, n * sizeof *out);
    arena_clear(&arena);
}

/* Of all rows that words are made of. */
static bool check_fasttext(const struct fasttext *ft, uint32_t *bad_row)
{
    const struct fasttext_info *info = fasttext_info(ft);
    float *row = malloc(info->dim * sizeof *row);
    bool is_finite = true;
    for (uint32_t i = 0; row && is_finite && i < info->n_rows; i++) {
        fasttext_row(ft, i, row);
        is_finite = kernels_get()->is_finite(row, info->dim);
        *bad_row = i;
    }
    free(row);
    return is_finite;
}

void table_floats(const struct table *table, uint32_t id, size_t from, size_t n, float *out)
{
    assert(id < table->n_rows && from + n <= table->dim);
    if (table->fasttext) {
        read_word(table, id, from, n, out);
        return;
    }
    const struct table rows = stored(table, from);
    const uint32_t row = stored_row(table, id);
    if (table->dtype == DTYPE_F64)
        read_f64(table_row(&rows, row), n, out);
    else
        kernels_get()->row[table->dtype](out, &rows, row, n);
    for (size_t j = 0; table->factors && j < n; j++)
        out[j] *= table->factors[id];
}

/* Of a row that is made float32 at once. */
#define COLUMNS_AT_ONCE 256

float table_inverse_norm(const struct table *table, uint32_t id)
{
    float row[COLUMNS_AT_ONCE];
    double squares = 0;
    if (table->inverse_norms) return table->inverse_norms[id];
    for (size_t from = 0, n; from < table->dim; from += n) {
        n = table->dim - from < COLUMNS_AT_ONCE ? table->dim - from : COLUMNS_AT_ONCE;
        table_floats(table, id, from, n, row);
        for (size_t j = 0; j < n; j++)
            squares += (double)row[j] * row[j];
    }
    const float by = (float)(1 / sqrt(squares));
    return isfinite(by) ? by : 0;
}

bool table_find_norms(struct table *table)
{
    float *norms = malloc((size_t)table->n_rows * sizeof *norms);
    for (uint32_t id = 0; norms && id < table->n_rows; id++)
        norms[id] = table_inverse_norm(table, id);
    table->inverse_norms = table->owned[4] = norms;
    return norms;
}

bool table_scale_by_one(struct table *table)
{
    float *ones = malloc((size_t)table->n_rows * sizeof *ones);
    for (uint32_t i = 0; ones && i < table->n_rows; i++)
        ones[i] = 1;
    table->owned[3] = ones;
    table->scales = (const char *)ones;
    return ones;
}

bool table_check_finite(const struct table *table, uint32_t *row)
{
    if (table->fasttext) return check_fasttext(table->fasttext, row);
    const struct table rows = stored(table, 0);
    for (uint32_t i = 0; i < rows.n_rows; i++) {
        if (row_is_finite(&rows, i)) continue;
        *row = i;
        return false;
    }
    return true;
}

void table_close(struct table *table)
{
    for (size_t i = 0; i < sizeof table->owned / sizeof *table->owned; i++)
        free(table->owned[i]);
    free(table->owned_mapping);
    *table = (struct table){0};
}
