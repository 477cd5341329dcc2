/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file forms.h
 * Unicode's normal forms and what else normalizers and patterns ask of a character.
 *
 * The tables (forms_table.c) are made by tools/unicode/make_forms.py, which asks the reference
 * library about every code point: its normal forms are those of Unicode 9, its classes of patterns
 * newer ones. Algorithms: Unicode, 3.11 (canonical order, composition) and 3.12 (Hangul). Pure
 * functions over constant tables.
 */
#pragma once

#include "model/text/unicode/rewrite.h"

#include <stdbool.h>
#include <stdint.h>

enum text_form { FORM_NFC, FORM_NFD, FORM_NFKC, FORM_NFKD };

enum form_flag {
    FORM_COMBINING = 1, /* a combining mark: removed by StripAccents */
    FORM_NUMERIC = 2,   /* a number to the pre-tokenizer Digits */
    FORM_LETTER = 4,    /* \p{L} of regular expressions */
    FORM_NUMBER = 8,    /* \p{N} */
    FORM_GAP = 16,      /* \s */
    FORM_SECOND = 32,   /* the second of a pair that is composed */
    FORM_UPPER = 64,    /* [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]: a letter that is not small, or a mark */
    FORM_LOWER = 128,   /* [\p{Ll}\p{Lm}\p{Lo}\p{M}]: one that is not a capital, or a mark */
    FORM_SIGN = 256,    /* [\p{P}\p{S}]: punctuation or a symbol */
};

struct form_record {
    uint16_t canonical, compatible; /* indexes in form_mappings; 0: stays as it is */
    uint16_t flags;
    uint8_t order;  /* canonical order: 0 for a starter, ranks else */
    uint8_t script; /* FORM_SCRIPT_ANY, or a number without meaning */
};

struct form_mapping {
    uint16_t at; /* in form_pool */
    uint8_t n;
};

struct form_composition {
    uint64_t pair; /* first << 32 | second */
    uint32_t composed;
};

extern const uint16_t form_first[];
extern const uint16_t form_second[];
extern const struct form_record form_records[];
extern const struct form_mapping form_mappings[];
extern const uint32_t form_pool[];
extern const struct form_composition form_compositions[]; /* by pair */
extern const uint32_t form_n_compositions;

/** form_record_of: the record of a valid code point (not a surrogate). */
static inline const struct form_record *form_record_of(uint32_t code)
{
    return &form_records[form_second[form_first[code >> 7] * 128u + (code & 127)]];
}

/** The script that parts nothing: spaces, and what all scripts share. */
#define FORM_SCRIPT_ANY 0

/** form_apply writes the text in its normal form. Time linear but for the marks on one character,
 * which are sorted. */
void form_apply(enum text_form form, struct rewrite *w);

/** strip_accents_apply leaves out combining marks: StripAccents. */
void strip_accents_apply(struct rewrite *w);

/** strip_marks_apply leaves out non-spacing marks: BertNormalizer's strip_accents, after NFD. */
void strip_marks_apply(struct rewrite *w);

/** lowercase_apply writes each character's lower case, which may be several characters. */
void lowercase_apply(struct rewrite *w);

/** strip_apply leaves out the white space at the start (left) and at the end (right). */
void strip_apply(struct rewrite *w, bool left, bool right);
