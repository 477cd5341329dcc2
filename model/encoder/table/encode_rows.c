/* SPDX-License-Identifier: Apache-2.0 */
#include "model/encoder/table/encode_rows.h"

#include "model/math/float16.h"

#include <inttypes.h>
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

/* ---- I4 ---- */

#define F16_NAN 0x7E00

/* Comparisons that are false of NaN, which no integer holds. */
static int nearest_i4(float x, float scale)
{
    const float number = scale != 0 ? nearbyintf(x / scale) : 0;
    return number >= 7 ? 7 : number > -8 ? (int)number : -8;
}

static double squared_error(const float *x, float scale)
{
    double sum = 0;
    for (size_t j = 0; j < I4_COLUMNS; j++) {
        const double off = (double)x[j] - (double)(scale * (float)nearest_i4(x[j], scale));
        sum += off * off;
    }
    return sum;
}

/* Eight levels below zero and seven above: the largest value is made negative. */
static uint16_t choose_scale(const float *x)
{
    uint16_t best = F16_NAN;
    double least = INFINITY;
    float largest = 0;
    for (size_t j = 0; j < I4_COLUMNS; j++)
        if (fabsf(x[j]) > fabsf(largest)) largest = x[j];
    if (largest == 0) return 0;
    for (int quarters = 4 * 6; quarters <= 4 * 9; quarters++) {
        const uint16_t half = as_f16(largest / ((float)quarters / -4));
        const double error = squared_error(x, float_from_f16(half));
        if (error < least) least = error, best = half;
    }
    return best;
}

static void encode_i4(unsigned char *out, const float *x, size_t n, uint16_t *scales)
{
    for (; n > 0; out += I4_BYTES, scales++) {
        const size_t columns = n < I4_COLUMNS ? n : I4_COLUMNS;
        float group[I4_COLUMNS] = {0};
        memcpy(group, x, columns * sizeof *x);
        *scales = choose_scale(group);
        const float scale = float_from_f16(*scales);
        for (size_t k = 0; k < I4_BYTES; k++)
            out[k] = (unsigned char)((nearest_i4(group[k], scale) & 15) |
                                     (nearest_i4(group[k + I4_BYTES], scale) & 15) << 4);
        x += columns;
        n -= columns;
    }
}

void encode_row(void *out, const float *x, size_t n, enum dtype dtype, void *scales)
{
    if (dtype == DTYPE_I8) {
        encode_i8(out, x, n, scales);
        return;
    }
    if (dtype == DTYPE_I4) {
        encode_i4(out, x, n, scales);
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

/* safetensors has no numbers of 4 bits: there they are bytes. */
void encode_tensors(enum dtype dtype, uint64_t n, uint32_t columns, const void *rows,
                    const void *scales, struct tensor_given *embeddings,
                    struct tensor_given *scales_given)
{
    const bool is_i4 = dtype == DTYPE_I4;
    const size_t row_bytes = dtype_row_bytes(dtype, columns);
    const size_t scale_bytes = dtype_scale_bytes(dtype, columns);
    *embeddings = (struct tensor_given){.name = "embeddings",
                                        .dtype = is_i4 ? "U8" : dtype_names[dtype],
                                        .rank = 2,
                                        .shape = {n, is_i4 ? row_bytes : columns},
                                        .data = rows,
                                        .bytes = n * row_bytes};
    *scales_given = (struct tensor_given){.name = "scales",
                                          .dtype = is_i4 ? "F16" : "F32",
                                          .rank = is_i4 ? 2 : 1,
                                          .shape = {n, scale_bytes / sizeof(uint16_t)},
                                          .data = scales,
                                          .bytes = n * scale_bytes};
}

void encode_metadata(json_t *metadata, enum dtype dtype, uint32_t columns)
{
    if (dtype != DTYPE_I4) return;
    json_object_set_new(metadata, TABLE_I4_COLUMNS_KEY, json_sprintf("%" PRIu32, columns));
}
