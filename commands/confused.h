/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file confused.h
 * Texts that a head took for something else: of each confusion the few it was most sure of. One
 * thread.
 *
 * Texts are cut at CONFUSED_TEXT_BYTES, and of all together at most `bytes_max` are kept: where
 * there would be more, the rarer half of the confusions so far lose theirs, and start anew. So
 * those of the most frequent confusions stay.
 */
#pragma once

#include "base/err.h"
#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A longer text is cut there, between characters, and ends in an ellipsis. */
#define CONFUSED_TEXT_BYTES 1000

/** Of how many confusions, the most frequent ones, reports show texts. */
#define CONFUSED_PAIRS_MAX 30

struct confused;

struct confused_text {
    float p; /* of the wrong label */
    uint64_t row, line;
    struct span text; /* followed by a NUL */
};

/**
 * confused_new: none so far.
 * @param n_max     texts a confusion
 * @param bytes_max of all texts; 0: as is good (64 MB)
 * @return NULL with ERR_MEMORY
 */
struct confused *confused_new(size_t n_max, size_t bytes_max, struct err *err);

/**
 * confused_add takes a row that was taken for `predicted`; truth may be EVALUATION_UNKNOWN. The
 * text is copied, if it is kept. ERR_MEMORY.
 */
bool confused_add(struct confused *confused, uint32_t truth, uint32_t predicted,
                  const struct confused_text *text, struct err *err);

/** confused_find: the texts (n) of a confusion, the most confident first, of equals the earlier
 * row; valid until the next confused_add. */
const struct confused_text *confused_find(const struct confused *confused, uint32_t truth,
                                          uint32_t predicted, size_t *n);

/** confused_free frees; NULL is fine. */
void confused_free(struct confused *confused);
