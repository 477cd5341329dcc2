/* SPDX-License-Identifier: Apache-2.0 */
#include "model/text/unicode/bert_normalizer.h"

#include "base/utf8.h"
#include "model/text/unicode/plain_ideographs.h"
#include "model/text/unicode/unicode.h"

#include <string.h>

/* Sixteen bytes, which the compiler makes a register of; comparing makes 0 or 0xFF of each. */
#define BLOCK_BYTES 16
typedef unsigned char block __attribute__((vector_size(BLOCK_BYTES)));

/* Returns what is not 0 where there is a byte of another kind. */
static inline block put_block(const char *text, char *out, unsigned char clean, unsigned char fold)
{
    block c;
    memcpy(&c, text, sizeof c);
    const block gap = (block)((c == '\t') | (c == '\n') | (c == '\r'));
    const block control = (block)((c < 0x20) | (c == 0x7F)) & ~gap & clean;
    const block is_upper = (block)((block)(c - 'A') < 26), to_space = gap & clean;
    const block folded = c | (is_upper & fold);
    const block result = (to_space & ' ') | (folded & ~to_space);
    memcpy(out, &result, sizeof result);
    return (c & 0x80) | control;
}

static bool is_zero(block x)
{
    uint64_t halves[2];
    memcpy(halves, &x, sizeof halves);
    return (halves[0] | halves[1]) == 0;
}

bool bert_normalizer_ascii(const struct bert_normalizer *normalizer, const char *text, size_t bytes,
                           char *out)
{
    const unsigned char fold = normalizer->lowercase ? 0x20 : 0;
    const unsigned char clean = normalizer->clean_text ? 0xFF : 0;
    if (bytes < BLOCK_BYTES) {
        char padded[BLOCK_BYTES];
        memset(padded, ' ', sizeof padded);
        memcpy(padded, text, bytes);
        const block bad = put_block(padded, padded, clean, fold);
        memcpy(out, padded, bytes);
        return is_zero(bad);
    }
    block bad = {0};
    size_t at = 0;
    for (; at + BLOCK_BYTES <= bytes; at += BLOCK_BYTES)
        bad |= put_block(text + at, out + at, clean, fold);
    /* The last block ends with the text: its first bytes are written twice. */
    bad |= put_block(text + bytes - BLOCK_BYTES, out + bytes - BLOCK_BYTES, clean, fold);
    return is_zero(bad);
}

/* ---- any text ---- */

struct place {
    const char *at;
    uint32_t index; /* of the code point */
};

struct writer {
    const struct bert_normalizer *normalizer;
    bool has_form;
    enum unicode_form form;
    uint16_t special; /* see special_flags */
    char *at;
    uint32_t *places; /* where the next one goes, or NULL */
    struct place in;  /* the next character to read */
    const char *end;
    bool compatible;  /* the normalizer's */
    bool gave_up;     /* see BERT_NORMALIZER_GAVE_UP */
    struct place run; /* at: first of the marks not yet ended by a starter, or NULL */
};

/* `bytes` hold one code point or several, all from the one at `index`. */
static inline void put(struct writer *w, const char *text, size_t bytes, uint32_t index)
{
    for (size_t i = 0; i < bytes; i++) {
        if (w->places && !utf8_is_inside(text[i])) *w->places++ = index;
        *w->at++ = text[i];
    }
}

static void put_code(struct writer *w, uint32_t code, uint32_t index)
{
    char text[4];
    put(w, text, utf8_write(text, code), index);
}

/* The parts of a Hangul syllable (Unicode, section 3.12). */
static void put_syllable(struct writer *w, uint32_t code, uint32_t index)
{
    uint32_t syllable = code - 0xAC00;
    put_code(w, 0x1100 + syllable / 588, index);
    put_code(w, 0x1161 + syllable % 588 / 28, index);
    if (syllable % 28) put_code(w, 0x11A7 + syllable % 28, index);
}

/* ---- canonical order among marks (Unicode, section 3.11), where some of them stay ---- */

/* The next character of a run of marks, past what cleaning removes; false at its end. */
static bool next_mark(const struct writer *w, struct place *at, struct place *mark)
{
    while (at->at < w->end) {
        *mark = *at;
        const struct unicode_record *record = unicode_record_of(utf8_next(&at->at));
        at->index++;
        if (w->normalizer->clean_text && record->flags & UNICODE_CONTROL) continue;
        if (record->order > 0) return true;
        *at = *mark;
        return false;
    }
    return false;
}

/* What NFD makes of the character: elements without Mn (there are none among several). */
static const char *elements_of(const char *at, size_t *bytes)
{
    const char *end = at;
    const struct unicode_record *record = unicode_record_of(utf8_next(&end));
    *bytes = (size_t)(end - at);
    return record->forms[UNICODE_STRIPPED] ? unicode_text(record, UNICODE_STRIPPED, bytes) : at;
}

