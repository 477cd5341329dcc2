/* SPDX-License-Identifier: Apache-2.0 */
#include "model/text/families/short_words.h"

#include <stdlib.h>

/* The token's bytes as a number, or 0: it is not a short word. */
static uint64_t word_of(const struct vocab *vocab, uint32_t id)
{
    char text[SHORT_WORD_MAX] = {0};
    size_t bytes;
    const char *token = vocab_text(vocab, id, &bytes);
    if (bytes == 0 || bytes > SHORT_WORD_MAX) return 0;
    memcpy(text, token, bytes);
    uint64_t word = short_words_load(text);
    return short_words_length(word) == bytes ? word : 0;
}

static void put(struct short_words *words, const struct vocab *vocab, uint64_t word, uint32_t id)
{
    struct short_word *slot = &words->slots[short_words_slot(words, word)];
    while (slot->low && (slot->low | (uint64_t)slot->high << 32) != word)
        slot++;
    if (slot->low) { /* a token with several ids, of which one counts */
        size_t bytes;
        const char *text = vocab_text(vocab, id, &bytes);
        slot->id = vocab_id(vocab, text, bytes);
        return;
    }
    *slot = (struct short_word){(uint32_t)word, (uint32_t)(word >> 32), id};
    size_t used = (size_t)(slot - words->slots) + 1;
    if (words->n_slots <= used) words->n_slots = used + 1;
}

bool short_words_build(struct short_words *words, const struct vocab *vocab)
{
    size_t n = 0;
    for (uint32_t id = 0; id < vocab->n_model; id++)
        n += word_of(vocab, id) != 0;
    unsigned bits = 4;
    while ((size_t)1 << bits < n + n / 2)
        bits++;
    words->shift = 64 - bits;
    words->n_slots = ((size_t)1 << bits) + 1;
    words->slots = calloc(words->n_slots + n, sizeof *words->slots);
    if (!words->slots) return false;
    for (uint32_t id = 0; id < vocab->n_model; id++) {
        uint64_t word = word_of(vocab, id);
        if (word) put(words, vocab, word, id);
    }
    return true;
}

bool short_words_finish(struct short_words *words)
{
    if (words->n_slots < 3) return false;
    const struct short_word *last = &words->slots[words->n_slots - 1];
    words->shift = (unsigned)__builtin_clzll(words->n_slots - 1) + 1;
    return last->low == 0 && last->high == 0;
}

void short_words_clear(struct short_words *words)
{
    free(words->slots);
    *words = (struct short_words){0};
}
