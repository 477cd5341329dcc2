/* SPDX-License-Identifier: Apache-2.0 */
/** @file tokens.h  What a text becomes: token ids, and where each stands in it. Plain data. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/** The id of a token that is outside a vocabulary which has no unknown row. */
#define TOKEN_ID_NONE UINT32_MAX

/** Where a token stands in its text, in code points of the text as given: [start, end). */
struct token_span {
    uint32_t start, end;
};

/** The tokens of one text. Arrays live in the arena they were made in. */
struct tokens {
    uint32_t *ids; /* n; TOKEN_ID_NONE for a token outside a vocabulary without unknown row */
    struct token_span *spans; /* n, or NULL when not asked for */
    uint32_t n;
    bool is_truncated; /* by the limits of the model */
};

enum {
    TOKENIZE_LIMITS = 4,  /* cut the text as the model's library does (model_info's limits) */
    TOKENIZE_SPANS = 1,   /* fill spans (slower: off the hot path) */
    TOKENIZE_ALL_IDS = 8, /* ids of tokens without a row too, for showing them; otherwise such a
                             token is the unknown one */
    TOKENIZE_SPECIAL_TOKENS = 2 /* add what the post-processor adds, such as [CLS] and [SEP]; their
                                spans are [0, 0) */
};

/** Which part of a text counts: how long it may be, and what pooling leaves out. */
struct limits {
    bool keeps_unknown;  /* the unknown row counts like any other */
    bool drops_first;    /* unknown tokens are left out before tokens are counted */
    uint32_t tokens_max; /* of a text; 0: no limit */
    bool cuts_left;      /* a text that is too long loses its beginning */
    uint64_t points_max; /* code points of a text that are looked at; 0: all */
};
