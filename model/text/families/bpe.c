/* SPDX-License-Identifier: Apache-2.0 */
#include "model/text/families/bpe.h"

#include <stdlib.h>

bool bpe_alloc_merges(struct bpe *bpe, size_t n)
{
    uint64_t slots = 16;
    while (slots < n * 2)
        slots *= 2;
    bpe->merges = malloc(slots * sizeof *bpe->merges);
    bpe->has_merge = calloc(BPE_MERGE_BITS / 64, sizeof *bpe->has_merge);
    if (!bpe->merges || !bpe->has_merge) return false;
    bpe->mask = slots - 1;
    for (uint64_t i = 0; i < slots; i++)
        bpe->merges[i] = (struct bpe_merge){.pair = BPE_NO_PAIR};
    return true;
}

void bpe_put_merge(struct bpe *bpe, uint32_t left, uint32_t right, uint32_t rank, uint32_t id)
{
    uint64_t pair = (uint64_t)left << 32 | right, i = bpe_merge_hash(pair) & bpe->mask;
    while (bpe->merges[i].pair != BPE_NO_PAIR && bpe->merges[i].pair != pair)
        i = (i + 1) & bpe->mask;
    bpe->merges[i] = (struct bpe_merge){pair, rank, id};
    bpe->has_merge[bpe_merge_bit(pair) / 64] |= UINT64_C(1) << (bpe_merge_bit(pair) % 64);
}

void bpe_clear(struct bpe *bpe)
{
    free(bpe->merges);
    free(bpe->has_merge);
    free(bpe->prefix.text);
    free(bpe->suffix.text);
    trie_clear(&bpe->words);
    trie_clear(&bpe->pieces);
    cuts_clear(&bpe->cuts);
    *bpe = (struct bpe){0};
}
