/* SPDX-License-Identifier: Apache-2.0 */
#include "model/text/family.h"

#include <stdlib.h>
#include <string.h>

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

/* Normalized text is what such a token is searched for in, so it is normalized itself. */
static bool put_normalized(struct tokenizer *t, struct making *m, const struct added_entry *entry,
                           const char *where, struct err *err)
{
    char *text = vocab_alloc(&t->vocab, entry->bytes * NORMALIZER_GROWTH);
    if (!text) return err_set(err, ERR_MEMORY, NULL, "%s: no memory left", where);
    size_t bytes = normalizer_apply(&t->normalizer, entry->text, entry->bytes, text, NULL);
    if (bytes == 0)
        return err_set(err, ERR_FORMAT, NULL,
                       "%s: nothing is left of the token with the id %u once it is normalized; set "
                       "its normalized to false",
                       where, entry->token.id);
    t->vocab.tokens[entry->token.id].is_normalized =
        bytes != entry->bytes || memcmp(text, entry->text, bytes) != 0;
    making_put(m, entry, text, bytes);
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
    bool done = making_alloc(&raw, n) && making_alloc(&normalized, n);
    if (!done) err_set(err, ERR_MEMORY, NULL, "%s: no memory left", where);
    for (size_t i = 0; i < n && done; i++) {
        t->vocab.tokens[entries[i].token.id].is_special |= entries[i].is_special;
        if (entries[i].is_normalized)
            done = put_normalized(t, &normalized, &entries[i], where, err);
        else
            making_put(&raw, &entries[i], entries[i].text, entries[i].bytes);
    }
    done = done && finish(&t->raw, &raw, where, err) &&
           finish(&t->normalized, &normalized, where, err);
    free(raw.tokens);
    free(raw.keys);
    free(normalized.tokens);
    free(normalized.keys);
    return done;
}
