/* SPDX-License-Identifier: Apache-2.0 */
#include "model/head/paired.h"

#include <math.h>

static double total(const struct paired *paired)
{
    return (double)paired->both_right + (double)paired->a_alone + (double)paired->b_alone +
           (double)paired->both_wrong;
}

double paired_difference(const struct paired *paired)
{
    const double n = total(paired);
    return n > 0 ? ((double)paired->b_alone - (double)paired->a_alone) / n : NAN;
}

/* How A and B go together (phi), brought nearer to 0 where it is above. */
static double correlation(const struct paired *paired)
{
    const double e = (double)paired->both_right, f = (double)paired->b_alone;
    const double g = (double)paired->a_alone, h = (double)paired->both_wrong;
    const double scale = sqrt(e + f) * sqrt(g + h) * sqrt(e + g) * sqrt(f + h);
    double both = e * h - f * g;
    if (both > 0) both = fmax(both - total(paired) / 2, 0);
    return scale > 0 ? both / scale : 0;
}

/* How far the difference reaches, where it has come so far in the one and in the other. */
static double reach(double one, double other, double phi)
{
    return sqrt(fmax(one * one - 2 * phi * one * other + other * other, 0));
}

struct interval paired_interval(const struct paired *paired)
{
    const uint64_t n = paired->both_right + paired->a_alone + paired->b_alone + paired->both_wrong;
    if (n == 0) return (struct interval){NAN, NAN};
    const uint64_t right_a = paired->both_right + paired->a_alone;
    const uint64_t right_b = paired->both_right + paired->b_alone;
    const double p_a = (double)right_a / (double)n, p_b = (double)right_b / (double)n;
    const struct interval a = interval_of(right_a, n), b = interval_of(right_b, n);
    const double phi = correlation(paired), difference = paired_difference(paired);
    return (struct interval){difference - reach(p_b - b.low, a.high - p_a, phi),
                             difference + reach(b.high - p_b, p_a - a.low, phi)};
}

double paired_mcnemar(const struct paired *paired)
{
    const uint64_t n = paired->a_alone + paired->b_alone;
    const uint64_t few = paired->a_alone < paired->b_alone ? paired->a_alone : paired->b_alone;
    if (2 * few == n) return 1;
    /* ln of C(n, few) / 2^n, the likeliest of the terms up to `few`. */
    double log_term = -(double)n * log(2);
    for (uint64_t i = 1; i <= few; i++)
        log_term += log((double)(n - few + i) / (double)i);
    double sum = 1, term = 1;
    for (uint64_t k = few; k > 0 && term > 1e-18; k--) {
        term *= (double)k / (double)(n - k + 1);
        sum += term;
    }
    return fmin(2 * sum * exp(log_term), 1);
}
