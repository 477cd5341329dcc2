/* SPDX-License-Identifier: Apache-2.0 */
/* A plain dictionary: Chinese by single characters, other scripts by words, marks of punctuation by
   themselves; each looked up exactly as it stands in the text (no lower-casing, no cleaning). */
#include "base/utf8.h"
#include "model/text/family.h"
#include "model/text/words.h"

#include <assert.h>

/* Chinese is what BERT calls so, and besides 〇 and all of the two planes that Unicode keeps for
   ideographs (extensions B to J and what is to come). */
static bool is_ideograph(uint32_t code, uint8_t flags)
{
    return flags & UNICODE_CHINESE || code == 0x3007 || (code >= 0x20000 && code < 0x40000);
}

enum kind { KIND_LETTER, KIND_SPACE, KIND_ALONE };

static enum kind kind_of(const char *at, const char **next)
{
    *next = at;
    uint32_t code = utf8_next(next);
    uint8_t flags = unicode_record_of(code)->flags;
    if (flags & UNICODE_SPACE) return KIND_SPACE;
    return flags & UNICODE_PUNCT || is_ideograph(code, flags) ? KIND_ALONE : KIND_LETTER;
}

static void put_token(struct encoding *e, const char *text, const char *start, const char *end)
{
    uint32_t id = vocab_id(&e->tokenizer->vocab, start, (size_t)(end - start));
    if (id == MODEL_NO_ID) id = e->tokenizer->unknown_id;
    encoding_put(e, id, (size_t)(start - text), (size_t)(end - text));
}

static bool dictionary_encode(struct encoding *e, const char *text, size_t bytes)
{
    uint32_t first = e->out->n;
    const char *word = NULL, *end = text + bytes, *next;
    for (const char *at = text; at < end; at = next) {
        enum kind kind = kind_of(at, &next);
        if (kind == KIND_LETTER) {
            if (!word) word = at;
            continue;
        }
        if (word) put_token(e, text, word, at);
        word = NULL;
        if (kind == KIND_ALONE) put_token(e, text, at, next);
    }
    if (word) put_token(e, text, word, end);
    encoding_place(e, first, text, NULL, 0);
    return true;
}

/* ---- tokens to text ---- */

/* Ideographs and Chinese punctuation stand without spaces; so do they beside anything. */
static bool is_spaceless(const char *at)
{
    uint32_t code = utf8_next(&at);
    uint8_t flags = unicode_record_of(code)->flags;
    bool is_wide_mark = flags & UNICODE_PUNCT && code >= 0x3000;
    return is_wide_mark || is_ideograph(code, flags);
}

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
