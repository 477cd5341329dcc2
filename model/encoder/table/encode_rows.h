/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file encode_rows.h
 * Floats as a table stores them: the other way round from the kernels' row. Pure functions; round
 * to nearest, ties to even; I8: the largest becomes ±127. Halves: what is too large becomes Inf,
 * NaN stays NaN. I4: the scale of a group is one of 13, by which its value of largest size becomes
 * -6, -6.25, … -9: the one with the least sum of squared errors, the first of equal ones. So it may
 * be negative, and numbers are cut to -8 … 7. Where none of them is finite, or a value is NaN or
 * Inf, the scale is NaN.
 */
#pragma once

#include "model/encoder/table/table.h"
#include "model/files/tensors_pack.h"

/**
 * encode_row writes x (n) as `dtype`, dtype_row_bytes.
 * @param scales what the numbers of I8 and I4 are multiplied by, dtype_scale_bytes, at an address
 *               for such numbers; not written for the others
 */
void encode_row(void *out, const float *x, size_t n, enum dtype dtype, void *scales);

/** encode_tensors: how n encoded rows of so many columns, and their scales, stand in a safetensors
 * file; that of the scales is empty where there are none. Borrows both, which may be NULL. */
void encode_tensors(enum dtype dtype, uint64_t n, uint32_t columns, const void *rows,
                    const void *scales, struct tensor_given *embeddings,
                    struct tensor_given *scales_given);

/** encode_metadata adds to a file's metadata what must be known to read such rows. */
void encode_metadata(json_t *metadata, enum dtype dtype, uint32_t columns);
