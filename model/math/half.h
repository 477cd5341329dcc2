/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file half.h
 * float32 to the two 16-bit formats: IEEE 754 binary16, and bfloat16, the upper half of a float32.
 * Rounded to the nearest, ties to even. Pure; not for hot paths.
 */
#pragma once

#include <stdint.h>
#include <string.h>

/** Rounds off the low `bits` (≥ 1) of a number. */
static inline uint32_t half_round(uint32_t number, unsigned bits)
{
    uint32_t half = 1u << (bits - 1), rest = number & ((half << 1) - 1);
    uint32_t kept = number >> bits;
    return kept + (rest > half || (rest == half && (kept & 1)));
}

/** bfloat_from_float: what is too large becomes Inf; NaN stays NaN. */
static inline uint16_t bfloat_from_float(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    if ((bits & 0x7FFFFFFF) > 0x7F800000) return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)half_round(bits, 16);
}

/** half_from_float: what is too large becomes Inf; NaN stays NaN. */
static inline uint16_t half_from_float(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    const uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
    const uint32_t magnitude = bits & 0x7FFFFFFF;
    const uint32_t exponent = magnitude >> 23;
    if (magnitude > 0x7F800000) return sign | 0x7E00;
    if (exponent >= 127 + 16) return sign | 0x7C00;
    /* 13 bits fewer; a carry goes into the exponent, and so to Inf, by itself. */
    if (exponent > 127 - 15)
        return (uint16_t)(sign | half_round(magnitude - ((127 - 15) << 23), 13));
    /* Subnormal: the fraction with its leading one, in units of 2^-24. */
    const unsigned shift = 126 - exponent;
    if (shift > 24) return sign;
    return (uint16_t)(sign | half_round((magnitude & 0x7FFFFF) | 0x800000, shift));
}
