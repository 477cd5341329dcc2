/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file ideograph_label.h
 * Ideographs, U+4E00 to U+9FFF, as numbers from 0 on: their labels. Pure functions.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IDEOGRAPH_FIRST 0x4E00
#define IDEOGRAPH_LABELS 0x5200
#define IDEOGRAPH_BYTES 3 /* of each in UTF-8 */

/** ideograph_label: of the character that begins at `at` in valid UTF-8, or inside of which `at`
 * is; IDEOGRAPH_LABELS or more: it is another kind of character. */
static inline uint32_t ideograph_label(const char *at)
{
    const unsigned char *s = (const unsigned char *)at;
    if ((s[0] & 0xF0) != 0xE0) return UINT32_MAX;
    const uint32_t code = (s[0] & 15u) << 12 | (s[1] & 63u) << 6 | (s[2] & 63u);
    return code - IDEOGRAPH_FIRST;
}

/** ideograph_is_all: whether the text (valid UTF-8) is made of ideographs, one at least. */
static inline bool ideograph_is_all(const char *text, size_t bytes)
{
    bool is_all = bytes > 0 && bytes % IDEOGRAPH_BYTES == 0;
    for (size_t i = 0; i < bytes && is_all; i += IDEOGRAPH_BYTES)
        is_all = ideograph_label(text + i) < IDEOGRAPH_LABELS;
    return is_all;
}
