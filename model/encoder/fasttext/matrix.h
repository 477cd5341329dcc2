/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file matrix.h
 * A matrix of a fastText file, read where it lies: float32s, or product-quantised. Sums run in
 * float32, column by column, as fastText adds them. Immutable; any thread may read it.
 */
#pragma once

#include "model/encoder/fasttext/reader.h"

#include <stdbool.h>
#include <stdint.h>

struct ft_matrix {
    uint32_t rows, cols;
    bool is_quantized;
    const char *data; /* (rows, cols) float32; quantised: (rows, parts) codes, a byte each */

    /* Quantised: columns in `parts` parts of `part_cols`, the last one of `last_cols`; each part
       has 256 centroids, one after the other, which the codes choose from. */
    uint32_t parts, part_cols, last_cols;
    const char *centroids;      /* (cols × 256) float32 */
    const char *norm_codes;     /* (rows) a byte each, or NULL: rows are not scaled */
    const char *norm_centroids; /* (256) float32 */
};

/**
 * ft_matrix_open reads the matrix that comes next; `what` it is stands in messages. It must have
 * `cols` columns; rows are for the caller to check.
 * @return false with err set
 */
bool ft_matrix_open(struct ft_matrix *matrix, struct ft_reader *reader, bool is_quantized,
                    const char *what, uint32_t cols);

/** ft_matrix_add: sum (cols) += row `row`. */
void ft_matrix_add(const struct ft_matrix *matrix, uint32_t row, float *sum);

/** ft_matrix_row: out (cols) = row `row`. */
void ft_matrix_row(const struct ft_matrix *matrix, uint32_t row, float *out);

/** ft_matrix_dot: the products of x (cols) with row `row`, summed from the first to the last. */
float ft_matrix_dot(const struct ft_matrix *matrix, uint32_t row, const float *x);

/** ft_matrix_dots: out[i] (rows) = ft_matrix_dot of row i, to the bit. */
void ft_matrix_dots(const struct ft_matrix *matrix, const float *x, float *out);
