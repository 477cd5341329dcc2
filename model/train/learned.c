/* SPDX-License-Identifier: Apache-2.0 */
#include "model/train/learned.h"

#include "model/encoder/table/encode_rows.h"
#include "model/files/tensors_pack.h"
#include "model/math/kernels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool fail_finite(struct err *err)
{
    return err_set(err, ERR_FORMAT, NULL,
                   "what was learned is no longer finite; train with a smaller `learning-rate`");
}

/* ---- what the head's file says ---- */

static void set_text(json_t *metadata, const char *key, json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(9));
    json_object_set_new(metadata, key, json_string(text ? text : ""));
    free(text);
    json_decref(value);
}

static json_t *labels_of(const struct learned_about *about, uint32_t n)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < n; i++)
        json_array_append_new(list, json_string(about->labels[i]));
    return list;
}

static json_t *thresholds_of(const struct learned_about *about, const struct learner *learner)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < learner->columns; i++)
        json_array_append_new(list,
                              json_real(about->thresholds ? (double)about->thresholds[i] : 0.5));
    return list;
}

static json_t *margins_of(const struct learned_about *about)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < about->n_margins; i++)
        json_array_append_new(list, json_real((double)about->margins[i]));
    return list;
}

static json_t *ngrams_of(const struct learner *learner)
{
    const struct ngram_ranges *ranges = &learner->options.ranges;
    char vocabulary[17];
    snprintf(vocabulary, sizeof vocabulary, "%016llx",
             (unsigned long long)tokenizer_fingerprint(learner->tokenizer));
    return json_pack("{s:i, s:[i, i], s:[i, i], s:b, s:i, s:s}", "tokens", (int)ranges->tokens_max,
                     "characters", (int)ranges->characters_min, (int)ranges->characters_max,
                     "ideographs", (int)ranges->ideographs_min, (int)ranges->ideographs_max, "ends",
                     ranges->has_ends, "length", (int)ranges->length, "vocabulary", vocabulary);
}

static json_t *metadata_of(const struct learner *learner, const struct learned_about *about)
{
    json_t *metadata = json_object();
    const enum head_kind kind = learner->options.kind;
    json_object_set_new(metadata, "kind", json_string(head_kind_names[kind]));
    set_text(metadata, "labels", labels_of(about, learner->options.n_labels));
    if (kind != HEAD_MULTI_CLASS) set_text(metadata, "thresholds", thresholds_of(about, learner));
    set_text(metadata, "temperature", json_real(about->temperature));
    if (about->n_margins > 0) set_text(metadata, "margins", margins_of(about));
    if (about->is_repetitive) set_text(metadata, "repetitive", json_true());
    if (learner->ngrams->n > 0) set_text(metadata, "ngrams", ngrams_of(learner));
    if (about->training) set_text(metadata, "training", json_deep_copy(about->training));
    if (about->scores) set_text(metadata, "scores", json_deep_copy(about->scores));
    return metadata;
}

/* ---- its numbers ---- */

struct numbers {
    float *weight; /* (R, D) */
    signed char *rows;
    float *scales;
};

static void fill_weight(const struct learner *learner, float *out)
{
    const float *weight = learner->learned[LEARNED_WEIGHT].values;
    for (uint32_t k = 0; k < learner->columns; k++)
        for (uint32_t j = 0; j < learner->dim; j++)
            out[(size_t)k * learner->dim + j] =
                learner->options.vector_scale * weight[(size_t)j * learner->stride + k];
}

/* What n-gram i says of the labels: its row, and its vector's share through W. */
static void find_row(const struct learner *learner, size_t i, float *row)
{
    const struct learned *learned = learner->learned;
    const uint32_t vector =
        learner->ngrams->n_vectors > 0 ? learner->ngrams->vectors[i] : NGRAM_NONE;
    memcpy(row, learned[LEARNED_NGRAMS].values + i * learner->stride,
           learner->stride * sizeof *row);
    for (size_t j = 0; vector != NGRAM_NONE && j < learner->dim; j++)
        kernels_get()->add_scaled(
            row, learned[LEARNED_WEIGHT].values + j * learner->stride,
            learned[LEARNED_NGRAM_VECTORS].values[(size_t)vector * learner->dim + j],
            learner->stride);
    for (uint32_t k = 0; k < learner->columns; k++)
        row[k] *= learner->ngrams->weights[i];
}

static bool fill_rows(const struct learner *learner, struct numbers *numbers)
{
    const uint32_t columns = learner->columns;
    float *row = malloc(learner->stride * sizeof *row);
    if (!row) return false;
    for (size_t i = 0; i < learner->ngrams->n; i++) {
        find_row(learner, i, row);
        encode_row(numbers->rows + i * columns, row, columns, DTYPE_I8, &numbers->scales[i]);
    }
    free(row);
    return true;
}

static char *pack_head(const struct learner *learner, const struct numbers *numbers,
                       const struct learned_about *about, size_t *bytes, struct err *err)
{
    const uint64_t n = learner->ngrams->n, columns = learner->columns, dim = learner->dim;
    const uint64_t n_slots = n > 0 ? (uint64_t)1 << learner->ngrams->index.bits : 0;
    const struct tensor_given tensors[] = {
        {"weight", "F32", 2, {columns, dim}, numbers->weight, columns * dim * sizeof(float)},
        {"bias",
         "F32",
         1,
         {columns, 0},
         learner->learned[LEARNED_BIAS].values,
         columns * sizeof(float)},
        {"ngrams.slots",
         "U32",
         2,
         {n_slots, 2},
         learner->ngrams->slots,
         n_slots * NGRAM_SLOT_BYTES},
        {"ngrams.scales", "F32", 1, {n, 0}, numbers->scales, n * sizeof(float)},
        {"ngrams.weights", "F32", 1, {n, 0}, learner->ngrams->weights, n * sizeof(float)},
        {"ngrams.rows", "I8", 2, {n, columns}, numbers->rows, n * columns},
    };
    json_t *metadata = metadata_of(learner, about);
    char *out = tensors_pack(tensors, n > 0 ? 6 : 2, metadata, bytes, err);
    json_decref(metadata);
    return out;
}

