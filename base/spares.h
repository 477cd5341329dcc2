/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file spares.h
 * Large blocks of memory that are free, for whichever thread next needs about as much. A block that
 * the system makes costs a page fault for every 4 KB, and malloc gives the heap of a thread back to
 * it whenever that has become empty.
 *
 * Any thread; no lock. What a sweep finds to have been of no use since the one before is freed.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/** Sizes: four for each power of two, from the least to the most. */
#define SPARES_BYTES_MIN ((size_t)256 << 10)
#define SPARES_BYTES_MAX ((size_t)16 << 20)
#define SPARES_SIZES 25
#define SPARES_PER_SIZE 32

/** All zero at first; fields are spares.c's own. */
struct spares {
    struct spares_of_size {
        _Atomic(void *) blocks[SPARES_PER_SIZE]; /* NULL: free for another */
        atomic_size_t n, least;                  /* blocks now, and at least since the last sweep */
    } sizes[SPARES_SIZES];
    atomic_size_t bytes;
};

/** spares_round: what a block has to have at least, `bytes` or a little more, so that it may be
 * kept later. */
size_t spares_round(size_t bytes);

/** spares_take: a block of `bytes`, which spares_round returned; NULL: there is none. */
void *spares_take(struct spares *spares, size_t bytes);

/** spares_keep takes the block, which is from malloc, unless it is of no such size or more than
 * `bytes_max` would be kept. Its content is unspecified from then on. */
bool spares_keep(struct spares *spares, void *block, size_t bytes, size_t bytes_max);

/** spares_sweep frees what has not been used since the last time. */
void spares_sweep(struct spares *spares);

/** spares_clear frees all. */
void spares_clear(struct spares *spares);
