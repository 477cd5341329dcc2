/* SPDX-License-Identifier: Apache-2.0 */
#include "model/text/vocab/ideograph_tokens.h"

#include "model/text/vocab/vocab.h"

#include <stdlib.h>
#include <string.h>

static void read_token(const struct vocab *vocab, uint32_t id, struct ideograph_token *token)
{
    size_t bytes;
    const char *text = vocab_text(vocab, id, &bytes);
    *token = (struct ideograph_token){.text = text, .id = id};
    while ((size_t)token->length * IDEOGRAPH_BYTES < bytes &&
           ideograph_token_label(token, token->length) < IDEOGRAPH_LABELS)
        token->length++;
    token->goes_on = (size_t)token->length * IDEOGRAPH_BYTES < bytes;
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

static uint32_t first_label(const struct vocab *vocab, uint32_t id)
{
    size_t bytes;
    const char *text = vocab_text(vocab, id, &bytes);
    return bytes >= IDEOGRAPH_BYTES ? ideograph_label(text) : UINT32_MAX;
}

/* How many begin with each label or one before it: `starts` (IDEOGRAPH_LABELS + 1), 0 first. */
static void count_tokens(const struct vocab *vocab, uint32_t *starts)
{
    for (uint32_t id = 0; id < vocab->n_model; id++) {
        const uint32_t label = first_label(vocab, id);
        if (label < IDEOGRAPH_LABELS) starts[label + 1]++;
    }
    for (uint32_t label = 0; label < IDEOGRAPH_LABELS; label++)
        starts[label + 1] += starts[label];
}

/* Each to where the tokens with its first label begin, which is moved past it. */
static void place_tokens(struct ideograph_tokens *tokens, const struct vocab *vocab,
                         uint32_t *starts)
{
    for (uint32_t id = 0; id < vocab->n_model; id++) {
        const uint32_t label = first_label(vocab, id);
        if (label >= IDEOGRAPH_LABELS) continue;
        struct ideograph_token *token = &tokens->items[starts[label]++];
        read_token(vocab, id, token);
        if (tokens->longest < token->length) tokens->longest = token->length;
    }
}

bool ideograph_tokens_list(struct ideograph_tokens *tokens, const struct vocab *vocab)
{
    uint32_t *starts = calloc(IDEOGRAPH_LABELS + 1, sizeof *starts), first = 0;
    if (!starts) return false;
    count_tokens(vocab, starts);
    tokens->n = starts[IDEOGRAPH_LABELS];
    tokens->items = malloc((tokens->n + (size_t)1) * sizeof *tokens->items);
    if (tokens->items) place_tokens(tokens, vocab, starts);
    for (uint32_t label = 0; label < IDEOGRAPH_LABELS && tokens->items; first = starts[label++])
        sort(tokens->items + first, starts[label] - first);
    free(starts);
    return tokens->items;
}
