/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file word_vectors.h
 * Files of words and their vectors: word2vec's text (fastText's .vec) and binary form, and GloVe's
 * text. Rows lie between words there, so they are copied: a packed file (convert) is mapped
 * instead.
 *
 * word2vec: a line "V D", then V times a word, a space, and D numbers: as text parted by spaces up
 * to the end of the line, or as D float32, little-endian, after which there may be a line end.
 * GloVe: the same lines without the first one; a word may hold spaces, for the last D fields are
 * the numbers. Text numbers are read as float64 and rounded to float32. Of equal words the first
 * counts, as in gensim.
 */
#pragma once

#include "base/err.h"
#include "model/source.h"
#include "model/text/vocab.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum word_vectors_kind { WORD2VEC_TEXT, WORD2VEC_BINARY, GLOVE_TEXT };

struct word_vectors {
    float *rows; /* (vocab.n, dim), malloc'ed */
    uint32_t dim;
    uint32_t n_repeated; /* words that came again, which are left out */
    struct vocab vocab;  /* not finished */
};

/** word_vectors_tell: which kind a file is; false: it does not begin like any. */
bool word_vectors_tell(struct span file, enum word_vectors_kind *kind);

/**
 * word_vectors_read reads all of a file.
 * @param where its name, for messages
 * @return false with ERR_FORMAT (naming line or byte) or ERR_MEMORY; `out` is then empty
 */
bool word_vectors_read(struct word_vectors *out, struct span file, enum word_vectors_kind kind,
                       const char *where, struct err *err);

/** word_vectors_clear frees; what was taken out of it (set to zero) stays. */
void word_vectors_clear(struct word_vectors *vectors);
