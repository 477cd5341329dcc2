/* SPDX-License-Identifier: Apache-2.0 */
#include "model/encoder/fasttext/fasttext_encoder.h"

#include "base/buf.h"
#include "model/encoder/fasttext/fasttext.h"
#include "model/encoder/fasttext/words.h"
#include "model/encoder/table/table.h"
#include "model/math/kernels.h"
#include "model/text/tokens.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A word's rows and vectors: with the longest n-grams of the longest words. */
#define WORD_ARENA_BYTES ((size_t)64 << 20)

/* A word is the mean of its n-grams too: about so many rows. */
#define ROWS_PER_WORD 16

struct fasttext_encoder {
    struct encoder encoder;
    struct fasttext *ft;
    struct table words;
    struct encoder_labels labels;
};

static const struct fasttext *model_of(const struct encoder *encoder)
{
    return ((const struct fasttext_encoder *)encoder)->ft;
}

/* ---- the vectors of words, as rows ---- */

static void make_row(const void *source, uint32_t id, uint32_t from, uint32_t n, float *out)
{
    const struct fasttext *ft = source;
    struct arena arena;
    arena_init(&arena, WORD_ARENA_BYTES);
    float *row = arena_array(&arena, fasttext_info(ft)->dim, sizeof *row);
    memset(out, 0, n * sizeof *out);
    if (row && fasttext_word_vector(ft, fasttext_word(ft, id), &arena, row))
        memcpy(out, row + from, n * sizeof *out);
    arena_clear(&arena);
}

/* Of all rows that words are made of. */
static bool check_rows(const void *source, uint32_t *bad_row)
{
    const struct fasttext *ft = source;
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

static const struct table_maker maker = {.row = make_row, .check_finite = check_rows};

/* ---- the vector of a text ---- */

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
static bool text_of(const struct fasttext *ft, struct arena *arena, const struct passage *passage,
                    struct span *text)
{
    struct buf line;
    *text = (struct span){passage->text, passage->bytes};
    if (passage->text) return true;
    buf_init(&line, arena);
    fasttext_words_join(ft, passage->ids, passage->n, &line);
    *text = (struct span){line.bytes > 0 ? line.data : "", line.bytes};
    return !line.failed;
}

static bool vector(const struct encoder *encoder, struct arena *arena,
                   const struct passage *passage, const struct pool_options *options, float *out,
                   struct err *err)
{
    const struct fasttext *ft = model_of(encoder);
    struct span text;
    if (!text_of(ft, arena, passage, &text)) return err_out_of_memory(err);
    float *whole = arena_array(arena, fasttext_info(ft)->dim, sizeof *whole);
    bool done = whole && (is_its_own(ft, options->pooling)
                              ? fasttext_sentence_vector(ft, text, arena, whole)
                              : pool_words(ft, arena, text, options->pooling, whole));
    if (!done) return err_out_of_memory(err);
    memcpy(out, whole, options->dims * sizeof *out);
    done = options->normalize ? pooling_normalize(out, options->dims)
                              : kernels_get()->is_finite(out, options->dims);
    return done || err_set(err, ERR_INTERNAL, NULL, "the vector is not finite");
}

/* ---- its labels ---- */

static struct span label_text(const struct encoder *encoder, uint32_t i)
{
    static const char prefix[] = "__label__";
    struct span text = fasttext_label(model_of(encoder), i);
    const size_t n = sizeof prefix - 1;
    const bool has_prefix = strncmp(text.data, prefix, n) == 0 && text.data[n];
    return has_prefix ? (struct span){text.data + n, text.bytes - n} : text;
}

/* What is not even listed has none. */
static bool probabilities(const struct encoder *encoder, struct arena *arena, const float *v,
                          float *out)
{
    const struct fasttext_wish all = {UINT32_MAX, 0};
    struct fasttext_predictions found;
    memset(out, 0, encoder->labels->n * sizeof *out);
    if (!fasttext_predict(model_of(encoder), v, all, arena, &found)) return false;
    for (size_t i = 0; i < found.n; i++)
        out[found.items[i].label] = found.items[i].probability;
    return true;
}

/* ---- the encoder ---- */

static void row(const struct encoder *encoder, uint32_t id, uint32_t dims, float *out)
{
    make_row(model_of(encoder), id, 0, dims, out);
}

static bool check_finite(const struct encoder *encoder, uint32_t *bad_row)
{
    return check_rows(model_of(encoder), bad_row);
}

static void close(struct encoder *encoder)
{
    fasttext_close(((struct fasttext_encoder *)encoder)->ft);
    free(encoder);
}

static const struct encoder_kind kind = {
    .row = row, .vector = vector, .check_finite = check_finite, .close = close};

static struct table table_of_words(const struct fasttext *ft)
{
    const struct fasttext_info *info = fasttext_info(ft);
    return (struct table){.rows = {.dtype = info->is_quantized ? DTYPE_PQ : DTYPE_F32},
                          .n_rows = info->n_words,
                          .dim = info->dim,
                          .maker = &maker,
                          .source = ft};
}

struct encoder *fasttext_encoder_new(struct fasttext *ft, struct err *err)
{
    const struct fasttext_info *info = fasttext_info(ft);
    struct fasttext_encoder *own = malloc(sizeof *own);
    if (!own) {
        err_set(err, ERR_MEMORY, NULL, "no memory for the model");
        return NULL;
    }
    *own = (struct fasttext_encoder){
        .ft = ft,
        .words = table_of_words(ft),
        .labels = {.n = info->n_labels,
                   .is_multi = info->loss == FASTTEXT_ONE_VS_ALL,
                   .owner = "fastText",
                   .text = label_text,
                   .probabilities = probabilities},
    };
    own->encoder = (struct encoder){.kind = &kind,
                                    .info = {.n_rows = info->n_words,
                                             .dim = info->dim,
                                             .dtype = dtype_names[own->words.rows.dtype],
                                             .reads_text = true,
                                             .rows_per_token = ROWS_PER_WORD,
                                             .batch_size = 1},
                                    .table = &own->words,
                                    .labels = info->has_output ? &own->labels : NULL,
                                    .left_out = TOKEN_ID_NONE};
    return &own->encoder;
}
