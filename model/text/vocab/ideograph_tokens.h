/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file ideograph_tokens.h
 * The tokens that begin with ideographs, in order: what ideographs_build makes its table of. One
 * thread makes a list.
 */
#pragma once

#include "model/text/vocab/ideograph_label.h"

#include <stdbool.h>
#include <stddef.h>

struct trie_key;

struct ideograph_token {
    const char *text; /* that of its key */
    uint32_t id;
    uint32_t length; /* ideographs that it begins with */
    bool goes_on;    /* with something else */
};

struct ideograph_tokens {
    struct ideograph_token *items; /* (n) by their ideographs, a beginning before what it begins */
    uint32_t n;
    uint32_t longest; /* the largest length */
    uint32_t last_id; /* the largest id */
};

/**
 * ideograph_tokens_list lists those among `keys` (n), whose texts are valid UTF-8.
 * @param tokens zeroed; the caller frees its items
 * @return false when there is no memory
 */
bool ideograph_tokens_list(struct ideograph_tokens *tokens, const struct trie_key *keys, size_t n);

/** ideograph_token_label: of ideograph `i` (< length) of a token. */
static inline uint32_t ideograph_token_label(const struct ideograph_token *token, uint32_t i)
{
    return ideograph_label(token->text + (size_t)i * IDEOGRAPH_BYTES);
}
