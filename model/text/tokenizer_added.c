/* SPDX-License-Identifier: Apache-2.0 */
#include "model/text/family.h"

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

/* The token's normalized form, kept with the vocabulary. */
static bool normalize(struct tokenizer *t, const struct added_entry *entry, struct line *out)
{
    struct arena arena;
    struct line line;
    arena_init(&arena, NORMALIZED_BYTES_MAX);
    bool done = tokenizer_normalize(t, &arena, entry->text, entry->bytes, &line);
    char *text = done ? vocab_alloc(&t->vocab, line.bytes + 1) : NULL;
    if (text && line.bytes > 0) memcpy(text, line.text, line.bytes);
    *out = (struct line){.text = text, .bytes = text ? line.bytes : 0};
    arena_clear(&arena);
    return text;
}

/* Normalized text is what such a token is searched for in, so it is normalized itself. */
static bool put_normalized(struct tokenizer *t, struct making *m, const struct added_entry *entry,
                           const char *where, struct err *err)
{
    struct line line;
    if (!normalize(t, entry, &line))
        return err_set(err, ERR_MEMORY, NULL, "%s: no memory left", where);
    if (line.bytes == 0)
        return err_set(err, ERR_FORMAT, NULL,
                       "%s: nothing is left of the token with the id %u once it is normalized; set "
                       "its normalized to false",
                       where, entry->token.id);
    bool differs = line.bytes != entry->bytes || memcmp(line.text, entry->text, line.bytes) != 0;
    t->vocab.tokens[entry->token.id].is_normalized = differs;
    if (differs)
        t->normalized_texts[t->n_normalized_texts++] =
            (struct normalized_text){entry->token.id, line.text, line.bytes, false};
    making_put(m, entry, line.text, line.bytes);
    return true;
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

bool tokenizer_set_added(struct tokenizer *t, const struct added_entry *entries, size_t n,
                         const char *where, struct err *err)
{
    struct making raw = {0}, normalized = {0};
    t->normalized_texts = malloc((n + 1) * sizeof *t->normalized_texts);
    bool done = t->normalized_texts && making_alloc(&raw, n) && making_alloc(&normalized, n);
    if (!done) err_set(err, ERR_MEMORY, NULL, "%s: no memory left", where);
    for (size_t i = 0; i < n && done; i++) {
        t->vocab.tokens[entries[i].token.id].is_special |= entries[i].is_special;
        if (entries[i].is_normalized)
            done = put_normalized(t, &normalized, &entries[i], where, err);
        else
            making_put(&raw, &entries[i], entries[i].text, entries[i].bytes);
    }
    for (size_t i = 0; i < t->n_normalized_texts && done; i++) {
        struct normalized_text *form = &t->normalized_texts[i];
        uint32_t id = vocab_id(&t->vocab, form->text, form->bytes);
        form->is_special = id != MODEL_NO_ID && t->vocab.tokens[id].is_special;
    }
    done = done && finish(&t->raw, &raw, where, err) &&
           finish(&t->normalized, &normalized, where, err);
    free(raw.tokens);
    free(raw.keys);
    free(normalized.tokens);
    free(normalized.keys);
    return done;
}
