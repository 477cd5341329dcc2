/* SPDX-License-Identifier: Apache-2.0 */
#include "model/head/intervals.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

/* The 97.5 % quantile of the standard normal distribution. */
#define Z 1.959963984540054

void interval_wilson(uint64_t n_right, uint64_t n, double *low, double *high)
{
    assert(n_right <= n);
    *low = *high = NAN;
    if (n == 0) return;
    const double count = (double)n, p = (double)n_right / count;
    const double middle = p + Z * Z / (2 * count);
    const double reach = Z * sqrt(p * (1 - p) / count + Z * Z / (4 * count * count));
    const double scale = 1 + Z * Z / count;
    /* Rounded, the ends could lie beyond what they are at most. */
    *low = n_right == 0 ? 0 : fmin((middle - reach) / scale, p);
    *high = n_right == n ? 1 : fmax((middle + reach) / scale, p);
}

struct interval interval_of(uint64_t n_right, uint64_t n)
{
    struct interval interval;
    interval_wilson(n_right, n, &interval.low, &interval.high);
    return interval;
}

static int ascending(const void *left, const void *right)
{
    const double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static double quantile(const double *sorted, size_t n, double share)
{
    const double at = share * (double)(n - 1);
    const size_t below = (size_t)at;
    if (below + 1 >= n) return sorted[n - 1];
    return sorted[below] + (at - (double)below) * (sorted[below + 1] - sorted[below]);
}

struct interval interval_percentile(double *values, size_t n, double figure)
{
    bool is_known = n > 0 && !isnan(figure);
    for (size_t i = 0; i < n; i++)
        is_known &= !isnan(values[i]);
    if (!is_known) return (struct interval){NAN, NAN};
    qsort(values, n, sizeof *values, ascending);
    return (struct interval){fmin(quantile(values, n, 0.025), figure),
                             fmax(quantile(values, n, 0.975), figure)};
}
