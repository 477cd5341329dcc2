/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file head.h
 * A classifier on sentence vectors: y = W·v + b, and what its logits mean.
 *
 * A head is read once and immutable from then on; any thread may use it. These kinds of file hold
 * one:
 *
 * - head.safetensors: tensors `weight` (R, D) and `bias` (R), in F64, F32, F16 or BF16, and in a
 *   head with a hidden layer `hidden.weight` (H, D) and `hidden.bias` (H): y = W·relu(H·v + h) + b,
 *   `weight` then being (R, H). __metadata__ (strings): `labels`, a JSON list of strings; `kind`
 *   (binary, multi-class, multi-label; default: binary for one row, else multi-class);
 *   `thresholds`, a JSON list of one number (binary) or one a label (multi-label), default 0.5;
 *   `temperature`, what logits are divided by before they become probabilities, default 1;
 *   `margins`, a JSON list of numbers: quantiles of the margins of rows like those that it was
 *   trained on (unsure.h), without which it cannot say how unsure it is of a text;
 *   `repetitive`, true where such rows often repeat a few tokens over and over (unsure.h), which it
 *   takes for odd otherwise; `training` and `scores`, JSON objects that are passed on unchanged.
 * N-grams as well: ngram_table.h.
 * - JSON: {"labels": [...], "weight": [[...], ...], "bias": [...]} and the optional keys above; a
 *   list of numbers as `weight` is one row, a number as `bias` is one too. scikit-learn's coef_ and
 *   intercept_ are just these.
 * - CSV: a line a row of W: its D numbers, then its b; the first field of each line may be the
 *   label. Binary: one line, and "other,label" as its label field or labels "0" and "1".
 * - skops: a scikit-learn Pipeline or classifier, as model2vec's pipeline.skops: MLPClassifier with
 *   one hidden layer of relu or none, LogisticRegression, SGDClassifier of two classes and
 *   log_loss; StandardScalers before it are folded into W. files/skops.h.
 * - model2vec's head.safetensors, from 0.9 on: tensors `head.N.weight`, `head.N.bias`, one pair a
 *   linear step, relu between; `head_config` of the config.json beside it says the labels
 *   (`classes`), how many steps (`n_layers`) and what is applied to the logits (`activation`).
 * - a transformers checkpoint for sequence classification: `classifier.weight`, `classifier.bias`;
 *   config.json beside it says `id2label` and `problem_type`. Here it is applied to pooled rows of
 *   the table, not to the output of the transformer.
 *
 * Rows R: 1 for a binary head (p of the second label = sigmoid(y)), else the number of labels C.
 * A binary head given with two rows is a multi-class head of two labels.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"
#include "model/encoder/pooling.h"
#include "model/head/kind.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** What a head is; strings and arrays live as long as the head. */
struct head_info {
    const char *name;
    enum head_kind kind;
    uint32_t n_labels; /* C; at least 2, for a multi-label head 1 */
    const char *const *labels;
    const float *thresholds; /* binary: 1, multi-label: C; NULL for a multi-class head */
    float temperature;       /* > 0 */
    const float *margins;    /* (n_margins) of rows like the training rows (unsure.h), ascending;
                                NULL: not known */
    uint32_t n_margins;
    bool is_repetitive;   /* rows like the training rows may repeat a few tokens over and over */
    uint32_t dim;         /* D: of the vectors it takes */
    uint32_t hidden;      /* H, of the first hidden layer; 0 = there is none */
    uint32_t rows;        /* R: its logits */
    uint32_t ngrams;      /* N: rows of its table of n-grams; 0: it has none */
    const char *training; /* JSON object, "" = not said */
    const char *scores;   /* JSON object, "" = not said */
};

struct encoder;
struct head;
struct json_t;
struct passage;
struct tokenizer;

/** Where a head's vectors come from; what it points to is borrowed while the head lives. */
struct head_input {
    uint32_t dim;                      /* D of the vectors */
    const struct tokenizer *tokenizer; /* NULL: heads with n-grams are refused */
    const struct encoder *encoder; /* makes the vectors; NULL: no head_vector, no head_explain */
    struct pool_options pool;      /* how */
    const struct json_t *config;   /* config.json beside the head's file, or NULL; read by head_open
                                      alone */
};

