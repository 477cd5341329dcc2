/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file rows.h
 * Rows of numbers where they lie: what the kernels read. Plain data, immutable while it is read;
 * any thread may read it.
 */
#pragma once

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum dtype {
    DTYPE_F32,
    DTYPE_F16,
    DTYPE_BF16,
    DTYPE_I8,  /* a value is the number times its row's scale */
    DTYPE_F64, /* these are made float32 a row at a time, before a kernel sees them */
    DTYPE_PQ,  /* product-quantised: codes that only their own encoder reads */
};

/** Those that the kernels know: the ones before DTYPE_F64. */
#define DTYPES 4

/** Names as safetensors writes them, by enum dtype: F32, F16, BF16, I8, F64, PQ. */
extern const char *const dtype_names[DTYPES + 2];

/** dtype_bytes: of one number. */
size_t dtype_bytes(enum dtype dtype);

struct rows {
    const void *at;      /* the first; row-major, little-endian, aligned as the file has it */
    size_t stride_bytes; /* from a row to the next */
    uint32_t n;
    enum dtype dtype;
    const char *scales; /* (n) float32, little-endian, at any address; I8 alone */
};

/** rows_at: where row `i` (< n) begins. */
static inline const char *rows_at(const struct rows *rows, uint32_t i)
{
    assert(i < rows->n);
    return (const char *)rows->at + i * rows->stride_bytes;
}

/** rows_scale: what the numbers of row `i` (< n) are multiplied by; of I8 rows. */
static inline float rows_scale(const struct rows *rows, uint32_t i)
{
    float scale;
    memcpy(&scale, rows->scales + i * sizeof scale, sizeof scale);
    return scale;
}
