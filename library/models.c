/* SPDX-License-Identifier: Apache-2.0 */
#include "library/fault.h"
#include "library/handles.h"

#include <stdlib.h>
#include <string.h>

const char *embedd_version(void)
{
    return EMBEDD_VERSION;
}

int32_t embedd_abi(void)
{
    return EMBEDD_ABI;
}

static bool read_compat(const char *name, int *compat, struct fault *fault)
{
    *compat = -1;
    if (!name) return true;
    for (int i = 0; i < COMPATS; i++)
        if (strcmp(name, compat_names[i]) == 0) *compat = i;
    return *compat >= 0 ||
           fault_set(fault, EMBEDD_ERROR_ARGUMENT, "options.compat",
                     "options.compat must be embedd, model2vec, model2vec-0.8, model2vec-rs or "
                     "sentence-transformers, not '%.*s'",
                     ERR_VALUE_BYTES, name);
}

static bool open_model(struct model **model, const char *path,
                       const embedd_open_options *given_options, struct fault *fault)
{
    embedd_open_options options;
    int compat;
    if (!STRUCT_READ(options, given_options, true, "options", fault) ||
        !read_compat(options.compat, &compat, fault))
        return false;
    const struct model_options how = {.tensor = options.tensor,
                                      .compat = compat,
                                      .is_strict = options.strict != 0,
                                      .limit = options.limit,
                                      .warn = options.warn,
                                      .user = options.user};
    if (!model_open_as(model, path, &how, &fault->err)) return false;
    if (!options.heads || model_add_heads(*model, options.heads, &fault->err)) return true;
    model_close(*model);
    return false;
}

int embedd_open(const char *path, const embedd_open_options *options, embedd_model **model,
                embedd_error *error)
{
    struct fault fault = FAULT_NONE;
    if (!model) return call_end(fault_null(&fault, "model"), &fault, error);
    *model = NULL;
    if (!path) return call_end(fault_null(&fault, "path"), &fault, error);
    struct embedd_model *made = calloc(1, sizeof *made);
    if (!made) return call_end(err_out_of_memory(&fault.err), &fault, error);
    if (!open_model(&made->model, path, options, &fault)) {
        free(made);
        return fault_tell(&fault, error);
    }
    *model = made;
    return EMBEDD_OK;
}

void embedd_close(embedd_model *model)
{
    if (model) model_close(model->model);
    free(model);
}

int embedd_get_info(const embedd_model *model, embedd_info *info, embedd_error *error)
{
    struct fault fault = FAULT_NONE;
    embedd_info asked;
    if (!model) return call_end(fault_null(&fault, "model"), &fault, error);
    if (!STRUCT_READ(asked, info, false, "info", &fault)) return fault_tell(&fault, error);
    const struct model_info *known = model_info(model->model);
    const embedd_info found = {.name = known->name,
                               .version = known->version,
                               .license = known->license,
                               .format = known->format,
                               .tokenizer = known->tokenizer,
                               .dtype = known->dtype,
                               .pooling = pooling_names[known->pooling],
                               .dimensions = known->dim,
                               .vocab_size = known->vocab_size,
                               .more_tokens = known->without_row,
                               .unknown_id = known->unknown_id,
                               .tokens_max = known->limits.tokens_max,
                               .n_heads = (uint32_t)model_heads(model->model)->n,
                               .normalize = known->normalize,
                               .has_weights = known->has_weights,
                               .table_bytes = known->table_bytes};
    struct_write(info, &found, sizeof found);
    return EMBEDD_OK;
}
