/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file ranking.h
 * How near texts are to one another: the cosines of their vectors, for every API that scores or
 * ranks. Lives in the request's arena, which one thread has at a time.
 */
#pragma once

#include "handlers/embedding.h"

#include <stdbool.h>
#include <stdint.h>

/** batch_join puts the sequences of `first` before those of the batch; neither is tokenized yet.
 * ERR_MEMORY. */
bool batch_join(struct exchange *x, const struct batch *first, struct batch *batch,
                struct err *err);

/**
 * batch_prepend puts a text before those of the batch: what the others are compared with.
 * ERR_MEMORY.
 */
bool batch_prepend(struct exchange *x, struct text text, struct batch *batch, struct err *err);

/** The unit vectors of a batch; the zero vector of a text without tokens. */
struct unit_vectors {
    const float *at; /* (n, dims) */
    uint32_t dims;
};

/** unit_vectors_make tokenizes the batch and makes its vectors, normalized. Errors as of
 * write_vectors. */
bool unit_vectors_make(struct exchange *x, struct embedding *embedding, struct unit_vectors *out,
                       struct err *err);

/** unit_vectors_cosine: of items a and b: -1 … 1, 0 where one has no tokens. */
float unit_vectors_cosine(const struct unit_vectors *vectors, size_t a, size_t b);

/** A text with its score. */
struct ranked {
    uint32_t index; /* of the texts, counted from 0: item index + 1 of the batch */
    float score;
};

/** rank: the cosines of item 0 with each other item, the highest first; of equals, the first in the
 * batch.
 * @param out (batch.n - 1) in the arena */
bool rank(struct exchange *x, struct embedding *embedding, struct ranked **out, struct err *err);
