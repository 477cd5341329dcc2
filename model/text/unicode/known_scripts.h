/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file known_scripts.h
 * Whether most letters of a text are of scripts that a model is not for. Texts of ASCII and of
 * Chinese are passed in a few instructions for 16 bytes. Plain data without pointers, immutable
 * once filled; any thread may use it.
 */
#pragma once

#include "model/text/unicode/script_ranges.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The scripts that a model is for. Zero it, add each one, then complete it. */
struct known_scripts {
    bool is_known[SCRIPTS];
    bool has_latin;
    uint8_t ideographs; /* how many first bytes, from that of U+4000 on, begin no foreign letter */
    /* Bit s of row f: a foreign letter begins with the bytes 0xC0 + f, 0x80 + s. */
    uint64_t foreign[64];
};

/** known_scripts_add takes the script of that name in.
 * @return false: there is none */
bool known_scripts_add(struct known_scripts *known, const char *name);

/** known_scripts_complete makes it ready for known_scripts_foreign. */
void known_scripts_complete(struct known_scripts *known);

/**
 * known_scripts_foreign: the script that most of the letters of `text` (valid UTF-8) that are of no
 * known script are of, the first in the order of names where there are several; SCRIPT_NONE unless
 * these are more than half of all its letters. Time linear in `bytes`.
 */
unsigned known_scripts_foreign(const struct known_scripts *known, const char *text, size_t bytes);

#define SCRIPT_LIST_MAX 8
#define SCRIPT_LIST_BYTES (SCRIPT_LIST_MAX * (SCRIPT_NAME_BYTES + 2))

/** The first SCRIPT_LIST_MAX scripts of those that were added, each once; SCRIPT_NONE behind them.
 * Zero it at the start. */
struct script_list {
    uint8_t scripts[SCRIPT_LIST_MAX];
};

/** script_list_add takes in a script (not SCRIPT_NONE) that is not there, where there is room. */
void script_list_add(struct script_list *list, unsigned script);

/**
 * script_list_count looks at a text as known_scripts_foreign does: of a foreign one, adds 1 to
 * `*n_foreign` and its script to the list.
 * @param known NULL: nothing is foreign
 */
void script_list_count(struct script_list *list, uint64_t *n_foreign,
                       const struct known_scripts *known, const char *text, size_t bytes);

/** script_list_write: their names, as "Cyrl, Arab". */
void script_list_write(const struct script_list *list, char out[static SCRIPT_LIST_BYTES]);
