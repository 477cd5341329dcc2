/* SPDX-License-Identifier: Apache-2.0 */
#include "model/math/numbers.h"

#include <math.h>
#include <string.h>

const char *const number_type_names[NUMBER_TYPES] = {
    [NUMBER_FLOAT32] = "float32",   [NUMBER_FLOAT16] = "float16",   [NUMBER_BFLOAT16] = "bfloat16",
    [NUMBER_FP8_E4M3] = "fp8_e4m3", [NUMBER_FP8_E5M2] = "fp8_e5m2", [NUMBER_INT8] = "int8",
    [NUMBER_UINT8] = "uint8",       [NUMBER_BINARY] = "binary",     [NUMBER_UBINARY] = "ubinary",
};

/* A floating-point type smaller than float32. */
struct small_float {
    int mantissa_bits;
    int exponent_min; /* of normal numbers */
    uint32_t largest; /* what is beyond: infinity, or the largest number of a type without one */
    uint32_t sign;    /* the bit */
    size_t bytes;
};

/* float16: IEEE 754. bfloat16: the upper half of a float32. The eight bits: OCP 8-bit Floating
   Point Specification, 1.0. */
static const struct small_float small_floats[] = {
    [NUMBER_FLOAT16] = {10, -14, 0x7C00, 0x8000, 2},
    [NUMBER_BFLOAT16] = {7, -126, 0x7F80, 0x8000, 2},
    [NUMBER_FP8_E4M3] = {3, -6, 0x7E, 0x80, 1},
    [NUMBER_FP8_E5M2] = {2, -14, 0x7C, 0x80, 1},
};

static bool is_small_float(enum number_type type)
{
    return type >= NUMBER_FLOAT16 && type <= NUMBER_FP8_E5M2;
}

/* To the nearest, ties to even. A subnormal that is rounded up to a normal number becomes one by
   itself, as a mantissa that overflows becomes the next exponent. */
static uint32_t small_from_float(const struct small_float *type, float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    const uint32_t sign = bits >> 31 ? type->sign : 0;
    int exponent = (int)(bits >> 23 & 255) - 127;
    uint32_t value = bits & 0x7FFFFF;
    if (exponent == -127) {
        exponent = -126;
    } else {
        value |= 1u << 23;
    }
    const int below = exponent < type->exponent_min ? type->exponent_min - exponent : 0;
    const int shift = 23 - type->mantissa_bits + below;
    if (shift > 25) return sign;
    const uint32_t rounded = (value + (1u << (shift - 1)) - 1 + (value >> shift & 1)) >> shift;
    /* `rounded` has the leading one, which counts as an exponent more. */
    const int steps = below ? 0 : exponent - type->exponent_min;
    const uint32_t code = ((uint32_t)steps << type->mantissa_bits) + rounded;
    return sign | (code > type->largest ? type->largest : code);
}

static float small_to_float(const struct small_float *type, uint32_t code)
{
    const uint32_t magnitude = code & (type->sign - 1);
    const uint32_t steps = magnitude >> type->mantissa_bits;
    uint32_t mantissa = magnitude & ((1u << type->mantissa_bits) - 1);
    if (steps > 0) mantissa |= 1u << type->mantissa_bits;
    const float value = ldexpf((float)mantissa, type->exponent_min - type->mantissa_bits +
                                                    (steps > 0 ? (int)steps - 1 : 0));
    return code & type->sign ? -value : value;
}

size_t number_count(enum number_type type, size_t n)
{
    return type == NUMBER_BINARY || type == NUMBER_UBINARY ? (n + 7) / 8 : n;
}

size_t number_bytes(enum number_type type, size_t n)
{
    if (type == NUMBER_FLOAT32) return n * sizeof(float);
    return number_count(type, n) * (is_small_float(type) ? small_floats[type].bytes : 1);
}

static void write_small(enum number_type type, const float *x, size_t n, unsigned char *out)
{
    const struct small_float *small = &small_floats[type];
    for (size_t i = 0; i < n; i++) {
        const uint32_t code = small_from_float(small, x[i]);
        *out++ = (unsigned char)code;
        if (small->bytes == 2) *out++ = (unsigned char)(code >> 8);
    }
}

static void write_int8(const float *x, size_t n, unsigned char flip, unsigned char *out)
{
    const float wide = sqrtf((float)n) / 8, scale = 127 * (wide > 1 ? wide : 1);
    for (size_t i = 0; i < n; i++) {
        const float scaled = x[i] * scale;
        const float kept = scaled < -128 ? -128 : scaled > 127 ? 127 : scaled;
        out[i] = (unsigned char)((unsigned char)(int)rintf(kept) ^ flip);
    }
}

static void write_bits(const float *x, size_t n, unsigned char flip, unsigned char *out)
{
    for (size_t i = 0; i < n; i += 8) {
        unsigned byte = 0;
        for (size_t j = 0; j < 8 && i + j < n; j++)
            byte |= (unsigned)(x[i + j] > 0) << (7 - j);
        *out++ = (unsigned char)(byte ^ flip);
    }
}

void number_write(enum number_type type, const float *x, size_t n, void *out)
{
    switch (type) {
    case NUMBER_FLOAT32:
        memcpy(out, x, n * sizeof *x);
        return;
    case NUMBER_FLOAT16:
    case NUMBER_BFLOAT16:
    case NUMBER_FP8_E4M3:
    case NUMBER_FP8_E5M2:
        write_small(type, x, n, out);
        return;
    /* 128 less or more, in eight bits: the highest is the other one. */
    case NUMBER_INT8:
    case NUMBER_UINT8:
        write_int8(x, n, type == NUMBER_UINT8 ? 0x80 : 0, out);
        return;
    case NUMBER_BINARY:
    case NUMBER_UBINARY:
        write_bits(x, n, type == NUMBER_BINARY ? 0x80 : 0, out);
        return;
    case NUMBER_TYPES:
        return;
    }
}

float number_read(enum number_type type, const void *from, size_t i)
{
    const unsigned char *at = from;
    float value;
    if (type == NUMBER_FLOAT32) {
        memcpy(&value, at + i * sizeof value, sizeof value);
        return value;
    }
    if (is_small_float(type)) {
        const struct small_float *small = &small_floats[type];
        const uint32_t code =
            small->bytes == 2 ? at[2 * i] | (uint32_t)at[2 * i + 1] << 8 : (uint32_t)at[i];
        return small_to_float(small, code);
    }
    const bool is_signed = type == NUMBER_INT8 || type == NUMBER_BINARY;
    return is_signed ? (float)(signed char)at[i] : (float)at[i];
}

void number_swap(enum number_type type, void *at, size_t bytes)
{
    unsigned char *byte = at;
    const size_t size = type == NUMBER_FLOAT32 ? sizeof(float)
                        : is_small_float(type) ? small_floats[type].bytes
                                               : 1;
    for (size_t i = 0; i < bytes; i += size)
        for (size_t j = 0; j < size / 2; j++) {
            const unsigned char kept = byte[i + j];
            byte[i + j] = byte[i + size - 1 - j];
            byte[i + size - 1 - j] = kept;
        }
}
