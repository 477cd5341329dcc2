/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file forms.h
 * Unicode's normal forms, and normalizers that look at one character at a time.
 *
 * Algorithms: Unicode, 3.11 (canonical order, composition) and 3.12 (Hangul); what characters
 * become is told by unicode.h. Pure functions over constant tables.
 */
#pragma once

#include "model/text/unicode/rewrite.h"

#include <stdbool.h>

enum text_form { FORM_NFC, FORM_NFD, FORM_NFKC, FORM_NFKD };

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
