/* SPDX-License-Identifier: Apache-2.0 */
#include "model/head/ngrams/ngrams.h"

#include "base/utf8.h"

#include <assert.h>
#include <string.h>

#define SEED_TOKENS 0x9E3779B97F4A7C15u
#define SEED_CHARACTERS 0xC2B2AE3D27D4EB4Fu
#define SEED_LENGTH 0x165667B19E3779F9u

/* No code points: how a text begins and ends. */
#define MARK_START 0x110000
#define MARK_END 0x110001

/* The multiplication spreads a bit upwards, the shift downwards. */
static uint64_t mix(uint64_t hash, uint32_t value)
{
    hash = (hash ^ value) * 0xD6E8FEB86659FD93u;
    return hash ^ hash >> 32;
}

/* Writing that puts no spaces between words, and little into one: from the radicals of Chinese to
   the syllables of Korean, the compatibility ideographs, and the planes of rare ideographs. */
static bool is_ideographic(uint32_t code)
{
    return (code >= 0x2E80 && code < 0xE000) || (code >= 0xF900 && code < 0xFB00) ||
           code >= 0x20000; /* the marks too */
}

void ngrams_start(struct ngram_walk *walk, const struct ngram_ranges *ranges,
                  const struct tokenizer *tokenizer, const uint32_t *ids, size_t n)
{
    assert(ranges->tokens_max <= NGRAMS_TOKENS_MAX && ranges->length <= NGRAMS_LENGTH_MAX);
    assert(n < UINT32_MAX);
    assert(ranges->characters_max <= NGRAMS_CHARACTERS_MAX &&
           ranges->ideographs_max <= NGRAMS_CHARACTERS_MAX);
    *walk = (struct ngram_walk){
        .ranges = ranges, .tokenizer = tokenizer, .ids = ids, .n = (uint32_t)n, .is_spaced = true};
}

/* The runs of tokens that end with the newest one. */
static size_t end_tokens(const struct ngram_walk *walk, struct ngram *out)
{
    const uint32_t last = walk->token - 1;
    uint64_t hash = SEED_TOKENS;
    size_t n = 0;
    for (uint32_t k = 0; k < walk->ranges->tokens_max && k < walk->n_known; k++) {
        hash = mix(hash, walk->ids[last - k]);
        out[n++] = (struct ngram){hash, last - k, last};
    }
    return n;
}

/* A character comes in; the runs that end with it. */
static size_t end_characters(struct ngram_walk *walk, uint32_t code, uint32_t token,
                             struct ngram *out)
{
    const struct ngram_ranges *ranges = walk->ranges;
    uint64_t hash = SEED_CHARACTERS;
    bool holds_ideograph = false;
    size_t n = 0;
    memmove(walk->run + 1, walk->run, sizeof walk->run - sizeof walk->run[0]);
    memmove(walk->run_of + 1, walk->run_of, sizeof walk->run_of - sizeof walk->run_of[0]);
    walk->run[0] = code;
    walk->run_of[0] = token;
    if (walk->n_run < NGRAMS_CHARACTERS_MAX) walk->n_run++;
    for (uint32_t k = 1; k <= walk->n_run; k++) {
        hash = mix(hash, walk->run[k - 1]);
        holds_ideograph |= is_ideographic(walk->run[k - 1]);
        const uint32_t min = holds_ideograph ? ranges->ideographs_min : ranges->characters_min;
        const uint32_t max = holds_ideograph ? ranges->ideographs_max : ranges->characters_max;
        if (k >= min && k <= max) out[n++] = (struct ngram){hash, walk->run_of[k - 1], token};
    }
    return n;
}

/* What is known before the first token. */
static size_t begin(struct ngram_walk *walk, struct ngram *out)
{
    const uint64_t length = (uint64_t)walk->n + 1;
    const uint32_t steps = 63 - (uint32_t)__builtin_clzll(length * length);
    size_t n = 0;
    walk->is_begun = true;
    if (walk->n == 0) return 0;
    while (n < walk->ranges->length)
        out[n++] = (struct ngram){mix(SEED_LENGTH, steps), 0, walk->n - 1};
    if (walk->ranges->has_ends) n += end_characters(walk, MARK_START, 0, out + n);
    return n;
}

static size_t end(struct ngram_walk *walk, struct ngram *out)
{
    size_t n = 0;
    walk->is_ended = true;
    if (walk->n_run == 0) return 0;
    if (walk->is_spaced) n = end_characters(walk, ' ', walk->n - 1, out);
    if (walk->ranges->has_ends) n += end_characters(walk, MARK_END, walk->n - 1, out + n);
    return n;
}

/* A token comes in: its run of tokens, and the space before it. */
static size_t take_token(struct ngram_walk *walk, struct ngram *out)
{
    const uint32_t token = walk->token++;
    bool continues;
    size_t bytes;
    if (tokenizer_is_unknown(walk->tokenizer, walk->ids[token])) {
        walk->n_known = walk->n_run = 0;
        walk->is_spaced = true;
        return 0;
    }
    walk->n_known++;
    size_t n = end_tokens(walk, out);
    walk->at = tokenizer_piece(walk->tokenizer, walk->ids[token], &bytes, &continues);
    walk->to = walk->at + bytes;
    const char *at = walk->at;
    if (bytes > 0 && walk->is_spaced && !continues && !is_ideographic(utf8_next(&at)))
        n += end_characters(walk, ' ', token, out + n);
    return n;
}

static size_t take_character(struct ngram_walk *walk, struct ngram *out)
{
    uint32_t code = utf8_next(&walk->at);
    walk->is_spaced = !is_ideographic(code);
    return end_characters(walk, code, walk->token - 1, out);
}

size_t ngrams_next(struct ngram_walk *walk, struct ngram *out, size_t room)
{
    assert(room >= NGRAMS_STEP_MAX);
    size_t n = 0;
    while (!walk->is_ended && n + NGRAMS_STEP_MAX <= room) {
        if (!walk->is_begun) {
            n += begin(walk, out + n);
        } else if (walk->at < walk->to) {
            n += take_character(walk, out + n);
        } else if (walk->token < walk->n) {
            n += take_token(walk, out + n);
        } else {
            n += end(walk, out + n);
        }
    }
    return n;
}
