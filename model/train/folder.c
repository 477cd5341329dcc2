/* SPDX-License-Identifier: Apache-2.0 */
#include "model/train/folder.h"

#include "model/bundle/bundle.h"
#include "model/bundle/new_folder.h"
#include "model/model.h"

#include <stdlib.h>
#include <string.h>

/* The model's own as it is, and whole (`is_all`) what the files that are not copied said. */
static json_t *config_of(const struct bundle *bundle, const char *tensor, bool is_all)
{
    json_t *config = bundle->is_packed && !is_all ? NULL : json_deep_copy(bundle->settings.json);
    if (!config) config = json_object();
    if (!is_all) return config;
    settings_leave_out_passed_over(&bundle->settings, config);
    json_object_update_new(config, bundle_settings(bundle, bundle->tokenizer));
    json_object_del(config, "tensor");
    if (tensor) json_object_set_new(config, "tensor", json_string(tensor));
    return config;
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

static bool write_config(const struct new_folder *folder, json_t *config,
                         const struct folder_naming *naming, struct err *err)
{
    settings_set_name(config, naming->name ? naming->name : folder->name);
    json_object_set_new(config, "version", json_string(naming->version));
    if (naming->is_new) json_object_del(config, "license");
    char *text = json_dumps(config, JSON_INDENT(2));
    bool ok = text ? new_folder_write(folder, "config.json", text, strlen(text), err)
                   : err_set(err, ERR_MEMORY, NULL, "no memory for config.json");
    free(text);
    json_decref(config);
    return ok;
}

/* With the table as it was, the files as they were. */
static bool copy_files(const struct new_folder *folder, const struct bundle *bundle,
                       struct err *err)
{
    const struct source *source = &bundle->source;
    return write_span(folder, "model.safetensors", &source->weights, err) &&
           write_span(folder, "tokenizer.json", &source->tokenizer, err) &&
           write_span(folder, "vocab.txt", &source->vocab, err);
}

static bool write_files(const struct new_folder *folder, const struct model *model,
                        const struct learned_files *files, const struct folder_naming *naming,
                        struct err *err)
{
    const struct bundle *bundle = model_bundle(model);
    const bool is_all = files->table || bundle->settings.is_told_elsewhere;
    const char *tensor = files->table ? NULL : bundle->settings.tensor;
    if (!new_folder_write(folder, "head.safetensors", files->head, files->head_bytes, err) ||
        !write_config(folder, config_of(bundle, tensor, is_all), naming, err))
        return false;
    if (!files->table) return copy_files(folder, bundle, err);
    return new_folder_write(folder, "model.safetensors", files->table, files->table_bytes, err) &&
           write_tokenizer(folder, bundle, err);
}

bool folder_write(const char *path, bool replaces, const struct model *model,
                  const struct learned_files *files, const struct folder_naming *naming,
                  struct err *err)
{
    struct new_folder folder;
    if (!new_folder_open(&folder, path, err)) return false;
    if (write_files(&folder, model, files, naming, err))
        return new_folder_close(&folder, replaces, err);
    new_folder_abort(&folder);
    return false;
}
