/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file added_set.h
 * Added tokens, such as [CLS] written out in a text: found before the text is split into words.
 *
 * Reference: the `tokenizers` library's AddedVocabulary. Tokens that are not `normalized` are
 * searched for in the text as it is, the others in the normalized text: one set each. Leftmost
 * match, then the longest. Immutable once made; any thread may use it.
 */
#pragma once

#include "model/text/vocab/trie.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum added_flag {
    ADDED_SINGLE_WORD = 1, /* only where no word character stands before or after */
    ADDED_LSTRIP = 2,      /* takes the white space before it */
    ADDED_RSTRIP = 4,      /* and after it */
};

struct added_token {
    uint32_t id;
    uint32_t flags; /* enum added_flag */
};

/** Where all tokens are single words of ASCII with a gap or mark between (phrases): a bit for the
 * hash of what stands around the first one of each, ADDED_JOINT_SIDE letters or digits before it
 * and as many bytes after. So a text is looked at where its own words end alone. */
#define ADDED_JOINT_BITS 17
#define ADDED_JOINTS (((size_t)1 << ADDED_JOINT_BITS) / 64)
#define ADDED_JOINT_SIDE 3

struct added_set {
    struct added_token *tokens; /* (n) */
    size_t n;
    struct trie trie; /* to the index in tokens */
    uint64_t *joints; /* (n_joints) ADDED_JOINTS; NULL: there are other tokens too */
    size_t n_joints;
    bool first_bytes[256]; /* that a token starts with */
    int only_first_byte;   /* if there is but one, for memchr; otherwise -1 */
    bool is_of_words;      /* all are ADDED_SINGLE_WORD, and none takes white space around it */
};

/** Where a search stands. Start with all zero but text and bytes. */
struct added_search {
    const char *text;
    size_t bytes;
    size_t next;      /* where to look on */
    size_t done;      /* end of the last match, stripped space included */
    size_t space_end; /* of the last white space looked through: each is read once */
};

struct added_match {
    size_t start, end; /* bytes of the text, stripped space included */
    uint32_t id;
};

/**
 * added_set_build makes a set of `tokens` (n, taken: freed by added_set_clear, also on failure);
 * `keys` are what to look for, their ids being indexes into tokens; none is empty, all differ.
 * @return false when memory is out
 */
bool added_set_build(struct added_set *set, struct added_token *tokens /* takes */, size_t n,
                     struct trie_key *keys);

/** added_set_finish works out what a search asks first, once tokens and trie are there. */
void added_set_finish(struct added_set *set);
void added_set_clear(struct added_set *set);

/** added_find: the next match; false when there is none. Time linear in the text. */
bool added_find(const struct added_set *set, struct added_search *search,
                struct added_match *match);
