/* SPDX-License-Identifier: Apache-2.0 */
#include "model/encoder/fasttext/fasttext.h"

#include "model/encoder/fasttext/dictionary.h"
#include "model/encoder/fasttext/matrix.h"
#include "model/encoder/fasttext/output.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC 793712314
#define VERSION 12
#define VERSION_OLD 11
/* n-grams longer than that are no use to anybody, and would make a word cost its length squared. */
#define NGRAM_MAX 100

struct fasttext {
    struct fasttext_info info;
    struct ft_dictionary dictionary;
    struct ft_matrix input;
    struct ft_output output;
};

/* ---- reading ---- */

static bool take_version(struct ft_reader *reader, int32_t *version)
{
    int32_t magic;
    if (!ft_take_i32(reader, "its mark", &magic)) return false;
    if (magic != MAGIC) {
        return ft_fail(reader,
                       "it begins with %d, not with the %d of a fastText model (.bin, .ftz); give "
                       "a file that fastText saved",
                       magic, MAGIC);
    }
    if (!ft_take_i32(reader, "its version", version)) return false;
    if (*version != VERSION && *version != VERSION_OLD) {
        return ft_fail(reader,
                       "it has version %d of fastText's format, but only %d and %d are known; "
                       "train it with fastText 0.9.2",
                       *version, VERSION_OLD, VERSION);
    }
    return true;
}

/* The arguments of training, in the order of the file; a double follows them. */
enum argument {
    ARG_DIM,
    ARG_WINDOW,
    ARG_EPOCHS,
    ARG_MIN_COUNT,
    ARG_NEGATIVES,
    ARG_WORD_NGRAMS,
    ARG_LOSS,
    ARG_MODEL,
    ARG_BUCKET,
    ARG_MINN,
    ARG_MAXN,
    ARG_UPDATE_RATE,
    ARGUMENTS,
};

/* An argument that what follows depends on, and what it may be. */
struct bound {
    enum argument argument;
    const char *name;
    int32_t from, to;
};

static const struct bound bounds[] = {
    {ARG_DIM, "dim", 1, INT32_MAX},
    {ARG_WORD_NGRAMS, "wordNgrams", INT32_MIN, NGRAM_MAX},
    {ARG_LOSS, "loss", FASTTEXT_HIERARCHICAL, FASTTEXT_ONE_VS_ALL},
    {ARG_MODEL, "model", FASTTEXT_CBOW, FASTTEXT_SUPERVISED},
    {ARG_BUCKET, "bucket", 0, INT32_MAX},
    {ARG_MINN, "minn", INT32_MIN, INT32_MAX},
    {ARG_MAXN, "maxn", INT32_MIN, NGRAM_MAX},
};

static bool check_arguments(const struct ft_reader *reader, const int32_t values[ARGUMENTS])
{
    for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++) {
        const struct bound *bound = &bounds[i];
        int32_t value = values[bound->argument];
        if (value < bound->from || value > bound->to) {
            return ft_fail(reader,
                           "its argument %s is %d, but must be from %d to %d; the file is damaged, "
                           "or not one of fastText's: copy it again",
                           bound->name, value, bound->from, bound->to);
        }
    }
    return true;
}

static uint32_t not_below(int32_t value, int32_t least)
{
    return (uint32_t)(value < least ? least : value);
}

static bool take_arguments(struct fasttext *ft, struct ft_reader *reader)
{
    int32_t version, values[ARGUMENTS];
    if (!take_version(reader, &version)) return false;
    for (int i = 0; i < ARGUMENTS; i++)
        if (!ft_take_i32(reader, "an argument of training", &values[i])) return false;
    if (!ft_take(reader, "the threshold of sampling", sizeof(double))) return false;
    if (!check_arguments(reader, values)) return false;
    ft->info = (struct fasttext_info){
        .dim = (uint32_t)values[ARG_DIM],
        .bucket = (uint32_t)values[ARG_BUCKET],
        .minn = not_below(values[ARG_MINN], 0),
        .maxn = not_below(values[ARG_MAXN], 0),
        .word_ngrams = not_below(values[ARG_WORD_NGRAMS], 1),
        .model = (enum fasttext_model)values[ARG_MODEL],
        .loss = (enum fasttext_loss)values[ARG_LOSS],
    };
    if (version == VERSION_OLD && ft->info.model == FASTTEXT_SUPERVISED) ft->info.maxn = 0;
    return true;
}

