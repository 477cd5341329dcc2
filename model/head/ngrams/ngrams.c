/* SPDX-License-Identifier: Apache-2.0 */
#include "model/head/ngrams/ngrams.h"

#include "base/utf8.h"

#include <assert.h>
#include <string.h>

#define SEED_TOKENS 0x9E3779B97F4A7C15u
#define SEED_CHARACTERS 0xC2B2AE3D27D4EB4Fu
#define SEED_LENGTH 0x165667B19E3779F9u

#define ALWAYS_INLINE inline __attribute__((always_inline))

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
    const bool is_shorter = ranges->characters_max < ranges->ideographs_max;
    *walk =
        (struct ngram_walk){.ranges = ranges,
                            .tokenizer = tokenizer,
                            .ids = ids,
                            .n = (uint32_t)n,
                            .longest = is_shorter ? ranges->ideographs_max : ranges->characters_max,
                            .is_spaced = true,
                            .newest = NGRAMS_WALK_CHARACTERS};
}

/* Where n-grams go: one of the two is NULL, which the compiler knows where it makes each walk. */
struct sink {
    struct ngram *ngrams;
    uint64_t *hashes;
    size_t n;
};

static ALWAYS_INLINE void put(struct sink *sink, uint64_t hash, uint32_t first, uint32_t last)
{
    if (sink->ngrams)
        sink->ngrams[sink->n++] = (struct ngram){hash, first, last};
    else
        sink->hashes[sink->n++] = hash;
}

/* The runs of tokens that end with the newest one. */
static ALWAYS_INLINE void end_tokens(const struct ngram_walk *walk, struct sink *sink)
{
    const uint32_t last = walk->token - 1;
    uint64_t hash = SEED_TOKENS;
    for (uint32_t k = 0; k < walk->ranges->tokens_max && k < walk->n_known; k++) {
        hash = mix(hash, walk->ids[last - k]);
        put(sink, hash, last - k, last);
    }
}

static ALWAYS_INLINE void add_character(struct ngram_walk *walk, uint32_t code, uint32_t token)
{
    const uint32_t n_kept = NGRAMS_CHARACTERS_MAX - 1;
    if (walk->newest == 0) {
        walk->newest = NGRAMS_WALK_CHARACTERS - n_kept;
        memmove(walk->characters + walk->newest, walk->characters,
                n_kept * sizeof walk->characters[0]);
    }
    walk->newest--;
    walk->characters[walk->newest] = (struct ngram_character){code, token};
    if (walk->n_run < NGRAMS_CHARACTERS_MAX) walk->n_run++;
    walk->n_plain = is_ideographic(code) ? 0 : walk->n_plain + 1;
}

/* Of the runs that end with the newest character those of `from` to `to` characters, if they are as
   long as runs may be. hash: of the characters before `from`, then before `to` + 1. */
static ALWAYS_INLINE void end_runs(const struct ngram_walk *walk, uint32_t from, uint32_t to,
                                   uint32_t min, uint32_t max, uint64_t *hash, struct sink *sink)
{
    const struct ngram_character *newest = walk->characters + walk->newest;
    uint32_t k = from - 1;
    for (; k < to && k + 1 < min; k++)
        *hash = mix(*hash, newest[k].code);
    for (; k < to && k < max; k++) {
        *hash = mix(*hash, newest[k].code);
        put(sink, *hash, newest[k].token, newest[0].token);
    }
    for (; k < to; k++)
        *hash = mix(*hash, newest[k].code);
}

/* A character comes in; the runs that end with it: first those that hold no ideograph. */
static ALWAYS_INLINE void end_characters(struct ngram_walk *walk, uint32_t code, uint32_t token,
                                         struct sink *sink)
{
    const struct ngram_ranges *ranges = walk->ranges;
    uint64_t hash = SEED_CHARACTERS;
    add_character(walk, code, token);
    const uint32_t n_run = walk->n_run < walk->longest ? walk->n_run : walk->longest;
    const uint32_t n_plain = walk->n_plain < n_run ? walk->n_plain : n_run;
    end_runs(walk, 1, n_plain, ranges->characters_min, ranges->characters_max, &hash, sink);
    end_runs(walk, n_plain + 1, n_run, ranges->ideographs_min, ranges->ideographs_max, &hash, sink);
}

/* What is known before the first token. */
static ALWAYS_INLINE void begin(struct ngram_walk *walk, struct sink *sink)
{
    const uint64_t length = (uint64_t)walk->n + 1;
    const uint32_t steps = 63 - (uint32_t)__builtin_clzll(length * length);
    walk->is_begun = true;
    if (walk->n == 0) return;
    for (uint32_t i = 0; i < walk->ranges->length; i++)
        put(sink, mix(SEED_LENGTH, steps), 0, walk->n - 1);
    if (walk->ranges->has_ends) end_characters(walk, MARK_START, 0, sink);
}

static ALWAYS_INLINE void end(struct ngram_walk *walk, struct sink *sink)
{
    walk->is_ended = true;
    if (walk->n_run == 0) return;
    if (walk->is_spaced) end_characters(walk, ' ', walk->n - 1, sink);
    if (walk->ranges->has_ends) end_characters(walk, MARK_END, walk->n - 1, sink);
}

/* A token comes in: its run of tokens, and the space before it. */
static ALWAYS_INLINE void take_token(struct ngram_walk *walk, struct sink *sink)
{
    const uint32_t token = walk->token++;
    bool continues;
    size_t bytes;
    if (tokenizer_is_unknown(walk->tokenizer, walk->ids[token])) {
        walk->n_known = walk->n_run = 0;
        walk->is_spaced = true;
        return;
    }
    walk->n_known++;
    end_tokens(walk, sink);
    walk->at = tokenizer_piece(walk->tokenizer, walk->ids[token], &bytes, &continues);
    walk->to = walk->at + bytes;
    const char *at = walk->at;
    if (bytes > 0 && walk->is_spaced && !continues && !is_ideographic(utf8_next(&at)))
        end_characters(walk, ' ', token, sink);
}

static ALWAYS_INLINE void take_character(struct ngram_walk *walk, struct sink *sink)
{
    uint32_t code = utf8_next(&walk->at);
    walk->is_spaced = !is_ideographic(code);
    end_characters(walk, code, walk->token - 1, sink);
}

static ALWAYS_INLINE size_t next(struct ngram_walk *walk, struct sink sink, size_t room)
{
    assert(room >= NGRAMS_STEP_MAX);
    while (!walk->is_ended && sink.n + NGRAMS_STEP_MAX <= room) {
        if (!walk->is_begun) {
            begin(walk, &sink);
        } else if (walk->at < walk->to) {
            take_character(walk, &sink);
        } else if (walk->token < walk->n) {
            take_token(walk, &sink);
        } else {
            end(walk, &sink);
        }
    }
    return sink.n;
}

size_t ngrams_next(struct ngram_walk *walk, struct ngram *out, size_t room)
{
    return next(walk, (struct sink){.ngrams = out}, room);
}

size_t ngrams_next_hashes(struct ngram_walk *walk, uint64_t *out, size_t room)
{
    return next(walk, (struct sink){.hashes = out}, room);
}
