/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file tokenizer.h
 * One interface for every tokenizer: text to token ids and back.
 *
 * A tokenizer is immutable once made; any thread may use it. Encoding takes scratch and result from
 * the caller's arena (regular expressions apart, which have memory of their own during a call).
 * Families: one file each (wordpiece.c, bpe.c, unigram.c, pipeline_encode.c for whole words,
 * dictionary.c). Reference for ids, offsets and decoded texts: the `tokenizers` library on the same
 * tokenizer.json.
 *
 * tokenizer.json: what it holds that is not known (types, keys) is refused, naming the place;
 * `padding` is ignored, and so is `truncation`, but for what tokenizer_truncation says of it.
 * docs/TOKENIZERS.md lists all.
 * vocab.txt: one token a line, its line its id, counted from 0, or a token, a TAB and its id
 * (vocab_read_lines); of equal tokens the last one counts. With [UNK] it is WordPiece with BERT's
 * defaults, otherwise a plain dictionary. A dictionary takes
 * what stands between white space whole where it is a token, otherwise marks of punctuation one by
 * one, ideographs by the longest token of them (mostly one; with whole runs of letters and marks
 * among them where a token has these) and everything else by the words between these, each exactly
 * as it stands in the text: no lower case, nothing removed. Unknown words get the entry [UNK] or
 * <unk>, where there is one.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"
#include "model/text/tokens.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tokenizer;
struct vocab;

/** The files that a tokenizer is made from; what they hold is borrowed. */
struct tokenizer_files {
    struct span tokenizer; /* tokenizer.json */
    struct span vocab;     /* vocab.txt */
    const char *path;      /* of the folder that they lie in, for messages; NULL: in none */
};

/** What config.json may say about the tokenizer, where tokenizer.json does not. */
struct tokenizer_options {
    const char
        *kind;     /* "wordpiece", "dictionary", or NULL: told by the files (model folder rules) */
    int lowercase; /* of a vocab.txt; -1: not said: a WordPiece does, a dictionary does not */
};

/**
 * tokenizer_open makes the tokenizer of a model folder: tokenizer.json where there is one (and
 * options->kind does not ask for the dictionary of a vocab.txt that is there too), otherwise
 * vocab.txt (WordPiece if it holds [UNK], else a dictionary, unless options->kind says).
 * @param files  borrowed while the tokenizer lives: token texts point into them
 * @param out    owned by the caller (tokenizer_close), NULL on failure
 * @return false with ERR_FORMAT, naming the file in its folder, JSON path or line, and the remedy
 */
bool tokenizer_open(struct tokenizer **out, const struct tokenizer_files *files,
                    const struct tokenizer_options *options, struct err *err);

/**
 * tokenizer_open_words makes the plain dictionary of a file of word vectors. If none of its words
 * holds a capital letter, words that are not found are searched in lower case.
 * @param vocab taken: its words, not finished
 */
bool tokenizer_open_words(struct tokenizer **out, struct vocab *vocab, const char *where,
                          struct err *err);

/** tokenizer_borrows_words: whether its words belong to something else (a fastText model), not
 * to a vocabulary of its own. */
bool tokenizer_borrows_words(const struct tokenizer *tokenizer);

/**
 * tokenizer_copy_words makes the plain dictionary of the words of a tokenizer that borrows them, as
 * tokenizer_open_words does.
 * @return false with ERR_FORMAT (a word that is not UTF-8) or ERR_MEMORY
 */
bool tokenizer_copy_words(struct tokenizer **out, const struct tokenizer *from, const char *where,
                          struct err *err);

/** tokenizer_drop_blank_end takes away the empty tokens at the end that have an id from `n` on,
 * before the tokenizer is shared. */
void tokenizer_drop_blank_end(struct tokenizer *tokenizer, uint32_t n);

/** tokenizer_lowercases: whether a plain dictionary searches words that it does not find in
 * lower case. */
bool tokenizer_lowercases(const struct tokenizer *tokenizer);

/** tokenizer_close frees; NULL is fine. */
void tokenizer_close(struct tokenizer *tokenizer);

const char *tokenizer_kind(const struct tokenizer *tokenizer);    /* "wordpiece", "bpe", ... */
uint32_t tokenizer_vocab_size(const struct tokenizer *tokenizer); /* largest id + 1 */
uint32_t tokenizer_unknown_id(const struct tokenizer *tokenizer); /* or TOKEN_ID_NONE */

/** As model_tokenize, model_token_id, model_token_text, model_is_special, model_decode. */
bool tokenizer_encode(const struct tokenizer *tokenizer, struct arena *arena, const char *text,
                      size_t bytes, unsigned flags, struct tokens *out, struct err *err);
uint32_t tokenizer_token_id(const struct tokenizer *tokenizer, const char *token, size_t bytes);
const char *tokenizer_token_text(const struct tokenizer *tokenizer, uint32_t id, size_t *bytes);
bool tokenizer_is_special(const struct tokenizer *tokenizer, uint32_t id);

/** tokenizer_is_unknown: whether `id` is not a token of the vocabulary, as model_is_unknown. */
bool tokenizer_is_unknown(const struct tokenizer *tokenizer, uint32_t id);

/** tokenizer_piece: what is written of the token: its text without the prefix of a piece that
 * continues a word ("##"), and whether it has one. */
const char *tokenizer_piece(const struct tokenizer *tokenizer, uint32_t id, size_t *bytes,
                            bool *continues);

/** tokenizer_median_length: the median of the tokens' lengths, as model2vec takes it: of code
 * points, added tokens included, the mean of the middle two cut to a whole number; or of `bytes` of
 * the model's own tokens, the upper of the middle two. Reads all of the vocabulary. */
uint32_t tokenizer_median_length(const struct tokenizer *tokenizer, bool of_bytes);

/** tokenizer_truncation: how many tokens tokenizer.json's `truncation` leaves, 0: it has none; and
 * whether these are the last ones of a text. */
uint32_t tokenizer_truncation(const struct tokenizer *tokenizer, bool *cuts_left);

/**
 * tokenizer_try_tokens takes up to 1000 tokens, spread over the vocabulary, that hold a letter and
 * are not special, makes each a text as people write it (without the marks of pieces) and counts
 * those in which any token is found.
 */
void tokenizer_try_tokens(const struct tokenizer *tokenizer, uint32_t *n_tried, uint32_t *n_found);

/** tokenizer_fingerprint: a hash of all tokens and their ids: two vocabularies that differ have
 * different ones. Reads all of the vocabulary, unless it is known. */
uint64_t tokenizer_fingerprint(const struct tokenizer *tokenizer);

/** tokenizer_know_fingerprint sets it, for who made the tokenizer and knows it; 0: not known. */
void tokenizer_know_fingerprint(struct tokenizer *tokenizer, uint64_t fingerprint);
void tokenizer_decode(const struct tokenizer *tokenizer, const uint32_t *ids, size_t n,
                      bool skip_special, struct buf *out);
