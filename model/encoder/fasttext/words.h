/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file words.h
 * The words of a fastText model as a tokenizer. Immutable once open; any thread may use it.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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

/** fasttext_words_join appends the texts of words (n), a space between; TOKEN_ID_NONE is passed
 * over. */
void fasttext_words_join(const struct fasttext *ft, const uint32_t *ids, size_t n, struct buf *out);
