/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/confused.h"

#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

#define BYTES_MAX ((size_t)64 << 20)
#define CAP_MIN 64

static const char ellipsis[] = "\xE2\x80\xA6";

struct pair {
    uint32_t truth, predicted;
    uint64_t n;                  /* rows; 0 in an empty one */
    struct confused_text *texts; /* (n_texts) of room for n_max, or NULL */
    size_t n_texts;
};

struct confused {
    size_t n_max, bytes_max;
    size_t bytes;       /* of all texts, and of the room for them */
    struct pair *pairs; /* (cap) a power of two; a hash table, at most half full */
    size_t n, cap;
};

struct confused *confused_new(size_t n_max, size_t bytes_max, struct err *err)
{
    struct confused *confused = calloc(1, sizeof *confused);
    if (confused) {
        *confused = (struct confused){
            .n_max = n_max, .bytes_max = bytes_max ? bytes_max : BYTES_MAX, .cap = CAP_MIN};
        confused->pairs = calloc(CAP_MIN, sizeof *confused->pairs);
        if (confused->pairs) return confused;
    }
    confused_free(confused);
    err_set(err, ERR_MEMORY, NULL, "no memory for examples of confusions");
    return NULL;
}

static void drop_texts(struct confused *confused, struct pair *pair)
{
    for (size_t i = 0; i < pair->n_texts; i++) {
        confused->bytes -= pair->texts[i].text.bytes + 1;
        free((char *)(uintptr_t)pair->texts[i].text.data);
    }
    if (pair->texts) confused->bytes -= confused->n_max * sizeof *pair->texts;
    free(pair->texts);
    pair->texts = NULL;
    pair->n_texts = 0;
}

void confused_free(struct confused *confused)
{
    if (!confused) return;
    for (size_t i = 0; confused->pairs && i < confused->cap; i++)
        drop_texts(confused, &confused->pairs[i]);
    free(confused->pairs);
    free(confused);
}

/* ---- pairs ---- */

static struct pair *find(struct pair *pairs, size_t cap, uint32_t truth, uint32_t predicted)
{
    const uint64_t key = (uint64_t)truth << 32 | predicted;
    /* Fibonacci hashing; the upper bits are the mixed ones. */
    size_t at = (size_t)(key * UINT64_C(0x9E3779B97F4A7C15) >> 32) & (cap - 1);
    while (pairs[at].n > 0 && (pairs[at].truth != truth || pairs[at].predicted != predicted))
        at = (at + 1) & (cap - 1);
    return &pairs[at];
}

static bool reserve(struct confused *confused)
{
    if (2 * (confused->n + 1) <= confused->cap) return true;
    const size_t cap = 2 * confused->cap;
    struct pair *pairs = calloc(cap, sizeof *pairs);
    if (!pairs) return false;
    for (size_t i = 0; i < confused->cap; i++) {
        const struct pair *pair = &confused->pairs[i];
        if (pair->n > 0) *find(pairs, cap, pair->truth, pair->predicted) = *pair;
    }
    free(confused->pairs);
    confused->pairs = pairs;
    confused->cap = cap;
    return true;
}

static int frequent_first(const void *left, const void *right)
{
    const struct pair *a = *(struct pair *const *)left, *b = *(struct pair *const *)right;
    if (a->n != b->n) return a->n > b->n ? -1 : 1;
    if (a->truth != b->truth) return a->truth < b->truth ? -1 : 1;
    return (a->predicted > b->predicted) - (a->predicted < b->predicted);
}

/* The rarer half of those that have texts loses them. */
static bool drop_rarer(struct confused *confused)
{
    struct pair **list = malloc(confused->n * sizeof(struct pair *));
    size_t n = 0;
    if (!list) return false;
    for (size_t i = 0; i < confused->cap; i++) {
        if (confused->pairs[i].texts) list[n++] = &confused->pairs[i];
    }
    qsort(list, n, sizeof *list, frequent_first);
    for (size_t i = (n + 1) / 2; i < n; i++)
        drop_texts(confused, list[i]);
    free(list);
    return true;
}

/* ---- texts ---- */

static bool copy_text(struct span *copy, struct span text)
{
    const size_t bytes = utf8_cut(text.data, text.bytes, CONFUSED_TEXT_BYTES);
    const size_t more = bytes < text.bytes ? sizeof ellipsis - 1 : 0;
    char *data = malloc(bytes + more + 1);
    if (!data) return false;
    if (bytes > 0) memcpy(data, text.data, bytes);
    memcpy(data + bytes, ellipsis, more);
    data[bytes + more] = 0;
    *copy = (struct span){data, bytes + more};
    return true;
}

/* Puts a text behind those that are at least as sure; the last one goes where there is no room. */
static bool keep(struct confused *confused, struct pair *pair, const struct confused_text *text)
{
    struct confused_text *texts = pair->texts, one = *text;
    size_t at = pair->n_texts;
    while (at > 0 && texts[at - 1].p < text->p)
        at--;
    if (at == confused->n_max) return true;
    if (!copy_text(&one.text, text->text)) return false;
    confused->bytes += one.text.bytes + 1;
    if (pair->n_texts == confused->n_max) {
        struct span *last = &texts[--pair->n_texts].text;
        confused->bytes -= last->bytes + 1;
        free((char *)(uintptr_t)last->data);
    }
    memmove(texts + at + 1, texts + at, (pair->n_texts - at) * sizeof *texts);
    texts[at] = one;
    pair->n_texts++;
    return true;
}

static bool make_list(struct confused *confused, struct pair *pair)
{
    if (pair->texts) return true;
    pair->texts = calloc(confused->n_max, sizeof *pair->texts);
    if (!pair->texts) return false;
    confused->bytes += confused->n_max * sizeof *pair->texts;
    return true;
}

bool confused_add(struct confused *confused, uint32_t truth, uint32_t predicted,
                  const struct confused_text *text, struct err *err)
{
    bool is_ok = reserve(confused);
    if (is_ok) {
        struct pair *pair = find(confused->pairs, confused->cap, truth, predicted);
        if (pair->n++ == 0) {
            pair->truth = truth;
            pair->predicted = predicted;
            confused->n++;
        }
        is_ok = make_list(confused, pair) && keep(confused, pair, text) &&
                (confused->bytes <= confused->bytes_max || drop_rarer(confused));
    }
    return is_ok || err_set(err, ERR_MEMORY, NULL, "no memory left for examples of confusions");
}

const struct confused_text *confused_find(const struct confused *confused, uint32_t truth,
                                          uint32_t predicted, size_t *n)
{
    const struct pair *pair = find(confused->pairs, confused->cap, truth, predicted);
    *n = pair->n_texts;
    return pair->texts;
}
