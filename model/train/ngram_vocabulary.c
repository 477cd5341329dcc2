/* SPDX-License-Identifier: Apache-2.0 */
#include "model/train/ngram_vocabulary.h"

#include "base/grow.h"

#include <math.h>
#include <stdlib.h>

#define FILTER_BITS 26
#define CHUNK 1024

/* An n-gram that came at least twice, and in how many texts. */
struct counted {
    uint64_t hash; /* 0: an empty slot; n-grams of this hash are passed over */
    uint32_t n;
};

struct counter {
    uint8_t *filter; /* (2^FILTER_BITS bits) hashes seen */
    struct counted *slots;
    size_t n_slots, n; /* n_slots is a power of two */
    uint64_t *text;    /* hashes of one text */
    size_t cap_text;
};

static bool fail_memory(struct err *err)
{
    return err_set(err, ERR_MEMORY, NULL, "no memory for the n-grams; train with `no-ngrams`");
}

static struct counted *slot_of(struct counted *slots, size_t n_slots, uint64_t hash)
{
    size_t at = (size_t)(hash * 0x9E3779B97F4A7C15u >> 20) & (n_slots - 1);
    while (slots[at].hash != 0 && slots[at].hash != hash)
        at = (at + 1) & (n_slots - 1);
    return &slots[at];
}

static bool grow(struct counter *counter)
{
    if (4 * counter->n < 3 * counter->n_slots) return true;
    const size_t n_slots = counter->n_slots ? 2 * counter->n_slots : 4096;
    struct counted *slots = calloc(n_slots, sizeof *slots);
    if (!slots) return false;
    for (size_t i = 0; i < counter->n_slots; i++)
        if (counter->slots[i].hash != 0)
            *slot_of(slots, n_slots, counter->slots[i].hash) = counter->slots[i];
    free(counter->slots);
    counter->slots = slots;
    counter->n_slots = n_slots;
    return true;
}

static bool was_seen(struct counter *counter, uint64_t hash)
{
    const uint64_t bit = hash >> (64 - FILTER_BITS);
    const uint8_t mask = (uint8_t)(1u << (bit & 7));
    const bool seen = counter->filter[bit >> 3] & mask;
    counter->filter[bit >> 3] |= mask;
    return seen;
}

static bool count(struct counter *counter, uint64_t hash)
{
    if (!was_seen(counter, hash)) return true;
    if (!grow(counter)) return false;
    struct counted *slot = slot_of(counter->slots, counter->n_slots, hash);
    if (slot->hash == 0) {
        *slot = (struct counted){hash, 1};
        counter->n++;
    }
    slot->n++;
    return true;
}

