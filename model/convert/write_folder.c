/* SPDX-License-Identifier: Apache-2.0 */
/* A folder as model2vec and sentence-transformers write and read them. */
#include "model/convert/write.h"

#include "model/files/tensors_pack.h"

#include <stdlib.h>
#include <string.h>

static bool write_json(const struct new_folder *folder, const char *name, json_t *json /* takes */,
                       struct err *err)
{
    char *text = json ? json_dumps(json, JSON_INDENT(2)) : NULL;
    json_decref(json);
    bool done = text ? new_folder_write(folder, name, text, strlen(text), err)
                     : err_set(err, ERR_MEMORY, NULL, "no memory for %s", name);
    free(text);
    return done;
}

/* Ours, and what tells the others that it is theirs. */
static json_t *config_of(const struct writing *w)
{
    json_t *config = bundle_settings(w->bundle, w->tokenizer);
    json_object_set_new(config, "model_type", json_string("model2vec"));
    /* Else model2vec cuts at 512 tokens. */
    if (!json_object_get(config, "max_length"))
        json_object_set_new(config, "max_length", json_null());
    json_object_set_new(config, "architectures", json_pack("[s]", "StaticModel"));
    json_object_set_new(config, "hidden_dim", json_integer(w->rows.dim));
    json_object_del(config, "vocab_size");
    if (w->n_zero_rows > 0)
        json_object_set_new(config, "vocab_size", json_integer(w->n_tokens + w->n_zero_rows));
    return config;
}

static json_t *modules_of(const struct writing *w)
{
    json_t *modules = json_pack("[{s:i, s:s, s:s, s:s}]", "idx", 0, "name", "0", "path", ".",
                                "type", "sentence_transformers.models.StaticEmbedding");
    if (w->bundle->settings.normalize)
        json_array_append_new(modules, json_pack("{s:i, s:s, s:s, s:s}", "idx", 1, "name", "1",
                                                 "path", "1_Normalize", "type",
                                                 "sentence_transformers.models.Normalize"));
    return modules;
}

static struct tensor_given row_of_numbers(const char *name, const char *dtype, const void *numbers,
                                          size_t n)
{
    return (struct tensor_given){name, dtype, 1, {n}, numbers, n * sizeof(float)};
}

/* What rows are multiplied by is called weights there; ours are those of weighted pooling. */
static const float *weights_of(const struct writing *w, const struct numbers *numbers)
{
    if (numbers->factors) return numbers->factors;
    if (w->bundle->settings.pooling == POOLING_WEIGHTED) return numbers->weights;
    return w->rows.inverse_norms;
}

static bool write_weights(struct writing *w, const struct new_folder *folder, struct err *err)
{
    char path[NEW_FOLDER_FILE_BYTES];
    const struct written_rows *rows = &w->rows;
    const size_t n = (size_t)rows->n + w->n_zero_rows, n_tokens = w->n_tokens + w->n_zero_rows;
    struct numbers numbers;
    if (!numbers_gather(w, &numbers, err)) return false;
    struct tensor_given tensors[3] = {{.name = "embeddings",
                                       .dtype = dtype_names[rows->dtype],
                                       .rank = 2,
                                       .shape = {n, rows->dim},
                                       .bytes = n * written_rows_bytes(rows)}};
    struct tensor_file file = {.tensors = tensors, .n = 1};
    const float *weights = weights_of(w, &numbers);
    if (weights) tensors[file.n++] = row_of_numbers("weights", "F32", weights, n_tokens);
    if (w->has_mapping)
        tensors[file.n++] = row_of_numbers("mapping", "I32", w->sharing.row_of, n_tokens);
    new_folder_file(folder, "model.safetensors", path);
    bool done = write_tensors(w, path, &file, err);
    numbers_clear(&numbers);
    return done;
}

/* What a head's file is called by what it holds. */
static const char *head_file(struct span bytes)
{
    if (bytes.bytes > 0 && bytes.data[0] == '{') return "head.json";
    if (bytes.bytes > 3 && memcmp(bytes.data, "PK\3\4", 4) == 0) return "pipeline.skops";
    return bytes.bytes > 8 && bytes.data[8] == '{' ? "head.safetensors" : "head.csv";
}

/* The model's own; others are served with --heads as before. */
static bool write_head(struct writing *w, const struct new_folder *folder, struct err *err)
{
    const struct heads *heads = w->heads;
    for (size_t i = 0; heads && i < heads->n; i++) {
        const struct span file = heads->files[i].bytes;
        if (heads->own[i] || strcmp(head_info(heads->items[i])->name, "default") != 0) continue;
        w->heads_written = 1;
        return new_folder_write(folder, head_file(file), file.data, file.bytes, err);
    }
    return true;
}

static bool write_tokenizer(const struct writing *w, const struct new_folder *folder,
                            struct err *err)
{
    return new_folder_write_tokenizer(folder, w->tokenizer, &w->bundle->settings.limits, err) &&
           (!w->is_word_level ||
            new_folder_write_word_level(folder, w->tokenizer, w->n_tokens, err));
}

/* Where sentence-transformers looks for them. */
static bool write_prompts(const struct writing *w, const struct new_folder *folder, struct err *err)
{
    const struct prompts *prompts = bundle_prompts(w->bundle);
    json_t *json = prompts->n > 0 ? json_object() : NULL;
    if (prompts->n == 0) return true;
    if (json) prompts_add_to(prompts, json);
    /* It would put this one before every text; with another compat, nobody else does. */
    if (!bundle_prompt(w->bundle)) json_object_del(json, "default_prompt_name");
    return write_json(folder, PROMPTS_FILE, json, err);
}

bool write_folder(struct writing *w, const char *path, struct err *err)
{
    struct new_folder folder;
    if (!new_folder_open(&folder, path, err)) return false;
    if (write_weights(w, &folder, err) && write_json(&folder, "config.json", config_of(w), err) &&
        write_json(&folder, "modules.json", modules_of(w), err) && write_prompts(w, &folder, err) &&
        write_tokenizer(w, &folder, err) && write_head(w, &folder, err))
        return new_folder_close(&folder, w->options->replaces, err);
    new_folder_abort(&folder);
    return false;
}
