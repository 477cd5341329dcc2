/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file unsure.h
 * How unlike the texts that a head was trained on a text looks. Pure functions.
 *
 * A text that shares little with the training rows moves the logits little: none stands out. The
 * margin is by how much one does: of a multi-class head the largest logit less the mean of all, of
 * a binary one the logit's size, of a multi-label one the largest size of any. Where a head knows
 * the margins of the rows that were held out when it was trained, the unsure score of a text is the
 * share of these rows whose margin is larger. So it is uniform from 0 to 1 for texts like the
 * training rows, and near 1 for others.
 */
#pragma once

#include "base/buf.h"
#include "model/head/head.h"

/** Quantiles of the margins of held-out rows that a head keeps: the i-th of n (from 1 on) is above
 * i / (n + 1) of them. */
#define UNSURE_QUANTILES 99

/** The unsure score from which on a text is better left to a person: 95 of 100 texts like the
 * training rows are below it. */
#define UNSURE_REJECT 0.95

/**
 * unsure_repeats: whether a text says little but that over and over, by its tokens: of n tokens (or
 * UNSURE_LOOKED_AT of them, evenly chosen), UNSURE_REPEATS_MIN at least, √n at most are different.
 * Texts of people have far more: 16 of 16, 150 of 256. What repeats adds up in the logits and looks
 * sure, so the margin does not tell.
 */
bool unsure_repeats(const uint32_t *ids, size_t n);

#define UNSURE_REPEATS_MIN 16
#define UNSURE_LOOKED_AT 256

/** unsure_margin: of logits (rows of the head), 0 or more. */
float unsure_margin(const struct head_info *info, const float *logits);

/** unsure_quantiles: n quantiles, ascending, of `n_margins` (at least 1), which are sorted on the
 * way. */
void unsure_quantiles(float *margins, size_t n_margins, float *quantiles, size_t n);

/** unsure_score: from 0 to 1, the larger the smaller the margin; info->margins must not be NULL.
 * Quantiles are joined by straight lines; below the first it goes to 1 as the margin goes to 0,
 * above the last to 0 as it grows. */
float unsure_score(const struct head_info *info, float margin);

/**
 * unsure_write adds what an answer says of it to JSON: `,"unsure":…,"unsure_score":…`, the first
 * only where a score was given above which there is no label (`reject`, at most 1); nothing where
 * the score is NaN.
 */
void unsure_write(struct buf *out, float score, float reject, bool is_rejected);
