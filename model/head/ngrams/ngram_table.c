/* SPDX-License-Identifier: Apache-2.0 */
#include "model/head/ngrams/ngram_table.h"

#include "model/math/kernels.h"

#include <math.h>

/* N-grams of a step; the sums run on from one to the next. */
#define CHUNK 256

/* Of so many weights, as of so few slots, what is wanted is not asked for before it is read. */
#define NEAR_WEIGHTS ((uint32_t)1 << 16)

static bool read_range(const struct tensors *file, const json_t *about, const char *key,
                       uint32_t *min, uint32_t *max)
{
    const json_t *range = json_object_get(about, key);
    const json_t *first = json_array_get(range, 0), *last = json_array_get(range, 1);
    if (json_array_size(range) != 2 || !json_is_integer(first) || !json_is_integer(last) ||
        json_integer_value(first) < 1 || json_integer_value(last) < 0 ||
        json_integer_value(first) > NGRAMS_CHARACTERS_MAX ||
        json_integer_value(last) > NGRAMS_CHARACTERS_MAX)
        return tensors_fail(file, "__metadata__: ngrams.%s must be [shortest, longest], at most %d",
                            key, NGRAMS_CHARACTERS_MAX);
    *min = (uint32_t)json_integer_value(first);
    *max = (uint32_t)json_integer_value(last);
    return true;
}

static bool read_about(struct ngram_table *table, const struct tensors *file, const json_t *about)
{
    const json_t *tokens = json_object_get(about, "tokens");
    const char *vocabulary = json_string_value(json_object_get(about, "vocabulary"));
    char fingerprint[17];
    if (!json_is_object(about))
        return tensors_fail(
            file, "it holds n-grams, so __metadata__.ngrams must be an object that describes them");
    if (!json_is_integer(tokens) || json_integer_value(tokens) < 0 ||
        json_integer_value(tokens) > NGRAMS_TOKENS_MAX)
        return tensors_fail(file, "__metadata__: ngrams.tokens must be a number from 0 to %d",
                            NGRAMS_TOKENS_MAX);
    table->ranges.tokens_max = (uint32_t)json_integer_value(tokens);
    snprintf(fingerprint, sizeof fingerprint, "%016llx",
             (unsigned long long)tokenizer_fingerprint(table->tokenizer));
    if (!vocabulary || strcmp(vocabulary, fingerprint) != 0)
        return tensors_fail(file, "its n-grams belong to another vocabulary than the model's; "
                                  "serve it with the model it was trained on");
    const json_t *length = json_object_get(about, "length");
    if (length && (!json_is_integer(length) || json_integer_value(length) < 0 ||
                   json_integer_value(length) > NGRAMS_LENGTH_MAX))
        return tensors_fail(file, "__metadata__: ngrams.length must be a number from 0 to %d",
                            NGRAMS_LENGTH_MAX);
    table->ranges.length = (uint32_t)json_integer_value(length);
    table->ranges.has_ends = json_is_true(json_object_get(about, "ends"));
    return read_range(file, about, "characters", &table->ranges.characters_min,
                      &table->ranges.characters_max) &&
           read_range(file, about, "ideographs", &table->ranges.ideographs_min,
                      &table->ranges.ideographs_max);
}

static const struct tensor *find(const struct tensors *file, const char *name, const char *dtype,
                                 uint64_t rows, uint64_t columns)
{
    const struct tensor *tensor = tensors_find(file, name);
    if (tensor && strcmp(tensor->dtype, dtype) == 0 && tensor->rank == (columns ? 2 : 1) &&
        tensor->shape[0] == rows && (!columns || tensor->shape[1] == columns))
        return tensor;
    if (columns)
        tensors_fail(file, "there must be a tensor '%s', %s of shape [%llu, %llu]", name, dtype,
                     (unsigned long long)rows, (unsigned long long)columns);
    else
        tensors_fail(file, "there must be a tensor '%s', %s of shape [%llu]", name, dtype,
                     (unsigned long long)rows);
    return NULL;
}

