/* SPDX-License-Identifier: Apache-2.0 */
#include "model/text/vocab/ideograph_tokens.h"

#include "model/text/vocab/trie.h"

#include <stdlib.h>
#include <string.h>

static void read_token(const struct trie_key *key, struct ideograph_token *token)
{
    *token = (struct ideograph_token){.text = key->text, .id = key->id};
    while ((size_t)token->length * IDEOGRAPH_BYTES < key->bytes &&
           ideograph_token_label(token, token->length) < IDEOGRAPH_LABELS)
        token->length++;
    token->goes_on = (size_t)token->length * IDEOGRAPH_BYTES < key->bytes;
}

static int compare(const void *a, const void *b)
{
    const struct ideograph_token *x = a, *y = b;
    const uint32_t n = x->length < y->length ? x->length : y->length;
    const int order = memcmp(x->text, y->text, (size_t)n * IDEOGRAPH_BYTES);
    return order ? order : (x->length > y->length) - (x->length < y->length);
}

/* Most are few. */
static void sort(struct ideograph_token *tokens, uint32_t n)
{
    if (n > 32) {
        qsort(tokens, n, sizeof *tokens, compare);
        return;
    }
    for (uint32_t i = 1; i < n; i++) {
        const struct ideograph_token token = tokens[i];
        uint32_t at = i;
        for (; at > 0 && compare(&tokens[at - 1], &token) > 0; at--)
            tokens[at] = tokens[at - 1];
        tokens[at] = token;
    }
}

static uint32_t first_label(const struct trie_key *key)
{
    return key->bytes >= IDEOGRAPH_BYTES ? ideograph_label(key->text) : UINT32_MAX;
}

/* How many begin with each label or one before it: `starts` (IDEOGRAPH_LABELS + 1), 0 first. */
static void count_tokens(const struct trie_key *keys, size_t n, uint32_t *starts)
{
    for (size_t i = 0; i < n; i++) {
        const uint32_t label = first_label(&keys[i]);
        if (label < IDEOGRAPH_LABELS) starts[label + 1]++;
    }
    for (uint32_t label = 0; label < IDEOGRAPH_LABELS; label++)
        starts[label + 1] += starts[label];
}

/* Each to where the tokens with its first label begin, which is moved past it. */
static void place_tokens(struct ideograph_tokens *tokens, const struct trie_key *keys, size_t n,
                         uint32_t *starts)
{
    for (size_t i = 0; i < n; i++) {
        const uint32_t label = first_label(&keys[i]);
        if (label >= IDEOGRAPH_LABELS) continue;
        struct ideograph_token *token = &tokens->items[starts[label]++];
        read_token(&keys[i], token);
        if (tokens->longest < token->length) tokens->longest = token->length;
        if (tokens->last_id < token->id) tokens->last_id = token->id;
    }
}

bool ideograph_tokens_list(struct ideograph_tokens *tokens, const struct trie_key *keys, size_t n)
{
    uint32_t *starts = calloc(IDEOGRAPH_LABELS + 1, sizeof *starts), first = 0;
    if (!starts) return false;
    count_tokens(keys, n, starts);
    tokens->n = starts[IDEOGRAPH_LABELS];
    tokens->items = malloc((tokens->n + (size_t)1) * sizeof *tokens->items);
    if (tokens->items) place_tokens(tokens, keys, n, starts);
    for (uint32_t label = 0; label < IDEOGRAPH_LABELS && tokens->items; first = starts[label++])
        sort(tokens->items + first, starts[label] - first);
    free(starts);
    return tokens->items;
}
