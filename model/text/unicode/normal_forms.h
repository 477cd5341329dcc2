/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file normal_forms.h
 * Unicode's normal forms of a text.
 *
 * Algorithms: Unicode, 3.11 (canonical order, composition) and 3.12 (Hangul); what characters
 * become is told by unicode.h. Pure functions over constant tables;
 * any thread may call them.
 */
#pragma once

#include "model/text/unicode/rewrite.h"

enum normal_form { FORM_NFC, FORM_NFD, FORM_NFKC, FORM_NFKD };

/** normal_form_apply writes the text in its normal form. Time linear but for the marks on one
 * character, which are sorted. */
void normal_form_apply(enum normal_form form, struct rewrite *w);
