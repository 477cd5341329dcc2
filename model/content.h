/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file content.h
 * What a model's files hold, whatever their format: a table, its tokenizer, and how the two are
 * meant to be used. Immutable once open.
 */
#pragma once

#include "base/err.h"
#include "model/head/head.h"
#include "model/options.h"
#include "model/settings.h"
#include "model/source.h"
#include "model/table/table.h"
#include "model/text/tokenizer.h"

#include <stdbool.h>

struct content {
    struct source source;
    struct settings settings;
    struct table table;
    struct tokenizer *tokenizer;
    struct fasttext *fasttext; /* table and tokenizer look into it; or NULL */
    const char *format;        /* "safetensors", "packed", "npy", "word2vec", "glove", "fasttext" */
    bool is_packed;
    bool is_checked;  /* no row holds NaN or Inf: looked through when the file was made */
    char where[1300]; /* the weights' path, for messages */
};

/**
 * content_open opens `path`, as model_open.
 * @return false with ERR_IO, ERR_FORMAT or ERR_MEMORY; `content` is then empty
 */
bool content_open(struct content *content, const char *path, const struct model_options *options,
                  struct err *err);

/** content_without_row: how many tokens have no row in the table: those with the last ids. */
uint32_t content_without_row(const struct content *content);

/** content_unknown_id: the id of the unknown token, or MODEL_NO_ID: there is none, or it has no
 * row.
 */
uint32_t content_unknown_id(const struct content *content);

/** content_left_out: the id that pooling leaves out: the unknown one, or MODEL_NO_ID: none. */
uint32_t content_left_out(const struct content *content);

/** content_ground: what a head stands on, on this table; borrowed. */
struct head_ground content_ground(const struct content *content);

/** content_settings: what a config.json of it would say, with that tokenizer (its own, or one made
 * of it); the caller's (json_decref). */
json_t *content_settings(const struct content *content, const struct tokenizer *tokenizer);

/** content_close frees and unmaps; empty (zeroed) content is fine. */
void content_close(struct content *content);
