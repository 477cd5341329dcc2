/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file numbers.h
 * A vector in the number types that clients ask for: fewer bytes, for a little less of its
 * direction. One definition for every API. Pure functions; any thread.
 *
 *     float16, bfloat16, fp8_e4m3, fp8_e5m2   the nearest such number, ties to even
 *     int8     round(x · s), cut to -128 … 127, with s = 127 · max(1, √n / 8)
 *     uint8    int8 + 128
 *     ubinary  bit j = (x_j > 0), eight a byte, the first in the highest bit; zeros behind the last
 *     binary   ubinary - 128, as a signed byte
 *
 * The scale s suits vectors of length 1: it is the same for all of n dimensions, so that their dot
 * products stay comparable, and grows with n as their values shrink: from 64 dimensions on only a
 * value above 8/√n is cut. Values compared by cosine need no scale back; x ≈ int8 / s.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum number_type {
    NUMBER_FLOAT32,
    NUMBER_FLOAT16,
    NUMBER_BFLOAT16,
    NUMBER_FP8_E4M3,
    NUMBER_FP8_E5M2,
    NUMBER_INT8,
    NUMBER_UINT8,
    NUMBER_BINARY,
    NUMBER_UBINARY,
    NUMBER_TYPES,
};

/** Names by enum number_type: float32, float16, ... */
extern const char *const number_type_names[NUMBER_TYPES];

/** number_needs_unit: only vectors of length 1 can be written so. */
static inline bool number_needs_unit(enum number_type type)
{
    return type == NUMBER_INT8 || type == NUMBER_UINT8;
}

/** number_count: how many numbers n values become: n, or a byte for each eight. */
size_t number_count(enum number_type type, size_t n);

/** number_bytes: how many bytes n values take. */
size_t number_bytes(enum number_type type, size_t n);

/** number_write: the n values at `x` (finite) to number_bytes at `out`, little-endian. */
void number_write(enum number_type type, const float *x, size_t n, void *out);

/** number_read: number `i` of what number_write wrote. */
float number_read(enum number_type type, const void *from, size_t i);

/** number_swap: little-endian numbers to big-endian ones, in place. */
void number_swap(enum number_type type, void *at, size_t bytes);
