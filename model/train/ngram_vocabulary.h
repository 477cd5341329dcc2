/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file ngram_vocabulary.h
 * Which n-grams of the training texts get a row, and how much each weighs: those in at least two
 * texts; weight = ln((1 + texts) / (1 + texts with it)) + 1, as scikit-learn's TfidfVectorizer.
 *
 * Memory: what stands in one text only, most of all n-grams, costs a bit or two (a filter, which
 * now and then takes an n-gram for one that came before; that one gets a row too). One thread.
 */
#pragma once

#include "base/err.h"
#include "model/head/ngrams/ngram_index.h"
#include "model/head/ngrams/ngrams.h"
#include "model/train/examples.h"

struct ngram_vocabulary {
    struct ngram_index index; /* its slots are `slots` */
    struct ngram_slot *slots;
    float *weights;     /* (n) */
    uint32_t n;         /* 0: no n-grams */
    uint32_t n_vectors; /* of runs of tokens; 0: there are none, and `vectors` is NULL */
    uint32_t *vectors;  /* (n) which of these is the n-gram's, or NGRAM_NONE */
};

/**
 * ngram_vocabulary_make counts the n-grams of `rows` (n_rows, indices of examples).
 * @param n_max  of more, the rarer ones get no row
 * @return false with ERR_MEMORY; `vocabulary` is then empty
 */
bool ngram_vocabulary_make(struct ngram_vocabulary *vocabulary, const struct examples *examples,
                           const uint32_t *rows, size_t n_rows, const struct tokenizer *tokenizer,
                           const struct ngram_ranges *ranges, uint32_t n_max, struct err *err);

/**
 * ngram_vocabulary_give_vectors numbers the runs of tokens among the n-grams, as they come in
 * `rows` (n_rows), up to n_max: those are to have a vector each.
 * @param ranges  what the vocabulary was made with
 * @return false with ERR_MEMORY
 */
bool ngram_vocabulary_give_vectors(struct ngram_vocabulary *vocabulary,
                                   const struct examples *examples, const uint32_t *rows,
                                   size_t n_rows, const struct tokenizer *tokenizer,
                                   const struct ngram_ranges *ranges, uint32_t n_max,
                                   struct err *err);

/** ngram_vocabulary_clear frees; a zeroed one is fine. */
void ngram_vocabulary_clear(struct ngram_vocabulary *vocabulary);
