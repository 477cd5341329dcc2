/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file script_ranges.h
 * Which script a letter is of: Unicode's property Script, under ISO 15924's names. Marks, digits,
 * punctuation, symbols, emoji, and the letters that scripts share (as the Japanese ー), are of
 * none.
 *
 * The table (script_ranges.c) is made by tools/unicode/make_scripts.py (`make unicode-tables`).
 * Constant; any thread may read it.
 */
#pragma once

#include <stdint.h>

#define SCRIPTS 167
#define SCRIPT_RANGES 247
#define SCRIPT_NAME_BYTES 4

/** Of no script; every other number is that of a name. */
#define SCRIPT_NONE 0

/** By number, ascending from 1 on: "Adlm", "Aghb", ... */
extern const char script_names[SCRIPTS][SCRIPT_NAME_BYTES + 1];

/** Every letter between first and last is of this script; what is no letter may lie there, too. */
struct script_range {
    uint32_t first, last;
    uint8_t script;
};

/** Ascending, apart from each other. */
extern const struct script_range script_ranges[SCRIPT_RANGES];
