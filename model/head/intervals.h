/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file intervals.h
 * How sure a measured figure is: 95 % confidence intervals. Pure functions, safe from any thread.
 *
 * E. B. Wilson, "Probable inference, the law of succession, and statistical inference", Journal of
 * the American Statistical Association 22 (1927), 209-212. For few rows, or shares near 0 or 1, it
 * covers the truth far more reliably than p ± 1.96·sqrt(p(1 - p)/n): Brown, Cai and DasGupta,
 * "Interval estimation for a binomial proportion", Statistical Science 16 (2001), 101-133.
 */
#pragma once

#include <stdint.h>

/**
 * interval_wilson: the 95 % score interval of the share `n_right` / `n`, without correction for
 * continuity. 0 <= low <= n_right / n <= high <= 1; low is 0 where nothing is right, high is 1
 * where all is. NaN where n is 0.
 * @param n_right at most n
 */
void interval_wilson(uint64_t n_right, uint64_t n, double *low, double *high);
