/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file fasttext.h
 * Models of the program fastText (.bin, and quantised .ftz), used where their bytes lie: rows are
 * read from the file's bytes, never copied. On the heap are only an index of the words (12 to 20
 * bytes a word) and, of a hierarchical softmax, its tree.
 *
 * Vectors and probabilities follow fastText 0.9.2 in float32, in its order of operations. Words and
 * labels are bytes without a NUL, whatever their encoding; n-grams are counted in UTF-8 characters,
 * a byte 10xxxxxx being part of the character before it, as the program does.
 *
 * A model is immutable once open; any thread may read it. What a call needs for a while comes from
 * the caller's arena. Texts are spans whose data is not NULL, even of no bytes.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"
#include "model/encoder/fasttext/types.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fasttext;

struct fasttext_info {
    uint32_t dim;         /* numbers in a vector */
    uint32_t n_words;     /* ids of words are below it */
    uint32_t n_labels;    /* labels are numbered from 0 */
    uint32_t n_rows;      /* of the input matrix: words first, then buckets of n-grams */
    uint32_t bucket;      /* how many buckets n-grams are hashed into, before any pruning */
    uint32_t minn, maxn;  /* lengths of character n-grams, in characters; maxn 0: there are none */
    uint32_t word_ngrams; /* longest n-gram of words, in words; 1: there are none */
    enum fasttext_model model;
    enum fasttext_loss loss;
    bool is_quantized; /* the input matrix: rows are decoded, there are no floats to point at */
    bool has_output;   /* supervised, with at least one label: fasttext_predict answers */
};

/** An id that no word has. */
#define FASTTEXT_NO_WORD UINT32_MAX

/**
 * fasttext_open checks all of `file` but the values of its floats: magic, version (12; 11 as the
 * program reads it, its supervised models having no character n-grams), every count, length and
 * size against each other and the file's end. The same word twice is refused: no fastText writes
 * that.
 * @param out   the model on success, NULL otherwise; owned by the caller (fasttext_close)
 * @param file  borrowed while the model lives
 * @param where name of the file, for messages
 * @return false with ERR_FORMAT or ERR_MEMORY
 */
bool fasttext_open(struct fasttext **out, struct span file, const char *where, struct err *err);

/** fasttext_close frees the index (not the bytes it looks at); NULL is fine. */
void fasttext_close(struct fasttext *ft);

/** fasttext_info lives as long as the model. */
const struct fasttext_info *fasttext_info(const struct fasttext *ft);

/** fasttext_word: the text of word `id` (< n_words), NUL-terminated, where it lies in the file. */
struct span fasttext_word(const struct fasttext *ft, uint32_t id);

/** fasttext_label: the text of label `index` (< n_labels) as the file has it ("__label__x"). */
struct span fasttext_label(const struct fasttext *ft, uint32_t index);

/** fasttext_find: the id of a word; FASTTEXT_NO_WORD for another text, a label's too. */
uint32_t fasttext_find(const struct fasttext *ft, struct span word);

/** Rows of the input matrix, in the program's order, with repetitions; in the caller's arena. */
struct fasttext_rows {
    uint32_t *ids;
    size_t n;
};

/**
 * fasttext_word_rows: the word's own row where it has one, then those of its character n-grams that
 * the model kept. The end-of-line word "</s>" has no n-grams. A label's text is treated as an
 * unknown word (the program stops with an assertion).
 * @return false when the arena is at its cap
 */
bool fasttext_word_rows(const struct fasttext *ft, struct span word, struct arena *arena,
                        struct fasttext_rows *rows);

/**
 * fasttext_line_rows: the rows of a line as a supervised model sees it. Words end at space, \t, \n,
 * \v, \f, \r and NUL; the end-of-line word follows the last (a "</s>" in the text ends the line, a
 * \n in the text does not); labels, and unknown words that begin as labels do ("__label__"), are
 * skipped; n-grams of words come last.
 * @return false when the arena is at its cap
 */
bool fasttext_line_rows(const struct fasttext *ft, struct span line, struct arena *arena,
                        struct fasttext_rows *rows);

/** fasttext_row: out (dim) = row `row` (< n_rows) of the input matrix, decoded if quantised. */
void fasttext_row(const struct fasttext *ft, uint32_t row, float *out);

/**
 * fasttext_floats: where the float32s (little-endian) of row 0 begin, at any address, each row
 * `*stride_bytes` after the one before it; NULL when the input matrix is quantised.
 */
const char *fasttext_floats(const struct fasttext *ft, size_t *stride_bytes);

/** fasttext_average: out (dim) = the mean of the rows; zeros when there are none. */
void fasttext_average(const struct fasttext *ft, const struct fasttext_rows *rows, float *out);

/**
 * fasttext_word_vector: out (dim) = the mean of fasttext_word_rows, as print-word-vectors prints
 * it; zeros for a word that has none.
 * @return false when the arena is at its cap
 */
bool fasttext_word_vector(const struct fasttext *ft, struct span word, struct arena *arena,
                          float *out);

/**
 * fasttext_sentence_vector: out (dim) as print-sentence-vectors prints it. Supervised: the mean of
 * fasttext_line_rows, which is also what fasttext_predict takes. Otherwise: the mean of the words'
 * vectors, each divided by its length, without those of length 0; words end at white space only (a
 * NUL is part of a word), and there is no end-of-line word.
 * @return false when the arena is at its cap
 */
bool fasttext_sentence_vector(const struct fasttext *ft, struct span sentence, struct arena *arena,
                              float *out);

/**
 * fasttext_predict: the best labels of a vector (dim); none unless has_output. Equal ones come in
 * the order in which the program puts them. One-vs-all and negative sampling look the logistic
 * function up in the program's table of 512 steps from -8 to 8.
 * @return false when the arena is at its cap
 */
bool fasttext_predict(const struct fasttext *ft, const float *vector, struct fasttext_wish wish,
                      struct arena *arena, struct fasttext_predictions *out);
