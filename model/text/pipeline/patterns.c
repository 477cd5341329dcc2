/* SPDX-License-Identifier: Apache-2.0 */
#include "model/text/pipeline/patterns.h"

#include "base/utf8.h"
#include "model/text/unicode/unicode.h"

#include <string.h>

#define CL100K(numbers)                                                                            \
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|" numbers                          \
    "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"

#define UPPER "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]"
#define LOWER "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]"
#define SHORT "(?i:'s|'t|'re|'ve|'m|'ll|'d)?"

static const struct {
    enum pattern_kind kind;
    const char *regex;
} known[] = {
    {PATTERN_GPT2, "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|"
                   "\\s+"},
    {PATTERN_CL100K, CL100K("\\p{N}{1,3}")},
    {PATTERN_QWEN2, CL100K("\\p{N}")},
    {PATTERN_O200K,
     "[^\\r\\n\\p{L}\\p{N}]?" UPPER "*" LOWER "+" SHORT "|[^\\r\\n\\p{L}\\p{N}]?" UPPER "+" LOWER
     "*" SHORT "|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|"
     "\\s+(?!\\S)|\\s+"},
    {PATTERN_NUMBERS, "\\p{N}{1,3}"},
    {PATTERN_CJK, "[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+"},
    {PATTERN_DEEPSEEK, "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|"
                       "[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\r\n]*|"
                       "\\s*[\r\n]+|\\s+(?!\\S)|\\s+"},
};

enum pattern_kind pattern_known(const char *regex, size_t bytes)
{
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strlen(known[i].regex) == bytes && memcmp(known[i].regex, regex, bytes) == 0)
            return known[i].kind;
    }
    return PATTERN_NONE;
}

#define LETTER UNICODE_LETTER
#define NUMBER UNICODE_NUMBER
#define GAP UNICODE_SPACE
#define CLASSES (LETTER | NUMBER | GAP)

/* Of ASCII characters. */
static inline unsigned ascii_class(unsigned char c)
{
    if ((unsigned char)((c | 0x20) - 'a') < 26) return LETTER;
    if ((unsigned char)(c - '0') < 10) return NUMBER;
    return c == ' ' || (unsigned char)(c - 9) < 5 ? GAP : 0;
}

static inline unsigned class_at(const char *at, const char **next)
{
    if ((unsigned char)*at < 0x80) {
        *next = at + 1;
        return ascii_class((unsigned char)*at);
    }
    *next = at;
    return unicode_record_of(utf8_next(next))->flags & CLASSES;
}

/* Past all characters of the class from `at` on. */
static const char *skip_class(const char *at, const char *end, unsigned class)
{
    const char *next;
    while (at < end && class_at(at, &next) == class)
        at = next;
    return at;
}

static bool is_break(char c)
{
    return c == '\r' || c == '\n';
}

static const char *skip_breaks(const char *at, const char *end)
{
    while (at < end && is_break(*at))
        at++;
    return at;
}

/* White space: \s+(?!\S)|\s+ leaves its last character to what follows it. */
static const char *gap_end(const char *at, const char *end)
{
    const char *gap = skip_class(at, end, GAP);
    if (gap == end) return gap;
    const char *last = utf8_before(gap);
    return last > at ? last : gap;
}

/* The letters of 's, 't, 're, 've, 'm, 'll, 'd after the quote at `at`; 0: none of these. */
static size_t contraction_bytes(const char *at, const char *end, unsigned char fold)
{
    size_t left = (size_t)(end - at);
    if (left < 2) return 0;
    char a = (char)(at[1] | fold), b = left > 2 ? (char)(at[2] | fold) : 0;
    if (a == 's' || a == 't' || a == 'm' || a == 'd') return 2;
    /* Without regard to case, the long s is an s. */
    if (fold && left > 2 && memcmp(at + 1, "\xC5\xBF", 2) == 0) return 3;
    bool is_long = (a == 'r' && b == 'e') || (a == 'v' && b == 'e') || (a == 'l' && b == 'l');
    return is_long ? 3 : 0;
}

static const char *gpt2_end(const char *at, const char *end)
{
    size_t contraction = *at == '\'' ? contraction_bytes(at, end, 0) : 0;
    if (contraction > 0) return at + contraction;
    const char *start = at, *next;
    unsigned class = class_at(at, &next);
    if (class != GAP) return skip_class(next, end, class);
    if (*start == ' ' && next < end) {
        const char *second = next;
        unsigned after = class_at(next, &second);
        if (after != GAP) return skip_class(second, end, after);
    }
    return gap_end(start, end);
}