static bool take_dictionary(struct fasttext *ft, struct ft_reader *reader)
{
    struct fasttext_info *info = &ft->info;
    struct ft_dictionary *dictionary = &ft->dictionary;
    dictionary->bucket = info->bucket;
    dictionary->minn = info->minn;
    dictionary->maxn = info->maxn;
    dictionary->word_ngrams = info->word_ngrams;
    if (!ft_dictionary_open(dictionary, reader)) return false;
    info->n_words = dictionary->n_words;
    info->n_labels = dictionary->n_labels;
    return true;
}

static bool take_input(struct fasttext *ft, struct ft_reader *reader)
{
    struct fasttext_info *info = &ft->info;
    const struct ft_dictionary *dictionary = &ft->dictionary;
    if (!ft_take_flag(reader, "the mark of a quantised input", &info->is_quantized)) return false;
    if (dictionary->is_pruned && !info->is_quantized) {
        return ft_fail(reader,
                       "it was pruned but not quantised, which fastText refuses too (early "
                       "versions saved such files by mistake); take a newer copy of the model");
    }
    if (!ft_matrix_open(&ft->input, reader, info->is_quantized, "the input matrix", info->dim))
        return false;
    uint32_t ngrams = dictionary->is_pruned ? dictionary->n_kept : info->bucket;
    if (ft->input.rows != (uint64_t)info->n_words + ngrams) {
        return ft_fail(reader,
                       "its input matrix has %u rows, but there are %u words and %u rows of "
                       "n-grams; the file is damaged: copy it again",
                       ft->input.rows, info->n_words, ngrams);
    }
    if (ft->input.rows == 0) {
        return ft_fail(reader, "it has neither words nor n-grams; train it again with a smaller "
                               "-minCount");
    }
    info->n_rows = ft->input.rows;
    return true;
}

/* Checked in every model, used in supervised ones. */
static bool take_output(struct fasttext *ft, struct ft_reader *reader)
{
    struct fasttext_info *info = &ft->info;
    struct ft_matrix *weights = &ft->output.weights;
    bool is_supervised = info->model == FASTTEXT_SUPERVISED, is_quantized;
    if (!ft_take_flag(reader, "the mark of a quantised output", &is_quantized)) return false;
    is_quantized = is_quantized && info->is_quantized;
    if (!ft_matrix_open(weights, reader, is_quantized, "the output matrix", info->dim))
        return false;
    uint32_t wanted = is_supervised ? info->n_labels : info->n_words;
    if (weights->rows != wanted && (is_supervised || weights->rows != 0)) {
        return ft_fail(reader,
                       "its output matrix has %u rows, but there are %u %s; the file is damaged: "
                       "copy it again",
                       weights->rows, wanted, is_supervised ? "labels" : "words");
    }
    if (ft_left(reader) > 0) {
        return ft_fail(reader,
                       "%zu bytes follow the output matrix, which ends at byte %zu; the file is "
                       "damaged: copy it again",
                       ft_left(reader), reader->at);
    }
    info->has_output = is_supervised && info->n_labels > 0;
    return !info->has_output || ft_output_open(&ft->output, &ft->dictionary, info->loss, reader);
}

bool fasttext_open(struct fasttext **out, struct span file, const char *where, struct err *err)
{
    assert(file.data && where);
    struct ft_reader reader = {.file = file, .where = where, .err = err};
    *out = NULL;
    struct fasttext *ft = calloc(1, sizeof *ft);
    if (!ft) return err_set(err, ERR_MEMORY, NULL, "no memory for the model %s", where);
    if (take_arguments(ft, &reader) && take_dictionary(ft, &reader) && take_input(ft, &reader) &&
        take_output(ft, &reader)) {
        *out = ft;
        return true;
    }
    fasttext_close(ft);
    return false;
}

void fasttext_close(struct fasttext *ft)
{
    if (!ft) return;
    ft_dictionary_close(&ft->dictionary);
    ft_output_close(&ft->output);
    free(ft);
}

/* ---- looking things up ---- */

const struct fasttext_info *fasttext_info(const struct fasttext *ft)
{
    return &ft->info;
}

struct span fasttext_word(const struct fasttext *ft, uint32_t id)
{
    assert(id < ft->info.n_words);
    return ft_entry(&ft->dictionary, id);
}

struct span fasttext_label(const struct fasttext *ft, uint32_t index)
{
    assert(index < ft->info.n_labels);
    return ft_entry(&ft->dictionary, ft->info.n_words + index);
}

