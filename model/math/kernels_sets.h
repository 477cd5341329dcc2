/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file kernels_sets.h
 * The sets of kernels, for kernels.c and for each other; everyone else asks kernels_get. Constants.
 */
#pragma once

#include "model/math/exponential.h"
#include "model/math/kernels.h"

#include <math.h>

/** Plain C for any CPU: the reference, and what the others fall back on for very short rows. */
extern const struct kernels kernels_scalar;

#ifdef __x86_64__
extern const struct kernels kernels_avx2;   /* needs AVX2, F16C and FMA */
extern const struct kernels kernels_avx512; /* needs AVX-512 F, BW, DQ and VL */
#endif

/** The partial sums of sum_squares; lane j holds dimensions j mod 16. */
#define KERNELS_LANES 16

/** What becomes of a row that is gathered. */
enum op { OP_SUM, OP_WEIGHTED, OP_MAX };

/** DEFINE_I4_KERNELS: those of I4 rows that gather, by the gather_i4 of a set. */
#define DEFINE_I4_KERNELS                                                                          \
    static void sum_i4(float *out, const struct rows *rows, const uint32_t *ids, size_t n,         \
                       size_t dims)                                                                \
    {                                                                                              \
        gather_i4(out, rows, NULL, ids, n, dims, OP_SUM);                                          \
    }                                                                                              \
    static void weighted_sum_i4(float *out, const struct rows *rows, const float *weights,         \
                                const uint32_t *ids, size_t n, size_t dims)                        \
    {                                                                                              \
        gather_i4(out, rows, weights, ids, n, dims, OP_WEIGHTED);                                  \
    }                                                                                              \
    static void max_i4(float *out, const struct rows *rows, const uint32_t *ids, size_t n,         \
                       size_t dims)                                                                \
    {                                                                                              \
        gather_i4(out, rows, NULL, ids, n, dims, OP_MAX);                                          \
    }

/* Plain loops, for the compiler to turn into each instruction set. */

static inline void kernels_exponentials(float *restrict out, const float *restrict x, float from,
                                        float by, size_t n)
{
    for (size_t j = 0; j < n; j++)
        out[j] = (float)exponential(((double)x[j] - (double)from) / (double)by);
}

static inline void kernels_add_scaled(float *restrict y, const float *restrict x, float factor,
                                      size_t n)
{
    for (size_t j = 0; j < n; j++)
        y[j] += factor * x[j];
}

static inline void kernels_learn(float *restrict x, float *restrict squares,
                                 const float *restrict gradient, float factor, float rate, size_t n)
{
    for (size_t j = 0; j < n; j++) {
        const float g = factor * gradient[j];
        squares[j] += g * g;
        x[j] -= rate * g / sqrtf(squares[j]);
    }
}

/** halves_read: one or two float16 numbers, the first in the lower bits. */
static inline int halves_read(const char *from, size_t n)
{
    uint16_t one;
    int two;
    assert(n == 1 || n == 2);
    memcpy(&one, from, sizeof one);
    if (n == 1) return one;
    memcpy(&two, from, sizeof two);
    return two;
}

/** kernels_add_lanes: the fixed tree that ends sum_squares: 16 to 8 to 4 to 2 to 1. */
static inline float kernels_add_lanes(float lanes[KERNELS_LANES])
{
    for (size_t width = KERNELS_LANES / 2; width > 0; width /= 2)
        for (size_t i = 0; i < width; i++)
            lanes[i] += lanes[i + width];
    return lanes[0];
}