struct run {
    struct place first; /* of the marks */
    const char *head;   /* a starter before them that brings marks of its own, or NULL */
    uint32_t index;     /* the place that was given last */
    struct place next;  /* where the next place is to come from */
};

static uint64_t orders_of(const char *elements, size_t bytes)
{
    uint64_t orders = 0;
    for (const char *at = elements; at < elements + bytes;)
        orders |= UINT64_C(1) << unicode_record_of(utf8_next(&at))->order;
    return orders;
}

static void take_place(const struct writer *w, struct run *run)
{
    struct place mark;
    if (next_mark(w, &run->next, &mark)) run->index = mark.index;
}

/* Writes those elements of one character that have this order. Each character's first element takes
   the next place of the run, whichever character that is: so does the reference. */
static void put_elements(struct writer *w, struct run *run, const char *character, unsigned order)
{
    size_t bytes;
    const char *start = elements_of(character, &bytes), *end = start + bytes;
    for (const char *at = start; at < end;) {
        const char *element = at;
        const struct unicode_record *record = unicode_record_of(utf8_next(&at));
        if (record->order != order) continue;
        if (element == start && character != run->head) take_place(w, run);
        put(w, element, (size_t)(at - element), run->index);
    }
}

static void put_order(struct writer *w, struct run *run, unsigned order)
{
    struct place at = run->first, mark;
    if (run->head) put_elements(w, run, run->head, order);
    while (next_mark(w, &at, &mark)) {
        const char *next = mark.at;
        const struct unicode_record *record = unicode_record_of(utf8_next(&next));
        if (!(record->flags & UNICODE_MARK))
            put_elements(w, run, mark.at, order);
        else if (record->order == order)
            take_place(w, run); /* then it is stripped */
    }
}

/* Writes the whole run of marks around the reader's character and moves the reader past it. */
static void put_run(struct writer *w, const struct unicode_record *record)
{
    struct run run = {.first = w->in, .index = w->in.index};
    uint64_t orders = 0;
    size_t bytes;
    if (record->order == 0) { /* a starter and marks at once */
        run.head = w->in.at;
        const char *elements = elements_of(run.head, &bytes);
        orders = orders_of(elements, bytes);
        utf8_next(&run.first.at);
        run.first.index++;
    } else if (w->run.at) {
        run.first = w->run;
    }
    struct place at = run.first, mark;
    while (next_mark(w, &at, &mark)) {
        const char *next = mark.at;
        orders |= UINT64_C(1) << unicode_record_of(utf8_next(&next))->order;
        const char *elements = elements_of(mark.at, &bytes);
        orders |= orders_of(elements, bytes);
    }
    run.next = run.first;
    for (unsigned order = 0; order < 64; order++) {
        if (orders >> order & 1) put_order(w, &run, order);
    }
    w->in = at;
    w->run.at = NULL;
}

/* ---- one character ---- */

/* What the normalizer does to characters with one of these flags is more than to write them. */
static uint16_t special_flags(const struct bert_normalizer *n)
{
    return (n->clean_text ? UNICODE_CONTROL | UNICODE_SPACE : 0) |
           (n->strip_accents ? UNICODE_MARK | UNICODE_REORDER | UNICODE_SYLLABLE : 0) |
           (n->compatible ? UNICODE_SECOND : 0);
}

/* The reader's character has `flags`, some special ones among them. */
static void put_special(struct writer *w, const struct unicode_record *record, unsigned flags,
                        uint32_t code, size_t bytes)
{
    bool is_removed = flags & UNICODE_CONTROL;
    if (flags & UNICODE_REORDER && !is_removed) {
        put_run(w, record);
        return;
    }
    if (!is_removed && record->order == 0)
        w->run.at = NULL;
    else if (!is_removed && !w->run.at)
        w->run = w->in;
    if (!is_removed && !(flags & UNICODE_MARK)) {
        if (flags & UNICODE_SPACE)
            put(w, " ", 1, w->in.index);
        else
            put_syllable(w, code, w->in.index);
    }
    w->in.at += bytes;
    w->in.index++;
}

/* ---- NFKC before all of that ---- */

/* What composes, or changes places with a mark beside it. */
static bool is_joined(const struct unicode_record *record, uint32_t code)
{
    const bool is_jamo = code - 0x1100 < 0x100;
    return record->order > 0 || record->flags & (UNICODE_SECOND | UNICODE_REORDER) || is_jamo;
}

/* Writes one of the characters that NFKC makes of another; false where it is more than that. */
static bool put_element_of(struct writer *w, uint32_t code)
{
    const struct unicode_record *record = unicode_record_of(code);
    char text[4];
    size_t bytes = utf8_write(text, code);
    const char *form = text;
    if (record->flags & UNICODE_MARK) return true; /* composed or not, it is stripped */
    if (is_joined(record, code) || record->flags & UNICODE_CONTROL) return false;
    if (record->flags & UNICODE_SPACE)
        form = " ", bytes = 1;
    else if (record->forms[w->form])
        form = unicode_text(record, w->form, &bytes);
    put(w, form, bytes, w->in.index);
    return true;
}

