/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file repeats.h
 * Rows that say the same, so that they can stay on one side of a split: a row that is trained on
 * tells nothing of one that repeats it. Pure functions.
 *
 * Repeats have the same text but for case, width (ＡＢＣ and ABC: NFKC) and white space. Near
 * repeats have vectors whose cosine, the mean of all vectors taken off, is REPEATS_NEAR or more.
 * They are looked for among rows that fall on the same side of random planes (Charikar, "Similarity
 * Estimation Techniques from Rounding Algorithms", 2002), so a few are missed, and only up to
 * REPEATS_FLOATS_MAX numbers of vectors.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REPEATS_NEAR 0.95
#define REPEATS_FLOATS_MAX ((size_t)64 << 20)

/** Near repeats in a row (a like b, b like c ...) stay together up to so many. */
#define REPEATS_GROUP_MAX 64

/** repeats_key: a hash of the text (UTF-8), equal for repeats; 0: no memory (arena). */
uint64_t repeats_key(struct arena *arena, const char *text, size_t bytes);

/** What stands together: group[i] of n rows is the first row of the group that row i is in. */
struct repeats {
    uint32_t *group;
    size_t n, n_near; /* rows; near repeats that were put to another row */
};

/** repeats_new puts each of n rows into a group of its own; ERR_MEMORY. */
bool repeats_new(struct repeats *repeats, size_t n, struct err *err);

/** repeats_same puts rows with the same key (n) together; those with 0 stay as they are.
 * ERR_MEMORY. */
bool repeats_same(struct repeats *repeats, const uint64_t *keys, struct err *err);

/**
 * repeats_near puts near repeats together.
 * @param vectors (n, dim) changed: the mean is taken off; rows of zeros are like nothing
 * @return false with ERR_MEMORY
 */
bool repeats_near(struct repeats *repeats, float *vectors, uint32_t dim, struct err *err);

/** repeats_clear frees; a zeroed one is fine. */
void repeats_clear(struct repeats *repeats);
