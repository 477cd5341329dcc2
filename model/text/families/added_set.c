/* SPDX-License-Identifier: Apache-2.0 */
#include "model/text/families/added_set.h"

#include "base/utf8.h"
#include "model/text/unicode/unicode.h"

#include <stdlib.h>
#include <string.h>

bool added_set_build(struct added_set *set, struct added_token *tokens, size_t n,
                     struct trie_key *keys)
{
    uint32_t twins[2];
    *set = (struct added_set){.tokens = tokens, .n = n};
    bool done = n == 0 || trie_build(&set->trie, keys, n, twins) == TRIE_BUILT;
    added_set_finish(set);
    return done;
}

void added_set_finish(struct added_set *set)
{
    unsigned kinds = 0;
    set->only_first_byte = -1;
    for (int byte = 0; byte < 256; byte++) {
        set->first_bytes[byte] = trie_step(&set->trie, set->trie.root, (unsigned char)byte);
        kinds += set->first_bytes[byte];
        if (set->first_bytes[byte]) set->only_first_byte = kinds == 1 ? byte : -1;
    }
}

void added_set_clear(struct added_set *set)
{
    free(set->tokens);
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

bool added_find(const struct added_set *set, struct added_search *s, struct added_match *match)
{
    while (set->n > 0) {
        size_t at = next_candidate(set, s, s->next), length;
        if (at >= s->bytes) return false;
        uint32_t index =
            trie_longest(&set->trie, set->trie.root, s->text + at, s->text + s->bytes, &length);
        s->next = index >= set->n ? at + 1 : at + length;
        if (index >= set->n) continue;
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
