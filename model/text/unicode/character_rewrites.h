/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file character_rewrites.h
 * Normalizers that look at one character at a time, by what unicode.h tells of it.
 *
 * Each reads a whole text and writes it anew (rewrite.h). Reference: the `tokenizers` library's.
 * Pure functions over constant tables; any thread may call them.
 */
#pragma once

#include "model/text/unicode/rewrite.h"

#include <stdbool.h>

/** clean_apply leaves out control characters and makes white space spaces: BertNormalizer's
 * clean_text. */
void clean_apply(struct rewrite *w);

/** chinese_spaces_apply puts spaces around Chinese characters: its handle_chinese_chars. */
void chinese_spaces_apply(struct rewrite *w);

/** strip_marks_apply leaves out non-spacing marks: its strip_accents, after NFD. */
void strip_marks_apply(struct rewrite *w);

/** strip_accents_apply leaves out combining marks: StripAccents. */
void strip_accents_apply(struct rewrite *w);

/** lowercase_apply writes each character's lower case, which may be several characters. */
void lowercase_apply(struct rewrite *w);

/** strip_apply leaves out the white space at the start (left) and at the end (right). */
void strip_apply(struct rewrite *w, bool left, bool right);

/** nmt_apply leaves out what Nmt removes, and makes spaces of what it takes for white space. */
void nmt_apply(struct rewrite *w);
