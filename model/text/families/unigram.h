/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file unigram.h
 * Unigram: of all ways to cut a part into tokens the one with the highest sum of scores (Viterbi).
 *
 * Scores are logarithms of probabilities, summed in double from left to right; of two equal sums
 * the one found first stays. A character that no token starts and ends with costs the lowest score
 * less 10 and is unknown; unknown neighbours are one token. Reference: the `tokenizers` library's
 * Unigram; T. Kudo, "Subword Regularization" (2018). Immutable once made; any thread may use it.
 */
#pragma once

#include "model/text/families/fallback.h"

#include <stdbool.h>
#include <stddef.h>

struct unigram {
    double *scores;  /* by id; behind them what an unknown character costs */
    size_t n_scores; /* one more than tokens */
    struct fallback fallback;
    bool byte_fallback;
};

/** unigram_add_unknown puts the score of an unknown character behind those of the n tokens; false
 * when memory is out. */
bool unigram_add_unknown(struct unigram *unigram, size_t n);

/** unigram_clear frees; a zeroed one is fine. */
void unigram_clear(struct unigram *unigram);
