/* SPDX-License-Identifier: Apache-2.0 */
#include "model/text/unicode/known_scripts.h"

#include "base/utf8.h"
#include "model/text/unicode/unicode.h"

#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* The first bytes of characters of more than one, and among them of those from U+4000 to U+9FFF,
   all of whose letters are ideographs. */
#define LEADS 0xC0
#define N_LEADS 0x40
#define IDEOGRAPHS 0xE4
#define N_IDEOGRAPHS 6

/* Where a range is that does not end before `code`. */
static const struct script_range *range_from(uint32_t code)
{
    size_t first = 0, n = SCRIPT_RANGES;
    while (n > 0) {
        const size_t half = n / 2;
        const bool is_before = script_ranges[first + half].last < code;
        first = is_before ? first + half + 1 : first;
        n = is_before ? n - half - 1 : half;
    }
    return first < SCRIPT_RANGES ? &script_ranges[first] : &script_ranges[SCRIPT_RANGES - 1];
}

static bool is_within(const struct script_range *range, uint32_t code)
{
    return code >= range->first && code <= range->last;
}

/* ---- which are known ---- */

bool known_scripts_add(struct known_scripts *known, const char *name)
{
    for (unsigned script = SCRIPT_NONE + 1; script < SCRIPTS; script++) {
        if (strcmp(script_names[script], name) != 0) continue;
        known->is_known[script] = true;
        return true;
    }
    return false;
}

static void mark_foreign(struct known_scripts *known, const struct script_range *range)
{
    char text[4];
    uint32_t code = range->first < 0x80 ? 0x80 : range->first;
    while (code <= range->last) {
        utf8_write(text, code);
        known->foreign[text[0] & 0x3F] |= UINT64_C(1) << (text[1] & 0x3F);
        /* On to the next that begins with other two bytes. */
        const unsigned bits = code < 0x800 ? 0 : code < 0x10000 ? 6 : 12;
        code = ((code >> bits) + 1) << bits;
    }
}

void known_scripts_complete(struct known_scripts *known)
{
    known->has_latin = known->is_known[range_from('a')->script];
    known->ideographs = known->is_known[range_from(0x4E00)->script] ? N_IDEOGRAPHS : 0;
    for (size_t i = 0; i < SCRIPT_RANGES; i++)
        if (!known->is_known[script_ranges[i].script]) mark_foreign(known, &script_ranges[i]);
}

/* ---- what a text has ---- */

#define AT_ONCE 32

static bool is_between(char byte, uint8_t first, uint8_t n)
{
    return (uint8_t)((uint8_t)byte - first) < n;
}

#ifdef __SSE2__
/* Which of 16 bytes are one of the n from `first` on: the last of them becomes the greatest of
   the signed numbers. */
static inline __m128i are_between(__m128i bytes, uint8_t first, uint8_t n)
{
    return _mm_cmpgt_epi8(_mm_add_epi8(bytes, _mm_set1_epi8((char)(0x80 - first - n))),
                          _mm_set1_epi8((char)(0x7F - n)));
}

static inline uint32_t asked_of_16(__m128i bytes, uint8_t n_passed)
{
    return (uint32_t)_mm_movemask_epi8(_mm_andnot_si128(are_between(bytes, IDEOGRAPHS, n_passed),
                                                        are_between(bytes, LEADS, N_LEADS)));
}
#endif

/* Which of AT_ONCE bytes begin characters of more than one byte that are not passed over, as bits.
   Those are passed whose first byte is one of `n_passed` from IDEOGRAPHS on. */
static inline uint32_t asked_of(const char *text, uint8_t n_passed)
{
#ifdef __SSE2__
    const __m128i low = _mm_loadu_si128((const __m128i *)(const void *)text);
    const __m128i high = _mm_loadu_si128((const __m128i *)(const void *)(text + 16));
    if (_mm_movemask_epi8(_mm_or_si128(low, high)) == 0) return 0; /* ASCII */
    return asked_of_16(low, n_passed) | asked_of_16(high, n_passed) << 16;
#else
    uint32_t bits = 0;
    for (unsigned i = 0; i < AT_ONCE; i++)
        bits |= (uint32_t)(is_between(text[i], LEADS, N_LEADS) &
                           !is_between(text[i], IDEOGRAPHS, n_passed))
                << i;
    return bits;
#endif
}

