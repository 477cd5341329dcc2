/* SPDX-License-Identifier: Apache-2.0 */
#include "model/text/short_words.h"

#include <stdlib.h>

/* The token's bytes as a number, or 0: it is not a short word. */
static uint64_t word_of(const struct vocab_token *token)
{
    char text[SHORT_WORD_MAX] = {0};
    if (token->bytes == 0 || token->bytes > SHORT_WORD_MAX) return 0;
    memcpy(text, token->text, token->bytes);
    uint64_t word = short_words_load(text);
    return short_words_length(word) == token->bytes ? word : 0;
}

bool short_words_build(struct short_words *words, const struct vocab *vocab)
{
    size_t n = 0;
    for (uint32_t id = 0; id < vocab->n_model; id++)
        n += word_of(&vocab->tokens[id]) != 0;
    unsigned bits = 4;
    while ((size_t)1 << bits < n + n / 2)
        bits++;
    words->shift = 64 - bits;
    words->slots = calloc((size_t)1 << bits, sizeof *words->slots);
    if (!words->slots) return false;
    for (uint32_t id = 0; id < vocab->n_model; id++) {
        uint64_t word = word_of(&vocab->tokens[id]);
        if (!word) continue;
        size_t at = short_words_slot(words, word), mask = ((size_t)1 << bits) - 1;
        while (words->slots[at].low)
            at = (at + 1) & mask;
        words->slots[at] = (struct short_word){(uint32_t)word, (uint32_t)(word >> 32), id};
    }
    return true;
}

void short_words_clear(struct short_words *words)
{
    free(words->slots);
    *words = (struct short_words){0};
}
