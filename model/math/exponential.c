/* SPDX-License-Identifier: Apache-2.0 */
#include "model/math/exponential.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

/* ln 2 in two parts; the first ends in so many zeros that k times it is exact. */
#define LN2_HIGH 0x1.62e42fee00000p-1
#define LN2_LOW 0x1.a39ef35793c76p-33
#define LOG2_E 0x1.71547652b82fep+0

/* Adding and taking away 1.5 * 2^52 rounds to the nearest whole number. */
#define ROUNDER 0x1.8p52

/* 1 / n! from n = 13 down to 0. */
static const double taylor[] = {1.0 / 6227020800,
                                1.0 / 479001600,
                                1.0 / 39916800,
                                1.0 / 3628800,
                                1.0 / 362880,
                                1.0 / 40320,
                                1.0 / 5040,
                                1.0 / 720,
                                1.0 / 120,
                                1.0 / 24,
                                1.0 / 6,
                                1.0 / 2,
                                1.0,
                                1.0};

/* e^x = 2^k e^r, |r| <= ln(2)/2; e^r by its Taylor series, whose 14th term is below 2e-17. */
double exponential(double x)
{
    if (isnan(x)) return x;
    if (x > 709) return INFINITY;
    if (x < -708) return 0;
    double k = x * LOG2_E + ROUNDER - ROUNDER;
    double r = (x - k * LN2_HIGH) - k * LN2_LOW;
    double sum = taylor[0];
    for (int i = 1; i < 14; i++)
        sum = sum * r + taylor[i];
    uint64_t bits = (uint64_t)(1023 + (int64_t)k) << 52;
    double power;
    memcpy(&power, &bits, sizeof power);
    return sum * power;
}