/* Whether there may be a foreign letter where a character of more than one byte begins. */
static bool may_be_foreign(const struct known_scripts *known, const char *at)
{
    return known->foreign[at[0] & 0x3F] >> (at[1] & 0x3F) & 1;
}

static inline bool has_foreign_at_once(const struct known_scripts *known, const char *text,
                                       uint8_t n_passed)
{
    for (uint32_t bits = asked_of(text, n_passed); bits; bits &= bits - 1)
        if (may_be_foreign(known, text + __builtin_ctz(bits))) return true;
    return false;
}

/* False: all letters are Latin, where that is known, or of other known scripts. */
static bool may_have_foreign(const struct known_scripts *known, const char *text, size_t bytes)
{
    const uint8_t n_passed = known->ideographs;
    size_t i = 0;
    if (!known->has_latin) return true;
    for (; i + AT_ONCE <= bytes; i += AT_ONCE)
        if (has_foreign_at_once(known, text + i, n_passed)) return true;
    if (i > 0) /* the rest, and some of what was before it */
        return i < bytes && has_foreign_at_once(known, text + bytes - AT_ONCE, n_passed);
    for (; i < bytes; i++)
        if (is_between(text[i], LEADS, N_LEADS) && may_be_foreign(known, text + i)) return true;
    return false;
}

/* How many letters are of each script. */
static void count_letters(const char *text, size_t bytes, size_t counts[static SCRIPTS])
{
    const struct script_range *latin = range_from('a'), *range = latin;
    const char *end = text + bytes;
    while (text < end) {
        const uint32_t code = utf8_next(&text);
        if (code < 0x80) {
            counts[latin->script] += (code | 0x20) - 'a' < 26;
            continue;
        }
        if (!(unicode_record_of(code)->flags & UNICODE_LETTER)) continue;
        if (!is_within(range, code)) range = range_from(code);
        if (is_within(range, code)) counts[range->script]++;
    }
}

/* Apart from what every text takes, for it needs much of the stack. */
__attribute__((noinline)) static unsigned most_frequent_foreign(const struct known_scripts *known,
                                                                const char *text, size_t bytes)
{
    size_t counts[SCRIPTS] = {0}, letters[2] = {0, 0};
    unsigned most = SCRIPT_NONE; /* whose count is 0 */
    count_letters(text, bytes, counts);
    for (unsigned script = SCRIPT_NONE + 1; script < SCRIPTS; script++) {
        letters[known->is_known[script]] += counts[script];
        if (!known->is_known[script] && counts[script] > counts[most]) most = script;
    }
    return letters[false] > letters[true] ? most : SCRIPT_NONE;
}

unsigned known_scripts_foreign(const struct known_scripts *known, const char *text, size_t bytes)
{
    if (!may_have_foreign(known, text, bytes)) return SCRIPT_NONE;
    return most_frequent_foreign(known, text, bytes);
}

/* ---- which ones came ---- */

void script_list_add(struct script_list *list, unsigned script)
{
    size_t i = 0;
    while (i < SCRIPT_LIST_MAX && list->scripts[i] != SCRIPT_NONE && list->scripts[i] != script)
        i++;
    if (i < SCRIPT_LIST_MAX) list->scripts[i] = (uint8_t)script;
}

void script_list_count(struct script_list *list, uint64_t *n_foreign,
                       const struct known_scripts *known, const char *text, size_t bytes)
{
    const unsigned script = known ? known_scripts_foreign(known, text, bytes) : SCRIPT_NONE;
    if (script == SCRIPT_NONE) return;
    ++*n_foreign;
    script_list_add(list, script);
}

void script_list_write(const struct script_list *list, char out[static SCRIPT_LIST_BYTES])
{
    out[0] = '\0';
    for (size_t i = 0; i < SCRIPT_LIST_MAX && list->scripts[i] != SCRIPT_NONE; i++)
        out = stpcpy(stpcpy(out, i > 0 ? ", " : ""), script_names[list->scripts[i]]);
}
