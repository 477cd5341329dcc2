/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file pca.h
 * Principal components: the directions in which rows are longest. Rows are not centred: rotating
 * them leaves every cosine as it is, and what is cut off is the smallest part. (Centred, each
 * text's vector would lose the same vector, which changes cosines: by 0.4 on average in the
 * built-in model.) A component's largest value is positive. One thread.
 */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The most columns that components are computed for; time grows with their cube (1,024: a minute).
 */
#define PCA_COLUMNS_MAX 2048

struct pca {
    uint32_t columns, n;
    double *components; /* (n, columns) */
};

/** Sums over rows, from which components are made. */
struct pca_sums {
    uint32_t columns;
    double *products; /* (columns, columns), its lower triangle: Σ x_i·x_j */
};

/** pca_start makes empty sums; false with ERR_MEMORY, or ERR_USAGE with too many columns. */
bool pca_start(struct pca_sums *sums, uint32_t columns, struct err *err);
void pca_add(struct pca_sums *sums, const float *row);
void pca_sums_clear(struct pca_sums *sums);

/** pca_finish makes the n (≤ columns) first components; `sums` are used up. False with ERR_MEMORY.
 */
bool pca_finish(struct pca_sums *sums, uint32_t n, struct pca *pca, struct err *err);
void pca_clear(struct pca *pca);

/** pca_project: out (n) = components · row; `wide` (columns) is scratch. */
void pca_project(const struct pca *pca, const float *row, float *out, double *wide);
