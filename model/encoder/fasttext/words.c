/* SPDX-License-Identifier: Apache-2.0 */
/* The words of a fastText model: what stands between white space, exactly as it stands. Their
   n-grams are not tokens: they are parts of the words' vectors. */
#include "model/encoder/fasttext/words.h"

#include "base/utf8.h"
#include "model/encoder/fasttext/fasttext.h"
#include "model/text/families/family.h"
#include "model/text/tokenizer.h"

#include <assert.h>
#include <stdlib.h>

/* As the program splits a line. */
static bool ends_word(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r') || c == '\0';
}

static bool encode(struct encoding *e, const char *text, size_t bytes)
{
    const struct fasttext *ft = e->tokenizer->words;
    const char *end = text + bytes;
    uint32_t first = e->out->n;
    for (const char *at = text, *start; at < end;) {
        while (at < end && ends_word(*at))
            at++;
        for (start = at; at < end && !ends_word(*at);)
            at++;
        if (start == at) break;
        uint32_t id = fasttext_find(ft, (struct span){start, (size_t)(at - start)});
        encoding_put(e, id, (size_t)(start - text), (size_t)(at - text));
    }
    encoding_place(e, first, text, NULL, 0);
    return true;
}

static void decode(const struct tokenizer *t, const uint32_t *ids, size_t n, bool skip_special,
                   struct buf *out)
{
    bool has_words = false;
    (void)skip_special;
    for (size_t i = 0; i < n; i++) {
        if (ids[i] == TOKEN_ID_NONE) continue;
        const struct span word = fasttext_word(t->words, ids[i]);
        if (has_words) buf_add_char(out, ' ');
        has_words = true;
        buf_add(out, word.data, word.bytes);
    }
}

static uint32_t find(const struct tokenizer *t, const char *token, size_t bytes)
{
    return fasttext_find(t->words, (struct span){token, bytes});
}

static struct span text_of(const struct tokenizer *t, uint32_t id)
{
    return fasttext_word(t->words, id);
}

static const struct tokenizer_family fasttext_family = {
    .name = "fasttext", .encode = encode, .decode = decode, .find = find, .text_of = text_of};

bool fasttext_words_open(struct tokenizer **out, const struct fasttext *ft, struct err *err)
{
    static_assert(FASTTEXT_NO_WORD == TOKEN_ID_NONE, "words that are none have no id");
    struct tokenizer *t = calloc(1, sizeof *t);
    *out = t;
    if (!t) return err_set(err, ERR_MEMORY, NULL, "no memory left for the tokenizer");
    t->family = &fasttext_family;
    t->words = ft;
    t->vocab.n = fasttext_info(ft)->n_words;
    t->unknown_id = TOKEN_ID_NONE;
    return true;
}

static bool add_words(struct vocab *vocab, const struct fasttext *ft, const char *where,
                      struct err *err)
{
    for (uint32_t id = 0; id < fasttext_info(ft)->n_words; id++) {
        const struct span word = fasttext_word(ft, id);
        if (utf8_valid_bytes(word.data, word.bytes) < word.bytes)
            return err_set(err, ERR_FORMAT, NULL,
                           "%.300s: word %u is not UTF-8, which only its own file can hold", where,
                           id);
        if (!vocab_add(vocab, id, word.data, word.bytes, where, err)) return false;
    }
    return true;
}

bool fasttext_words_copy(struct tokenizer **out, const struct fasttext *ft, const char *where,
                         struct err *err)
{
    struct vocab vocab = {0};
    *out = NULL;
    if (add_words(&vocab, ft, where, err)) return tokenizer_open_words(out, &vocab, where, err);
    vocab_clear(&vocab);
    return false;
}
