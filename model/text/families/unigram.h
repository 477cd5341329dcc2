/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file unigram.h
 * Unigram: of all ways to cut a part into tokens the one with the highest sum of scores (Viterbi).
 *
 * Scores are logarithms of probabilities, summed in double from left to right; of two equal sums
 * the one found first stays. A character that no token starts and ends with costs the lowest score
 * less 10 and is unknown; unknown neighbours are one token. Reference: the `tokenizers` library's
 * Unigram; T. Kudo, "Subword Regularization" (2018). Immutable once made.
 */
#pragma once

#include "model/text/families/fallback.h"

#include <stdbool.h>
#include <stdint.h>

struct encoding;
struct line;
struct tokenizer;

struct unigram {
    double *scores;  /* by id; behind them what an unknown character costs */
    size_t n_scores; /* one more than tokens */
    struct fallback fallback;
    bool byte_fallback;
};

/** unigram_finish: call once the vocabulary and its scores are there; false when memory is out. */
bool unigram_finish(struct tokenizer *tokenizer);
void unigram_clear(struct unigram *unigram);

/** unigram_put appends the tokens of a part (not empty), spans in bytes of it; false when the arena
 * is at its cap. */
bool unigram_put(struct encoding *e, const struct line *part);