/* Every row a slot names is there, and a search comes to an end. */
static bool check_slots(const struct ngram_table *table, const struct tensors *file)
{
    bool has_empty = false;
    for (size_t i = 0; i < (size_t)1 << table->index.bits; i++) {
        struct ngram_slot slot;
        memcpy(&slot, table->index.slots + i * NGRAM_SLOT_BYTES, sizeof slot);
        has_empty |= slot.key == 0;
        if (slot.key != 0 && slot.row >= table->rows.n_rows)
            return tensors_fail(file, "ngrams.slots: slot %zu names row %u of %u", i, slot.row,
                                table->rows.n_rows);
    }
    return has_empty || tensors_fail(file, "ngrams.slots has no empty slot");
}

static bool read_slots(struct ngram_table *table, const struct tensors *file)
{
    const struct tensor *slots = tensors_find(file, "ngrams.slots");
    unsigned bits = NGRAM_BITS_MIN;
    while (slots && bits < NGRAM_BITS_MAX && (uint64_t)1 << bits < slots->shape[0])
        bits++;
    if (!find(file, "ngrams.slots", "U32", (uint64_t)1 << bits, 2)) return false;
    table->index = (struct ngram_index){slots->data, bits};
    return true;
}

static bool check_numbers(const struct ngram_table *table, const struct tensors *file)
{
    for (uint32_t row = 0; row < table->rows.n_rows; row++) {
        float weight, scale = rows_scale(&table->rows.rows, row);
        memcpy(&weight, table->weights + row * sizeof weight, sizeof weight);
        if (!isfinite(scale) || !(weight >= 0 && isfinite(weight)))
            return tensors_fail(file,
                                "row %u of the n-grams has a scale or weight that is not finite, "
                                "or a negative weight",
                                row);
    }
    return true;
}

bool ngram_table_open(struct ngram_table *table, const struct tensors *file, const json_t *about,
                      const struct tokenizer *tokenizer, uint32_t columns)
{
    const struct tensor *rows = tensors_find(file, "ngrams.rows");
    *table = (struct ngram_table){.tokenizer = tokenizer};
    if (!rows) return true;
    if (!tokenizer) return tensors_fail(file, "its n-grams need the vocabulary of a model");
    const uint64_t n = rows->rank == 2 ? rows->shape[0] : 0;
    if (n < 1 || n >= NGRAM_NONE)
        return tensors_fail(file, "tensor 'ngrams.rows' must have at least one row");
    const struct tensor *scales = find(file, "ngrams.scales", "F32", n, 0);
    const struct tensor *weights = scales ? find(file, "ngrams.weights", "F32", n, 0) : NULL;
    if (!weights || !find(file, "ngrams.rows", "I8", n, columns) || !read_slots(table, file))
        return false;
    table->rows = (struct table){.rows = {.at = rows->data,
                                          .stride_bytes = columns,
                                          .n = (uint32_t)n,
                                          .dtype = DTYPE_I8,
                                          .scales = scales->data},
                                 .n_rows = (uint32_t)n,
                                 .dim = columns};
    table->weights = weights->data;
    return read_about(table, file, about) && check_slots(table, file) && check_numbers(table, file);
}

/* The row of each hash, or NGRAM_NONE. All first slots are looked at before any second one is. */
static void find_rows(const struct ngram_table *table, const uint64_t *hashes, size_t n,
                      uint32_t *rows)
{
    const struct ngram_index index = table->index;
    uint32_t open[CHUNK];
    size_t n_open = 0;
    for (size_t i = 0; i < n && index.bits > NGRAM_BITS_NEAR; i++)
        ngram_index_prefetch(&index, hashes[i]);
    for (uint32_t i = 0; i < n; i++)
        n_open = ngram_index_step(&index, hashes[i], 0, i, rows, open, n_open);
    for (size_t step = 1; n_open > 0; step++) {
        const size_t n_before = n_open;
        n_open = 0;
        for (size_t k = 0; k < n_before; k++)
            n_open = ngram_index_step(&index, hashes[open[k]], step, open[k], rows, open, n_open);
    }
}

