/* SPDX-License-Identifier: Apache-2.0 */
/** @file ratio.h  Shares of counts, also of none. Pure functions. */
#pragma once

#include <math.h>
#include <stdint.h>

/** ratio_or_zero: part / whole; 0 of nothing (scikit-learn's zero_division=0). */
static inline double ratio_or_zero(uint64_t part, uint64_t whole)
{
    return whole ? (double)part / (double)whole : 0;
}

/** ratio_or_nan: part / whole; NaN, not known, of nothing. */
static inline double ratio_or_nan(uint64_t part, uint64_t whole)
{
    return whole ? (double)part / (double)whole : NAN;
}
