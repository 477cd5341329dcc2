/* SPDX-License-Identifier: Apache-2.0 */
#include "model/text/families/added_set.h"

#include "base/utf8.h"
#include "model/text/unicode/ascii_runs.h"
#include "model/text/unicode/unicode.h"

#include <stdlib.h>
#include <string.h>

/* ---- joints ---- */

#define AROUND_JOINT (2 * ADDED_JOINT_SIDE + 1)

/* Of ASCII. */
static bool is_separator(char c)
{
    return (unsigned char)c < 0x80 && !(unicode_byte_flags[(unsigned char)c] & UNICODE_WORD);
}

static size_t first_separator(const char *text, size_t bytes)
{
    size_t at = 0;
    while (at < bytes && !is_separator(text[at]))
        at++;
    return at;
}

/* There are ADDED_JOINT_SIDE bytes on both sides, and `bytes` from the first of them on. */
static inline size_t joint_of(const char *separator, size_t bytes)
{
    uint64_t around;
    if (bytes >= sizeof around) {
        around = ascii_runs_load(separator - ADDED_JOINT_SIDE);
    } else {
        char text[sizeof around] = {0};
        memcpy(text, separator - ADDED_JOINT_SIDE, AROUND_JOINT);
        around = ascii_runs_load(text);
    }
    around &= UINT64_MAX >> (64 - 8 * AROUND_JOINT);
    return (size_t)((around * UINT64_C(0x9E3779B97F4A7C15)) >> (64 - ADDED_JOINT_BITS));
}

static bool is_phrase(const struct added_token *token, const struct trie_key *key)
{
    const size_t at = first_separator(key->text, key->bytes);
    return token->flags == ADDED_SINGLE_WORD && utf8_is_ascii(key->text, key->bytes) &&
           at >= ADDED_JOINT_SIDE && at + ADDED_JOINT_SIDE < key->bytes;
}

static bool build_joints(struct added_set *set, const struct trie_key *keys, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!is_phrase(&set->tokens[i], &keys[i])) return true;
    set->joints = n > 0 ? calloc(ADDED_JOINTS, sizeof *set->joints) : NULL;
    if (!set->joints) return n == 0;
    set->n_joints = ADDED_JOINTS;
    for (size_t i = 0; i < n; i++) {
        const size_t joint =
            joint_of(keys[i].text + first_separator(keys[i].text, keys[i].bytes), AROUND_JOINT);
        set->joints[joint / 64] |= UINT64_C(1) << joint % 64;
    }
    return true;
}

/* The separators among the next bytes, at most ASCII_RUNS_BYTES of them. */
static uint64_t next_separators(const struct added_search *s, size_t at)
{
    const size_t left = s->bytes - at;
    struct ascii_runs runs;
    if (left >= ASCII_RUNS_BYTES) {
        runs = ascii_runs_of(s->text + at);
    } else {
        char text[ASCII_RUNS_BYTES];
        memset(text, 'a', sizeof text);
        memcpy(text, s->text + at, left);
        runs = ascii_runs_of(text);
    }
    return runs.others & ~runs.wide;
}

/* The first place from `at` on that a token may have as its first separator; the text's end. */
static size_t next_joint(const struct added_set *set, const struct added_search *s, size_t at)
{
    for (; at < s->bytes; at += ASCII_RUNS_BYTES) {
        for (uint64_t marks = next_separators(s, at); marks; marks &= marks - 1) {
            const size_t here = at + (size_t)__builtin_ctzll(marks);
            if (here < ADDED_JOINT_SIDE || here + ADDED_JOINT_SIDE >= s->bytes) continue;
            const size_t joint = joint_of(s->text + here, s->bytes - (here - ADDED_JOINT_SIDE));
            if (set->joints[joint / 64] >> joint % 64 & 1) return here;
        }
    }
    return s->bytes;
}

/* Where the letters and digits before a place begin, not before `least`. */
static size_t run_start(const struct added_search *s, size_t at, size_t least)
{
    while (at > least && (unsigned char)s->text[at - 1] < 0x80 && !is_separator(s->text[at - 1]))
        at--;
    return at;
}

/* As next_token. All of a token's first word stands before its joint. */
static uint32_t next_phrase(const struct added_set *set, struct added_search *s, size_t *at,
                            size_t *length)
{
    size_t joint = s->next;
    while ((joint = next_joint(set, s, joint)) < s->bytes) {
        *at = run_start(s, joint, s->next);
        for (; *at + ADDED_JOINT_SIDE <= joint; ++*at) {
            const uint32_t index =
                trie_longest(&set->trie, set->trie.root, s->text + *at, s->text + s->bytes, length);
            if (index < set->n) return index;
        }
        joint++;
    }
    return UINT32_MAX;
}

