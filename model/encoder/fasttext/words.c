/* SPDX-License-Identifier: Apache-2.0 */
/* The words of a fastText model: what stands between white space, exactly as it stands. Their
   n-grams are not tokens: they are parts of the words' vectors. */
#include "model/encoder/fasttext/words.h"

#include "model/encoder/fasttext/fasttext.h"
#include "model/text/families/family.h"

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

void fasttext_words_join(const struct fasttext *ft, const uint32_t *ids, size_t n, struct buf *out)
{
    bool has_words = false;
    for (size_t i = 0; i < n; i++) {
        if (ids[i] == TOKEN_ID_NONE) continue;
        const struct span word = fasttext_word(ft, ids[i]);
        if (has_words) buf_add_char(out, ' ');
        has_words = true;
        buf_add(out, word.data, word.bytes);
    }
}

static void decode(const struct tokenizer *t, const uint32_t *ids, size_t n, bool skip_special,
                   struct buf *out)
{
    (void)skip_special;
    fasttext_words_join(t->words, ids, n, out);
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
