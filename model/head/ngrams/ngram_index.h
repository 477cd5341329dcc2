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

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/** No row has this number. */
#define NGRAM_NONE UINT32_MAX

#define NGRAM_SLOT_BYTES 8
#define NGRAM_BITS_MIN 1
#define NGRAM_BITS_MAX 28

struct ngram_index {
    const char *slots; /* (2^bits) at any address; at least one is empty */
    unsigned bits;
};

struct ngram_slot {
    uint32_t key, row;
};

static inline uint32_t ngram_key(uint64_t hash)
{
    return (uint32_t)hash ? (uint32_t)hash : 1;
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

/** ngram_index_find: the row of an n-gram, or NGRAM_NONE. */
static inline uint32_t ngram_index_find(const struct ngram_index *index, uint64_t hash)
{
    struct ngram_slot slot;
    ngram_index_slot(index, hash, &slot);
    return slot.key ? slot.row : NGRAM_NONE;
}
