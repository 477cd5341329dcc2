/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file json_writer.h
 * A tokenizer back to its file: the other half of tokenizer_json.c. No shared state; any thread.
 */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct limits;
struct tokenizer;

/**
 * tokenizer_write_json writes the tokenizer.json that gives the same ids, offsets and decoded
 * texts. Memory does not grow with the vocabulary, but for an order of the merges.
 * @param new_ids (vocab_size) the id of each token, or TOKEN_ID_NONE to leave it out, and merges
 * that need it; the ids that are left must be 0, 1, 2, ... NULL: all as they are
 * @param limits what to write as `truncation`; NULL: as it is
 * @return false with ERR_MEMORY, or ERR_FORMAT where a token that is needed is left out; a failed
 * write shows in `out` (ferror)
 */
bool tokenizer_write_json(const struct tokenizer *tokenizer, const uint32_t *new_ids,
                          const struct limits *limits, FILE *out, struct err *err);

/**
 * tokenizer_write_word_level writes a tokenizer.json of a plain dictionary for other programs,
 * which have no such kind: WordLevel. It splits texts at white space and marks of punctuation, and
 * at ideographs where no token holds one beside something else; so, unlike here, tokens that hold
 * such marks are never found.
 * @param unknown_id of the token [UNK] that is added where the dictionary has no unknown token
 * @return false with ERR_MEMORY
 */
bool tokenizer_write_word_level(const struct tokenizer *tokenizer, uint32_t unknown_id, FILE *out,
                                struct err *err);

/** tokenizer_fits_vocab: whether it is a plain dictionary with a line for each token, so that a
 * vocab.txt holds all of it. */
bool tokenizer_fits_vocab(const struct tokenizer *tokenizer);

/** tokenizer_write_vocab writes a vocab.txt: a token a line. */
void tokenizer_write_vocab(const struct tokenizer *tokenizer, FILE *out);
