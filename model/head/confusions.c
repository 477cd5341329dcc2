/* SPDX-License-Identifier: Apache-2.0 */
#include "model/head/confusions.h"

#include <assert.h>
#include <stdlib.h>

#define CAP_MIN 64

static struct evaluation_pair *find(struct evaluation_pair *pairs, size_t cap, uint32_t truth,
                                    uint32_t predicted)
{
    uint64_t key = (uint64_t)truth << 32 | predicted;
    /* Fibonacci hashing; the upper bits are the mixed ones. */
    size_t at = (size_t)(key * UINT64_C(0x9E3779B97F4A7C15) >> 32) & (cap - 1);
    while (pairs[at].n > 0 && (pairs[at].truth != truth || pairs[at].predicted != predicted))
        at = (at + 1) & (cap - 1);
    return &pairs[at];
}

bool confusions_reserve(struct confusions *confusions)
{
    /* Half full at most: chains stay short. */
    if (2 * (confusions->n + 1) <= confusions->cap) return true;
    size_t cap = confusions->cap ? 2 * confusions->cap : CAP_MIN;
    struct evaluation_pair *pairs = calloc(cap, sizeof *pairs);
    if (!pairs) return false;
    for (size_t i = 0; i < confusions->cap; i++) {
        const struct evaluation_pair *pair = &confusions->pairs[i];
        if (pair->n > 0) *find(pairs, cap, pair->truth, pair->predicted) = *pair;
    }
    free(confusions->pairs);
    confusions->pairs = pairs;
    confusions->cap = cap;
    return true;
}

void confusions_count(struct confusions *confusions, uint32_t truth, uint32_t predicted)
{
    assert(confusions->n < confusions->cap);
    struct evaluation_pair *pair = find(confusions->pairs, confusions->cap, truth, predicted);
    if (pair->n == 0) {
        *pair = (struct evaluation_pair){.truth = truth, .predicted = predicted};
        confusions->n++;
    }
    pair->n++;
}

static int by_count(const void *left, const void *right)
{
    const struct evaluation_pair *a = left, *b = right;
    if (a->n != b->n) return a->n > b->n ? -1 : 1;
    if (a->truth != b->truth) return a->truth < b->truth ? -1 : 1;
    return (a->predicted > b->predicted) - (a->predicted < b->predicted);
}

void confusions_sort(struct confusions *confusions)
{
    size_t n = 0;
    for (size_t i = 0; i < confusions->cap; i++) {
        if (confusions->pairs[i].n > 0) confusions->pairs[n++] = confusions->pairs[i];
    }
    assert(n == confusions->n);
    if (n > 0) qsort(confusions->pairs, n, sizeof *confusions->pairs, by_count);
}

void confusions_clear(struct confusions *confusions)
{
    free(confusions->pairs);
    *confusions = (struct confusions){0};
}
