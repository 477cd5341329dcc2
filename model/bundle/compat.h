/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file compat.h
 * Which library's results to reproduce: what each does with the same files. Constants.
 */
#pragma once

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
