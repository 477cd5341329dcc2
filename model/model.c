/* SPDX-License-Identifier: Apache-2.0 */
#include "model/model.h"
#include "model/bundle/bundle.h"

#include "base/utf8.h"
#include "model/encoder/encoder.h"
#include "model/encoder/table/pool.h"
#include "model/encoder/table/table.h"
#include "model/files/tensors.h"
#include "model/head/unsure.h"
#include "model/text/unicode/known_scripts.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

/* Tables up to this size are searched for NaN and Inf when they are opened. */
#define CHECKED_BYTES_MAX ((uint64_t)256 << 20)

struct model {
    struct bundle bundle;
    struct heads heads;
    struct model_info info;
};

static bool open_packed_heads(struct model *model, const struct head_input *input, struct err *err)
{
    const struct bundle *bundle = &model->bundle;
    struct tensors file;
    if (!tensors_open(&file, bundle->source.weights, bundle->where, err)) return false;
    bool done = heads_open_packed(&model->heads, &file, input, err);
    tensors_close(&file);
    return done;
}

static bool open_content(struct model *model, const char *path, const struct model_options *options,
                         struct err *err)
{
    const struct bundle *bundle = &model->bundle;
    if (!bundle_open(&model->bundle, path, options, err)) return false;
    const struct head_input input = heads_input(&model->bundle);
    /* Such a file is all of its model, unless a folder was given; what lies in that comes before
       what the file itself holds. */
    const bool has_folder =
        bundle->source.is_mapped && (bundle->source.is_folder || !bundle->is_alone);
    if (has_folder && !heads_open_folder(&model->heads, bundle->source.path, &input, err))
        return false;
    if (bundle->is_packed) return open_packed_heads(model, &input, err);
    return heads_open_own(&model->heads, &input, err) &&
           (bundle->is_alone || heads_open_checkpoint(&model->heads, bundle, &input, err));
}

static void fill_info(struct model *model)
{
    const struct bundle *bundle = &model->bundle;
    const struct settings *settings = &bundle->settings;
    const struct encoder_info *encoder = &bundle->encoder->info;
    model->info = (struct model_info){
        .name = bundle_name(bundle),
        .version = settings->version,
        .license = settings->license,
        .format = bundle->format,
        .tokenizer = tokenizer_kind(bundle->tokenizer),
        .dtype = encoder->dtype,
        .vocab_size = tokenizer_vocab_size(bundle->tokenizer) - bundle_without_row(bundle),
        .without_row = bundle_without_row(bundle),
        .dim = encoder->dim,
        .unknown_id = bundle_unknown_id(bundle),
        .pooling = settings->pooling,
        .normalize = settings->normalize,
        .has_weights = encoder->has_weights,
        .batch_size = encoder->batch_size,
        .table_bytes = bundle->source.weights.bytes,
        .compat = (enum compat)settings->compat,
        .limits = settings->limits,
        .prompts = bundle_prompts(bundle),
        .prompt = bundle_prompt(bundle),
        .scripts = settings->scripts,
    };
}

bool model_open(struct model **out, const char *path, struct err *err)
{
    return model_open_as(out, path, &model_options_default, err);
}

bool model_open_as(struct model **out, const char *path, const struct model_options *options,
                   struct err *err)
{
    assert(out && path);
    *out = NULL;
    struct model *model = calloc(1, sizeof *model);
    if (!model) return err_set(err, ERR_MEMORY, NULL, "no memory to open the model '%.400s'", path);
    if (!open_content(model, path, options, err)) goto out;
    fill_info(model);
    if (!model->bundle.is_checked && model->info.table_bytes <= CHECKED_BYTES_MAX &&
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
    bundle_close(&model->bundle);
    free(model);
}

const struct model_info *model_info(const struct model *model)
{
    return &model->info;
}

bool model_check_finite(const struct model *model, struct err *err)
{
    const struct encoder *encoder = model->bundle.encoder;
    uint32_t row;
    if (encoder->kind->check_finite(encoder, &row)) return true;
    size_t bytes = 0;
    const struct table *table = encoder->table;
    const bool is_token =
        row < model->info.vocab_size && (!table->mapping || row < table->mapped_from);
    const char *token = is_token ? model_token_text(model, row, &bytes) : "";
    return err_set(err, ERR_FORMAT, NULL,
                   "%.300s: row %u (token '%.*s') holds NaN or Inf; make the table again, every "
                   "value must be finite",
                   model->bundle.where, row,
                   (int)(bytes < ERR_VALUE_BYTES ? bytes : ERR_VALUE_BYTES), token);
}

/* How much of a text is looked at. */
static size_t limit_bytes(const struct limits *limits, const char *text, size_t bytes)
{
    if (limits->points_max == 0 || limits->points_max >= bytes) return bytes;
    const char *at = text, *end = text + bytes;
    for (uint64_t n = 0; n < limits->points_max && at < end; n++)
        at = utf8_past(at, end);
    return (size_t)(at - text);
}

static void limit_tokens(const struct model_info *info, struct tokens *tokens)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < tokens->n && info->limits.drops_first && !info->limits.keeps_unknown;
         i++) {
        if (model_is_unknown(info, tokens->ids[i])) continue;
        tokens->ids[kept] = tokens->ids[i];
        if (tokens->spans) tokens->spans[kept] = tokens->spans[i];
        kept++;
    }
    if (info->limits.drops_first && !info->limits.keeps_unknown) tokens->n = kept;
    if (info->limits.tokens_max == 0 || tokens->n <= info->limits.tokens_max) return;
    const uint32_t n_cut = tokens->n - info->limits.tokens_max;
    if (info->limits.cuts_left) tokens->ids += n_cut;
    if (info->limits.cuts_left && tokens->spans) tokens->spans += n_cut;
    tokens->n = info->limits.tokens_max;
    tokens->is_truncated = true;
}

