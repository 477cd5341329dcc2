/* SPDX-License-Identifier: Apache-2.0 */
#include "model/train/folder.h"

#include "model/bundle/bundle.h"
#include "model/bundle/new_folder.h"
#include "model/model.h"

#include <stdlib.h>
#include <string.h>

/* The model's own, and what the files that are not copied said, with the name of the folder. */
static char *config_of(const struct bundle *bundle, const char *name, const char *tensor,
                       bool is_new)
{
    json_t *config = json_deep_copy(bundle->settings.json);
    if (!config) config = json_object();
    settings_leave_out_passed_over(&bundle->settings, config);
    json_object_update_new(config, bundle_settings(bundle, bundle->tokenizer));
    settings_set_name(config, name);
    json_object_del(config, "tensor");
    if (tensor) json_object_set_new(config, "tensor", json_string(tensor));
    if (is_new) {
        json_object_del(config, "version");
        json_object_del(config, "license");
    }
    char *text = json_dumps(config, JSON_INDENT(2));
    json_decref(config);
    return text;
}

static bool write_span(const struct new_folder *folder, const char *name, const struct span *span,
                       struct err *err)
{
    return !span->data || new_folder_write(folder, name, span->data, span->bytes, err);
}

/* The files it was read from as they are; what lay in a packed file as the file it once was. */
static bool write_tokenizer(const struct new_folder *folder, const struct bundle *bundle,
                            struct err *err)
{
    const struct source *source = &bundle->source;
    if (!source->tokenizer.data && !source->vocab.data)
        return new_folder_write_tokenizer(folder, bundle->tokenizer, &bundle->settings.limits, err);
    return write_span(folder, "tokenizer.json", &source->tokenizer, err) &&
           write_span(folder, "vocab.txt", &source->vocab, err);
}

static bool write_config(const struct new_folder *folder, const struct bundle *bundle,
                         const char *tensor, bool is_new, struct err *err)
{
    char *config = config_of(bundle, folder->name, tensor, is_new);
    bool ok = config ? new_folder_write(folder, "config.json", config, strlen(config), err)
                     : err_set(err, ERR_MEMORY, NULL, "no memory for config.json");
    free(config);
    return ok;
}

/* With the table as it was, the files as they were. */
static bool copy_files(const struct new_folder *folder, const struct bundle *bundle,
                       struct err *err)
{
    const struct source *source = &bundle->source;
    const struct settings *settings = &bundle->settings;
    return write_span(folder, "model.safetensors", &source->weights, err) &&
           write_span(folder, "tokenizer.json", &source->tokenizer, err) &&
           write_span(folder, "vocab.txt", &source->vocab, err) &&
           (settings->is_told_elsewhere ? write_config(folder, bundle, settings->tensor, false, err)
                                        : write_span(folder, "config.json", &source->config, err));
}

static bool write_files(const struct new_folder *folder, const struct model *model,
                        const struct learned_files *files, bool is_new, struct err *err)
{
    const struct bundle *bundle = model_bundle(model);
    if (!new_folder_write(folder, "head.safetensors", files->head, files->head_bytes, err))
        return false;
    if (!files->table) return copy_files(folder, bundle, err);
    return write_config(folder, bundle, NULL, is_new, err) &&
           new_folder_write(folder, "model.safetensors", files->table, files->table_bytes, err) &&
           write_tokenizer(folder, bundle, err);
}

bool folder_write(const char *path, bool replaces, const struct model *model,
                  const struct learned_files *files, bool is_new, struct err *err)
{
    struct new_folder folder;
    if (!new_folder_open(&folder, path, err)) return false;
    if (write_files(&folder, model, files, is_new, err))
        return new_folder_close(&folder, replaces, err);
    new_folder_abort(&folder);
    return false;
}
