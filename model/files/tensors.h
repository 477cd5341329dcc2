/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file tensors.h
 * The tensors of a safetensors file: a view into its read-only bytes, whatever they are for.
 *
 * The layout, as the format's README gives it: 8 bytes N, little-endian; N bytes of JSON, an object
 * {"name": {"dtype", "shape", "data_offsets": [begin, end]}, ...} with an optional "__metadata__"
 * of strings; then the data, which the tensors must fill exactly. One thread at a time.
 */
#pragma once

#include "base/err.h"
#include "base/json.h"
#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tensor {
    const char *name;
    const char *dtype; /* as the format writes it: F32, F16, I8, ... */
    unsigned item_bits;
    uint64_t shape[2]; /* of its first two dimensions */
    size_t rank;
    uint64_t begin, end; /* in the data */
    const char *data;    /* its bytes, at any address */
};

struct tensors {
    const char *where; /* name of the file, for messages; borrowed */
    struct err *err;   /* where errors go: the caller's */
    struct tensor *items;
    size_t n;
    const char *data; /* what follows the header */
    uint64_t data_bytes;
    json_t *header; /* owner of the names */
};

/**
 * tensors_open reads the header of `bytes` and validates all of it before any byte of a tensor is
 * used: length, JSON, each tensor's shape × dtype = its byte range, ranges inside the file, without
 * overlap or hole.
 * @param bytes, where  borrowed while `tensors` lives
 * @param err           kept: readers on top report there too
 * @return false with ERR_FORMAT or ERR_MEMORY; `tensors` is then empty
 */
bool tensors_open(struct tensors *tensors, struct span bytes, const char *where, struct err *err);

/** tensors_close frees what was read of the header; an empty or zeroed one is fine. */
void tensors_close(struct tensors *tensors);

/** tensors_find: the tensor of that name, or NULL. */
const struct tensor *tensors_find(const struct tensors *tensors, const char *name);

/** tensors_metadata: the string `key` of __metadata__, or NULL; lives as long as `tensors`. */
const char *tensors_metadata(const struct tensors *tensors, const char *key);

/** tensors_fail: err_set with ERR_FORMAT, the file's name in front. Returns false. */
bool tensors_fail(const struct tensors *tensors, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
