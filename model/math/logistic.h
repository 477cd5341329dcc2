/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file logistic.h
 * One logit as a probability, and what it costs to be wrong. Pure functions; no overflow for any
 * finite y.
 */
#pragma once

#include "model/math/exponential.h"

#include <stdbool.h>

/** sigmoid: 1 / (1 + e^-y); its bits are the same on every CPU. */
static inline double sigmoid(double y)
{
    const double e = exponential(y < 0 ? y : -y);
    return y < 0 ? e / (1 + e) : 1 / (1 + e);
}

/** logistic_loss: -ln of the probability of what is true: sigmoid(y), or 1 - sigmoid(y). */
static inline double logistic_loss(double y, bool truth)
{
    const double z = truth ? -y : y;
    return z > 0 ? z + log1p(exponential(-z)) : log1p(exponential(z));
}