uint32_t fasttext_find(const struct fasttext *ft, struct span word)
{
    uint32_t id = ft_find(&ft->dictionary, word, ft_hash(word));
    return id < ft->info.n_words ? id : FASTTEXT_NO_WORD;
}

bool fasttext_word_rows(const struct fasttext *ft, struct span word, struct arena *arena,
                        struct fasttext_rows *rows)
{
    struct ft_rows list = {.arena = arena};
    bool ok = ft_word_rows(&ft->dictionary, word, &list);
    *rows = (struct fasttext_rows){list.ids, list.n};
    return ok;
}

bool fasttext_line_rows(const struct fasttext *ft, struct span line, struct arena *arena,
                        struct fasttext_rows *rows)
{
    struct ft_rows list = {.arena = arena};
    bool ok = ft_line_rows(&ft->dictionary, line, &list);
    *rows = (struct fasttext_rows){list.ids, list.n};
    return ok;
}

void fasttext_row(const struct fasttext *ft, uint32_t row, float *out)
{
    assert(row < ft->info.n_rows);
    ft_matrix_row(&ft->input, row, out);
}

const char *fasttext_floats(const struct fasttext *ft, size_t *stride_bytes)
{
    *stride_bytes = ft->info.dim * sizeof(float);
    return ft->input.is_quantized ? NULL : ft->input.data;
}

/* ---- vectors ---- */

static void set_zero(float *x, size_t n)
{
    for (size_t j = 0; j < n; j++)
        x[j] = 0;
}

/* The program divides by multiplying with the float32 nearest to 1/by. */
static void divide(float *x, size_t n, double by)
{
    float factor = (float)(1.0 / by);
    for (size_t j = 0; j < n; j++)
        x[j] *= factor;
}

static float length_of(const float *x, size_t n)
{
    float sum = 0;
    for (size_t j = 0; j < n; j++)
        sum += x[j] * x[j];
    return sqrtf(sum);
}

static void average(const struct fasttext *ft, const uint32_t *ids, size_t n, float *out)
{
    set_zero(out, ft->info.dim);
    for (size_t i = 0; i < n; i++)
        ft_matrix_add(&ft->input, ids[i], out);
    if (n > 0) divide(out, ft->info.dim, (double)n);
}

void fasttext_average(const struct fasttext *ft, const struct fasttext_rows *rows, float *out)
{
    average(ft, rows->ids, rows->n, out);
}

bool fasttext_word_vector(const struct fasttext *ft, struct span word, struct arena *arena,
                          float *out)
{
    struct ft_rows rows = {.arena = arena};
    if (!ft_word_rows(&ft->dictionary, word, &rows)) return false;
    average(ft, rows.ids, rows.n, out);
    return true;
}

/* The mean of the words' unit vectors. */
static bool average_words(const struct fasttext *ft, struct span text, struct arena *arena,
                          float *out)
{
    size_t dim = ft->info.dim, at = 0, n = 0;
    struct span word;
    struct ft_rows rows = {.arena = arena};
    float *vector = arena_array(arena, dim, sizeof *vector);
    if (!vector) return false;
    set_zero(out, dim);
    while (ft_next_word(text, &at, false, &word)) {
        rows.n = 0;
        if (!ft_word_rows(&ft->dictionary, word, &rows)) return false;
        average(ft, rows.ids, rows.n, vector);
        float length = length_of(vector, dim);
        if (!(length > 0)) continue;
        divide(vector, dim, length);
        for (size_t j = 0; j < dim; j++)
            out[j] += vector[j];
        n++;
    }
    if (n > 0) divide(out, dim, (double)n);
    return true;
}

bool fasttext_sentence_vector(const struct fasttext *ft, struct span sentence, struct arena *arena,
                              float *out)
{
    if (ft->info.model != FASTTEXT_SUPERVISED) return average_words(ft, sentence, arena, out);
    struct ft_rows rows = {.arena = arena};
    if (!ft_line_rows(&ft->dictionary, sentence, &rows)) return false;
    average(ft, rows.ids, rows.n, out);
    return true;
}

bool fasttext_predict(const struct fasttext *ft, const float *vector, struct fasttext_wish wish,
                      struct arena *arena, struct fasttext_predictions *out)
{
    *out = (struct fasttext_predictions){0};
    return !ft->info.has_output || ft_output_predict(&ft->output, vector, wish, arena, out);
}
