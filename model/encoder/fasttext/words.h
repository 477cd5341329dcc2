/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file words.h
 * The words of a fastText model as a tokenizer. Immutable once open; any thread may use it.
 */
#pragma once

#include "base/err.h"

#include <stdbool.h>

struct fasttext;
struct tokenizer;

/**
 * fasttext_words_open makes a tokenizer of the model's words: what stands between white space,
 * exactly as it stands.
 * @param ft  borrowed while the tokenizer lives
 * @param out owned by the caller (tokenizer_close), NULL on failure
 * @return false with ERR_MEMORY
 */
bool fasttext_words_open(struct tokenizer **out, const struct fasttext *ft, struct err *err);

/**
 * fasttext_words_copy makes the plain dictionary of the words, as tokenizer_open_words does of a
 * .vec file: a copy.
 * @return false with ERR_FORMAT (a word that is not UTF-8) or ERR_MEMORY
 */
bool fasttext_words_copy(struct tokenizer **out, const struct fasttext *ft, const char *where,
                         struct err *err);
