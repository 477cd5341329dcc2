/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file answer.h
 * What a head says of one text, held against the truth: the one definition of "predicted" and
 * "right" for measures, lists of predictions and comparisons. Pure functions: any thread, each with
 * an arena of its own.
 *
 * Of equal probabilities the first label is meant, as in scikit-learn.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "model/head/head.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * answer_one: the label that a binary or multi-class head answers with.
 * @param thresholds binary: 1, or NULL: 0.5; not looked at for multi-class
 * @param p          (n_labels)
 */
uint32_t answer_one(enum head_kind kind, uint32_t n_labels, const float *thresholds,
                    const float *p);

/** answer_has: whether a multi-label head answers with label `i`, too. */
bool answer_has(const float *thresholds, const float *p, uint32_t i);

/** One text's answer. */
struct answer {
    const uint32_t *labels; /* (n) predicted, the likeliest first; in the arena */
    uint32_t n;             /* 1; of a multi-label head 0 to C */
    bool is_right; /* just what is true; never where the head does not know a label of it */
};

/**
 * answer_judge fills in an answer.
 * @param p     (C) probabilities
 * @param truth (n_truth) labels, or EVALUATION_UNKNOWN; a label may recur
 * @return false with ERR_MEMORY at the arena's cap
 */
bool answer_judge(struct answer *answer, struct arena *arena, const struct head_info *info,
                  const float *p, const uint32_t *truth, size_t n_truth, struct err *err);

/** answer_top: the k (<= C) likeliest labels, from the likeliest down. ERR_MEMORY. */
bool answer_top(const struct head *head, struct arena *arena, const float *p, uint32_t k,
                uint32_t *order, struct err *err);