static void replace_without_row(const struct model_info *info, struct tokens *tokens)
{
    for (uint32_t i = 0; i < tokens->n; i++)
        if (tokens->ids[i] >= info->vocab_size) tokens->ids[i] = info->unknown_id;
}

bool model_tokenize(const struct model *model, struct arena *arena, const char *text, size_t bytes,
                    unsigned flags, struct tokens *out, struct err *err)
{
    const struct limits *limits = &model->info.limits;
    const bool is_limited = flags & TOKENIZE_LIMITS;
    const size_t looked_at = is_limited ? limit_bytes(limits, text, bytes) : bytes;
    if (!tokenizer_encode(model->bundle.tokenizer, arena, text, looked_at, flags, out, err))
        return false;
    out->is_truncated = looked_at < bytes;
    if (model->info.without_row > 0 && !(flags & TOKENIZE_ALL_IDS))
        replace_without_row(&model->info, out);
    if (is_limited) limit_tokens(&model->info, out);
    return true;
}

bool model_prompted(const struct model *model, struct arena *arena, const char **text,
                    size_t *bytes, struct err *err)
{
    return prompt_before(model->info.prompt, arena, text, bytes, err);
}

uint32_t model_token_id(const struct model *model, const char *token, size_t bytes)
{
    const uint32_t id = tokenizer_token_id(model->bundle.tokenizer, token, bytes);
    return id < model->info.vocab_size ? id : TOKEN_ID_NONE;
}

const char *model_token_text(const struct model *model, uint32_t id, size_t *bytes)
{
    return tokenizer_token_text(model->bundle.tokenizer, id, bytes);
}

bool model_is_special(const struct model *model, uint32_t id)
{
    return tokenizer_is_special(model->bundle.tokenizer, id);
}

void model_decode(const struct model *model, const uint32_t *ids, size_t n, bool skip_special,
                  struct buf *out)
{
    tokenizer_decode(model->bundle.tokenizer, ids, n, skip_special, out);
}

void model_row(const struct model *model, uint32_t id, uint32_t dims, float *out)
{
    const struct encoder *encoder = model->bundle.encoder;
    assert(id < model->info.vocab_size && dims <= encoder->info.dim);
    encoder->kind->row(encoder, id, dims, out);
}

float model_weight(const struct model *model, uint32_t id)
{
    const struct encoder *encoder = model->bundle.encoder;
    const struct table *table = encoder->table;
    if (id >= model->info.vocab_size || id == encoder->left_out) return 0;
    return table->weights ? table->weights[id] : table->factors ? table->factors[id] : 1;
}

bool model_pool(const struct model *model, const uint32_t *ids, size_t n,
                const struct pool_options *options, float *out)
{
    const struct encoder *encoder = model->bundle.encoder;
    return pool_rows(encoder->table, encoder->left_out, ids, n, options, out);
}

bool model_vector(const struct model *model, struct arena *arena, const struct passage *passage,
                  const struct pool_options *options, float *out, struct err *err)
{
    return encoder_vector(model->bundle.encoder, arena, passage, options, out, err);
}

size_t model_vectors(const struct model *model, struct arena *arena, const struct passage *passages,
                     size_t n, const struct pool_options *options, float *out, struct err *err)
{
    return encoder_batch(model->bundle.encoder, arena, passages, n, options, out, err);
}

uint64_t model_read_bytes(const struct model *model, uint64_t tokens)
{
    const struct encoder_info *info = &model->bundle.encoder->info;
    return tokens * info->rows_per_token * info->dim * sizeof(float);
}

bool model_reads_text(const struct model *model)
{
    return model->bundle.encoder->info.reads_text;
}

static bool is_foreign(const struct model_info *info, const struct passage *passage)
{
    return passage->text && info->scripts &&
           known_scripts_foreign(info->scripts, passage->text, passage->bytes) != SCRIPT_NONE;
}

float model_unsure(const struct model *model, const struct head *head,
                   const struct passage *passage, const float *logits)
{
    const struct head_info *info = head_info(head);
    bool is_known = false;
    if (!info->margins) return NAN;
    for (size_t i = 0; i < passage->n && !is_known; i++)
        is_known = !model_is_unknown(&model->info, passage->ids[i]);
    if (!is_known || is_foreign(&model->info, passage) ||
        (!info->is_repetitive && unsure_repeats(passage->ids, passage->n)))
        return 1;
    return unsure_score(info, unsure_margin(info, logits));
}

const struct bundle *model_bundle(const struct model *model)
{
    return &model->bundle;
}

const struct table *model_table(const struct model *model)
{
    return model->bundle.encoder->table;
}

const struct tokenizer *model_tokenizer(const struct model *model)
{
    return model->bundle.tokenizer;
}

const struct heads *model_heads(const struct model *model)
{
    return &model->heads;
}

bool model_add_heads(struct model *model, const char *path, struct err *err)
{
    const struct head_input input = heads_input(&model->bundle);
    return heads_add(&model->heads, path, &input, err);
}

enum file_state model_look(const struct model *model, const char **path)
{
    const enum file_state own = bundle_look(&model->bundle);
    const enum file_state of_heads = heads_look(&model->heads, path);
    if (own == FILE_AS_IT_WAS || own < of_heads) return of_heads;
    *path = model->bundle.where;
    return own;
}

struct pool_options model_pool_options(const struct model *model)
{
    return (struct pool_options){.pooling = model->info.pooling,
                                 .normalize = model->info.normalize,
                                 .dims = model->info.dim};
}
