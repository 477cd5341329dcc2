/* SPDX-License-Identifier: Apache-2.0 */
#include "model/encoder/table/pool.h"

#include "base/buf.h"
#include "model/encoder/fasttext/fasttext.h"
#include "model/math/kernels.h"
#include "model/text/tokenizer.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <string.h>

const char *const pooling_names[POOLINGS] = {"mean", "weighted", "sum", "max", "unit"};

bool pooling_from_name(const char *name, size_t bytes, enum pooling *pooling)
{
    for (int i = POOLING_MEAN; i < POOLINGS; i++) {
        if (strlen(pooling_names[i]) != bytes || memcmp(name, pooling_names[i], bytes) != 0)
            continue;
        *pooling = (enum pooling)i;
        return true;
    }
    return false;
}

typedef void gather_kernel(float *out, const struct table *table, const uint32_t *ids, size_t n,
                           size_t dims);

static gather_kernel *kernel_of(const struct table *table, enum pooling pooling)
{
    switch (pooling) {
    case POOLING_MEAN:
    case POOLING_SUM:
        return kernels_get()->sum[table->dtype];
    case POOLING_WEIGHTED:
        return kernels_get()->weighted_sum[table->dtype];
    case POOLING_MAX:
        return kernels_get()->max[table->dtype];
    case POOLING_UNIT:
        break;
    }
    return NULL;
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
        else if (table->dtype == DTYPE_F64)
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
static void gather_rows(float *out, const struct table *table, enum pooling pooling,
                        const uint32_t *ids, size_t n, size_t dims)
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

static void gather_units(float *out, const struct table *table, const uint32_t *ids, size_t n,
                         size_t dims)
{
    struct table units = *table;
    units.weights = table->inverse_norms;
    kernel_of(table, POOLING_WEIGHTED)(out, &units, ids, n, dims);
}

static void gather(float *out, const struct table *table, enum pooling pooling, const uint32_t *ids,
                   size_t n, size_t dims)
{
    const bool is_plain = table_is_plain(table);
    if (is_plain && pooling != POOLING_UNIT)
        kernel_of(table, pooling)(out, table, ids, n, dims);
    else if (is_plain && table->inverse_norms)
        gather_units(out, table, ids, n, dims);
    else
        gather_rows(out, table, pooling, ids, n, dims);
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

/* The sum of squares leaves float's range for very long or short vectors: made of middling length
   first, they have a norm. The zero vector stays what it is. */
static bool bring_into_range(const struct kernels *kernels, float *x, size_t dims)
{
    if (!kernels->is_finite(x, dims)) return false;
    float largest = 0;
    for (size_t j = 0; j < dims; j++)
        if (fabsf(x[j]) > largest) largest = fabsf(x[j]);
    if (largest > 0) kernels->divide(x, dims, largest);
    return true;
}

static bool normalize(const struct kernels *kernels, float *x, size_t dims)
{
    float squares = kernels->sum_squares(x, dims);
    if (!(squares > 1e-30f && squares <= FLT_MAX)) {
        if (!bring_into_range(kernels, x, dims)) return false;
        squares = kernels->sum_squares(x, dims);
        if (squares == 0) return true;
    }
    kernels->divide(x, dims, sqrtf(squares));
    return true;
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
    if (options->normalize) return normalize(kernels, out, dims);
    if (divisor != 1) kernels->divide(out, dims, divisor);
    return kernels->is_finite(out, dims);
}

/* ---- fastText: of the text ---- */

/* Whether it is just what the program does with a line. */
static bool is_its_own(const struct fasttext *ft, enum pooling pooling)
{
    return pooling ==
           (fasttext_info(ft)->model == FASTTEXT_SUPERVISED ? POOLING_MEAN : POOLING_UNIT);
}

static const char *skip(const char *at, const char *end, bool is_space)
{
    while (at < end && (*at == ' ' || (*at >= '\t' && *at <= '\r')) == is_space)
        at++;
    return at;
}

static void take_word(float *out, const float *word, uint32_t dim, size_t *n, enum pooling pooling)
{
    float squares = 0;
    for (uint32_t j = 0; j < dim && pooling == POOLING_UNIT; j++)
        squares += word[j] * word[j];
    if (pooling == POOLING_UNIT && squares == 0) return;
    const float scale = pooling == POOLING_UNIT ? 1 / sqrtf(squares) : 1;
    for (uint32_t j = 0; j < dim; j++) {
        if (pooling == POOLING_MAX)
            out[j] = word[j] > out[j] || *n == 0 ? word[j] : out[j];
        else
            out[j] += scale * word[j];
    }
    ++*n;
}

/* Word by word, for poolings that are not its own. */
static bool pool_words(const struct fasttext *ft, struct arena *arena, struct span text,
                       enum pooling pooling, float *out)
{
    const uint32_t dim = fasttext_info(ft)->dim;
    const char *at = text.data, *end = at + text.bytes;
    float *word = arena_array(arena, dim, sizeof *word);
    size_t n = 0;
    memset(out, 0, dim * sizeof *out);
    while (word && (at = skip(at, end, true)) < end) {
        const char *start = at;
        at = skip(at, end, false);
        if (!fasttext_word_vector(ft, (struct span){start, (size_t)(at - start)}, arena, word))
            return false;
        take_word(out, word, dim, &n, pooling);
    }
    for (uint32_t j = 0; j < dim && n > 0 && pooling != POOLING_SUM && pooling != POOLING_MAX; j++)
        out[j] /= (float)n;
    return word;
}

/* Of ids alone, the line that has these words. */
static bool text_of(const struct head_ground *ground, struct arena *arena,
                    const struct passage *passage, struct span *text)
{
    struct buf line;
    *text = (struct span){passage->text, passage->bytes};
    if (passage->text) return true;
    buf_init(&line, arena);
    tokenizer_decode(ground->tokenizer, passage->ids, passage->n, false, &line);
    *text = (struct span){line.bytes > 0 ? line.data : "", line.bytes};
    return !line.failed;
}

static bool pool_text(const struct head_ground *ground, struct arena *arena,
                      const struct passage *passage, const struct pool_options *options, float *out,
                      struct err *err)
{
    const struct fasttext *ft = ground->fasttext;
    struct span text;
    if (!text_of(ground, arena, passage, &text)) return err_out_of_memory(err);
    float *whole = arena_array(arena, fasttext_info(ft)->dim, sizeof *whole);
    bool done = whole && (is_its_own(ft, options->pooling)
                              ? fasttext_sentence_vector(ft, text, arena, whole)
                              : pool_words(ft, arena, text, options->pooling, whole));
    if (!done) return err_out_of_memory(err);
    memcpy(out, whole, options->dims * sizeof *out);
    const struct kernels *kernels = kernels_get();
    done = options->normalize ? normalize(kernels, out, options->dims)
                              : kernels->is_finite(out, options->dims);
    return done || err_set(err, ERR_INTERNAL, NULL, "the vector is not finite");
}

bool pool_passage(const struct head_ground *ground, struct arena *arena,
                  const struct passage *passage, const struct pool_options *options, float *out,
                  struct err *err)
{
    if (ground->fasttext) return pool_text(ground, arena, passage, options, out, err);
    return pool_rows(ground->table, ground->unknown_id, passage->ids, passage->n, options, out) ||
           err_set(err, ERR_INTERNAL, NULL, "the vector is not finite");
}