/* The reader's character, of `bytes` bytes, is another one to NFKC, or several: not more than what
   there is room for. */
static bool put_compatible(struct writer *w, const struct unicode_record *record, size_t bytes)
{
    size_t n;
    const char *at = unicode_text(record, UNICODE_COMPATIBLE, &n), *end = at + n, *first = at;
    if (utf8_count(at, n) > bytes || is_joined(unicode_record_of(utf8_next(&first)), 0))
        return false;
    while (at < end)
        if (!put_element_of(w, utf8_next(&at))) return false;
    w->in.at += bytes;
    w->in.index++;
    return true;
}

/* Hardly any ideograph may. */
static inline bool may_be_compatible(const struct unicode_record *record, unsigned special,
                                     uint32_t code)
{
    return record->forms[UNICODE_COMPATIBLE] | record->order | special || code - 0x1100 < 0x100;
}

/* Writes the reader's character if it is another one to NFKC, or gives up; false: it is not. */
static bool put_otherwise(struct writer *w, const struct unicode_record *record, uint32_t code,
                          size_t bytes)
{
    const bool is_same = record->forms[UNICODE_COMPATIBLE] == record->forms[UNICODE_CANONICAL];
    if (is_joined(record, code))
        w->gave_up = true;
    else if (!is_same)
        w->gave_up = !put_compatible(w, record, bytes);
    return w->gave_up || !is_same;
}

/* ---- any character ---- */

/* The reader's character, if it is not ASCII. */
static inline void put_character(struct writer *w)
{
    const char *text = w->in.at, *next = text;
    uint32_t code = utf8_next(&next);
    const struct unicode_record *record = unicode_record_of(code);
    size_t bytes = (size_t)(next - text);
    unsigned special = record->flags & w->special;
    if (w->compatible && may_be_compatible(record, special, code) &&
        put_otherwise(w, record, code, bytes))
        return;
    if (special) {
        put_special(w, record, special, code, bytes);
        return;
    }
    if (record->order == 0)
        w->run.at = NULL;
    else if (!w->run.at)
        w->run = w->in;
    if (w->has_form && record->forms[w->form]) text = unicode_text(record, w->form, &bytes);
    bool spaced = record->flags & UNICODE_CHINESE && w->normalizer->handle_chinese_chars;
    if (spaced) put(w, " ", 1, w->in.index);
    put(w, text, bytes, w->in.index);
    if (spaced) put(w, " ", 1, w->in.index);
    w->in.at = next;
    w->in.index++;
}

/* The ideographs at the reader that stay as they are. */
static inline void put_ideographs(struct writer *w)
{
    const char *end = plain_ideographs_end(w->in.at, w->end);
    const size_t bytes = (size_t)(end - w->in.at);
    const uint32_t n = (uint32_t)(bytes / PLAIN_IDEOGRAPH_BYTES);
    if (n == 0) return;
    memcpy(w->at, w->in.at, bytes);
    for (uint32_t i = 0; w->places && i < n; i++)
        *w->places++ = w->in.index + i;
    w->at += bytes;
    w->in.at = end;
    w->in.index += n;
    w->run.at = NULL;
}

static inline void put_ascii(struct writer *w, unsigned char c)
{
    const struct bert_normalizer *n = w->normalizer;
    uint8_t flags = unicode_byte_flags[c];
    w->in.at++;
    uint32_t index = w->in.index++;
    if (n->clean_text && flags & UNICODE_CONTROL) return;
    if (n->clean_text && flags & UNICODE_SPACE) c = ' ';
    if (n->lowercase && (unsigned char)(c - 'A') < 26) c |= 0x20;
    w->run.at = NULL;
    *w->at++ = (char)c;
    if (w->places) *w->places++ = index;
}

size_t bert_normalizer_apply(const struct bert_normalizer *normalizer, const char *text,
                             size_t bytes, char *out, uint32_t *places)
{
    struct writer w = {.normalizer = normalizer,
                       .has_form = normalizer->strip_accents || normalizer->lowercase,
                       .form = !normalizer->strip_accents ? UNICODE_LOWERCASE
                               : normalizer->lowercase    ? UNICODE_STRIPPED_LOWERCASE
                                                          : UNICODE_STRIPPED,
                       .special = special_flags(normalizer),
                       .compatible = normalizer->compatible,
                       .at = out,
                       .places = places,
                       .in = {.at = text},
                       .end = text + bytes};
    while (w.in.at < w.end && !w.gave_up) {
        unsigned char c = (unsigned char)*w.in.at;
        if (c < 0x80) {
            put_ascii(&w, c);
            continue;
        }
        put_character(&w);
        if (!normalizer->handle_chinese_chars) put_ideographs(&w);
    }
    return w.gave_up ? BERT_NORMALIZER_GAVE_UP : (size_t)(w.at - out);
}
