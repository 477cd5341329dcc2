/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file vocab.h
 * The dictionary: token to id (a trie), id to token (an array), and which tokens are special.
 *
 * Filled once by a reader (vocab_add, vocab_finish), immutable from then on; any thread may read.
 */
#pragma once

#include "base/err.h"
#include "model/source.h"
#include "model/text/trie.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vocab_token {
    const char *text; /* UTF-8, not NUL-terminated; NULL while there is no token of this id */
    uint32_t bytes;
    bool is_special;
    bool is_added;      /* among the added tokens */
    bool is_normalized; /* an added token that normalization changes; decoded as changed */
};

/** Memory that lives as long as the vocabulary: texts that do not lie in the file as they are. */
struct vocab_block;

struct vocab {
    struct vocab_token *tokens; /* (n) by id */
    uint32_t n, capacity;
    uint32_t n_model;  /* tokens of the model itself; the others were added to it */
    struct trie trie;  /* of the model's tokens */
    struct trie added; /* of those beyond */
    struct vocab_block *blocks;
};

/** vocab_quoted: how many bytes of a text (UTF-8) a message should quote: whole characters. */
int vocab_quoted(const char *text, size_t bytes);

/** vocab_alloc: `bytes` that vocab_clear frees, or NULL. */
void *vocab_alloc(struct vocab *vocab, size_t bytes);

/**
 * vocab_add makes `text` (borrowed as long as the vocabulary lives) the token of `id`. Ids may come
 * in any order.
 * @param where what is read, for messages: "tokenizer.json: model.vocab"
 * @return false with ERR_FORMAT (the id is taken, or too large) or ERR_MEMORY
 */
bool vocab_add(struct vocab *vocab, uint64_t id, const char *text, size_t bytes, const char *where,
               struct err *err);

/**
 * vocab_finish makes the tokens of the model searchable: all that were added until now.
 * @return false with ERR_FORMAT: an id without a token, a token with two ids
 */
bool vocab_finish(struct vocab *vocab, const char *where, struct err *err);

/** vocab_finish_added: the same for the tokens added since. */
bool vocab_finish_added(struct vocab *vocab, const char *where, struct err *err);

/** vocab_clear frees; a zeroed vocabulary is fine. */
void vocab_clear(struct vocab *vocab);

/** vocab_id: the id of the exact token, or MODEL_NO_ID (UINT32_MAX). */
uint32_t vocab_id(const struct vocab *vocab, const char *text, size_t bytes);

/**
 * vocab_read_lines reads one token a line, its line its id, and finishes the vocabulary. Lines end
 * in LF or CR LF, the last one need not; a byte order mark at the start is skipped; nothing else is
 * stripped. Empty lines, equal lines and bytes that are not UTF-8 are errors that name the line.
 */
bool vocab_read_lines(struct vocab *vocab, struct span file, const char *where, struct err *err);

/**
 * vocab_read_json reads a JSON object {"token": id, ...} as it stands in tokenizer.json, in any
 * order; the caller finishes. `text` is valid UTF-8.
 * @param end set to the first byte after the object
 */
bool vocab_read_json(struct vocab *vocab, const char *text, const char *text_end, const char **end,
                     const char *where, struct err *err);

/**
 * vocab_read_scores reads a JSON list [["token", score], ...], the places in it the ids; the caller
 * finishes. `text` is valid UTF-8.
 * @param end     set to the first byte after the list
 * @param scores  by id, to be freed by the caller, also on failure. Read as the reference reads
 *                them: the digits as a whole number, then divided by a power of ten, which is a
 *                last bit off now and then
 */
bool vocab_read_scores(struct vocab *vocab, const char *text, const char *text_end,
                       const char **end, double **scores, const char *where, struct err *err);

/** Takes one merge, in the order of the file. The texts are valid during the call. */
typedef bool vocab_take_merge(void *context, const char *left, size_t left_bytes, const char *right,
                              size_t right_bytes, struct err *err);

/**
 * vocab_read_merges reads a JSON list of merges, ["a", "b"] or "a b" each, and gives them to
 * `take`. `text` is all of the list and valid UTF-8.
 */
bool vocab_read_merges(struct vocab *vocab, struct span text, vocab_take_merge *take, void *context,
                       const char *where, struct err *err);
