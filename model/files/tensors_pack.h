/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file tensors_pack.h
 * Writing a safetensors file: the other half of tensors.h. No shared state; any thread.
 */
#pragma once

#include "base/err.h"
#include "base/json.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A tensor to be written. `data` is borrowed. */
struct tensor_given {
    const char *name, *dtype;
    size_t rank; /* 1 or 2 */
    uint64_t shape[2];
    const void *data; /* little-endian, row-major */
    size_t bytes;
};

/**
 * tensors_header makes what stands before the data of tensors (n): length, JSON, and spaces up to a
 * multiple of 64 bytes.
 * @return malloc'ed, the caller's; NULL with ERR_MEMORY
 */
char *tensors_header(const struct tensor_given *tensors, size_t n, json_t *metadata, size_t *bytes,
                     struct err *err);

/**
 * tensors_pack lays out tensors (n) one after the other behind a header padded to 64 bytes, so that
 * the first of them is aligned to a cache line; give them from the widest numbers down.
 * @param metadata __metadata__, an object of strings; NULL: none; borrowed
 * @param bytes    set to the size
 * @return malloc'ed, the caller's; NULL with ERR_MEMORY
 */
char *tensors_pack(const struct tensor_given *tensors, size_t n, json_t *metadata, size_t *bytes,
                   struct err *err);

/** tensors_save writes the same to the file `path`, which appears when it is whole. ERR_IO,
 * ERR_MEMORY. */
bool tensors_save(const char *path, const struct tensor_given *tensors, size_t n, json_t *metadata,
                  struct err *err);
