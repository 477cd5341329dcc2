/* SPDX-License-Identifier: Apache-2.0 */
/* A plain dictionary: Chinese by the longest tokens, other scripts by words, marks of punctuation
   by themselves; each looked up exactly as it stands in the text (no lower-casing, no cleaning). */
#include "base/utf8.h"
#include "model/text/families/family.h"
#include "model/text/unicode/bert_words.h"

#include <utf8proc.h>

/* A text is made of units: runs of letters (and digits, and what else is not one of these), marks,
   and characters that stand without spaces: ideographs and wide marks. Tokens are whole units, so
   that no run of letters is torn: T恤 is not found in ACT恤. */
enum kind { KIND_LETTER, KIND_SPACE, KIND_MARK, KIND_SPACELESS };

static enum kind kind_of(const char *at, const char **next)
{
    const uint8_t byte_flags = unicode_byte_flags[(unsigned char)*at];
    *next = at + 1;
    if (byte_flags != UNICODE_LEAD) {
        if (byte_flags & UNICODE_SPACE) return KIND_SPACE;
        return byte_flags & UNICODE_PUNCT ? KIND_MARK : KIND_LETTER;
    }
    *next = at;
    const uint32_t code = utf8_next(next);
    const uint8_t flags = unicode_record_of(code)->flags;
    if (flags & UNICODE_SPACE) return KIND_SPACE;
    if (flags & UNICODE_PUNCT) return code >= 0x3000 ? KIND_SPACELESS : KIND_MARK;
    return unicode_is_ideograph(code, flags) ? KIND_SPACELESS : KIND_LETTER;
}

static bool is_spaceless(const char *at)
{
    return kind_of(at, &at) == KIND_SPACELESS;
}

/* Where the run of letters ends that `at` lies in. */
static const char *letters_end(const char *at, const char *end)
{
    const char *next;
    for (; at < end && kind_of(at, &next) == KIND_LETTER; at = next)
        ;
    return at;
}

/* The node that [at, end) leads to in lower case, or 0. */
static uint64_t walk_lowercase(const struct trie *trie, uint64_t node, const char *at,
                               const char *end)
{
    while (at < end && node) {
        char lower[4];
        utf8proc_int32_t code = (utf8proc_int32_t)utf8_next(&at);
        node = trie_walk(trie, node, lower, utf8_write(lower, (uint32_t)utf8proc_tolower(code)));
    }
    return node;
}

/* A token in a text: its end, and its id or TOKEN_ID_NONE. */
struct match {
    const char *end;
    uint32_t id;
};

static void put_match(struct encoding *e, const char *text, const char *start, struct match match)
{
    const struct tokenizer *t = e->tokenizer;
    if (match.id == TOKEN_ID_NONE && t->vocab.added.cells)
        match.id = vocab_id(&t->vocab, start, (size_t)(match.end - start));
    const bool is_known = match.id < t->vocab.n;
    encoding_put(e, is_known ? match.id : t->unknown_id, (size_t)(start - text),
                 (size_t)(match.end - text));
}

/* The node behind the run of letters at `at`, whose end is then `*after`; 0 where there is none. */
static uint64_t walk_letters(const struct tokenizer *t, uint64_t node, const char *at,
                             const char *end, const char **after)
{
    const struct trie *trie = &t->vocab.trie;
    const uint64_t from = node;
    const char *next, *start = at;
    for (; node && at < end && kind_of(at, &next) == KIND_LETTER; at = next)
        node = trie_walk(trie, node, at, (size_t)(next - at));
    *after = at;
    if (node || !t->lowercases) return node;
    *after = letters_end(at, end);
    return walk_lowercase(trie, from, start, *after);
}

/* No token goes on from `node` with the character at `at`: what is mostly so is cheap to know.
   There is no lower case of ASCII's marks, nor from U+3000 to U+9FFF. */
static bool ends_here(const struct tokenizer *t, uint64_t node, const char *at)
{
    const unsigned char byte = (unsigned char)*at;
    if (trie_step(&t->vocab.trie, node, byte)) return false;
    return !t->lowercases || unicode_byte_flags[byte] & UNICODE_PUNCT ||
           (byte >= 0xE3 && byte <= 0xE9);
}

/* The longest token of the units from `at` on, the first of which ends at match.end and leads to
   `node`. It holds a character that stands without spaces; other words are taken alone. */
