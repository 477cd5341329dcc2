/* SPDX-License-Identifier: Apache-2.0 */
#include "model/head/intervals.h"

#include <assert.h>
#include <math.h>

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
