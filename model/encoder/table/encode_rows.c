/* SPDX-License-Identifier: Apache-2.0 */
#include "model/encoder/table/encode_rows.h"

#include <math.h>

static uint16_t as_bf16(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    if (isnan(x)) return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7FFFu + (bits >> 16 & 1)) >> 16);
}

static uint16_t as_f16(float x)
{
    uint32_t bits;
    const float size = fabsf(x);
    memcpy(&bits, &x, sizeof bits);
    const uint16_t sign = (uint16_t)(bits >> 16 & 0x8000u);
    if (isnan(x)) return sign | 0x7E00;
    if (size >= 65520) return sign | 0x7C00; /* halfway from the largest to the next: infinity */
    /* Below 2^-14 numbers are multiples of 2^-24. */
    if (size < 0x1p-14f) return sign | (uint16_t)nearbyintf(size * 0x1p24f);
    bits &= 0x7FFFFFFFu;
    bits += 0x0FFFu + (bits >> 13 & 1);
    return sign | (uint16_t)((bits - ((127 - 15) << 23)) >> 13);
}

static void encode_i8(signed char *out, const float *x, size_t n, float *scale)
{
    float largest = 0;
    for (size_t j = 0; j < n; j++)
        if (fabsf(x[j]) > largest) largest = fabsf(x[j]);
    *scale = largest / 127;
    for (size_t j = 0; j < n; j++) {
        const float value = *scale > 0 ? nearbyintf(x[j] / *scale) : 0;
        out[j] = (signed char)(value > 127 ? 127 : value < -127 ? -127 : value);
    }
}

void encode_row(void *out, const float *x, size_t n, enum dtype dtype, float *scale)
{
    if (dtype == DTYPE_I8) {
        encode_i8(out, x, n, scale);
        return;
    }
    if (dtype == DTYPE_F32) {
        memcpy(out, x, n * sizeof *x);
        return;
    }
    uint16_t *halves = out;
    for (size_t j = 0; j < n; j++)
        halves[j] = dtype == DTYPE_F16 ? as_f16(x[j]) : as_bf16(x[j]);
}
