/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file kernels.h
 * The loops over floats, one set of pointers per instruction set, chosen once at run time.
 *
 * Every set gives the same bits. What makes it so: sums over tokens go token by token in order,
 * each dimension by itself; the sum of squares runs in 16 partial sums (dimension j into sum j mod
 * 16) that are added in one fixed tree; multiply and add stay two roundings (-ffp-contract=off);
 * an I8 row is scaled before anything else, one rounding a value, an I4 row without any; division
 * and square root are correctly rounded by IEEE 754. The scalar set is the reference. Pure
 * functions; the chosen set is fixed after the first call of kernels_get.
 */
#pragma once

#include "model/math/rows.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kernels {
    const char *name; /* as cpu_level_names has it */

    /** row: out (dims) = the first `dims` columns of row `id`, as float32. */
    void (*row[DTYPES])(float *out, const struct rows *rows, uint32_t id,
                        size_t dims); /* by enum dtype */

    /**
     * sum: out (dims) += the n rows of ids, one after the other; the caller starts from zeros. So a
     * sequence may come in pieces without a change of a bit. Ids (n) are all < rows->n.
     */
    void (*sum[DTYPES])(float *out, const struct rows *rows, const uint32_t *ids, size_t n,
                        size_t dims);

    /** weighted_sum: out (dims) += weights[id]·row, a rounding for the product, one for the sum. */
    void (*weighted_sum[DTYPES])(float *out, const struct rows *rows, const float *weights,
                                 const uint32_t *ids, size_t n, size_t dims);

    /**
     * linear: y (columns) += xᵢ·rowᵢ of a matrix (n, columns), row by row in order: a rounding for
     * the product, one for the sum. The bits are those of weighted_sum.
     */
    void (*linear)(float *y, const float *matrix, const float *x, size_t n, size_t columns);

    /**
     * max: out (dims) = the larger of itself and each row's value; the caller starts from -Inf. -0
     * counts as below +0, and a NaN makes a NaN that stays.
     */
    void (*max[DTYPES])(float *out, const struct rows *rows, const uint32_t *ids, size_t n,
                        size_t dims);

    /** sum_squares: Σ x_j², in the fixed tree above. */
    float (*sum_squares)(const float *x, size_t n);

    /** divide: x_j = x_j / by. */
    void (*divide)(float *x, size_t n, float by);

    /** is_finite: no NaN and no Inf among x. */
    bool (*is_finite)(const float *x, size_t n);

    /** exponentials: out_j = e^((x_j - from) / by), by exponential.h in double, then rounded. */
    void (*exponentials)(float *out, const float *x, float from, float by, size_t n);

    /** add_scaled: y_j = y_j + factor·x_j, a rounding for the product, one for the sum. */
    void (*add_scaled)(float *y, const float *x, float factor, size_t n);

    /**
     * learn: a step of Adagrad (Duchi et al., 2011) along the gradient g = factor·gradient:
     * squares_j = squares_j + g_j², x_j = x_j - rate·g_j / √squares_j, each operation rounded.
     */
    void (*learn)(float *x, float *squares, const float *gradient, float factor, float rate,
                  size_t n);
};

/**
 * kernels_get returns the set of cpu_level() (base/cpu.h): the best this CPU has, or the one that
 * EMBEDD_CPU names. Any thread.
 */
const struct kernels *kernels_get(void);

/** kernels_all fills `sets` (room for 4) with every set this CPU can run, scalar first; returns how
 * many. */
size_t kernels_all(const struct kernels *sets[4]);
