/* SPDX-License-Identifier: Apache-2.0 */
#include "model/text/unicode/normal_forms.h"

#include "base/grow.h"
#include "base/utf8.h"
#include "model/text/unicode/unicode.h"

#include <string.h>

#define SYLLABLES 0xAC00u
#define LEADS 0x1100u
#define VOWELS 0x1161u
#define TAILS 0x11A7u
#define N_LEADS 19u
#define N_VOWELS 21u
#define N_TAILS 28u
#define N_SYLLABLES (N_LEADS * N_VOWELS * N_TAILS)

/* One element of a decomposed text on its way: a character and its change (rewrite.h). */
struct element {
    uint32_t code;
    int32_t change;
    uint8_t order;
};

/* Elements that wait: since the last starter they may still be reordered. */
struct pending {
    struct element *at; /* (capacity) in the arena */
    size_t n, capacity;
};

struct former {
    struct rewrite *w;
    bool composes;
    enum unicode_form form; /* that a text is decomposed to */
    struct pending marks;   /* decomposed, not yet in canonical order */
    /* Composing: a starter, and marks after it that did not join it. */
    bool has_starter, has_mark;
    struct element starter;
    uint8_t last_order; /* of the last mark that stays */
    struct pending kept;
};

static bool push(struct former *f, struct pending *list, struct element element)
{
    if (!grow_in_arena(f->w->arena, &list->at, &list->capacity, list->n + 1, sizeof element)) {
        f->w->failed = true;
        return false;
    }
    list->at[list->n++] = element;
    return true;
}

/* ---- composition ---- */

static uint32_t compose(uint32_t first, uint32_t second)
{
    if (first - LEADS < N_LEADS && second - VOWELS < N_VOWELS)
        return SYLLABLES + ((first - LEADS) * N_VOWELS + (second - VOWELS)) * N_TAILS;
    if (first - SYLLABLES < N_SYLLABLES && (first - SYLLABLES) % N_TAILS == 0 &&
        second - TAILS - 1 < N_TAILS - 1)
        return first + (second - TAILS);
    if (!(unicode_record_of(second)->flags & UNICODE_SECOND)) return 0;
    uint64_t pair = (uint64_t)first << 21 | second;
    size_t low = 0, high = unicode_n_compositions;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (unicode_compositions[middle] >> 21 < pair)
            low = middle + 1;
        else
            high = middle;
    }
    bool is_found = low < unicode_n_compositions && unicode_compositions[low] >> 21 == pair;
    return is_found ? unicode_compositions[low] & 0x1FFFFF : 0;
}

static void put_element(struct former *f, const struct element *element)
{
    rewrite_put(f->w, element->code, element->change);
}

static void put_composed(struct former *f)
{
    if (f->has_starter) put_element(f, &f->starter);
    for (size_t i = 0; i < f->kept.n; i++)
        put_element(f, &f->kept.at[i]);
    f->kept.n = 0;
    f->has_starter = f->has_mark = false;
}

/* The next element in canonical order. */
static void take(struct former *f, const struct element *element)
{
    if (!f->composes || (!f->has_starter && element->order > 0)) {
        put_element(f, element);
        return;
    }
    bool is_blocked = f->has_mark && f->last_order >= element->order;
    uint32_t composed = f->has_starter && !is_blocked ? compose(f->starter.code, element->code) : 0;
    if (composed) {
        f->starter.code = composed;
        f->starter.change += element->change - 1;
        return;
    }
    if (element->order == 0) {
        put_composed(f);
        f->starter = *element;
        f->has_starter = true;
        return;
    }
    f->has_mark = true;
    f->last_order = element->order;
    push(f, &f->kept, *element);
}

/* ---- decomposition ---- */

