/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file bpe.h
 * Byte-pair encoding: the characters of a word, joined pair by pair, the pair that was learned
 * first before all others.
 *
 * Two forms. Of *characters*: a character that is no token is written as tokens of its bytes
 * (byte_fallback), or is unknown. Of *bytes*, behind the pre-tokenizer ByteLevel: the model reads
 * the text's own bytes, and its tokens are kept as the bytes they stand for, so nothing is
 * rewritten. Reference: the `tokenizers` library's BPE; R. Sennrich et al., "Neural Machine
 * Translation of Rare Words with Subword Units" (2016). Immutable once made; any thread may use it.
 */
#pragma once

#include "base/err.h"
#include "model/text/families/cuts.h"
#include "model/text/families/fallback.h"
#include "model/text/pipeline/pipeline.h"
#include "model/text/vocab/trie.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A pair of tokens and what they become. */
struct bpe_merge {
    uint64_t pair;     /* left << 32 | right; UINT64_MAX: an empty slot */
    uint32_t rank, id; /* lower ranks first */
};

/** The pair of a slot that is empty. */
#define BPE_NO_PAIR UINT64_MAX
#define BPE_MERGE_BITS (1u << 20)

struct bpe {
    struct bpe_merge *merges; /* (mask + 1) a hash table, open addressing */
    uint64_t mask;
    /* A bit for each merge, by its hash: most pairs are not merges, and this fits a cache. */
    uint64_t *has_merge; /* (BPE_MERGE_BITS / 64) */
    uint32_t bytes[256]; /* token of the one-byte character, or UINT32_MAX */
    struct fallback fallback;
    struct trie pieces; /* with ignore_merges: all tokens; a whole part that is one is taken */
    struct trie words;  /* tokens whose own text becomes just this token */
    struct step_text prefix, suffix; /* of characters within a word, and of a word's last one */
    bool is_bytes, ignore_merges, fuse_unk, byte_fallback;
    struct cuts cuts;
    bool cuts_unknown; /* also beside characters that are not tokens */
};

/** bpe_merge_hash: of a pair, as the table's slots are found by it. */
static inline uint64_t bpe_merge_hash(uint64_t pair)
{
    pair *= UINT64_C(0x9E3779B97F4A7C15);
    return pair ^ pair >> 32;
}

/** bpe_merge_bit: the bit of has_merge that a pair has. */
static inline uint64_t bpe_merge_bit(uint64_t pair)
{
    return bpe_merge_hash(pair) >> 36 & (BPE_MERGE_BITS - 1);
}

/** bpe_alloc_merges makes room for n merges. */
bool bpe_alloc_merges(struct bpe *bpe, size_t n);

/** bpe_put_merge: the last of two equal pairs counts, as in the reference. */
void bpe_put_merge(struct bpe *bpe, uint32_t left, uint32_t right, uint32_t rank, uint32_t id);

/** bpe_find_merge: what two tokens become; NULL: nothing. */
static inline const struct bpe_merge *bpe_find_merge(const struct bpe *bpe, uint32_t left,
                                                     uint32_t right)
{
    uint64_t pair = (uint64_t)left << 32 | right, bit = bpe_merge_bit(pair);
    if (!(bpe->has_merge[bit / 64] >> (bit % 64) & 1)) return NULL;
    /* In a damaged file no slot may be empty. */
    uint64_t i = bpe_merge_hash(pair) & bpe->mask;
    for (uint64_t tries = 0; tries <= bpe->mask; tries++, i = (i + 1) & bpe->mask) {
        if (bpe->merges[i].pair == pair) return &bpe->merges[i];
        if (bpe->merges[i].pair == BPE_NO_PAIR) return NULL;
    }
    return NULL;
}

/** bpe_clear frees; a zeroed one is fine. */
void bpe_clear(struct bpe *bpe);
