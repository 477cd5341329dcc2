/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file ngrams.h
 * The n-grams of a sequence of token ids: runs of tokens, and runs of the characters that the
 * tokens are written with. Everything is a function of the ids, so a text, its tokens and its ids
 * have the same n-grams.
 *
 * Characters are those of the vocabulary's entries, without the prefix that says a piece continues
 * a word. Where writing parts words by spaces there is one space before each token that begins a
 * word, and one at the end; none stands beside an ideograph or another character of the far east.
 * An unknown token ends every run. Before the first token and after the last there may be a mark,
 * which counts as an ideograph, so that runs tell how a text begins and ends. Runs are read
 * backwards from their end, which changes nothing but the hash.
 *
 * One more n-gram says how long the sequence is: ⌊2·log2(tokens + 1)⌋. It touches all tokens, and
 * comes several times to have some weight beside the many others.
 *
 * The hash is 64 bits by our own mixing of additions, shifts and multiplications: part of the file
 * format of heads, so never to be changed. Pure functions.
 */
#pragma once

#include "model/text/tokenizer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NGRAMS_TOKENS_MAX 4
#define NGRAMS_CHARACTERS_MAX 8
#define NGRAMS_LENGTH_MAX 8

/** How long runs may be; a maximum of 0: there are none. */
struct ngram_ranges {
    uint32_t tokens_max;                     /* 1 .. tokens_max tokens */
    uint32_t characters_min, characters_max; /* without ideographs */
    uint32_t ideographs_min, ideographs_max; /* holding an ideograph or the like */
    bool has_ends;                           /* a mark at both ends of the text */
    uint32_t length; /* how often the n-gram of its length comes; 0: never */
};

struct ngram {
    uint64_t hash;
    uint32_t first, last; /* the tokens that it touches */
};

/** How many characters a walk keeps; the last ones are moved to the end when it is full. */
#define NGRAMS_WALK_CHARACTERS (4 * NGRAMS_CHARACTERS_MAX)

/** A walk over the n-grams of one sequence. Plain data; one thread. */
struct ngram_walk {
    const struct ngram_ranges *ranges;
    const struct tokenizer *tokenizer;
    const uint32_t *ids;
    uint32_t n;

    /* Hands off. */
    uint32_t longest;    /* run of characters */
    uint32_t token;      /* the next one */
    uint32_t n_known;    /* known tokens in a row before it */
    const char *at, *to; /* what is left of the token before it */
    uint32_t n_run;   /* characters since the last unknown token, at most NGRAMS_CHARACTERS_MAX */
    uint32_t n_plain; /* characters since the last ideograph */
    bool is_spaced;   /* the last character takes a space after it */
    bool is_begun, is_ended;
    uint32_t newest; /* of `characters`, which lie from the newest to older ones */
    struct ngram_character {
        uint32_t code, token;
    } characters[NGRAMS_WALK_CHARACTERS];
};

/** The most n-grams one step of a walk can give: the least room that ngrams_next may be given. */
#define NGRAMS_STEP_MAX (NGRAMS_TOKENS_MAX + NGRAMS_LENGTH_MAX + 2 * NGRAMS_CHARACTERS_MAX)

/** ngrams_start begins a walk; all is borrowed while it lasts. Ids (n) are below the vocabulary's
 * size, or TOKEN_ID_NONE. */
void ngrams_start(struct ngram_walk *walk, const struct ngram_ranges *ranges,
                  const struct tokenizer *tokenizer, const uint32_t *ids, size_t n);

/**
 * ngrams_next gives the next n-grams, in a fixed order.
 * @param out room for `room` (at least NGRAMS_STEP_MAX)
 * @return how many there are; 0: the sequence is done
 */
size_t ngrams_next(struct ngram_walk *walk, struct ngram *out, size_t room);

/** ngrams_next_hashes: the same n-grams, their hashes alone, which takes half as long. */
size_t ngrams_next_hashes(struct ngram_walk *walk, uint64_t *out, size_t room);
