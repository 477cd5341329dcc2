/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file npy.h
 * numpy's .npy files, versions 1.0 to 3.0, of at most two dimensions: little-endian floats of 2, 4
 * and 8 bytes, whole numbers, booleans and texts. A view into borrowed bytes; any thread.
 */
#pragma once

#include "base/json.h"
#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>

#define NPY_RANK_MAX 2

struct npy {
    char kind;                  /* f, i, u, b, U: as in numpy's descr */
    size_t item_bytes;          /* of one, at least 1 */
    bool is_fortran;            /* columns lie together instead of rows */
    size_t rank;                /* 0: a single value */
    size_t shape[NPY_RANK_MAX]; /* 1 beyond the rank */
    const char *data;
};

/**
 * npy_open reads the header and checks that the values fill the rest of the bytes.
 * @return NULL, or what is wrong, as the rest of a sentence
 */
const char *npy_open(struct npy *npy, struct span bytes);

/** npy_number: the number at (row, column) of an array of kind f, of 4 or 8 bytes. */
double npy_number(const struct npy *npy, size_t row, size_t column);

/** npy_label: value `i` of an array of kind i, u, b or U with at most one dimension, as a JSON
 * value (owned by the caller); NULL for a text that is not Unicode, or when memory is out. */
json_t *npy_label(const struct npy *npy, size_t i);