static struct match extend(const struct tokenizer *t, struct match match, uint64_t node,
                           bool is_spaceless, const char *end)
{
    const struct trie *trie = &t->vocab.trie;
    const char *after;
    for (const char *at = match.end; node && at < end && !ends_here(t, node, at); at = after) {
        const enum kind kind = kind_of(at, &after);
        if (kind != KIND_SPACELESS && !t->mixes) break;
        node = kind == KIND_LETTER ? walk_letters(t, node, at, end, &after)
                                   : trie_walk(trie, node, at, (size_t)(after - at));
        is_spaceless |= kind == KIND_SPACELESS;
        if (is_spaceless && trie_id(node) != UINT32_MAX)
            match = (struct match){after, trie_id(node)};
    }
    return match;
}

/* The token at `at`, which lies in a chunk without white space. */
static struct match find_match(const struct tokenizer *t, const char *at, const char *end)
{
    const struct trie *trie = &t->vocab.trie;
    const char *next;
    const enum kind kind = kind_of(at, &next);
    if (kind == KIND_LETTER) next = letters_end(next, end);
    const bool is_word = kind == KIND_LETTER;
    uint64_t node = trie_walk(trie, trie->root, at, (size_t)(next - at));
    struct match match = {next, trie_id(node)};
    if (!is_word || t->mixes) match = extend(t, match, node, kind == KIND_SPACELESS, end);
    if (match.id != TOKEN_ID_NONE || !is_word || !t->lowercases) return match;
    node = walk_lowercase(trie, trie->root, at, next);
    match.id = trie_id(node);
    return t->mixes ? extend(t, match, node, false, end) : match;
}

/* Where the white space after `at` begins. */
static const char *chunk_end(const char *at, const char *end)
{
    const char *next;
    while (at < end && kind_of(at, &next) != KIND_SPACE)
        at = next;
    return at;
}

/* A token that holds marks of punctuation, such as don't, is taken where it stands by itself. */
static bool dictionary_encode(struct encoding *e, const char *text, size_t bytes)
{
    const struct tokenizer *t = e->tokenizer;
    uint32_t first = e->out->n;
    const char *end = text + bytes, *next;
    for (const char *at = text; at < end; at = next) {
        if (kind_of(at, &next) == KIND_SPACE) continue;
        next = chunk_end(at, end);
        struct match match = {next, vocab_id(&t->vocab, at, (size_t)(next - at))};
        if (match.id != TOKEN_ID_NONE) {
            put_match(e, text, at, match);
            continue;
        }
        for (; at < next; at = match.end) {
            match = find_match(t, at, next);
            put_match(e, text, at, match);
        }
    }
    encoding_place(e, first, text, NULL, 0);
    return true;
}

/* Characters that stand without spaces beside others, and no white space, which parts a text. */
static bool is_mixed(const char *at, const char *end)
{
    bool has_spaceless = false, has_other = false;
    while (at < end) {
        const enum kind kind = kind_of(at, &at);
        if (kind == KIND_SPACE) return false;
        has_spaceless |= kind == KIND_SPACELESS;
        has_other |= kind != KIND_SPACELESS;
    }
    return has_spaceless && has_other;
}

bool dictionary_mixes(const struct vocab *vocab)
{
    for (uint32_t id = 0; id < vocab->n; id++) {
        size_t bytes;
        const char *text = vocab_text(vocab, id, &bytes);
        if (!utf8_is_ascii(text, bytes) && is_mixed(text, text + bytes)) return true;
    }
    return false;
}

/* ---- tokens to text ---- */

static void dictionary_decode(const struct tokenizer *t, const uint32_t *ids, size_t n,
                              bool skip_special, struct buf *out)
{
    bool parts = false; /* the token before ends in a character that a space may follow */
    for (size_t i = 0; i < n; i++) {
        size_t bytes;
        const char *text = vocab_text(&t->vocab, ids[i], &bytes);
        if (bytes == 0 || (skip_special && vocab_flags(&t->vocab, ids[i]) & VOCAB_SPECIAL))
            continue;
        if (parts && !is_spaceless(text)) buf_add_char(out, ' ');
        buf_add(out, text, bytes);
        parts = !is_spaceless(utf8_before(text + bytes));
    }
}

const struct tokenizer_family dictionary_family = {
    .name = "dictionary", .encode = dictionary_encode, .decode = dictionary_decode};
