/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file compat.h
 * Whose numbers a table's are to be: what each library does with the same files.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum compat {
    COMPAT_OWN,              /* embedd: unknown tokens left out, no limit */
    COMPAT_MODEL2VEC,        /* Python's, 0.10: at most 512 tokens, then unknown ones left out */
    COMPAT_MODEL2VEC_08,     /* before 0.9: unknown ones left out first, Unigram's kept */
    COMPAT_MODEL2VEC_RS,     /* Rust's, 0.4: normalized unless it is said; lengths in bytes */
    COMPAT_STATIC_EMBEDDING, /* sentence-transformers: unknown tokens kept, tokenizer.json's limit
                              */
};

#define COMPATS 5

/** Names by enum compat: embedd, model2vec, model2vec-0.8, model2vec-rs, sentence-transformers. */
extern const char *const compat_names[COMPATS + 1]; /* NULL at the end */

/** What pooling leaves out, and how long a text may be. */
struct limits {
    bool keeps_unknown;  /* the unknown row counts like any other */
    bool drops_first;    /* unknown tokens are left out before tokens are counted */
    uint32_t tokens_max; /* of a text; 0: no limit */
    bool cuts_left;      /* what is beyond is taken away in front */
    uint64_t points_max; /* code points of a text that are looked at; 0: all */
};
