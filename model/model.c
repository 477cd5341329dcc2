/* SPDX-License-Identifier: Apache-2.0 */
#include "model/model.h"
#include "model/inside.h"

#include "model/math/kernels.h"
#include "model/pool.h"
#include "model/settings.h"
#include "model/source.h"
#include "model/table/table.h"
#include "model/text/tokenizer.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Tables up to this size are searched for NaN and Inf when they are opened. */
#define CHECKED_BYTES_MAX ((uint64_t)256 << 20)

struct model {
    struct source source;
    struct settings settings;
    struct table table;
    struct tokenizer *tokenizer;
    struct heads heads;
    const struct kernels *kernels;
    struct model_info info;
    char where[1300]; /* the weights' path, for messages */
};

/* A table with more rows than tokens is either padded, and then the checkpoint's config.json says
   how many rows there are, or belongs to another vocabulary. */
static bool check_sizes(const struct model *model, struct err *err)
{
    uint32_t tokens = tokenizer_vocab_size(model->tokenizer), rows = model->table.n_rows;
    if (tokens == rows || (tokens < rows && model->settings.vocab_size == rows)) return true;
    if (tokens < rows) {
        return err_set(err, ERR_FORMAT, NULL,
                       "%.300s: the vocabulary has %u tokens but the table %u rows; take the two "
                       "from the same model, or if the last rows are padding, put \"vocab_size\": "
                       "%u into config.json",
                       model->source.path, tokens, rows, rows);
    }
    return err_set(err, ERR_FORMAT, NULL,
                   "%.300s: the vocabulary has %u tokens but the table only %u rows; take the two "
                   "from the same model",
                   model->source.path, tokens, rows);
}

static struct head_ground ground_of(const struct model *model)
{
    return (struct head_ground){.dim = model->table.dim,
                                .tokenizer = model->tokenizer,
                                .table = &model->table,
                                .pool = {.pooling = model->settings.pooling,
                                         .normalize = model->settings.normalize,
                                         .dims = model->table.dim},
                                .unknown_id = tokenizer_unknown_id(model->tokenizer)};
}

static bool open_files(struct model *model, const char *path, struct err *err)
{
    struct source *source = &model->source;
    struct settings *settings = &model->settings;
    if (!source_open(source, path, err)) return false;
    snprintf(model->where, sizeof model->where, "%s/%s", source->path, source->weights_name);
    if (!settings_open(settings, source, err)) return false;
    if (!table_open_safetensors(&model->table, source->weights, model->where, err)) return false;
    struct tokenizer_options options = {.kind = settings->tokenizer,
                                        .lowercase = settings->lowercase};
    if (!tokenizer_open(&model->tokenizer, source, &options, err)) return false;
    settings_complete(settings, tokenizer_kind(model->tokenizer));
    if (settings->pooling == POOLING_WEIGHTED && !model->table.weights) {
        return err_set(err, ERR_FORMAT, NULL,
                       "%.300s: config.json says pooling \"weighted\", but there is no tensor "
                       "'weights' (one weight a row) in %s",
                       source->path, source->weights_name);
    }
    if (!check_sizes(model, err)) return false;
    const struct head_ground ground = ground_of(model);
    return !source->is_mapped || heads_open_folder(&model->heads, source->path, &ground, err);
}

static void fill_info(struct model *model)
{
    const struct settings *settings = &model->settings;
    const struct table *table = &model->table;
    model->info = (struct model_info){
        .name = settings->name ? settings->name : model->source.name,
        .version = settings->version,
        .license = settings->license,
        .format = "safetensors",
        .tokenizer = tokenizer_kind(model->tokenizer),
        .dtype = dtype_names[table->dtype],
        .vocab_size = tokenizer_vocab_size(model->tokenizer),
        .dim = table->dim,
        .unknown_id = tokenizer_unknown_id(model->tokenizer),
        .pooling = settings->pooling,
        .normalize = settings->normalize,
        .has_weights = table->weights != NULL,
        .table_bytes = model->source.weights.bytes,
    };
}

