/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file paired.h
 * Two heads, A and B, that answered the same rows: is the one really better? Pure functions, safe
 * from any thread.
 *
 * The test: Q. McNemar, "Note on the sampling error of the difference between correlated
 * proportions or percentages", Psychometrika 12 (1947), 153-157, in its exact, binomial form. The
 * interval: R. G. Newcombe, "Improved confidence intervals for the difference between binomial
 * proportions based on paired data", Statistics in Medicine 17 (1998), 2635-2650, method 10.
 */
#pragma once

#include "model/head/intervals.h"

#include <stdint.h>

/** How many rows. */
struct paired {
    uint64_t both_right, a_alone, b_alone, both_wrong;
};

/** paired_difference: share that B gets right minus share that A does; NaN without rows. */
double paired_difference(const struct paired *paired);

/** paired_interval: 95 % of that difference; NaN without rows. */
struct interval paired_interval(const struct paired *paired);

/**
 * paired_mcnemar: how likely a split of the rows that only one gets right is that is at least as
 * uneven, were both as often right: two-sided. 1 where there are no such rows. Time: O(of these).
 */
double paired_mcnemar(const struct paired *paired);
