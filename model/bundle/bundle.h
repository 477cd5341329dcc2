/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file bundle.h
 * What a model's files hold, whatever their format: an encoder, its tokenizer, and how to use the
 * two. One thread opens it; after that it is immutable, and any thread may read it.
 */
#pragma once

#include "base/err.h"
#include "model/bundle/options.h"
#include "model/bundle/settings.h"
#include "model/bundle/source.h"
#include "model/encoder/encoder.h"
#include "model/text/tokenizer.h"

#include <stdbool.h>

struct bundle {
    struct source source;
    struct settings settings;
    struct encoder *encoder;
    struct tokenizer *tokenizer; /* may look into what the encoder has */
    const char *format; /* "safetensors", "packed", "npy", "word2vec", "glove", "fasttext" */
    bool is_packed;
    bool is_alone;    /* the file is all of its model */
    bool is_copied;   /* nothing of the weights' file is read any more */
    bool is_checked;  /* no row holds NaN or Inf: looked through when the file was made */
    char where[1300]; /* the weights' path, for messages */
};

/**
 * bundle_open opens `path`, as model_open.
 * @return false with ERR_IO, ERR_FORMAT or ERR_MEMORY; `bundle` is then empty
 */
bool bundle_open(struct bundle *bundle, const char *path, const struct model_options *options,
                 struct err *err);

/** bundle_without_row: how many tokens have no row in the table: those with the last ids. */
uint32_t bundle_without_row(const struct bundle *bundle);

/** bundle_unknown_id: the id of the unknown token, or TOKEN_ID_NONE: there is none, or it has no
 * row.
 */
uint32_t bundle_unknown_id(const struct bundle *bundle);

/** bundle_left_out: the id that pooling leaves out: the unknown one, or TOKEN_ID_NONE: none. */
uint32_t bundle_left_out(const struct bundle *bundle);

/** bundle_prompts: those of config.json, else those of the files beside it. */
const struct prompts *bundle_prompts(const struct bundle *bundle);

/** bundle_prompt: the one that goes before every text, as in sentence-transformers where its
 * results are reproduced; NULL: none. */
const struct prompt *bundle_prompt(const struct bundle *bundle);

/** bundle_name: what the model is called: as config.json says, else as the path. A model that is
 * called as its folder or file has the name of the symbolic link by which it was reached. */
const char *bundle_name(const struct bundle *bundle);

/** bundle_settings: what its config.json would say with this tokenizer (its own, or one made of
 * it); owned by the caller (json_decref). */
struct json_t *bundle_settings(const struct bundle *bundle, const struct tokenizer *tokenizer);

/** bundle_look: what has become of the weights' file, where it is read while vectors are made. */
enum file_state bundle_look(const struct bundle *bundle);

/** bundle_close frees and unmaps; empty (zeroed) content is fine. */
void bundle_close(struct bundle *bundle);
