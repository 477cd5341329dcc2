/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file pooling.h
 * How rows become one vector. Pure functions: any thread may call them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pooling {
    POOLING_MEAN,
    POOLING_WEIGHTED, /* Σ w_i·row_i / Σ w_i with the table's own `weights`; needs them */
    POOLING_SUM,
    POOLING_MAX,
    POOLING_UNIT, /* mean of the rows, each divided by its own L2 norm; zero rows left out */
};

#define POOLINGS 5

/** Names of the poolings on the wire, in config.json and in `inspect`: mean, weighted, sum, max,
 * unit. */
extern const char *const pooling_names[POOLINGS];

/** pooling_from_name: false when `name` is not one of pooling_names. */
bool pooling_from_name(const char *name, size_t bytes, enum pooling *pooling);

/** What a vector is made from: token ids, and the text that they were read from, which some
 * encoders look at themselves (NULL: there are only ids, and such encoders use the text of these
 * tokens). Borrowed. */
struct passage {
    const uint32_t *ids;
    size_t n;
    const char *text;
    size_t bytes;
};

struct pool_options {
    enum pooling pooling;
    bool normalize;
    uint32_t dims; /* 1..dim: the first `dims` columns, before L2 */
};

/** pooling_normalize divides x (dims) by its L2 norm; the zero vector stays what it is. False: a
 * value is not finite. */
bool pooling_normalize(float *x, size_t dims);
