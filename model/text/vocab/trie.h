/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file trie.h
 * The vocabulary as a double-array trie over bytes: exact look-up, and longest match in a walk.
 *
 * One 64-bit cell a node: the byte that leads to it (9 bits: the byte and a mark that the cell is
 * taken), the base of its children (27), its id + 1, or 0 for none (28). The child of a node by
 * byte c is the cell at base ^ c, if that cell's byte is c: bases are unique, so a cell belongs to
 * one node only. Cell 0 holds the root, without the mark. Idea: J. Aoe, "An efficient digital
 * search algorithm by using a double-array structure" (1989). Immutable; any thread may read it.
 *
 * The cells may lie in a file that nobody has checked: no walk leaves them, and each ends with the
 * text. An id may then be any number up to TRIE_ID_MAX, or UINT32_MAX.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TRIE_ID_MAX ((1u << 28) - 2)

struct trie {
    const uint64_t *cells; /* (n_cells) */
    size_t n_cells;
    uint64_t root; /* a node: the value of its cell, marked; 0 in an empty trie */
};

struct trie_key {
    const char *text;
    uint32_t bytes;
    uint32_t id; /* ≤ TRIE_ID_MAX */
};

enum trie_result { TRIE_BUILT, TRIE_DUPLICATE, TRIE_TOO_LARGE, TRIE_NO_MEMORY };

/**
 * trie_build makes the trie of `keys` (n), whose order it changes. The texts are not kept.
 * @param twins the ids of two equal keys, set on TRIE_DUPLICATE; NULL: equal keys are allowed, and
 *              the one whose text is last in memory counts (all texts are then in one array)
 * @return TRIE_BUILT; otherwise `trie` is empty
 */
enum trie_result trie_build(struct trie *trie, struct trie_key *keys, size_t n, uint32_t *twins);

/** trie_clear frees what trie_build made; an empty (zeroed) trie is fine. */
void trie_clear(struct trie *trie);

/** trie_view: the trie whose cells (n) lie there, made by trie_build; borrowed. */
struct trie trie_view(const uint64_t *cells, size_t n);

/** trie_step: the child of `node` by `byte`, or 0 if there is none. */
static inline uint64_t trie_step(const struct trie *trie, uint64_t node, unsigned char byte)
{
    size_t at = (node >> 9 & 0x7FFFFFF) ^ byte;
    uint64_t cell = __builtin_expect(at < trie->n_cells, 1) ? trie->cells[at] : 0;
    return (cell & 0x1FF) == (0x100u | byte) ? cell : 0;
}

/** trie_id: the id of the key that ends at `node`, or UINT32_MAX. */
static inline uint32_t trie_id(uint64_t node)
{
    return (uint32_t)(node >> 36) - 1;
}

/** trie_walk: the node that `text` leads to from `node`, or 0. */
static inline uint64_t trie_walk(const struct trie *trie, uint64_t node, const char *text,
                                 size_t bytes)
{
    for (size_t i = 0; i < bytes && node; i++)
        node = trie_step(trie, node, (unsigned char)text[i]);
    return node;
}

/**
 * trie_longest finds the longest key on the way of `text` from `node`, of at least one byte.
 * @return its id, and its bytes past `node` in `*length`; UINT32_MAX if there is none
 */
static inline uint32_t trie_longest(const struct trie *trie, uint64_t node, const char *text,
                                    const char *end, size_t *length)
{
    uint64_t best = 0;
    const char *at = text, *best_end = text;
    while (at < end && (node = trie_step(trie, node, (unsigned char)*at))) {
        at++;
        if (node >> 36) {
            best = node;
            best_end = at;
        }
    }
    *length = (size_t)(best_end - text);
    return trie_id(best);
}
