/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file unicode.h
 * What BERT's normalizer and pre-tokenizer do with each code point, as constant tables.
 *
 * The tables (unicode_table.c) are made by tools/unicode/make_table.py, which asks the reference
 * library about every code point: so they hold its Unicode versions, whatever these are.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum unicode_flag {
    UNICODE_CONTROL = 1,   /* removed by clean_text: category C*, NUL, U+FFFD */
    UNICODE_SPACE = 2,     /* parts words; clean_text makes it a space */
    UNICODE_PUNCT = 4,     /* a word of its own */
    UNICODE_CHINESE = 8,   /* the ideographs that handle_chinese_chars puts spaces around */
    UNICODE_MARK = 16,     /* removed by strip_accents: category Mn, once decomposed (NFD) */
    UNICODE_REORDER = 32,  /* NFD leaves a mark that is not Mn: canonical order matters */
    UNICODE_WORD = 64,     /* \w of an added token's single_word */
    UNICODE_SYLLABLE = 128 /* a Hangul syllable: decomposed by arithmetic */
};

/** In unicode_byte_flags: not ASCII, decode and look further. */
#define UNICODE_LEAD 128

struct unicode_record {
    uint16_t mapping; /* index in unicode_mappings; 0 = stays as it is */
    uint8_t flags;
    uint8_t order; /* canonical order of its first NFD element: 0 for a starter, ranks else */
};

/** What a code point becomes, as UTF-8 in unicode_pool. */
enum unicode_form {
    UNICODE_LOWER,
    UNICODE_STRIP, /* NFD without Mn */
    UNICODE_STRIP_LOWER,
};

struct unicode_mapping {
    uint16_t at[3]; /* by enum unicode_form */
    uint8_t bytes[3];
};

extern const uint16_t unicode_first[];
extern const uint16_t unicode_second[];
extern const struct unicode_record unicode_records[];
extern const struct unicode_mapping unicode_mappings[];
extern const unsigned char unicode_pool[];

/** Flags of an ASCII byte, UNICODE_LEAD for any other. */
extern const uint8_t unicode_byte_flags[256];

/** unicode_record_of: the record of a valid code point (not a surrogate). */
static inline const struct unicode_record *unicode_record_of(uint32_t code)
{
    return &unicode_records[unicode_second[unicode_first[code >> 7] * 128u + (code & 127)]];
}

/** unicode_is_ideograph: what BERT calls Chinese (`flags` of the character), and besides 〇 and all
 * of the two planes that Unicode keeps for ideographs (extensions B to J and what is to come). */
static inline bool unicode_is_ideograph(uint32_t code, uint8_t flags)
{
    return flags & UNICODE_CHINESE || code == 0x3007 || (code >= 0x20000 && code < 0x40000);
}
