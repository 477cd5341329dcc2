/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file exponential.h
 * e^x by additions and multiplications alone, so that its bits are the same on every CPU (libm's
 * depend on whether the CPU has fused multiply-add). Without branches, and in the header, so that a
 * loop over it becomes vector code. Pure; any thread.
 */
#pragma once

#include <math.h>
#include <stdint.h>
#include <string.h>

/**
 * exponential returns e^x; relative error below 4e-16.
 * @return 0 below -708, Inf above 709 (no denormals), NaN for NaN
 */
static inline double exponential(double x)
{
    /* ln 2 in two parts; the first ends in so many zeros that k times it is exact. */
    const double ln2_high = 0x1.62e42fee00000p-1, ln2_low = 0x1.a39ef35793c76p-33;
    const double log2_e = 0x1.71547652b82fep+0;
    /* Adding 1.5 * 2^52 rounds to the nearest whole number, and leaves it in the lowest bits. */
    const double rounder = 0x1.8p52;
    /* 1 / n! from n = 12 down to 0. */
    const double taylor[] = {1.0 / 479001600,
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
    const double shifted = x * log2_e + rounder, k = shifted - rounder;
    const double r = (x - k * ln2_high) - k * ln2_low;
    double sum = 1.0 / 6227020800, power;
    uint64_t bits;
#pragma GCC unroll 13
    for (int i = 0; i < 13; i++)
        sum = sum * r + taylor[i];
    memcpy(&bits, &shifted, sizeof bits);
    bits = (bits + 1023) << 52;
    memcpy(&power, &bits, sizeof power);
    const double e = sum * power;
    return x < -708 ? 0 : x > 709 ? (double)INFINITY : x != x ? x : e;
}
