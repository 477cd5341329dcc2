/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file model.h
 * What a request needs: tokenizer, embedding table, pooling, heads. Knows no HTTP and no request
 * JSON.
 *
 * A model is opened once and immutable from then on: every function that takes a `const struct
 * model *` may be called from any thread at any time, without locks. Scratch memory comes from the
 * caller's arena. The table is mapped (or linked in) read-only and never copied.
 *
 *     text -> tokens -> token ids -> Y = X·W (rows of W) -> pooled vector -> L2 -> y = w·x + b
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "model/bundle/compat.h"
#include "model/bundle/options.h"
#include "model/bundle/prompts.h"
#include "model/encoder/pooling.h"
#include "model/head/heads.h"
#include "model/text/tokens.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** What a model is; strings and values live as long as the model. */
struct model_info {
    const char *name;      /* config.json's `name`, else the folder's own */
    const char *version;   /* config.json's `version`, else "" */
    const char *license;   /* config.json's `license`, an SPDX expression, else "" */
    const char *format;    /* "safetensors" */
    const char *tokenizer; /* "wordpiece", "bpe", "unigram", "wordlevel", "dictionary" */
    const char *dtype;     /* "F32", "F16", "BF16", "I8", "I4", ... */
    uint32_t vocab_size;   /* V: tokens that have a row of the table: all with an id below it */
    uint32_t without_row;  /* tokens that have none: those with the ids from V on */
    uint32_t dim;          /* D: columns of the table */
    uint32_t unknown_id;   /* the unknown row, or TOKEN_ID_NONE */
    enum pooling pooling;  /* the model's default */
    bool normalize;        /* the model's default: L2 */
    bool has_weights;      /* POOLING_WEIGHTED is possible */
    uint32_t batch_size;   /* how many passages to encode at once */
    uint64_t table_bytes;  /* size of the weights' file or bytes */
    enum compat compat;    /* which library's results these are */
    struct limits limits;  /* what is left out of a text */
    const struct prompts *prompts;       /* that a text may be put behind, by name */
    const struct prompt *prompt;         /* that every text is put behind; NULL: none */
    const struct known_scripts *scripts; /* that its texts are of; NULL: not said */
};

struct model;

/** model_is_unknown: the one definition: `id` is not a token of the vocabulary, or is one without a
 * row (TOKEN_ID_NONE is larger than any). Such ids are left out of pooling, counted, and refused if
 * a request asks for that. */
static inline bool model_is_unknown(const struct model_info *info, uint32_t id)
{
    return id == info->unknown_id || id >= info->vocab_size;
}

/**
 * model_open opens `path`: the name of a built-in model ("builtin"), a folder or a weights file in
 * one. Everything that can be wrong with the files is found here, except NaN or Inf in tables above
 * 256 MB (`inspect` checks those).
 * @param out  the model, owned by the caller (model_close); NULL on failure
 * @return false with err set: ERR_IO, ERR_FORMAT (naming file and place) or ERR_MEMORY
 */
bool model_open(struct model **out, const char *path, struct err *err);

/** model_open_as: the same, as `options` say. */
bool model_open_as(struct model **out, const char *path, const struct model_options *options,
                   struct err *err);

/** model_close frees the model and unmaps its table; NULL is fine. No other thread may still use
 * it. */
void model_close(struct model *model);

/** model_info: borrowed, as long as the model lives. */
const struct model_info *model_info(const struct model *model);

/** model_check_finite reads the whole table; false (ERR_FORMAT) naming the first row with NaN or
 * Inf. */
bool model_check_finite(const struct model *model, struct err *err);

/**
 * model_tokenize splits `text` (valid UTF-8, NUL allowed) into tokens. Time linear in `bytes`.
 * @return false with ERR_MEMORY at the arena's cap, or with ERR_UNPROCESSABLE where a regular
 *         expression of the tokenizer takes too long on this text
 */
bool model_tokenize(const struct model *model, struct arena *arena, const char *text, size_t bytes,
                    unsigned flags, struct tokens *out, struct err *err);

/** model_prompted makes `text` what it is embedded as: behind the model's own prompt, in the arena,
 * if it has one. ERR_MEMORY. */
bool model_prompted(const struct model *model, struct arena *arena, const char **text,
                    size_t *bytes, struct err *err);

