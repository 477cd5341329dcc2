/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file unicode.h
 * What normalizers, pre-tokenizers and patterns ask of a code point, as constant tables.
 *
 * The tables (unicode_tables.c) are made by tools/unicode/make_tables.py (`make unicode-tables`),
 * which asks the reference library about every code point: so they hold its Unicode versions,
 * whatever these are. Its normal forms, for one, are those of Unicode 9, its classes of patterns
 * newer ones. Constant; any thread may read it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum unicode_flag {
    /* BERT's. They fit a byte. */
    UNICODE_CONTROL = 1,    /* removed by clean_text: category C*, NUL, U+FFFD */
    UNICODE_SPACE = 2,      /* parts words; clean_text makes it a space; \s of expressions */
    UNICODE_PUNCT = 4,      /* a word of its own */
    UNICODE_CHINESE = 8,    /* the ideographs that handle_chinese_chars puts spaces around */
    UNICODE_MARK = 16,      /* removed by strip_accents: category Mn, once decomposed (NFD) */
    UNICODE_REORDER = 32,   /* NFD leaves a mark that is not Mn: canonical order matters */
    UNICODE_WORD = 64,      /* \w of an added token's single_word */
    UNICODE_SYLLABLE = 128, /* a Hangul syllable: decomposed by arithmetic */
    /* Those of the other normalizers and pre-tokenizers, and of expressions. */
    UNICODE_COMBINING = 256, /* a combining mark: removed by StripAccents */
    UNICODE_NUMERIC = 512,   /* a number to the pre-tokenizer Digits */
    UNICODE_LETTER = 1024,   /* \p{L} */
    UNICODE_NUMBER = 2048,   /* \p{N} */
    UNICODE_SECOND = 4096,   /* the second of a pair that is composed */
    UNICODE_UPPER = 8192,  /* [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]: all letters but small ones; marks */
    UNICODE_LOWER = 16384, /* [\p{Ll}\p{Lm}\p{Lo}\p{M}]: all letters but capitals; marks */
    UNICODE_SIGN = 32768,  /* [\p{P}\p{S}]: punctuation or a symbol */
};

/** In unicode_byte_flags: not ASCII, decode and look further. */
#define UNICODE_LEAD 128

/** What a code point becomes. */
enum unicode_form {
    UNICODE_LOWERCASE,
    UNICODE_STRIPPED, /* NFD without Mn; not of a mark itself */
    UNICODE_STRIPPED_LOWERCASE,
    UNICODE_CANONICAL,  /* NFD */
    UNICODE_COMPATIBLE, /* NFKD */
    UNICODE_N_FORMS,
};

struct unicode_record {
    uint16_t flags;
    uint8_t order;  /* canonical order of its first NFD element: 0 for a starter, ranks else */
    uint8_t script; /* UNICODE_SCRIPT_ANY, or a number without meaning */
    /* Where in unicode_texts it stands; 0: stays as it is. 0 for Hangul syllables. */
    uint16_t forms[UNICODE_N_FORMS];
};

_Static_assert(sizeof(struct unicode_record) == 14, "as in make_tables.py");

/** The script that never splits a text: spaces, and what all scripts share. */
#define UNICODE_SCRIPT_ANY 0

/* The index over all code points: in two steps below U+10000 (a block of 16 code points, one of
   them), in three above (32 blocks first). */
extern const uint8_t unicode_above[];
extern const uint16_t unicode_blocks[]; /* where in unicode_leaves each one is */
extern const uint16_t unicode_leaves[]; /* where its record is, in uint16_t */
extern const struct unicode_record unicode_records[];

/** UTF-8, each text behind a byte with its length. */
extern const unsigned char unicode_texts[];

/** first << 42 | second << 21 | what they compose to (NFC), ascending. Without Hangul. */
extern const uint64_t unicode_compositions[];
extern const size_t unicode_n_compositions;

/** The lower byte of the flags of an ASCII byte, UNICODE_LEAD for any other. */
extern const uint8_t unicode_byte_flags[256];

/** unicode_record_of: the record of a valid code point (not a surrogate). */
static inline const struct unicode_record *unicode_record_of(uint32_t code)
{
    uint32_t block = code >> 4;
    if (__builtin_expect(code >= 0x10000, 0))
        block = 0x1000 + unicode_above[(code - 0x10000) >> 9] * 32u + (code >> 4 & 31);
    const uint16_t *records = (const uint16_t *)unicode_records;
    return (const void *)(records + unicode_leaves[unicode_blocks[block] + (code & 15)]);
}

/** unicode_text: what a code point becomes in this form, where its record has one (not 0). */
static inline const char *unicode_text(const struct unicode_record *record, enum unicode_form form,
                                       size_t *bytes)
{
    const unsigned char *text = unicode_texts + record->forms[form];
    *bytes = *text;
    return (const char *)text + 1;
}

/** unicode_is_ideograph: what BERT calls Chinese (`flags` of the character), and besides 〇 and all
 * of the two planes that Unicode keeps for ideographs (extensions B to J and what is to come). */
static inline bool unicode_is_ideograph(uint32_t code, uint16_t flags)
{
    return flags & UNICODE_CHINESE || code == 0x3007 || (code >= 0x20000 && code < 0x40000);
}
