/* SPDX-License-Identifier: Apache-2.0 */
/* A plain dictionary: Chinese by single characters, other scripts by words, marks of punctuation by
   themselves; each looked up exactly as it stands in the text (no lower-casing, no cleaning). */
#include "base/utf8.h"
#include "model/text/family.h"
#include "model/text/words.h"

#include <utf8proc.h>

enum kind { KIND_LETTER, KIND_SPACE, KIND_ALONE };

static enum kind kind_of(const char *at, const char **next)
{
    *next = at;
    uint32_t code = utf8_next(next);
    uint8_t flags = unicode_record_of(code)->flags;
    if (flags & UNICODE_SPACE) return KIND_SPACE;
    return flags & UNICODE_PUNCT || unicode_is_ideograph(code, flags) ? KIND_ALONE : KIND_LETTER;
}

/* Ideographs and Chinese punctuation stand without spaces; so do they beside anything. */
static bool is_spaceless(const char *at)
{
    uint32_t code = utf8_next(&at);
    uint8_t flags = unicode_record_of(code)->flags;
    bool is_wide_mark = flags & UNICODE_PUNCT && code >= 0x3000;
    return is_wide_mark || unicode_is_ideograph(code, flags);
}

/* Longer words are not looked for in lower case. */
#define LOWER_BYTES_MAX 256

static uint32_t find_lowercase(const struct tokenizer *t, const char *start, const char *end)
{
    char text[LOWER_BYTES_MAX + 4];
    size_t bytes = 0;
    if (end - start > LOWER_BYTES_MAX / 2) return MODEL_NO_ID;
    while (start < end) {
        utf8proc_int32_t code = (utf8proc_int32_t)utf8_next(&start);
        bytes += utf8_write(text + bytes, (uint32_t)utf8proc_tolower(code));
    }
    return vocab_id(&t->vocab, text, bytes);
}

static void put_token(struct encoding *e, const char *text, const char *start, const char *end)
{
    const struct tokenizer *t = e->tokenizer;
    uint32_t id = vocab_id(&t->vocab, start, (size_t)(end - start));
    if (id == MODEL_NO_ID && t->lowercases) id = find_lowercase(t, start, end);
    if (id == MODEL_NO_ID) id = t->unknown_id;
    encoding_put(e, id, (size_t)(start - text), (size_t)(end - text));
}

/* The end of the longest token of ideographs alone that begins with the one in [at, next); `next`
   where there is none. Most vocabularies hold single ones, files of word vectors also words. */
static const char *ideographs_end(const struct tokenizer *t, const char *at, const char *next,
                                  const char *end)
{
    const struct trie *trie = &t->vocab.trie;
    uint64_t node = trie_walk(trie, trie->root, at, (size_t)(next - at));
    const char *best = next, *after;
    for (at = next; node && at < end; at = after) {
        if (kind_of(at, &after) != KIND_ALONE || !is_spaceless(at)) break;
        node = trie_walk(trie, node, at, (size_t)(after - at));
        if (trie_id(node) != UINT32_MAX) best = after;
    }
    return best;
}

/* Where the white space after `at` begins. */
static const char *chunk_end(const char *at, const char *end)
{
    const char *next;
    while (at < end && kind_of(at, &next) != KIND_SPACE)
        at = next;
    return at;
}

/* Words between white space and what stands alone, in a chunk without white space. */
static void put_parts(struct encoding *e, const char *text, const char *at, const char *end)
{
    const char *word = NULL, *next;
    for (; at < end; at = next) {
        if (kind_of(at, &next) == KIND_LETTER) {
            if (!word) word = at;
            continue;
        }
        if (word) put_token(e, text, word, at);
        word = NULL;
        next = ideographs_end(e->tokenizer, at, next, end);
        put_token(e, text, at, next);
    }
    if (word) put_token(e, text, word, end);
}

/* A token that holds marks of punctuation, such as don't, is taken where it stands by itself. */
static bool dictionary_encode(struct encoding *e, const char *text, size_t bytes)
{
    uint32_t first = e->out->n;
    const char *end = text + bytes, *next;
    for (const char *at = text; at < end; at = next) {
        if (kind_of(at, &next) == KIND_SPACE) continue;
        next = chunk_end(at, end);
        if (vocab_id(&e->tokenizer->vocab, at, (size_t)(next - at)) != MODEL_NO_ID)
            put_token(e, text, at, next);
        else
            put_parts(e, text, at, next);
    }
    encoding_place(e, first, text, NULL, 0);
    return true;
}

/* ---- tokens to text ---- */

static void dictionary_decode(const struct tokenizer *t, const uint32_t *ids, size_t n,
                              bool skip_special, struct buf *out)
{
    bool parts = false; /* the token before ends in a character that a space may follow */
    for (size_t i = 0; i < n; i++) {
        size_t bytes;
        const char *text = tokenizer_token_text(t, ids[i], &bytes);
        if (bytes == 0 || (skip_special && tokenizer_is_special(t, ids[i]))) continue;
        if (parts && !is_spaceless(text)) buf_add_char(out, ' ');
        buf_add(out, text, bytes);
        parts = !is_spaceless(utf8_before(text + bytes));
    }
}

const struct tokenizer_family dictionary_family = {"dictionary", dictionary_encode,
                                                   dictionary_decode, NULL};
