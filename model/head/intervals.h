/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file intervals.h
 * How sure a measured figure is: 95 % confidence intervals. Pure functions, safe from any thread.
 *
 * A share: E. B. Wilson, "Probable inference, the law of succession, and statistical inference",
 * Journal of the American Statistical Association 22 (1927), 209-212. For few rows, or shares near
 * 0 or 1, it covers the truth far more reliably than p ± 1.96·sqrt(p(1 - p)/n): Brown, Cai and
 * DasGupta, "Interval estimation for a binomial proportion", Statistical Science 16 (2001),
 * 101-133. Any other figure: B. Efron and R. J. Tibshirani, "An introduction to the bootstrap"
 * (1993), chapter 13.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/** From low to high; NaN: not known. */
struct interval {
    double low, high;
};

/**
 * interval_wilson: the 95 % score interval of the share `n_right` / `n`, without correction for
 * continuity. 0 <= low <= n_right / n <= high <= 1; low is 0 where nothing is right, high is 1
 * where all is. NaN where n is 0.
 * @param n_right at most n
 */
void interval_wilson(uint64_t n_right, uint64_t n, double *low, double *high);

/** interval_of: interval_wilson as a value. */
struct interval interval_of(uint64_t n_right, uint64_t n);

/**
 * interval_percentile: the middle 95 % of what a figure came to when it was resampled, interpolated
 * between two values as by numpy.quantile, and widened where `figure` itself lies outside.
 * @param values (n) are sorted
 * @return NaN where n is 0, or `figure` or a value is NaN
 */
struct interval interval_percentile(double *values, size_t n, double figure);
