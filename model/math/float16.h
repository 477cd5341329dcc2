/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file float16.h
 * IEEE 754 half precision as float32. Pure functions.
 */
#pragma once

#include <stdint.h>
#include <string.h>

static inline float float_from_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline uint32_t bits_of_float(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/** float_from_f16: exact; a signalling NaN becomes quiet, as the CPU's own conversion does.
 * Selections instead of branches, so that loops of it become vector code on any CPU. */
static inline float float_from_f16(uint16_t half)
{
    uint32_t magnitude = half & 0x7FFFu;
    uint32_t normal = (magnitude << 13) + ((127 - 15) << 23);
    uint32_t subnormal = bits_of_float((float)(int32_t)magnitude * 0x1p-24f);
    uint32_t bits = magnitude < 0x0400 ? subnormal : normal;
    bits |= magnitude >= 0x7C00 ? 0x7F800000u : 0; /* Inf and NaN */
    bits |= magnitude > 0x7C00 ? 0x00400000u : 0;
    return float_from_bits(bits | (uint32_t)(half & 0x8000u) << 16);
}
