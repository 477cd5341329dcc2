/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file resamples.h
 * How sure an F1 is: the bootstrap, which draws as many rows as there are from them, with
 * replacement, 1,000 times, and looks where the middle 95 % of the F1s lie (interval_percentile).
 *
 * B. Efron, "Bootstrap methods: another look at the jackknife", The Annals of Statistics 7 (1979),
 * 1-26; the percentile interval is of Efron and Tibshirani, "An introduction to the bootstrap"
 * (1993), chapter 13. The draws are seeded: the same rows in the same order give the same bits, and
 * two heads asked about the same rows get the same draws, so that their results can be paired.
 *
 * Memory and time are bounded. Up to 4,096 rows are drawn one by one; of more, each is put into one
 * of 4,096 groups by a hash of its number, and groups are drawn. That leaves the spread of a sum
 * over independent rows what it is, and lets the estimate of it vary by 1/sqrt(2 · 4,096) = 1 %. Of
 * each group the counts of the labels that occur in it are kept, 2^20 of them at most; where there
 * would be more, groups are put together two by two. So any number of rows takes as long as these
 * counts, at most 1,000 · 2^20 additions, and 50 MB. With fewer than 32 groups nothing is said:
 * that takes more than 32,768 labels in each of them.
 *
 * One thread at a time.
 */
#pragma once

#include "model/head/answer.h"

/** How often the rows are drawn. */
#define RESAMPLES 1000

struct resamples;

/** The F1s of the draws, draw by draw. */
struct resampled_f1 {
    double macro[RESAMPLES], micro[RESAMPLES], weighted[RESAMPLES];
};

/**
 * resamples_new starts without rows.
 * @param kind        multi-label: macro averages are over all labels, as in evaluation.h; where a
 *                    label does not occur in a draw, over those that do, in the same proportion
 * @param entries_max of counts kept; 0: as is good (2^20)
 * @return NULL with ERR_MEMORY
 */
struct resamples *resamples_new(enum head_kind kind, uint32_t n_labels, size_t entries_max,
                                struct err *err);

/** resamples_add takes one row; truth as for answer_judge. ERR_MEMORY. */
bool resamples_add(struct resamples *resamples, const uint32_t *truth, size_t n_truth,
                   const struct answer *answer, struct err *err);

/** resamples_match gives two that took the same rows the same groups, so that draw i of the one is
 * draw i of the other. Before either is drawn, after the last row. ERR_MEMORY. */
bool resamples_match(struct resamples *a, struct resamples *b, struct err *err);

/**
 * resamples_draw draws and works out the F1s.
 * @param out all NaN where it is not known: no rows, or too many labels a row
 * @return false with ERR_MEMORY
 */
bool resamples_draw(struct resamples *resamples, struct resampled_f1 *out, struct err *err);

/** resamples_free frees; NULL is fine. */
void resamples_free(struct resamples *resamples);
