/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file word_vectors.h
 * Files of words and their vectors: word2vec's text (fastText's .vec) and binary form, and GloVe's
 * text. Rows lie between words there, so they are copied: a packed file (convert) is mapped
 * instead. One thread reads a file; what it has read is immutable.
 *
 * word2vec: a line "V D", then V times a word, a space, and D numbers: as text parted by spaces up
 * to the end of the line, or as D float32, little-endian, after which there may be a line end.
 * GloVe: the same lines without the first one. In text a word may hold spaces, for the last D
 * fields are the numbers; it may end in a number only where the first line says D. Text numbers are
 * read as float64 and rounded to float32. Of equal words the first counts, as in gensim.
 *
 * Published files hold more than that, and are read all the same; what is odd about them is
 * counted: words of white space or of nothing (gensim reads them too, no text holds them), words
 * that are not UTF-8 (word2vec.c cuts long ones within a character; the bytes that are no
 * characters are left out, as gensim does with unicode_errors='ignore'), empty lines, a first line
 * that gives the wrong number of words.
 */
#pragma once

#include "base/err.h"
#include "base/span.h"
#include "model/text/vocab/vocab.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum word_vectors_kind { WORD2VEC_TEXT, WORD2VEC_BINARY, GLOVE_TEXT };

/** How often something odd was seen, and where first: a line, counted from 1; of binary files a
 * word. */
struct word_vectors_oddity {
    uint64_t n, first;
};

struct word_vectors {
    float *rows; /* (vocab.n, dim), malloc'ed */
    uint32_t dim;
    struct vocab vocab;                  /* not finished */
    bool has_lines;                      /* oddities are counted by lines */
    struct word_vectors_oddity repeated; /* repeated words, which are left out */
    struct word_vectors_oddity mended;   /* words that were not UTF-8 */
    struct word_vectors_oddity blank;    /* words of white space, or empty */
    struct word_vectors_oddity empty;    /* lines without anything, which are left out */
    uint64_t n_words, n_announced; /* read, and said by the first line: equal unless that is off */
};

/** word_vectors_tell: which kind of file it is; false: it does not begin like any of them. */
bool word_vectors_tell(struct span file, enum word_vectors_kind *kind);

/**
 * word_vectors_read reads a file.
 * @param limit how many words to read; the rest of the file is not looked at; 0: all
 * @param where its name, for messages
 * @return false with ERR_FORMAT (naming line or byte) or ERR_MEMORY; `out` is then empty
 */
bool word_vectors_read(struct word_vectors *out, struct span file, enum word_vectors_kind kind,
                       uint64_t limit, const char *where, struct err *err);

#define WORD_VECTORS_ODD_BYTES 480

/** word_vectors_odd writes what is odd about the file, for a warning (ASCII, in one line); false:
 * nothing. */
bool word_vectors_odd(const struct word_vectors *vectors, char text[static WORD_VECTORS_ODD_BYTES]);

/** word_vectors_clear frees; what was taken out of it (set to zero) stays. */
void word_vectors_clear(struct word_vectors *vectors);
