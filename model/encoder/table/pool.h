/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file pool.h
 * From rows of any table to one vector, whole or in its two halves.
 * Pure functions; the bits of every result depend on the arguments alone, not on the CPU.
 *
 * Ids (n) are below the table's rows, or the unknown id or TOKEN_ID_NONE, which are left out.
 */
#pragma once

#include "model/encoder/pooling.h"
#include "model/encoder/table/table.h"

/** pool_rows: out (dims) = the pooled vector, normalized where that is wanted; zeros where there is
 * no token. False: a value is not finite. */
bool pool_rows(const struct table *table, uint32_t unknown_id, const uint32_t *ids, size_t n,
               const struct pool_options *options, float *out);

/** pool_sum: out (dims) = the sum, weighted sum or maximum (-Inf where there is no token) of the
 * rows; returns how many there are. */
size_t pool_sum(const struct table *table, uint32_t unknown_id, const uint32_t *ids, size_t n,
                const struct pool_options *options, float *out);

/** pool_divisor: what pool_sum's result (dims) is divided by to give the vector: its L2 norm, the
 * number of tokens, their weights, or 1. 0: the vector is zero. */
double pool_divisor(const struct table *table, uint32_t unknown_id, const uint32_t *ids, size_t n,
                    const struct pool_options *options, const float *sum);