/**
 * head_open reads a head; the first bytes tell which kind of file it is.
 * @param bytes  borrowed while the head lives
 * @param name   of the head; copied
 * @param where  name of the file, for messages
 * @param out    owned by the caller (head_close); NULL on failure
 * @return false with ERR_FORMAT (file, place, remedy), ERR_UNPROCESSABLE (it gives no labels) or
 *         ERR_MEMORY
 */
bool head_open(struct head **out, struct span bytes, const char *name, const char *where,
               const struct head_input *input, struct err *err);

/** head_close frees; NULL is fine. */
void head_close(struct head *head);

/** head_info: borrowed, as long as the head lives. */
const struct head_info *head_info(const struct head *head);

/** head_input: where its vectors come from. */
const struct head_input *head_input(const struct head *head);

/** head_open_own makes the head that the encoder itself brings (encoder->labels): its logits are
 * the logarithms of the probabilities. As head_open, with ERR_MEMORY alone. */
bool head_open_own(struct head **out, const char *name, const struct head_input *input,
                   struct err *err);

/**
 * head_vector: the sentence vector (D) that the head takes: the passage by the head's own encoder.
 * @return false with ERR_INTERNAL if a value is not finite, or ERR_MEMORY
 */
bool head_vector(const struct head *head, struct arena *arena, const struct passage *passage,
                 float *v, struct err *err);

/**
 * head_logits: logits (rows) of the sentence vector v (dim) and the token ids (n) it was pooled
 * from, which a head with n-grams looks at. The bits depend on these alone, not on the CPU: each
 * logit is summed column by column, in order, and then the n-grams are added.
 * @return false with ERR_MEMORY (arena) or ERR_INTERNAL (a logit is not finite)
 */
bool head_logits(const struct head *head, struct arena *arena, const float *v, const uint32_t *ids,
                 size_t n, float *logits, struct err *err);

/**
 * head_probabilities: p (C) of the logits (rows), divided by the temperature: binary 1 - sigmoid(y)
 * and sigmoid(y), multi-class softmax, multi-label sigmoids. Any finite logits give finite p in
 * [0, 1].
 */
void head_probabilities(const struct head *head, const float *logits, float *p);

/** head_info_probabilities: the same of what a head is; not for the labels of an encoder's own. */
void head_info_probabilities(const struct head_info *info, const float *logits, float *p);

/**
 * head_order: the k (<= C) labels of the highest logits, from the highest down, equals by label
 * order; of a binary head from the more likely one.
 * @return false with ERR_MEMORY at the arena's cap
 */
bool head_order(const struct head *head, struct arena *arena, const float *logits, uint32_t k,
                uint32_t *order, struct err *err);

/**
 * head_passes: does label `i` count as predicted? Yes if its probability, of p (C), reaches the
 * threshold; label 0 of a binary head if label 1 does not. Always true of a multi-class head, which
 * predicts the first label of head_order.
 * @param threshold  from 0 to 1, instead of the head's own; below 0: the head's own
 */
bool head_passes(const struct head *head, const float *p, uint32_t i, float threshold);

/**
 * head_best: the place in `order`, as head_order fills it, of the label that is meant: the first
 * that passes; n: none does.
 * @param order (n) one or more of a multi-class head, of others all labels: any may be the one that
 *              passes
 */
uint32_t head_best(const struct head *head, const float *p, const uint32_t *order, uint32_t n,
                   float threshold);

/**
 * head_explain shares the logit `row` (< rows) out over the tokens of a sequence, the norm held
 * fixed: bias + Σ shares = the logit, but for rounding. A token's share is W_row·(its row of the
 * table, weighted) / divisor, 0 for unknown tokens, and an equal part of what each n-gram adds that
 * touches it (of unknown tokens: marks and lengths). Summed in double, column by column.
 * @param shares (n)
 * @return false with ERR_INVALID if there are no such shares: max pooling, a hidden layer
 */
bool head_explain(const struct head *head, struct arena *arena, const uint32_t *ids, size_t n,
                  uint32_t row, double *shares, double *bias, struct err *err);
