/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file charsmap.h
 * SentencePiece's precompiled normalization rules: a trie from strings to what replaces them.
 *
 * Layout: u32 (little-endian) bytes of the trie; the trie, u32 units of Darts (a double array);
 * then the replacements, UTF-8, each ending in NUL. Of a grapheme of less than six bytes the
 * shortest rule that begins it replaces all of it, otherwise each character is looked up so.
 * Reference: the `tokenizers` library's Precompiled. Graphemes by libutf8proc. Immutable; any
 * thread may use it.
 */
#pragma once

#include "base/err.h"
#include "base/span.h"
#include "model/text/unicode/rewrite.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Chinese characters that are looked up in a table of bits first. */
#define CHARSMAP_IDEOGRAPHS 0x3400
#define CHARSMAP_IDEOGRAPHS_END 0xA000

struct charsmap {
    struct span data;           /* all of it */
    const unsigned char *units; /* (n_units) of 4 bytes */
    size_t n_units;
    const char *texts; /* (text_bytes) */
    size_t text_bytes;
    bool stays[128]; /* no rule begins with this ASCII character alone, and it starts a grapheme */
    uint64_t
        ideographs[(CHARSMAP_IDEOGRAPHS_END - CHARSMAP_IDEOGRAPHS) / 64]; /* that have a rule */
};

/**
 * charsmap_open reads what `data` (borrowed while the map lives) holds. Offsets in it are checked
 * when they are used: one that leads nowhere is not a rule.
 * @return false with ERR_FORMAT, without the name of a file
 */
bool charsmap_open(struct charsmap *out, struct span data, struct err *err);

/** charsmap_check looks through all rules; false with ERR_FORMAT, without the name of a file. */
bool charsmap_check(const struct charsmap *map, struct err *err);

/** charsmap_apply writes the text with all rules applied. */
void charsmap_apply(const struct charsmap *map, struct rewrite *w);
