/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file vectors.h
 * From a batch to the text of its vectors: looked up, pooled and written, some at a time. Works on
 * one exchange, which one thread has at a time.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "handlers/input.h"
#include "handlers/write.h"

#include <stdbool.h>

struct pool_options;

/** How a dialect frames vectors: head, then of each: before, index, between, floats, after. */
struct vector_frame {
    struct text head, before, between, after;
    bool has_index;
};

/**
 * write_vectors pools every sequence of the batch and writes its vectors, parted by commas, into
 * the empty `out`, which is given room for them and a short tail at once.
 * @return false with ERR_INTERNAL when a vector is not finite (nothing of it may be sent), or
 *         ERR_MEMORY
 */
bool write_vectors(struct exchange *x, const struct batch *batch,
                   const struct pool_options *options, enum encoding encoding,
                   const struct vector_frame *frame, struct buf *out, struct err *err);