/* Stable, by order: merge sort, for a text may hold marks alone. */
static bool sort_marks(struct former *f)
{
    struct pending *list = &f->marks;
    size_t n = list->n;
    struct element *from = list->at;
    for (size_t i = 1; i < n && n <= 16; i++) {
        struct element element = from[i];
        size_t at = i;
        for (; at > 0 && from[at - 1].order > element.order; at--)
            from[at] = from[at - 1];
        from[at] = element;
    }
    if (n <= 16) return true;
    struct element *to = arena_array(f->w->arena, n, sizeof *to);
    f->w->failed |= !to;
    for (size_t width = 1; width < n && to; width *= 2) {
        for (size_t start = 0; start < n; start += 2 * width) {
            size_t middle = start + width < n ? start + width : n;
            size_t end = middle + width < n ? middle + width : n, a = start, b = middle;
            for (size_t i = start; i < end; i++) {
                bool takes_a = a < middle && (b == end || from[a].order <= from[b].order);
                to[i] = takes_a ? from[a++] : from[b++];
            }
        }
        struct element *swap = from;
        from = to;
        to = swap;
    }
    if (from != list->at && to) memcpy(list->at, from, n * sizeof *from);
    return to;
}

static void put_marks(struct former *f)
{
    if (f->marks.n > 1 && !sort_marks(f)) return;
    for (size_t i = 0; i < f->marks.n; i++)
        take(f, &f->marks.at[i]);
    f->marks.n = 0;
}

/* The next element as it comes from decomposing. */
static void put_decomposed(struct former *f, uint32_t code, int change)
{
    struct element element = {code, change, unicode_record_of(code)->order};
    if (element.order > 0) {
        push(f, &f->marks, element);
        return;
    }
    if (f->marks.n > 0) put_marks(f);
    take(f, &element);
}

static void put_syllable(struct former *f, uint32_t code)
{
    uint32_t i = code - SYLLABLES, tail = i % N_TAILS;
    put_decomposed(f, LEADS + i / (N_VOWELS * N_TAILS), 0);
    put_decomposed(f, VOWELS + i % (N_VOWELS * N_TAILS) / N_TAILS, 1);
    if (tail) put_decomposed(f, TAILS + tail, 1);
}

static void put_character(struct former *f, uint32_t code)
{
    const struct unicode_record *record = unicode_record_of(code);
    size_t bytes;
    const char *at = unicode_text(record, f->form, &bytes), *end = at + bytes;
    if (record->flags & UNICODE_SYLLABLE)
        put_syllable(f, code);
    else if (bytes == 0)
        put_decomposed(f, code, 0);
    for (int change = 0; at < end; change = 1)
        put_decomposed(f, utf8_next(&at), change);
}

/* Nothing waits: what follows may be copied. */
static void put_all(struct former *f)
{
    put_marks(f);
    put_composed(f);
}

/* Whether the character takes part in nothing but as the first of a pair. */
static bool is_inert(const struct former *f, uint32_t code)
{
    const struct unicode_record *record = unicode_record_of(code);
    bool is_jamo = code - LEADS < 0x100; /* composed by arithmetic */
    return record->forms[f->form] == 0 && record->order == 0 && !is_jamo &&
           !(record->flags & (UNICODE_SECOND | UNICODE_SYLLABLE));
}

/* How many bytes from `at` on may be copied: the last character before one that is not inert may
   compose with it. */
static size_t plain_bytes(const struct former *f, const char *at, const char *end)
{
    const char *start = at, *last = at;
    while (at < end) {
        const char *next = at + 1;
        if ((unsigned char)*at >= 0x80) {
            next = at;
            if (!is_inert(f, utf8_next(&next))) return (size_t)(last - start);
        }
        last = at;
        at = next;
    }
    return (size_t)(at - start);
}

void normal_form_apply(enum normal_form form, struct rewrite *w)
{
    struct former f = {.w = w,
                       .composes = form == FORM_NFC || form == FORM_NFKC,
                       .form = form == FORM_NFKC || form == FORM_NFKD ? UNICODE_COMPATIBLE
                                                                      : UNICODE_CANONICAL};
    const char *at = w->in.text, *end = rewrite_end_of(w);
    while (at < end) {
        size_t plain = plain_bytes(&f, at, end);
        if (plain > 0) {
            put_all(&f);
            rewrite_copy(w, plain);
            at += plain;
        } else {
            put_character(&f, utf8_next(&at));
        }
    }
    put_all(&f);
}
