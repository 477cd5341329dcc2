/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file encode_rows.h
 * Floats as a table stores them: the other way round from the kernels' row. Pure functions; round
 * to nearest, ties to even; I8: the largest becomes ±127. Halves: what is too large becomes Inf,
 * NaN stays NaN.
 */
#pragma once

#include "model/encoder/table/table.h"

/**
 * encode_row writes x (n) as `dtype`.
 * @param scale set for I8 to the factor of the numbers; otherwise not written
 */
void encode_row(void *out, const float *x, size_t n, enum dtype dtype, float *scale);
