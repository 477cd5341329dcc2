/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file ngram_table.h
 * The embedding table of a head's n-grams: its columns are the head's logits, its dictionary are
 * hashes, its pooling is Σ rows / √(Σ weights²). A view into read-only bytes; immutable, any thread
 * may use it.
 *
 * In head.safetensors: `ngrams.slots` U32 (S, 2), S a power of two (ngram_index.h);
 * `ngrams.rows` I8 (N, R) with `ngrams.scales` F32 (N); `ngrams.weights` F32 (N), not negative.
 * __metadata__.ngrams, a JSON object: `tokens` (longest run of tokens), `characters` and
 * `ideographs` ([shortest, longest] run of characters), `ends` (true: marks at both ends), `length`
 * (how often the length comes), `vocabulary` (the fingerprint of the vocabulary, 16 hexadecimal
 * digits).
 */
#pragma once

#include "base/json.h"
#include "model/encoder/table/table.h"
#include "model/files/tensors.h"
#include "model/head/ngrams/ngram_index.h"
#include "model/head/ngrams/ngrams.h"

struct ngram_table {
    struct ngram_ranges ranges;
    const struct tokenizer *tokenizer;
    struct ngram_index index;
    struct table rows;   /* (N, R); N 0: the head has no n-grams */
    const char *weights; /* (N) float32 at any address */
};

/**
 * ngram_table_open takes the n-grams out of a head's file; `table` stays empty where it has none.
 * @param about      __metadata__.ngrams, or NULL
 * @param tokenizer of the model that it is for; borrowed while the table lives, like the file
 * @param columns    R, the head's logits
 * @return false with ERR_FORMAT in file->err
 */
bool ngram_table_open(struct ngram_table *table, const struct tensors *file, const json_t *about,
                      const struct tokenizer *tokenizer, uint32_t columns);

/** ngram_table_add: logits (R) += the pooled rows of the sequence's n-grams. The bits depend on the
 * ids alone, not on the CPU. Sums (R) is scratch. */
void ngram_table_add(const struct ngram_table *table, const uint32_t *ids, size_t n, float *sums,
                     float *logits);

/** ngram_table_shares adds to share[i] (n) what token i has in logit `column`: each n-gram's part
 * in equal pieces to the tokens that it touches. */
void ngram_table_shares(const struct ngram_table *table, const uint32_t *ids, size_t n,
                        uint32_t column, double *shares);