static int compare_hashes(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static bool count_text(struct counter *counter, struct ngram_walk *walk)
{
    struct ngram ngrams[CHUNK];
    size_t n = 0, n_new;
    while ((n_new = ngrams_next(walk, ngrams, CHUNK)) > 0) {
        if (!grow_list(&counter->text, &counter->cap_text, n + n_new, sizeof *counter->text))
            return false;
        for (size_t i = 0; i < n_new; i++)
            counter->text[n++] = ngrams[i].hash;
    }
    if (n > 0) qsort(counter->text, n, sizeof *counter->text, compare_hashes);
    for (size_t i = 0; i < n; i++) {
        const uint64_t hash = counter->text[i];
        if (hash != 0 && (i == 0 || hash != counter->text[i - 1]) && !count(counter, hash))
            return false;
    }
    return true;
}

/* Moves the n-grams of at least `least` texts to the front, in the order of their hashes. */
static size_t gather(struct counter *counter, uint32_t least)
{
    size_t n = 0;
    for (size_t i = 0; i < counter->n_slots; i++)
        if (counter->slots[i].hash != 0 && counter->slots[i].n >= least)
            counter->slots[n++] = counter->slots[i];
    if (n > 0) qsort(counter->slots, n, sizeof *counter->slots, compare_hashes);
    return n;
}

/* The smallest number of texts that leaves at most n_max n-grams. */
static uint32_t least_count(const struct counter *counter, size_t n_max)
{
    for (uint32_t least = 2;; least++) {
        size_t n = 0;
        for (size_t i = 0; i < counter->n_slots; i++)
            n += counter->slots[i].hash != 0 && counter->slots[i].n >= least;
        if (n <= n_max) return least;
    }
}

static bool fill(struct ngram_vocabulary *vocabulary, const struct counted *found, size_t n,
                 size_t n_texts)
{
    unsigned bits = NGRAM_BITS_MIN;
    while (bits < NGRAM_BITS_MAX && (size_t)1 << bits < n + n / 2 + 1)
        bits++;
    vocabulary->n = (uint32_t)n;
    vocabulary->slots = calloc((size_t)1 << bits, sizeof *vocabulary->slots);
    vocabulary->weights = calloc(n + 1, sizeof *vocabulary->weights);
    if (!vocabulary->slots || !vocabulary->weights) return false;
    vocabulary->index = (struct ngram_index){(const char *)vocabulary->slots, bits};
    for (size_t i = 0; i < n; i++) {
        struct ngram_slot slot;
        const size_t at = ngram_index_slot(&vocabulary->index, found[i].hash, &slot);
        vocabulary->slots[at] = (struct ngram_slot){ngram_key(found[i].hash), (uint32_t)i};
        vocabulary->weights[i] = (float)(log((1.0 + (double)n_texts) / (1.0 + found[i].n)) + 1);
    }
    return true;
}

bool ngram_vocabulary_make(struct ngram_vocabulary *vocabulary, const struct examples *examples,
                           const uint32_t *rows, size_t n_rows, const struct tokenizer *tokenizer,
                           const struct ngram_ranges *ranges, uint32_t n_max, struct err *err)
{
    struct counter counter = {.filter = calloc((size_t)1 << (FILTER_BITS - 3), 1)};
    const size_t most = (size_t)1 << (NGRAM_BITS_MAX - 1);
    bool ok = counter.filter != NULL;
    *vocabulary = (struct ngram_vocabulary){0};
    for (size_t i = 0; ok && i < n_rows; i++) {
        const struct example *item = &examples->items[rows[i]];
        struct ngram_walk walk;
        ngrams_start(&walk, ranges, tokenizer, examples->ids + item->ids_at, item->n_ids);
        ok = count_text(&counter, &walk);
    }
    free(counter.filter);
    free(counter.text);
    if (ok) {
        const size_t n = gather(&counter, least_count(&counter, n_max < most ? n_max : most));
        ok = fill(vocabulary, counter.slots, n, n_rows);
    }
    free(counter.slots);
    if (ok) return true;
    ngram_vocabulary_clear(vocabulary);
    return fail_memory(err);
}

/* Gives numbers to those of the walk that have none yet. */
static void number_ngrams(struct ngram_vocabulary *vocabulary, struct ngram_walk *walk,
                          uint32_t n_max)
{
    struct ngram ngrams[CHUNK];
    size_t n;
    while ((n = ngrams_next(walk, ngrams, CHUNK)) > 0)
        for (size_t i = 0; i < n && vocabulary->n_vectors < n_max; i++) {
            const uint32_t row = ngram_index_find(&vocabulary->index, ngrams[i].hash);
            if (row != NGRAM_NONE && vocabulary->vectors[row] == NGRAM_NONE)
                vocabulary->vectors[row] = vocabulary->n_vectors++;
        }
}

bool ngram_vocabulary_give_vectors(struct ngram_vocabulary *vocabulary,
                                   const struct examples *examples, const uint32_t *rows,
                                   size_t n_rows, const struct tokenizer *tokenizer,
                                   const struct ngram_ranges *ranges, uint32_t n_max,
                                   struct err *err)
{
    const struct ngram_ranges runs_of_tokens = {.tokens_max = ranges->tokens_max};
    vocabulary->vectors = malloc(((size_t)vocabulary->n + 1) * sizeof *vocabulary->vectors);
    if (!vocabulary->vectors) return fail_memory(err);
    for (uint32_t i = 0; i < vocabulary->n; i++)
        vocabulary->vectors[i] = NGRAM_NONE;
    for (size_t i = 0; i < n_rows; i++) {
        const struct example *item = &examples->items[rows[i]];
        struct ngram_walk walk;
        ngrams_start(&walk, &runs_of_tokens, tokenizer, examples->ids + item->ids_at, item->n_ids);
        number_ngrams(vocabulary, &walk, n_max);
    }
    return true;
}

void ngram_vocabulary_clear(struct ngram_vocabulary *vocabulary)
{
    free(vocabulary->slots);
    free(vocabulary->weights);
    free(vocabulary->vectors);
    *vocabulary = (struct ngram_vocabulary){0};
}
