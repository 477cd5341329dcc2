/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file learner.h
 * What is learned, and how: logistic regression on the sentence vector and the n-grams, by Adagrad.
 *
 *     y = b + W·x + Σ f_i·g_i      x = s·v + Σ f_i·u_i
 *     p = softmax(y) or sigmoid(y)      loss = -ln p(label)
 *
 * v is the pooled vector, s a constant, g_i the rows of the n-grams, f_i their weights divided by
 * the L2 norm of these. Runs of tokens may have vectors u_i as well (ngram_vocabulary.h): what an
 * n-gram says of one label they tell of similar ones. That is linear, so in the head's file an
 * n-gram has one row, g_i + W·u_i. Gradients, with d = ∂loss/∂y = p - truth:
 *
 *     ∂W_j = x_j·d    ∂b = d    ∂g_i = f_i·d    ∂x = Wᵀd    ∂u_i = f_i·∂x    ∂v = s·∂x
 *     ∂row_i = w_i·(∂v - v·(v·∂v)) / |Σ w_i·row_i|   (L2; without it w_i·∂v / divisor)
 *
 * A step takes LEARNER_BATCH examples: first all their losses and d, from the same numbers; then
 * the changes, each number by one worker, in the order of the examples. So the result is the same,
 * bit by bit, for any number of workers. One thread calls; the crew's threads work during the call.
 */
#pragma once

#include "base/workers.h"
#include "model/encoder/table/pool.h"
#include "model/head/kind.h"
#include "model/train/examples.h"
#include "model/train/ngram_vocabulary.h"

#define LEARNER_BATCH 16

struct learner_options {
    enum head_kind kind;
    uint32_t n_labels;
    struct ngram_ranges ranges;
    float rate, vector_rate, table_rate; /* of n-grams and bias; of W; of rows: at the start */
    float ngram_vector_rate;             /* of the vectors of n-grams */
    float vector_scale;                  /* s */
    float token_dropout;                 /* share of tokens left out of v, 0 .. below 1 */
    float ngram_dropout;                 /* the same of n-grams */
    bool moves_head, moves_table;
    const float *label_weights; /* (n_labels) what an example of a label counts, or NULL: 1 */
    uint64_t seed;
};

/** Numbers that are learned, and for each the sum of its squared gradients. */
struct learned {
    float *values, *squares;
    size_t n, n_squares; /* n_squares: n, or one a row */
};

enum {
    LEARNED_WEIGHT,
    LEARNED_BIAS,
    LEARNED_NGRAMS,
    LEARNED_NGRAM_VECTORS,
    LEARNED_TABLE,
    LEARNED_PARTS
};

struct learner {
    struct learner_options options;
    uint32_t dim, columns; /* D, and R: logits */
    uint32_t stride;       /* from a row of W or of the n-grams to the next */
    uint32_t unknown_id;
    struct pool_options pool;
    const struct tokenizer *tokenizer;
    struct table table; /* what rows are taken from: the model's, or learned[LEARNED_TABLE] */
    const struct ngram_vocabulary *ngrams;
    float row_squares_start; /* of the rows of the table that never moved */
    /* weight (D, stride): column j of W; bias (stride); n-grams (n, stride), without their weights;
       vectors of n-grams (n_vectors, D); table (V, D), only where it moves. */
    struct learned learned[LEARNED_PARTS];

    struct lesson *lessons; /* (LEARNER_BATCH) */
    float *batch_gradient;  /* (n_workers, stride) */
};

/**
 * learner_make readies a learner with all zeros; its table, where it moves, is a copy of `table`.
 * @param table    of the model, or what to start from; borrowed, as all else, while it lives
 * @return false with ERR_MEMORY; end it with learner_clear either way
 */
bool learner_make(struct learner *learner, const struct learner_options *options,
                  const struct table *table, const struct pool_options *pool, uint32_t unknown_id,
                  const struct tokenizer *tokenizer, const struct ngram_vocabulary *ngrams,
                  unsigned n_workers, struct err *err);
void learner_clear(struct learner *learner);

/** One run over the examples. */
struct learner_epoch {
    const struct examples *examples;
    const uint32_t *order; /* (n) indices of examples */
    size_t n;
    uint32_t number;              /* of the epoch, for what is drawn at random */
    double rate_first, rate_last; /* factor of the rates: falls from the first to the last */
    /** Asked after each batch, with how many examples are done; true: stop here. May be NULL. */
    bool (*stops)(void *user, size_t n_done);
    void *user;
};

/**
 * learner_run goes through the examples once, or until `stops` says so.
 * @param loss set to the mean loss
 * @return false with ERR_FORMAT (a loss that is not finite) or ERR_MEMORY
 */
bool learner_run(struct learner *learner, struct workers *workers,
                 const struct learner_epoch *epoch, double *loss, struct err *err);

/**
 * learner_gradients works out loss and gradients of one example, by the same code, for tests.
 * @param out  (LEARNED_PARTS) each zeroed by the caller, room as learned[].n; NULL where not wanted
 */
bool learner_gradients(struct learner *learner, const struct examples *examples, size_t row,
                       double *loss, float *const out[LEARNED_PARTS], struct err *err);
