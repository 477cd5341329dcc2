/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file ngram_index.h
 * From the hash of an n-gram to its row: an open-addressed table of slots, read where it lies.
 *
 * A slot is two uint32, little-endian: a key, 0 in an empty slot, and a row. The first slot of a
 * hash is its upper `bits` bits, the key its lower 32 (1 for 0); slots are tried one after the
 * other, round the end, until the key or an empty slot is met. So different n-grams share a row
 * only where both parts are equal, which does not happen in practice. Pure functions.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/** No row has this number. */
#define NGRAM_NONE UINT32_MAX

#define NGRAM_SLOT_BYTES 8
#define NGRAM_BITS_MIN 1
#define NGRAM_BITS_MAX 28

/** Up to so many bits (256 KB of slots) the nearest caches hold them. */
#define NGRAM_BITS_NEAR 15

struct ngram_index {
    const char *slots; /* (2^bits) at any address; at least one is empty */
    unsigned bits;
};

struct ngram_slot {
    uint32_t key, row;
};

static inline uint32_t ngram_key(uint64_t hash)
{
    return (uint32_t)hash + ((uint32_t)hash == 0);
}

/** ngram_index_prefetch asks for the first slot of the hash ahead of its use. */
static inline void ngram_index_prefetch(const struct ngram_index *index, uint64_t hash)
{
    __builtin_prefetch(index->slots + (size_t)(hash >> (64 - index->bits)) * NGRAM_SLOT_BYTES);
}

/** ngram_index_slot: the slot that holds the hash, or the empty one where it would be put. */
static inline size_t ngram_index_slot(const struct ngram_index *index, uint64_t hash,
                                      struct ngram_slot *slot)
{
    const size_t mask = ((size_t)1 << index->bits) - 1;
    const uint32_t key = ngram_key(hash);
    for (size_t i = (size_t)(hash >> (64 - index->bits));; i = (i + 1) & mask) {
        memcpy(slot, index->slots + i * NGRAM_SLOT_BYTES, sizeof *slot);
        if (slot->key == key || slot->key == 0) return i;
    }
}

/**
 * ngram_index_step looks for hash i in slot `step` after its first one. rows[i] = its row or
 * NGRAM_NONE; open[n_open] = i, which counts where a further slot may hold it. Written without a
 * branch: the processor cannot guess which n-grams are known.
 * @return n_open, one more where it counts
 */
static inline size_t ngram_index_step(const struct ngram_index *index, uint64_t hash, size_t step,
                                      uint32_t i, uint32_t *rows, uint32_t *open, size_t n_open)
{
    const size_t mask = ((size_t)1 << index->bits) - 1;
    const size_t at = ((size_t)(hash >> (64 - index->bits)) + step) & mask;
    struct ngram_slot slot;
    memcpy(&slot, index->slots + at * NGRAM_SLOT_BYTES, sizeof slot);
    const bool is_found = slot.key == ngram_key(hash);
    rows[i] = slot.row | ((uint32_t)is_found - 1); /* all bits set: NGRAM_NONE */
    open[n_open] = i;
    return n_open + (!is_found & (slot.key != 0));
}

/** ngram_index_find: the row of an n-gram, or NGRAM_NONE. */
static inline uint32_t ngram_index_find(const struct ngram_index *index, uint64_t hash)
{
    struct ngram_slot slot;
    ngram_index_slot(index, hash, &slot);
    return slot.key ? slot.row : NGRAM_NONE;
}
