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
    DTYPE_I4,  /* a value is the number times its group's scale */
    DTYPE_F64, /* these are made float32 a row at a time, before a kernel sees them */
    DTYPE_PQ,  /* product-quantised: codes that only their own encoder reads */
};

/** Those that the kernels know: the ones before DTYPE_F64. */
#define DTYPES 5

/** Names as safetensors writes them, by enum dtype: F32, F16, BF16, I8, I4, F64, PQ. */
extern const char *const dtype_names[DTYPES + 2];

/**
 * I4: 4 bits a number, two's complement, in groups of I4_COLUMNS columns, each with a scale in
 * float16. Byte k of a group's I4_BYTES holds column k in its lower half and column k + I4_BYTES in
 * its upper half. The last group of a row is as long as the others: numbers of columns that the
 * row does not have are written as 0, and not looked at.
 */
#define I4_COLUMNS 32
#define I4_BYTES 16

/** dtype_row_bytes: of the numbers of a row of so many columns. */
size_t dtype_row_bytes(enum dtype dtype, size_t columns);

/** dtype_scale_bytes: of the scales of a row of so many columns; 0 where there are none. */
size_t dtype_scale_bytes(enum dtype dtype, size_t columns);

struct rows {
    const void *at;      /* the first; row-major, little-endian, aligned as the file has it */
    size_t stride_bytes; /* from a row to the next; of I4 rows dtype_row_bytes */
    uint32_t n;
    enum dtype dtype;
    const char *scales; /* I8: (n) float32; I4: (n, groups) float16; little-endian, any address */
};

/** rows_at: where row `i` (< n) begins. */
static inline const char *rows_at(const struct rows *rows, uint32_t i)
{
    assert(i < rows->n);
    return (const char *)rows->at + i * rows->stride_bytes;
}

/** rows_scales: where the scales of row `i` (< n) begin; of I8 and I4 rows. */
static inline const char *rows_scales(const struct rows *rows, uint32_t i)
{
    /* Of I4, 2 for each I4_BYTES of numbers. */
    return rows->scales + i * (rows->dtype == DTYPE_I4 ? rows->stride_bytes / 8 : sizeof(float));
}

/** rows_from: the same rows from `column` on; of I4 rows, where a group begins. */
static inline struct rows rows_from(const struct rows *rows, size_t column)
{
    struct rows from = *rows;
    assert(rows->dtype != DTYPE_I4 || column % I4_COLUMNS == 0);
    from.at = (const char *)rows->at + dtype_row_bytes(rows->dtype, column);
    if (rows->dtype == DTYPE_I4) from.scales += dtype_scale_bytes(DTYPE_I4, column);
    return from;
}

/** rows_one: row `i` (< n) alone. */
static inline struct rows rows_one(const struct rows *rows, uint32_t i)
{
    struct rows one = *rows;
    one.at = rows_at(rows, i);
    one.n = 1;
    if (rows->scales) one.scales = rows_scales(rows, i);
    return one;
}

/** rows_scale: what the numbers of row `i` (< n) are multiplied by; of I8 rows. */
static inline float rows_scale(const struct rows *rows, uint32_t i)
{
    float scale;
    memcpy(&scale, rows->scales + i * sizeof scale, sizeof scale);
    return scale;
}
