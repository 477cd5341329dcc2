/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file confusions.h
 * How often which label came in place of which: a hash table that grows with the different pairs
 * seen, so that 100,000 labels need no table of their square. One thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** In the truth: a label that the head does not have. */
#define EVALUATION_UNKNOWN UINT32_MAX

/** Of a head that answers with one label: how often `predicted` came where `truth` was right. */
struct evaluation_pair {
    uint32_t truth; /* EVALUATION_UNKNOWN: any label that the head does not know */
    uint32_t predicted;
    uint64_t n;
};

struct confusions {
    struct evaluation_pair *pairs; /* (cap) a power of two of them; an empty one has n 0 */
    size_t n, cap;                 /* pairs that are taken, and all */
};

/** confusions_reserve makes room for one more pair; false when there is no memory. A zeroed
 * `confusions` is an empty one. */
bool confusions_reserve(struct confusions *confusions);

/** confusions_count adds 1 to a pair. Room was reserved; it cannot fail. */
void confusions_count(struct confusions *confusions, uint32_t truth, uint32_t predicted);

/**
 * confusions_sort puts the pairs at the start of `pairs`, the most frequent first, of equals the
 * lower truth, then the lower prediction. After it nothing may be counted.
 */
void confusions_sort(struct confusions *confusions);

/** confusions_clear frees; a zeroed one is fine. */
void confusions_clear(struct confusions *confusions);