static bool take_head(struct learned_files *files, const struct learner *learner,
                      const struct learned_about *about, struct err *err)
{
    const size_t n = learner->ngrams->n;
    struct numbers numbers = {
        .weight = calloc((size_t)learner->columns * learner->dim, sizeof *numbers.weight),
        .rows = malloc(n * learner->columns + 1),
        .scales = calloc(n + 1, sizeof *numbers.scales),
    };
    bool ok = numbers.weight && numbers.rows && numbers.scales && fill_rows(learner, &numbers);
    if (ok) {
        fill_weight(learner, numbers.weight);
        files->head = pack_head(learner, &numbers, about, &files->head_bytes, err);
    } else {
        err_set(err, ERR_MEMORY, NULL, "no memory for the head");
    }
    free(numbers.weight);
    free(numbers.rows);
    free(numbers.scales);
    return files->head != NULL;
}

/* ---- the table ---- */

static void fill_table(const struct learner *learner, const struct table *from, char *rows,
                       char *scales)
{
    const struct learned *learned = &learner->learned[LEARNED_TABLE];
    const size_t row_bytes = dtype_row_bytes(from->rows.dtype, from->dim);
    const size_t scale_bytes = dtype_scale_bytes(from->rows.dtype, from->dim);
    for (uint32_t i = 0; i < from->n_rows; i++) {
        const bool has_moved = learned->squares[i] != learner->row_squares_start;
        if (has_moved) {
            encode_row(rows + i * row_bytes, learned->values + (size_t)i * from->dim, from->dim,
                       from->rows.dtype, scales + i * scale_bytes);
            continue;
        }
        const uint32_t row = table_row(from, i);
        memcpy(rows + i * row_bytes, rows_at(&from->rows, row), row_bytes);
        if (scale_bytes > 0)
            memcpy(scales + i * scale_bytes, rows_scales(&from->rows, row), scale_bytes);
    }
}

/* A half may be too small for what was learned. */
static bool check_rows(const struct table *from, const char *rows, const char *scales,
                       struct err *err)
{
    const struct table table = {
        .rows = {.at = rows,
                 .stride_bytes = dtype_row_bytes(from->rows.dtype, from->dim),
                 .n = from->n_rows,
                 .dtype = from->rows.dtype,
                 .scales = scales},
        .n_rows = from->n_rows,
        .dim = from->dim};
    uint32_t row;
    return table_check_finite(&table, &row) || fail_finite(err);
}

static void pack_table(struct learned_files *files, const struct table *from, const char *rows,
                       const char *scales, struct err *err)
{
    const uint64_t n = from->n_rows;
    struct tensor_given tensors[3], embeddings, given;
    size_t n_tensors = 0;
    json_t *metadata = from->rows.dtype == DTYPE_I4 ? json_object() : NULL;
    encode_metadata(metadata, from->rows.dtype, from->dim);
    encode_tensors(from->rows.dtype, n, from->dim, rows, scales, &embeddings, &given);
    if (from->weights)
        tensors[n_tensors++] =
            (struct tensor_given){"weights", "F32", 1, {n, 0}, from->weights, n * sizeof(float)};
    if (given.bytes > 0) tensors[n_tensors++] = given;
    tensors[n_tensors++] = embeddings;
    files->table = tensors_pack(tensors, n_tensors, metadata, &files->table_bytes, err);
    json_decref(metadata);
}

static bool take_table(struct learned_files *files, const struct learner *learner,
                       const struct table *from, struct err *err)
{
    const uint64_t n = from->n_rows;
    const enum dtype dtype = from->rows.dtype;
    const size_t row_bytes = dtype_row_bytes(dtype, from->dim);
    char *rows = malloc(n * row_bytes);
    char *scales = malloc(n * dtype_scale_bytes(dtype, from->dim) + 1);
    if (rows && scales) {
        fill_table(learner, from, rows, scales);
        if (check_rows(from, rows, scales, err)) pack_table(files, from, rows, scales, err);
    } else {
        err_set(err, ERR_MEMORY, NULL, "no memory for a table of %zu bytes", (size_t)n * row_bytes);
    }
    free(rows);
    free(scales);
    return files->table != NULL;
}

static bool check_finite(const struct learner *learner, struct err *err)
{
    for (int part = 0; part < LEARNED_PARTS; part++) {
        const struct learned *learned = &learner->learned[part];
        if (!kernels_get()->is_finite(learned->values, learned->n)) return fail_finite(err);
    }
    return true;
}

bool learned_take(struct learned_files *files, const struct learner *learner,
                  const struct table *from, const struct learned_about *about, struct err *err)
{
    *files = (struct learned_files){0};
    if (check_finite(learner, err) && take_head(files, learner, about, err) &&
        (!learner->options.moves_table || take_table(files, learner, from, err)))
        return true;
    learned_clear(files);
    return false;
}

void learned_clear(struct learned_files *files)
{
    free(files->head);
    free(files->table);
    *files = (struct learned_files){0};
}