/* \s*[\r\n]+: up to the last line break of the white space; NULL if it has none. */
static const char *breaks_end(const char *at, const char *end)
{
    const char *gap = skip_class(at, end, GAP);
    while (gap > at && !is_break(gap[-1]))
        gap--;
    return gap > at ? gap : NULL;
}

static const char *numbers_end(const char *at, const char *end, int most)
{
    const char *next;
    for (int n = 0; n < most && at < end && class_at(at, &next) == NUMBER; n++)
        at = next;
    return at;
}

static const char *cl100k_end(const char *at, const char *end, int digits)
{
    size_t contraction = *at == '\'' ? contraction_bytes(at, end, 0x20) : 0;
    if (contraction > 0) return at + contraction;
    const char *next, *second;
    unsigned class = class_at(at, &next);
    if (class == LETTER) return skip_class(next, end, LETTER);
    if (class == NUMBER) return numbers_end(at, end, digits);
    /* One character that is neither letter nor number nor line break may stand before a word. */
    unsigned after = next < end ? class_at(next, &second) : GAP;
    if (!is_break(*at) && after == LETTER) return skip_class(second, end, LETTER);
    if (class == 0) return skip_breaks(skip_class(next, end, 0), end);
    if (*at == ' ' && next < end && after == 0) return skip_breaks(skip_class(second, end, 0), end);
    const char *breaks = breaks_end(at, end);
    return breaks ? breaks : gap_end(at, end);
}

/* Of ASCII characters: whether they may be in the first part of a word, or in the second. */
static inline unsigned ascii_cases(unsigned char c)
{
    return (unsigned char)(c - 'A') < 26   ? UNICODE_UPPER
           : (unsigned char)(c - 'a') < 26 ? UNICODE_LOWER
                                           : 0;
}

static inline unsigned cases_at(const char *at, const char *end, const char **next)
{
    *next = at;
    if (at == end) return 0;
    if ((unsigned char)*at < 0x80) {
        *next = at + 1;
        return ascii_cases((unsigned char)*at);
    }
    return unicode_record_of(utf8_next(next))->flags & (UNICODE_UPPER | UNICODE_LOWER);
}

static const char *skip_cases(const char *at, const char *end, unsigned cases)
{
    const char *next;
    while (cases_at(at, end, &next) & cases)
        at = next;
    return at;
}

static const char *skip_contraction(const char *at, const char *end)
{
    return at < end && *at == '\'' ? at + contraction_bytes(at, end, 0x20) : at;
}

/* UPPER*LOWER+: as many of the first as there are, or fewer where the second would have none; NULL
   if it does not match at `at`. */
static const char *lower_word_end(const char *at, const char *end)
{
    const char *upper_end = at, *last = NULL, *next;
    unsigned cases;
    while ((cases = cases_at(upper_end, end, &next)) & UNICODE_UPPER) {
        if (cases & UNICODE_LOWER) last = next;
        upper_end = next;
    }
    const char *lower_end = skip_cases(upper_end, end, UNICODE_LOWER);
    return lower_end > upper_end ? lower_end : last;
}

/* UPPER+LOWER*, where the other does not match. */
static const char *upper_word_end(const char *at, const char *end)
{
    const char *upper_end = skip_cases(at, end, UNICODE_UPPER);
    return upper_end > at ? skip_cases(upper_end, end, UNICODE_LOWER) : NULL;
}

/* A word, with one character before it that is neither letter nor number nor line break; NULL:
 * none.
 */
static const char *o200k_word_end(const char *at, const char *end)
{
    const char *next, *word = NULL;
    bool has_prefix = !(class_at(at, &next) & (LETTER | NUMBER)) && !is_break(*at);
    if (has_prefix) word = lower_word_end(next, end);
    if (!word) word = lower_word_end(at, end);
    if (!word && has_prefix) word = upper_word_end(next, end);
    if (!word) word = upper_word_end(at, end);
    return word ? skip_contraction(word, end) : NULL;
}

static const char *skip_breaks_and_slashes(const char *at, const char *end)
{
    while (at < end && (is_break(*at) || *at == '/'))
        at++;
    return at;
}

static const char *o200k_end(const char *at, const char *end)
{
    const char *next, *second, *word = o200k_word_end(at, end);
    if (word) return word;
    unsigned class = class_at(at, &next);
    if (class == NUMBER) return numbers_end(at, end, 3);
    if (class == 0) return skip_breaks_and_slashes(skip_class(next, end, 0), end);
    if (*at == ' ' && next < end && class_at(next, &second) == 0)
        return skip_breaks_and_slashes(skip_class(second, end, 0), end);
    const char *breaks = breaks_end(at, end);
    return breaks ? breaks : gap_end(at, end);
}