bool model_open(struct model **out, const char *path, struct err *err)
{
    assert(out && path);
    *out = NULL;
    struct model *model = calloc(1, sizeof *model);
    if (!model) return err_set(err, ERR_MEMORY, NULL, "no memory to open the model '%.400s'", path);
    if (!open_files(model, path, err)) goto out;
    model->kernels = kernels_get();
    fill_info(model);
    /* What is linked in was checked when it was made, and start-up is short of milliseconds. */
    if (model->source.is_mapped && model->info.table_bytes <= CHECKED_BYTES_MAX &&
        !model_check_finite(model, err))
        goto out;
    *out = model;
    return true;
out:
    model_close(model);
    return false;
}

void model_close(struct model *model)
{
    if (!model) return;
    heads_close(&model->heads);
    tokenizer_close(model->tokenizer);
    table_close(&model->table);
    settings_close(&model->settings);
    source_close(&model->source);
    free(model);
}

const struct model_info *model_info(const struct model *model)
{
    return &model->info;
}

bool model_check_finite(const struct model *model, struct err *err)
{
    uint32_t row;
    if (table_check_finite(&model->table, &row)) return true;
    size_t bytes = 0;
    const char *token = row < model->info.vocab_size ? model_token_text(model, row, &bytes) : "";
    return err_set(err, ERR_FORMAT, NULL,
                   "%.300s: row %u (token '%.*s') holds NaN or Inf; make the table again, every "
                   "value must be finite",
                   model->where, row, (int)(bytes < ERR_VALUE_BYTES ? bytes : ERR_VALUE_BYTES),
                   token);
}

bool model_tokenize(const struct model *model, struct arena *arena, const char *text, size_t bytes,
                    unsigned flags, struct tokens *out, struct err *err)
{
    return tokenizer_encode(model->tokenizer, arena, text, bytes, flags, out, err);
}

uint32_t model_token_id(const struct model *model, const char *token, size_t bytes)
{
    return tokenizer_token_id(model->tokenizer, token, bytes);
}

const char *model_token_text(const struct model *model, uint32_t id, size_t *bytes)
{
    assert(id < model->info.vocab_size);
    return tokenizer_token_text(model->tokenizer, id, bytes);
}

bool model_is_special(const struct model *model, uint32_t id)
{
    assert(id < model->info.vocab_size);
    return tokenizer_is_special(model->tokenizer, id);
}

void model_decode(const struct model *model, const uint32_t *ids, size_t n, bool skip_special,
                  struct buf *out)
{
    tokenizer_decode(model->tokenizer, ids, n, skip_special, out);
}

void model_row(const struct model *model, uint32_t id, uint32_t dims, float *out)
{
    const struct table *table = &model->table;
    assert(id < model->info.vocab_size && dims <= table->dim);
    model->kernels->row[table->dtype](out, table, id, dims);
}

bool model_pool(const struct model *model, const uint32_t *ids, size_t n,
                const struct pool_options *options, float *out)
{
    return pool_rows(&model->table, model->info.unknown_id, ids, n, options, out);
}

const struct source *model_source(const struct model *model)
{
    return &model->source;
}

const struct table *model_table(const struct model *model)
{
    return &model->table;
}

const struct tokenizer *model_tokenizer(const struct model *model)
{
    return model->tokenizer;
}

const struct heads *model_heads(const struct model *model)
{
    return &model->heads;
}

bool model_add_heads(struct model *model, const char *path, struct err *err)
{
    const struct head_ground ground = ground_of(model);
    return heads_add(&model->heads, path, &ground, err);
}

struct pool_options model_pool_options(const struct model *model)
{
    return (struct pool_options){.pooling = model->info.pooling,
                                 .normalize = model->info.normalize,
                                 .dims = model->info.dim};
}