/* Moves the rows that there are to the front, and adds the squares of their weights: one after the
   other, and without a branch (a square of 0 changes nothing). */
static size_t keep_known(const struct ngram_table *table, uint32_t *rows, size_t n, double *squares)
{
    const char *weights = table->weights;
    double sum = *squares;
    size_t n_known = 0;
    for (size_t i = 0; i < n && table->rows.n_rows > NEAR_WEIGHTS; i++)
        if (rows[i] != NGRAM_NONE) __builtin_prefetch(weights + rows[i] * sizeof(float));
    for (size_t i = 0; i < n; i++) {
        const uint32_t row = rows[i], is_known = row != NGRAM_NONE;
        float weight;
        memcpy(&weight, weights + (row & -is_known) * sizeof weight, sizeof weight);
        weight *= (float)is_known;
        sum += (double)weight * weight;
        rows[n_known] = row;
        n_known += is_known;
    }
    *squares = sum;
    return n_known;
}

/* Sums (R) = Σ of the rows; returns the norm of their weights. */
static double sum_rows(const struct ngram_table *table, const uint32_t *ids, size_t n, float *sums)
{
    uint64_t hashes[CHUNK];
    uint32_t rows[CHUNK];
    struct ngram_walk walk;
    double squares = 0;
    size_t n_found;
    memset(sums, 0, table->rows.dim * sizeof *sums);
    ngrams_start(&walk, &table->ranges, table->tokenizer, ids, n);
    while ((n_found = ngrams_next_hashes(&walk, hashes, CHUNK)) > 0) {
        find_rows(table, hashes, n_found, rows);
        const size_t n_known = keep_known(table, rows, n_found, &squares);
        kernels_get()->sum[DTYPE_I8](sums, &table->rows.rows, rows, n_known, table->rows.dim);
    }
    return sqrt(squares);
}

void ngram_table_add(const struct ngram_table *table, const uint32_t *ids, size_t n, float *sums,
                     float *logits)
{
    const float norm = (float)sum_rows(table, ids, n, sums);
    for (uint32_t k = 0; k < table->rows.dim && norm > 0; k++)
        logits[k] += sums[k] / norm;
}

static double value_at(const struct table *rows, uint32_t row, uint32_t column)
{
    return (double)rows_scale(&rows->rows, row) * (signed char)rows_at(&rows->rows, row)[column];
}

/* The same as sum_rows, without the sums. */
static double norm_of(const struct ngram_table *table, const uint32_t *ids, size_t n)
{
    uint64_t hashes[CHUNK];
    uint32_t rows[CHUNK];
    struct ngram_walk walk;
    double squares = 0;
    size_t n_found;
    ngrams_start(&walk, &table->ranges, table->tokenizer, ids, n);
    while ((n_found = ngrams_next_hashes(&walk, hashes, CHUNK)) > 0) {
        find_rows(table, hashes, n_found, rows);
        keep_known(table, rows, n_found, &squares);
    }
    return sqrt(squares);
}

void ngram_table_shares(const struct ngram_table *table, const uint32_t *ids, size_t n,
                        uint32_t column, double *shares)
{
    struct ngram_walk walk;
    struct ngram ngrams[CHUNK];
    size_t n_found;
    const double norm = norm_of(table, ids, n);
    if (norm == 0) return;
    ngrams_start(&walk, &table->ranges, table->tokenizer, ids, n);
    while ((n_found = ngrams_next(&walk, ngrams, CHUNK)) > 0) {
        for (size_t i = 0; i < n_found; i++) {
            const struct ngram *ngram = &ngrams[i];
            const uint32_t row = ngram_index_find(&table->index, ngram->hash);
            if (row == NGRAM_NONE) continue;
            const uint32_t touched = ngram->last - ngram->first + 1;
            const double share = value_at(&table->rows, row, column) / norm / touched;
            for (uint32_t token = ngram->first; token <= ngram->last; token++)
                shares[token] += share;
        }
    }
}