size_t pattern_next(enum pattern_kind kind, const char *text, size_t bytes, size_t at)
{
    const char *end = text + bytes, *from = text + at, *to;
    if (kind == PATTERN_GPT2)
        to = gpt2_end(from, end);
    else if (kind == PATTERN_O200K)
        to = o200k_end(from, end);
    else
        to = cl100k_end(from, end, kind == PATTERN_CL100K ? 3 : 1);
    return (size_t)(to - text);
}

/* ---- those that leave gaps: find_ is where a match starts, or `end` ---- */

static const char *find_number(const char *at, const char *end)
{
    const char *next;
    while (at < end && class_at(at, &next) != NUMBER)
        at = next;
    return at;
}

static inline bool is_cjk(const char *at, const char **next)
{
    *next = at;
    uint32_t code = utf8_next(next);
    return (code >= 0x4E00 && code <= 0x9FA5) || (code >= 0x3040 && code <= 0x30FF);
}

static const char *find_cjk(const char *at, const char *end)
{
    const char *next;
    while (at < end) {
        /* No byte below the first one of U+3000 starts such a character. */
        if ((unsigned char)*at < 0xE3)
            at++;
        else if (is_cjk(at, &next))
            break;
        else
            at = next;
    }
    return at;
}

static const char *skip_cjk(const char *at, const char *end)
{
    const char *next;
    while (at < end && is_cjk(at, &next))
        at = next;
    return at;
}

/* DeepSeek's classes: letters and marks; punctuation and symbols; white space; 0: any other. */
#define WORD (UNICODE_UPPER | UNICODE_LOWER)
#define SIGN UNICODE_SIGN

static inline bool is_ascii_letter(char c)
{
    return (unsigned char)((c | 0x20) - 'a') < 26;
}

static inline unsigned deepseek_class(const char *at, const char **next)
{
    unsigned char c = (unsigned char)*at;
    if (c >= 0x80) {
        *next = at;
        unsigned flags = unicode_record_of(utf8_next(next))->flags;
        return flags & WORD ? WORD : flags & (SIGN | GAP);
    }
    *next = at + 1;
    unsigned class = ascii_class(c);
    if (class == LETTER) return WORD;
    return class == 0 && c > ' ' && c < 0x7F ? SIGN : class & GAP;
}

static const char *skip_deepseek(const char *at, const char *end, unsigned class)
{
    const char *next;
    while (at < end && deepseek_class(at, &next) == class)
        at = next;
    return at;
}

static const char *skip_ascii_letters(const char *at, const char *end)
{
    while (at < end && is_ascii_letter(*at))
        at++;
    return at;
}

/* NULL: none starts here. */
static const char *deepseek_end(const char *at, const char *end)
{
    const char *next, *second = end;
    unsigned class = deepseek_class(at, &next);
    if (class == WORD) return skip_deepseek(next, end, WORD);
    bool is_before_letter = next < end && is_ascii_letter(*next);
    if (class == SIGN && (unsigned char)*at < 0x80 && is_before_letter)
        return skip_ascii_letters(next, end);
    if (class == SIGN) return skip_breaks(skip_deepseek(next, end, SIGN), end);
    /* One character that is no line break may stand before a word, a space before signs. */
    unsigned after = next < end ? deepseek_class(next, &second) : 0;
    if (!is_break(*at) && after == WORD) return skip_deepseek(second, end, WORD);
    if (*at == ' ' && after == SIGN) return skip_breaks(skip_deepseek(second, end, SIGN), end);
    if (class != GAP) return NULL;
    const char *breaks = breaks_end(at, end);
    return breaks ? breaks : gap_end(at, end);
}

/* Where the match ends is `*match_end`. */
static const char *find_deepseek(const char *at, const char *end, const char **match_end)
{
    for (; at < end; at = utf8_past(at, end)) {
        if ((*match_end = deepseek_end(at, end))) return at;
    }
    return *match_end = end;
}

bool pattern_find(enum pattern_kind kind, const char *text, size_t bytes, size_t *start,
                  size_t *end)
{
    const char *text_end = text + bytes, *from = text + *start, *to;
    if (kind == PATTERN_NUMBERS) {
        from = find_number(from, text_end);
        to = numbers_end(from, text_end, 3);
    } else if (kind == PATTERN_CJK) {
        from = find_cjk(from, text_end);
        to = skip_cjk(from, text_end);
    } else {
        from = find_deepseek(from, text_end, &to);
    }
    *start = (size_t)(from - text);
    *end = (size_t)(to - text);
    return from < text_end;
}
