/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file short_words.h
 * The tokens that are whole words of one to eight ASCII letters and digits, by their bytes as one
 * 64-bit number: a hash table of two loads, where the trie needs one a byte.
 *
 * Most words of an English text are such tokens, and the way to the end of one and to its id has no
 * branch that depends on the word. A table is immutable once made; any thread may read it.
 */
#pragma once

#include "model/text/vocab/vocab.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define SHORT_WORD_MAX 8

struct short_word {
    uint32_t low, high; /* of the number: its bytes in the order of the text, 0 behind them */
    uint32_t id;
};

struct short_words {
    /* By hash, a word that finds its slot taken in a later one. In an empty one all is 0, and the
       last one is empty: there every search ends. */
    struct short_word *slots;
    size_t
        n_slots; /* a power of two for the hashes, and less than that for those that come later */
    unsigned shift; /* 64 - its logarithm */
};

/**
 * short_words_build makes the table of the vocabulary's own tokens (not the added ones).
 * @return false when there is no memory
 */
bool short_words_build(struct short_words *words, const struct vocab *vocab);

/** short_words_clear frees; a zeroed table is fine. */
void short_words_clear(struct short_words *words);

/**
 * short_words_finish works out what a search needs, once slots are there.
 * @return false where these are no slots of a table
 */
bool short_words_finish(struct short_words *words);

/** The first byte of a text in the lowest bits. */
static inline uint64_t short_words_load(const char *text)
{
    uint64_t value;
    memcpy(&value, text, sizeof value);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    value = __builtin_bswap64(value);
#endif
    return value;
}

/** short_words_length: how many of the eight bytes are ASCII letters and digits, before another. */
static inline unsigned short_words_length(uint64_t bytes)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones * 0x80;
    /* Adding 0x80 - c sets the top bit of bytes >= c, where these are < 0x80. */
    uint64_t low = bytes & ~tops, lower = low | ones * 0x20;
    uint64_t digits = (low + ones * (0x80 - '0')) & ~(low + ones * (0x80 - '9' - 1));
    uint64_t letters = (lower + ones * (0x80 - 'a')) & ~(lower + ones * (0x80 - 'z' - 1));
    uint64_t others = ~((digits | letters) & ~bytes) & tops;
    return others ? (unsigned)__builtin_ctzll(others) / 8 : SHORT_WORD_MAX;
}

static inline size_t short_words_slot(const struct short_words *words, uint64_t word)
{
    return (size_t)((word * UINT64_C(0x9E3779B97F4A7C15)) >> words->shift);
}

/** short_words_find: the id of the token that is this word (not 0), or UINT32_MAX. */
static inline uint32_t short_words_find(const struct short_words *words, uint64_t word)
{
    for (const struct short_word *slot = &words->slots[short_words_slot(words, word)];; slot++) {
        uint64_t found = slot->low | (uint64_t)slot->high << 32;
        if (found == word) return slot->id;
        if (found == 0) return UINT32_MAX;
    }
}
