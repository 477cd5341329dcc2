/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file fold_case.h
 * Texts without the difference of upper and lower case, for comparing them. Pure functions.
 */
#pragma once

#include "base/buf.h"

#include <stddef.h>

/**
 * fold_case appends `text` with its case folded as Unicode has it ("Straße" and "STRASSE" are both
 * "strasse"; libutf8proc's tables). Bytes that are not UTF-8 stay as they are.
 */
void fold_case(const char *text, size_t bytes, struct buf *out);
