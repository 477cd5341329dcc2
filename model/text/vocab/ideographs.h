/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file ideographs.h
 * The tokens of ideographs (U+4E00 to U+9FFF) as a double array over characters: one step a
 * character, where the trie over bytes takes three, each of which waits for the one before. And the
 * first two of a token can be fetched before it is known where tokens begin. Tokens that are all
 * ideographs stand here and not in the trie.
 *
 * One 64-bit cell a node: the label of the character that leads to it and a mark that the cell is
 * taken (16 bits), the base of its children or 0 (23), whether a token goes on from here with
 * another kind of character (1), its id + 1, or 0 for none (24). The child of a node by a label is
 * the cell at base + label, if that cell has the label: bases are unique. The root's base is 1,
 * cell 0 is empty. Immutable once made; any thread may read it.
 *
 * As in a trie, the cells may lie in a file that nobody has checked: no step leaves them.
 */
#pragma once

#include "model/text/vocab/ideograph_label.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct trie_key;

struct ideographs {
    uint64_t *cells; /* (n_cells), NULL: none */
    size_t n_cells;
};

/**
 * ideographs_build makes the table of those of `keys` (n, valid UTF-8, all in one array) that are
 * all ideographs, or leaves it empty where it is of no use: no token begins with two, or there are
 * too many tokens for it. Of equal keys the one counts whose text is last in memory.
 * @return false when there is no memory
 */
bool ideographs_build(struct ideographs *ideographs, const struct trie_key *keys, size_t n);

/** ideographs_fetch: has the cells brought from memory that the first two steps of any token in
 * `text` will read, wherever tokens begin. */
void ideographs_fetch(const struct ideographs *ideographs, const char *text, size_t bytes);

/** ideographs_finish: whether the cells, once they are there, are enough of a table to be used. */
bool ideographs_finish(const struct ideographs *ideographs);

/** ideographs_clear frees; a zeroed table is fine. */
void ideographs_clear(struct ideographs *ideographs);

#define IDEOGRAPH_ROOT_BASE 1u
#define IDEOGRAPH_TAKEN 0x8000u
#define IDEOGRAPH_BASE_SHIFT 16
#define IDEOGRAPH_GOES_ON_SHIFT 39
#define IDEOGRAPH_ID_SHIFT 40

/** ideograph_base: where the node's children lie; 0: there are none. */
static inline uint32_t ideograph_base(uint64_t node)
{
    return node >> IDEOGRAPH_BASE_SHIFT & 0x7FFFFF;
}

/** ideograph_goes_on: whether a token goes on from the node with another kind of character. */
static inline bool ideograph_goes_on(uint64_t node)
{
    return node >> IDEOGRAPH_GOES_ON_SHIFT & 1;
}

/** ideograph_id: the id of the token that ends at the node, or UINT32_MAX. */
static inline uint32_t ideograph_id(uint64_t node)
{
    return (uint32_t)(node >> IDEOGRAPH_ID_SHIFT) - 1;
}

/** ideograph_if_led: the cell if it is taken and `label` leads to it, or 0. */
static inline uint64_t ideograph_if_led(uint64_t cell, uint32_t label)
{
    return (cell & 0xFFFF) == (IDEOGRAPH_TAKEN | label) ? cell : 0;
}

/** ideograph_start: the node of a first character, or 0 if no token begins with it. */
static inline uint64_t ideograph_start(const struct ideographs *ideographs, uint32_t label)
{
    return ideograph_if_led(ideographs->cells[IDEOGRAPH_ROOT_BASE + label], label);
}

/** ideograph_step: the child of `node` by `label`, or 0. */
static inline uint64_t ideograph_step(const struct ideographs *ideographs, uint64_t node,
                                      uint32_t label)
{
    const uint32_t base = ideograph_base(node);
    const size_t at = base ? base + label : 0;
    const uint64_t cell = __builtin_expect(at < ideographs->n_cells, 1) ? ideographs->cells[at] : 0;
    return ideograph_if_led(cell, label);
}

/** ideographs_id: the id of the token that is all of `text` (valid UTF-8), or UINT32_MAX. */
static inline uint32_t ideographs_id(const struct ideographs *ideographs, const char *text,
                                     size_t bytes)
{
    if (!ideographs->cells || !ideograph_is_all(text, bytes)) return UINT32_MAX;
    uint64_t node = ideograph_start(ideographs, ideograph_label(text));
    for (size_t i = IDEOGRAPH_BYTES; i < bytes && node; i += IDEOGRAPH_BYTES)
        node = ideograph_step(ideographs, node, ideograph_label(text + i));
    return ideograph_id(node);
}

/** ideographs_may_begin: whether a token at `at` (valid UTF-8) would begin with an ideograph; false
 * where there is no table: the trie knows it. */
static inline bool ideographs_may_begin(const struct ideographs *ideographs, const char *at)
{
    return ideographs->cells && ideograph_label(at) < IDEOGRAPH_LABELS;
}

/**
 * ideographs_longest finds the longest token of ideographs at `at` (< end, valid UTF-8), where one
 * may begin.
 * @param goes_on set to whether there may be a token that goes on with another kind of character:
 *                it is longer, and the trie knows it
 * @return its id, and its bytes in `*length`; UINT32_MAX where there is none
 */
static inline uint32_t ideographs_longest(const struct ideographs *ideographs, const char *at,
                                          const char *end, size_t *length, bool *goes_on)
{
    const char *past = at;
    uint64_t best = 0, node, child = ideograph_start(ideographs, ideograph_label(at));
    *length = 0;
    *goes_on = false;
    while ((node = child)) {
        past += IDEOGRAPH_BYTES;
        if (ideograph_id(node) != UINT32_MAX) {
            best = node;
            *length = (size_t)(past - at);
        }
        if (past == end) break;
        const uint32_t label = ideograph_label(past);
        if (label >= IDEOGRAPH_LABELS) {
            *goes_on = ideograph_goes_on(node);
            break;
        }
        child = ideograph_step(ideographs, node, label);
    }
    return ideograph_id(best);
}