/* ---- the set ---- */

bool added_set_build(struct added_set *set, struct added_token *tokens, size_t n,
                     struct trie_key *keys)
{
    uint32_t twins[2];
    *set = (struct added_set){.tokens = tokens, .n = n};
    bool done = build_joints(set, keys, n) &&
                (n == 0 || trie_build(&set->trie, keys, n, twins) == TRIE_BUILT);
    added_set_finish(set);
    return done;
}

void added_set_finish(struct added_set *set)
{
    unsigned kinds = 0;
    set->only_first_byte = -1;
    if (set->n_joints != ADDED_JOINTS) set->joints = NULL;
    set->is_of_words = true;
    for (size_t i = 0; i < set->n; i++)
        set->is_of_words &= set->tokens[i].flags == ADDED_SINGLE_WORD;
    for (int byte = 0; byte < 256; byte++) {
        set->first_bytes[byte] = trie_step(&set->trie, set->trie.root, (unsigned char)byte);
        kinds += set->first_bytes[byte];
        if (set->first_bytes[byte]) set->only_first_byte = kinds == 1 ? byte : -1;
    }
}

void added_set_clear(struct added_set *set)
{
    free(set->tokens);
    free(set->joints);
    trie_clear(&set->trie);
    *set = (struct added_set){0};
}

/* The first place from `at` on where a token may start. */
static size_t next_candidate(const struct added_set *set, const struct added_search *s, size_t at)
{
    if (set->only_first_byte >= 0) {
        const char *found = memchr(s->text + at, set->only_first_byte, s->bytes - at);
        return found ? (size_t)(found - s->text) : s->bytes;
    }
    while (at < s->bytes && !set->first_bytes[(unsigned char)s->text[at]])
        at++;
    return at;
}

static uint8_t flags_before(const struct added_search *s, size_t *at)
{
    const char *character = utf8_before(s->text + *at);
    *at = (size_t)(character - s->text);
    return unicode_record_of(utf8_next(&character))->flags;
}

static uint8_t flags_after(const struct added_search *s, size_t *at)
{
    const char *character = s->text + *at;
    uint8_t flags = unicode_record_of(utf8_next(&character))->flags;
    *at = (size_t)(character - s->text);
    return flags;
}

static bool is_single_word(const struct added_search *s, size_t start, size_t end)
{
    if (start > 0 && flags_before(s, &start) & UNICODE_WORD) return false;
    return end == s->bytes || !(flags_after(s, &end) & UNICODE_WORD);
}

static size_t space_start(const struct added_search *s, size_t at)
{
    size_t before = at;
    while (at > s->done && flags_before(s, &before) & UNICODE_SPACE)
        at = before;
    return at > s->done ? at : s->done;
}

static size_t space_end(struct added_search *s, size_t at)
{
    size_t after = at;
    if (after < s->space_end) return s->space_end;
    while (at < s->bytes && flags_after(s, &after) & UNICODE_SPACE)
        at = after;
    s->space_end = at;
    return at;
}

/* The index of the next token from s->next on, [*at, *at + *length) of the text, whatever stands
   around it; UINT32_MAX: there is none. */
static uint32_t next_token(const struct added_set *set, struct added_search *s, size_t *at,
                           size_t *length)
{
    for (*at = s->next; (*at = next_candidate(set, s, *at)) < s->bytes; ++*at) {
        const uint32_t index =
            trie_longest(&set->trie, set->trie.root, s->text + *at, s->text + s->bytes, length);
        if (index < set->n) return index;
    }
    return UINT32_MAX;
}

bool added_find(const struct added_set *set, struct added_search *s, struct added_match *match)
{
    while (set->n > 0) {
        size_t at = 0, length = 0;
        const uint32_t index =
            set->joints ? next_phrase(set, s, &at, &length) : next_token(set, s, &at, &length);
        if (index >= set->n) return false;
        s->next = at + length;
        const struct added_token *token = &set->tokens[index];
        if (token->flags & ADDED_SINGLE_WORD && !is_single_word(s, at, at + length)) continue;
        match->start = token->flags & ADDED_LSTRIP ? space_start(s, at) : at;
        match->end = token->flags & ADDED_RSTRIP ? space_end(s, at + length) : at + length;
        match->id = token->id;
        s->done = match->end;
        if (match->start < match->end) return true;
    }
    return false;
}
