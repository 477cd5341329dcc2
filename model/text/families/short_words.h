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

#include "model/text/unicode/ascii_runs.h"
#include "model/text/vocab/vocab.h"

#include <stdbool.h>
#include <stdint.h>

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

/** short_words_load: the eight bytes as a number, the first in the lowest bits. */
static inline uint64_t short_words_load(const char *text)
{
    return ascii_runs_load(text);
}

/** short_words_length: how many of the eight bytes are ASCII letters and digits, before another. */
static inline unsigned short_words_length(uint64_t bytes)
{
    const uint64_t others = ascii_runs_others(bytes);
    return others ? (unsigned)__builtin_ctzll(others) / 8 : SHORT_WORD_MAX;
}

static inline size_t short_words_slot(const struct short_words *words, uint64_t word)
{
    return (size_t)((word * UINT64_C(0x9E3779B97F4A7C15)) >> words->shift);
}

/* Three words in five lie in their own slot, and which ones they are a branch cannot know: so many
   are looked at whatever is in the first. */
#define SHORT_WORDS_AT_ONCE 4

static inline uint64_t short_words_word(const struct short_word *slot)
{
    return slot->low | (uint64_t)slot->high << 32;
}

/** short_words_find: the id of the token that is this word (not 0), or UINT32_MAX. */
static inline uint32_t short_words_find(const struct short_words *words, uint64_t word)
{
    const size_t at = short_words_slot(words, word);
    const struct short_word *slot = &words->slots[at];
    if (at + SHORT_WORDS_AT_ONCE <= words->n_slots) {
        uint32_t found = 0; /* its id and 1 */
        for (size_t i = 0; i < SHORT_WORDS_AT_ONCE; i++)
            found |= (slot[i].id + 1) & -(uint32_t)(short_words_word(&slot[i]) == word);
        if (found) return found - 1;
    }
    for (uint64_t other; (other = short_words_word(slot)) != word; slot++)
        if (other == 0) return UINT32_MAX;
    return slot->id;
}
