/* SPDX-License-Identifier: Apache-2.0 */
#include "model/encoder/pooling.h"

#include "model/math/kernels.h"

#include <float.h>
#include <math.h>
#include <string.h>

const char *const pooling_names[POOLINGS] = {"mean", "weighted", "sum", "max", "unit"};

bool pooling_from_name(const char *name, size_t bytes, enum pooling *pooling)
{
    for (int i = POOLING_MEAN; i < POOLINGS; i++) {
        if (strlen(pooling_names[i]) != bytes || memcmp(name, pooling_names[i], bytes) != 0)
            continue;
        *pooling = (enum pooling)i;
        return true;
    }
    return false;
}

/* The sum of squares leaves float's range for very long or short vectors: made of middling length
   first, they have a norm. The zero vector stays what it is. */
static bool bring_into_range(const struct kernels *kernels, float *x, size_t dims)
{
    if (!kernels->is_finite(x, dims)) return false;
    float largest = 0;
    for (size_t j = 0; j < dims; j++)
        if (fabsf(x[j]) > largest) largest = fabsf(x[j]);
    if (largest > 0) kernels->divide(x, dims, largest);
    return true;
}

bool pooling_normalize(float *x, size_t dims)
{
    const struct kernels *kernels = kernels_get();
    float squares = kernels->sum_squares(x, dims);
    if (!(squares > 1e-30f && squares <= FLT_MAX)) {
        if (!bring_into_range(kernels, x, dims)) return false;
        squares = kernels->sum_squares(x, dims);
        if (squares == 0) return true;
    }
    kernels->divide(x, dims, sqrtf(squares));
    return true;
}
