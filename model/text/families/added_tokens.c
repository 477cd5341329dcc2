/* SPDX-License-Identifier: Apache-2.0 */
#include "model/text/families/family.h"

#include <stdlib.h>
#include <string.h>

/* Of one added token. */
#define NORMALIZED_BYTES_MAX (64u << 20)

/* One of the two sets while it is made. */
struct making {
    struct added_token *tokens;
    struct trie_key *keys;
    uint32_t n;
};

static bool making_alloc(struct making *m, size_t n)
{
    m->tokens = malloc((n + 1) * sizeof *m->tokens);
    m->keys = malloc((n + 1) * sizeof *m->keys);
    return m->tokens && m->keys;
}

static void making_put(struct making *m, const struct added_entry *entry, const char *text,
                       size_t bytes)
{
    m->keys[m->n] = (struct trie_key){text, (uint32_t)bytes, m->n};
    m->tokens[m->n++] = entry->token;
}

static bool keep_differing(struct tokenizer *t, uint32_t id, const struct line *line)
{
    struct normalized_text *form = &t->normalized_texts[t->n_normalized_texts++];
    *form = (struct normalized_text){.id = id};
    t->vocab.flags[id] |= VOCAB_NORMALIZED;
    return vocab_keep(&t->vocab, line->text, line->bytes, &form->place);
}

/* Normalized text is what such a token is searched for in, so it is normalized itself; what that
   changes is kept. */
static bool keep_normalized(struct tokenizer *t, const struct added_entry *entry, const char *where,
                            struct err *err)
{
    struct arena arena;
    struct line line = {0};
    arena_init(&arena, NORMALIZED_BYTES_MAX);
    bool done = tokenizer_normalize(t, &arena, entry->text, entry->bytes, &line);
    bool is_empty = done && line.bytes == 0;
    if (done && !is_empty &&
        (line.bytes != entry->bytes || memcmp(line.text, entry->text, line.bytes) != 0))
        done = keep_differing(t, entry->token.id, &line);
    arena_clear(&arena);
    if (!done)
        return err_set(err, ERR_FORMAT, NULL,
                       "%s: the token with the id %u is too long once it is normalized; set its "
                       "normalized to false",
                       where, entry->token.id);
    return !is_empty ||
           err_set(err, ERR_FORMAT, NULL,
                   "%s: nothing is left of the token with the id %u once it is normalized; set its "
                   "normalized to false",
                   where, entry->token.id);
}

/* `*form`: the next of the normalized texts, which stand in the order of the entries. */
static void put_normalized(const struct tokenizer *t, struct making *m,
                           const struct added_entry *entry, const struct normalized_text **form)
{
    size_t bytes = entry->bytes;
    const char *text = entry->text;
    if (vocab_flags(&t->vocab, entry->token.id) & VOCAB_NORMALIZED)
        text = vocab_kept(&t->vocab, (*form)++->place, &bytes);
    making_put(m, entry, text, bytes);
}

static bool finish(struct added_set *set, struct making *m, const char *where, struct err *err)
{
    struct added_token *tokens = m->tokens;
    m->tokens = NULL;
    return added_set_build(set, tokens, m->n, m->keys) ||
           err_set(err, ERR_FORMAT, NULL,
                   "%s: two tokens are the same (once normalized, where they are); keep one of "
                   "them",
                   where);
}

static void find_special_forms(struct tokenizer *t)
{
    for (size_t i = 0; i < t->n_normalized_texts; i++) {
        size_t bytes;
        const char *text = vocab_kept(&t->vocab, t->normalized_texts[i].place, &bytes);
        uint32_t id = vocab_id(&t->vocab, text, bytes);
        t->normalized_texts[i].is_special =
            id != TOKEN_ID_NONE && vocab_flags(&t->vocab, id) & VOCAB_SPECIAL;
    }
}

bool tokenizer_set_added(struct tokenizer *t, const struct added_entry *entries, size_t n,
                         const char *where, struct err *err)
{
    struct making raw = {0}, normalized = {0};
    t->normalized_texts = malloc((n + 1) * sizeof *t->normalized_texts);
    bool done = t->normalized_texts && making_alloc(&raw, n) && making_alloc(&normalized, n);
    if (!done) err_set(err, ERR_MEMORY, NULL, "%s: no memory left", where);
    for (size_t i = 0; i < n && done; i++) {
        if (entries[i].is_special) t->vocab.flags[entries[i].token.id] |= VOCAB_SPECIAL;
        if (entries[i].is_normalized) done = keep_normalized(t, &entries[i], where, err);
    }
    const struct normalized_text *form = t->normalized_texts;
    for (size_t i = 0; i < n && done; i++) {
        if (entries[i].is_normalized)
            put_normalized(t, &normalized, &entries[i], &form);
        else
            making_put(&raw, &entries[i], entries[i].text, entries[i].bytes);
    }
    if (done) find_special_forms(t);
    done = done && finish(&t->raw, &raw, where, err) &&
           finish(&t->normalized, &normalized, where, err);
    free(raw.tokens);
    free(raw.keys);
    free(normalized.tokens);
    free(normalized.keys);
    return done;
}