/** model_token_id: the id of the exact vocabulary entry `token`, or TOKEN_ID_NONE if no entry with
 * a row has this text. */
uint32_t model_token_id(const struct model *model, const char *token, size_t bytes);

/** model_token_text: the vocabulary entry of `id` (of any token), as long as the model lives. */
const char *model_token_text(const struct model *model, uint32_t id, size_t *bytes);

/** model_is_special: the entry (of any token) is a special one such as [CLS], [PAD], [UNK]. */
bool model_is_special(const struct model *model, uint32_t id);

/** model_decode appends the text of ids (each < vocab_size) as the tokenizer's decoder writes it.
 */
void model_decode(const struct model *model, const uint32_t *ids, size_t n, bool skip_special,
                  struct buf *out);

/** model_row copies the first `dims` (≤ dim) columns of row `id` (< vocab_size) to `out` as
 * float32. */
void model_row(const struct model *model, uint32_t id, uint32_t dims, float *out);

/** model_weight: how much a token counts: its weight in the table, or 1 where the table has none; 0
 * of an id that pooling leaves out or that has no row. */
float model_weight(const struct model *model, uint32_t id);

/**
 * model_pool makes one vector of a sequence: rows of `ids` looked up, pooled over the tokens, cut,
 * normalized (divided by its L2 norm). Unknown tokens (the unknown id, TOKEN_ID_NONE) are left out;
 * nothing left gives the zero vector. The bits of the result depend on ids and options alone, not
 * on the CPU: tokens are summed in order, dimension by dimension, and the norm in one fixed tree.
 * @param ids (n) each < vocab_size or TOKEN_ID_NONE
 * @param out (dims) float32
 * @return false if a value is not finite (Inf or NaN in the rows, overflow of a sum)
 */
bool model_pool(const struct model *model, const uint32_t *ids, size_t n,
                const struct pool_options *options, float *out);

/**
 * model_vector makes one vector of a passage: as model_pool, but for fastText's models, which look
 * at its text.
 * @param arena scratch of those
 * @return false with ERR_INTERNAL if a value is not finite, or ERR_MEMORY
 */
bool model_vector(const struct model *model, struct arena *arena, const struct passage *passage,
                  const struct pool_options *options, float *out, struct err *err);

/** model_vectors: out (n, options->dims) = the vectors of n passages, the same bits as one by one.
 * Faster from model_info's batch_size on, if that is more than 1.
 * @return how many of them were made: n; or, with err set as by model_vector, the index of the
 * first that could not be made */
size_t model_vectors(const struct model *model, struct arena *arena, const struct passage *passages,
                     size_t n, const struct pool_options *options, float *out, struct err *err);

/** model_read_bytes: about how many bytes of its rows the vectors of so many tokens take. */
uint64_t model_read_bytes(const struct model *model, uint64_t tokens);

/** model_reads_text: vectors are made of texts, not of token ids. */
bool model_reads_text(const struct model *model);

/**
 * model_unsure: the unsure score (unsure.h) of a passage whose logits (rows of the head) these are;
 * 1 of one without a known token, or whose text is mostly in scripts that the model does not know.
 * @return NaN: the head does not know
 */
float model_unsure(const struct model *model, const struct head *head,
                   const struct passage *passage, const float *logits);

/** model_heads: the heads of the model; borrowed, as long as the model lives. */
const struct heads *model_heads(const struct model *model);

/**
 * model_add_heads adds the head in the file `path`, or those in the folder `path`, to the model's
 * own. Before the model is shared: it is immutable from then on.
 */
bool model_add_heads(struct model *model, const char *path, struct err *err);

/** model_look: what has become of the files that are read while the model is used, the worst of
 * them; then `path` is that file's, as long as the model lives. It may wait for their disks. */
enum file_state model_look(const struct model *model, const char **path);

/** model_pool_options: how the model pools and normalizes by default, all columns: what its heads
 * are trained on. */
struct pool_options model_pool_options(const struct model *model);

struct bundle;
struct table;
struct tokenizer;

/** What a model is made of, for making another model from it; borrowed, as long as it lives. */
const struct bundle *model_bundle(const struct model *model);
const struct table *model_table(const struct model *model);
const struct tokenizer *model_tokenizer(const struct model *model);
