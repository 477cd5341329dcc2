/* SPDX-License-Identifier: Apache-2.0 */
/* The sums of products are symmetric: where their rows are turned in pairs until all are orthogonal
   (one-sided Jacobi: M. Hestenes, 1958), each is an eigenvector, and its length the eigenvalue. */
#include "model/math/pca.h"

#include <math.h>
#include <stdlib.h>

#define SWEEPS_MAX 40
#define TOLERANCE 1e-13

bool pca_start(struct pca_sums *sums, uint32_t columns, struct err *err)
{
    *sums = (struct pca_sums){.columns = columns};
    if (columns > PCA_COLUMNS_MAX)
        return err_set(err, ERR_USAGE, "pca",
                       "`pca`: the table has %u columns, and principal components are worked out "
                       "for up to %u; leave `pca` out, which takes the first columns",
                       columns, PCA_COLUMNS_MAX);
    sums->products = calloc((size_t)columns * columns, sizeof *sums->products);
    return sums->products || err_set(err, ERR_MEMORY, "pca", "`pca`: no memory for %u x %u numbers",
                                     columns, columns);
}

void pca_add(struct pca_sums *sums, const float *row)
{
    const size_t d = sums->columns;
    for (size_t i = 0; i < d; i++) {
        double x = row[i], *to = sums->products + i * d;
        for (size_t j = 0; j <= i; j++)
            to[j] += x * row[j];
    }
}

void pca_sums_clear(struct pca_sums *sums)
{
    free(sums->products);
    *sums = (struct pca_sums){0};
}

void pca_clear(struct pca *pca)
{
    free(pca->components);
    *pca = (struct pca){0};
}

/* ---- rows made orthogonal ---- */

static double dot(const double *x, const double *y, size_t n)
{
    double sums[4] = {0};
    size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        for (size_t k = 0; k < 4; k++)
            sums[k] += x[i + k] * y[i + k];
    }
    for (; i < n; i++)
        sums[0] += x[i] * y[i];
    return sums[0] + sums[1] + (sums[2] + sums[3]);
}

/* Turns two rows in their plane until they are orthogonal; false where they are. */
static bool rotate(double *x, double *y, size_t n)
{
    double xx = dot(x, x, n), yy = dot(y, y, n), xy = dot(x, y, n);
    if (fabs(xy) <= TOLERANCE * sqrt(xx) * sqrt(yy)) return false;
    double zeta = (yy - xx) / (2 * xy);
    double tangent = (zeta > 0 ? 1 : -1) / (fabs(zeta) + sqrt(1 + zeta * zeta));
    double cosine = 1 / sqrt(1 + tangent * tangent), sine = cosine * tangent;
    for (size_t i = 0; i < n; i++) {
        double a = x[i], b = y[i];
        x[i] = cosine * a - sine * b;
        y[i] = sine * a + cosine * b;
    }
    return true;
}

static void make_orthogonal(double *rows, size_t n)
{
    bool is_turned = true;
    for (int sweep = 0; sweep < SWEEPS_MAX && is_turned; sweep++) {
        is_turned = false;
        for (size_t i = 0; i + 1 < n; i++) {
            for (size_t j = i + 1; j < n; j++)
                is_turned |= rotate(rows + i * n, rows + j * n, n);
        }
    }
}

/* ---- components ---- */

static void fill_both_triangles(struct pca_sums *sums)
{
    const size_t d = sums->columns;
    for (size_t i = 0; i < d; i++) {
        for (size_t j = 0; j < i; j++)
            sums->products[j * d + i] = sums->products[i * d + j];
    }
}

struct ordered {
    double length;
    uint32_t row;
};

static int compare_lengths(const void *a, const void *b)
{
    const struct ordered *x = a, *y = b;
    if (x->length != y->length) return x->length > y->length ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

/* Of length 1, its largest value positive. A direction in which nothing differs is left out. */
static void put_component(double *out, const double *row, double length, size_t n)
{
    double largest = 0;
    for (size_t j = 0; j < n; j++)
        largest = fabs(row[j]) > fabs(largest) ? row[j] : largest;
    double by = largest < 0 ? -length : length;
    for (size_t j = 0; j < n; j++)
        out[j] = length > 0 ? row[j] / by : 0;
}

bool pca_finish(struct pca_sums *sums, uint32_t n, struct pca *pca, struct err *err)
{
    const size_t d = sums->columns;
    *pca = (struct pca){.columns = sums->columns, .n = n};
    struct ordered *order = malloc(d * sizeof *order);
    pca->components = malloc(n * d * sizeof *pca->components);
    if (!order || !pca->components) {
        free(order);
        return err_set(err, ERR_MEMORY, "pca", "`pca`: no memory for %u components", n);
    }
    fill_both_triangles(sums);
    make_orthogonal(sums->products, d);
    for (size_t i = 0; i < d; i++) {
        const double *row = sums->products + i * d;
        order[i] = (struct ordered){sqrt(dot(row, row, d)), (uint32_t)i};
    }
    qsort(order, d, sizeof *order, compare_lengths);
    for (size_t i = 0; i < n; i++)
        put_component(pca->components + i * d, sums->products + order[i].row * d, order[i].length,
                      d);
    free(order);
    return true;
}

void pca_project(const struct pca *pca, const float *row, float *out, double *wide)
{
    for (size_t j = 0; j < pca->columns; j++)
        wide[j] = row[j];
    for (size_t i = 0; i < pca->n; i++)
        out[i] = (float)dot(pca->components + i * pca->columns, wide, pca->columns);
}
