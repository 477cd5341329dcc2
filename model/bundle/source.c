/* SPDX-License-Identifier: Apache-2.0 */
#include "model/bundle/source.h"

#include "base/file.h"
#include "base/json.h"
#include "model/bundle/builtin/builtin.h"
#include "model/encoder/table/table.h"
#include "model/files/kinds.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char default_weights_name[] = "model.safetensors";

static bool ends_with(const char *name, const char *end)
{
    const size_t bytes = strlen(name), end_bytes = strlen(end);
    return bytes > end_bytes && strcmp(name + bytes - end_bytes, end) == 0;
}

static bool map_marked(const struct source *source, const char *name, struct span *span,
                       struct file_mark *mark, struct err *err)
{
    char path[sizeof source->path + 1 + NAME_MAX + 1];
    struct err reason;
    snprintf(path, sizeof path, "%s/%s", source->path, name);
    if (!file_map(path, &span->data, &span->bytes, mark, &reason)) {
        if (errno == ENOENT) return true;
        return err_set(err, ERR_IO, NULL, "%s; %s", reason.message,
                       errno == EIO ? "its disk fails: put a copy in place by renaming"
                                    : "a model's files must be regular files that this user may "
                                      "read");
    }
    const char *what = kind_what(*span);
    if (span->bytes == 0)
        return err_set(err, ERR_FORMAT, NULL, "%s is empty; copy the model again", path);
    /* What weights are is told later, and a vocabulary may begin with any word. */
    if (what && (ends_with(name, ".json") || kind_is_pointer(*span)))
        return err_set(err, ERR_FORMAT, NULL, "%s: it is %s", path, what);
    return true;
}

/* Maps file `name` of the source's folder; a file that is not there leaves `span` empty. */
static bool map_file(const struct source *source, const char *name, struct span *span,
                     struct err *err)
{
    return map_marked(source, name, span, NULL, err);
}

static bool map_weights(struct source *source, const char *name, struct err *err)
{
    return map_marked(source, name, &source->weights, &source->mark, err);
}

/* The name goes into logs and reply headers: what would break a line does not. */
static void set_name(char name[256], const char *from, size_t bytes)
{
    snprintf(name, 256, "%.*s", bytes < 255 ? (int)bytes : 255, from);
    if (!name[0]) strcpy(name, "model");
    for (char *at = name; *at; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7F) *at = '_';
}

/* A file's name without its ending. */
static void set_file_name(char name[256], const char *file)
{
    const char *dot = strrchr(file, '.');
    set_name(name, file, dot > file ? (size_t)(dot - file) : strlen(file));
}

/* Whether the last part of a path says what the model is called: `current` says which version of
   it is meant (docs/MODEL.md). */
static bool is_called(const char *part)
{
    return part[0] && strcmp(part, ".") != 0 && strcmp(part, "..") != 0 &&
           strcmp(part, "current") != 0;
}

/* By the folder as it was given, or, where weights are called otherwise than all are, by these. */
static void name_after_path(struct source *source, const char *path, const char *given)
{
    const bool is_by_itself = strcmp(source->weights_name, default_weights_name) != 0;
    const char *own = strrchr(source->path, '/') + 1;
    if (is_by_itself) {
        char *file = realpath(path, NULL);
        set_file_name(source->name, source->weights_name);
        set_file_name(source->own_name, file ? strrchr(file, '/') + 1 : source->weights_name);
        free(file);
        return;
    }
    const char *end = given + file_path_bytes(given), *part = end;
    while (part > given && part[-1] != '/')
        part--;
    char last[256];
    snprintf(last, sizeof last, "%.*s", end - part < 255 ? (int)(end - part) : 255, part);
    const char *name = is_called(last) ? last : own;
    set_name(source->name, name, strlen(name));
    set_name(source->own_name, own, strlen(own));
}

/* Turns what the user typed into the folder's path without symbolic links, and the weights' name.
 */
static bool resolve(struct source *source, const char *path, struct err *err)
{
    struct stat info;
    char *folder = NULL;
    bool ok = false;
    char given[sizeof source->path];
    if (snprintf(given, sizeof given, "%s", path) >= (int)sizeof given) {
        return err_set(err, ERR_IO, NULL, "model: a path may have at most %zu bytes, not %zu",
                       sizeof given - 1, strlen(path));
    }
    if (stat(path, &info) < 0) {
        const char *remedy = errno == ENOENT ? "; give a folder that holds model.safetensors, or "
                                               "'builtin'"
                                             : "";
        return err_set(err, ERR_IO, NULL, "cannot open model '%.400s': %s%s", path, strerror(errno),
                       remedy);
    }
    strcpy(source->weights_name, default_weights_name);
    source->is_folder = S_ISDIR(info.st_mode);
    if (!source->is_folder) {
        char *slash = strrchr(given, '/');
        snprintf(source->weights_name, sizeof source->weights_name, "%.255s",
                 slash ? slash + 1 : given);
        if (slash) slash[slash == given] = '\0'; /* "/file" lies in "/" */
    }
    bool is_here = !source->is_folder && !strchr(path, '/');
    folder = realpath(is_here ? "." : given, NULL);
    if (!folder) {
        err_set(err, ERR_IO, NULL, "cannot open model '%.400s': %s", path, strerror(errno));
        goto out;
    }
    if (strlen(folder) >= sizeof source->path) {
        err_set(err, ERR_IO, NULL, "model: a folder's path may have at most %zu bytes, not %zu",
                sizeof source->path - 1, strlen(folder));
        goto out;
    }
    strcpy(source->path, folder);
    name_after_path(source, path, is_here ? "." : given);
    ok = true;
out:
    free(folder);
    return ok;
}

static void use_builtin(struct source *source, const struct builtin_model *builtin)
{
    snprintf(source->name, sizeof source->name, "%s", builtin->name);
    strcpy(source->path, "builtin");
    strcpy(source->weights_name, default_weights_name);
    source->weights = *builtin->bytes;
}

/* ---- what a folder may look like ---- */

#define STATIC_FOLDER "0_StaticEmbedding"
#define INDEX_NAME "model.safetensors.index.json"

static json_t *read_json(const struct source *source, const char *name, const struct span *file,
                         struct err *err)
{
    struct err why;
    json_t *root = json_read_file(file->data, file->bytes, true, &why);
    if (!root) err_set(err, ERR_FORMAT, NULL, "%.300s/%s: %s", source->path, name, why.message);
    return root;
}

/* A file that may be there: false with err set, else `*root` is what it holds, or NULL. */
static bool read_beside(const struct source *source, const char *name, json_t **root,
                        struct err *err)
{
    struct span file = {0};
    *root = NULL;
    if (!map_file(source, name, &file, err)) return false;
    if (!file.data) return true;
    *root = read_json(source, name, &file, err);
    file_unmap(file.data, file.bytes);
    return *root;
}

/* modules.json of sentence-transformers: what the parts of the model are. */
static bool read_modules(struct source *source, struct err *err)
{
    struct layout *layout = &source->layout;
    const char *other = NULL;
    size_t i;
    json_t *root, *module;
    if (!read_beside(source, "modules.json", &root, err)) return false;
    json_array_foreach(root, i, module)
    {
        const char *type = json_string_value(json_object_get(module, "type"));
        const bool is_static = type && strstr(type, "StaticEmbedding");
        const bool is_normalize = type && strstr(type, "Normalize");
        layout->is_static_embedding |= is_static;
        layout->has_normalize |= is_normalize;
        if (type && !is_static && !is_normalize && !strstr(type, "Dropout")) other = type;
    }
    const char *dot = other ? strrchr(other, '.') : NULL;
    if (other)
        snprintf(layout->unserved, sizeof layout->unserved, "modules.json has the module '%.60s'",
                 dot ? dot + 1 : other);
    json_decref(root);
    return true;
}

/* What that library does with texts and vectors unless it is told otherwise. */
static bool read_sentence_config(struct source *source, struct err *err)
{
    struct layout *layout = &source->layout;
    json_t *root;
    if (!layout->is_static_embedding) return true;
    if (!read_beside(source, PROMPTS_FILE, &root, err)) return false;
    const json_int_t dims = json_integer_value(json_object_get(root, "truncate_dim"));
    const bool done = prompts_read(&layout->prompts, root, err);
    if (dims > 0) layout->truncate_dim = (uint64_t)dims;
    json_decref(root);
    return done;
}

/* A vocab.txt has its rules there. */
static bool read_tokenizer_config(struct source *source, struct err *err)
{
    json_t *root;
    if (!source->vocab.data || source->tokenizer.data) return true;
    if (!read_beside(source, "tokenizer_config.json", &root, err)) return false;
    const json_t *value = json_object_get(root, "do_lower_case");
    source->layout.is_lowercase_said = json_is_boolean(value);
    source->layout.lowercase = json_is_true(value);
    const json_t *accents = json_object_get(root, "strip_accents");
    const bool is_other =
        json_is_false(json_object_get(root, "tokenize_chinese_chars")) ||
        (json_is_boolean(accents) && json_is_true(accents) == json_is_false(value));
    json_decref(root);
    return !is_other ||
           err_set(err, ERR_FORMAT, NULL,
                   "%.300s/tokenizer_config.json: strip_accents and tokenize_chinese_chars are "
                   "supported only in a tokenizer.json; save the model's beside its vocab.txt",
                   source->path);
}

/* A name in the folder itself: nothing may lead out of it. */
static bool is_plain_name(const char *name)
{
    return name[0] && !strchr(name, '/') && strcmp(name, "..") != 0 && strlen(name) <= NAME_MAX;
}

static bool choose_shard(struct source *source, const json_t *root, const char *tensor,
                         struct err *err)
{
    const char *name;
    json_t *value;
    json_object_foreach(json_object_get(root, "weight_map"), name, value)
    {
        const char *file = json_string_value(value);
        bool is_it = tensor ? strcmp(name, tensor) == 0 : table_is_tensor_name(name);
        if (!is_it || !file) continue;
        if (is_plain_name(file)) {
            snprintf(source->weights_name, sizeof source->weights_name, "%s", file);
            snprintf(source->tensor, sizeof source->tensor, "%s", name);
            return true;
        }
        return err_set(err, ERR_FORMAT, NULL,
                       "%.300s/" INDEX_NAME ": weight_map.%.100s must be the name of a file in "
                       "the folder",
                       source->path, name);
    }
    return err_set(err, ERR_FORMAT, NULL,
                   "%.300s/" INDEX_NAME
                   ": weight_map names no tensor %s%.100s; name the table with "
                   "`tensor`",
                   source->path, tensor ? "" : "that is an embedding table", tensor ? tensor : "");
}

/* A checkpoint in several files: only the one that holds the table is opened. What is wrong with
   config.json is said where all of it is read. */
static bool find_shard(struct source *source, const char *tensor, struct err *err)
{
    struct err ignored;
    json_t *root, *config = NULL;
    if (!read_beside(source, INDEX_NAME, &root, err)) return false;
    if (!root) return true;
    if (!tensor && read_beside(source, "config.json", &config, &ignored))
        tensor = json_string_value(json_object_get(config, "tensor"));
    bool done =
        choose_shard(source, root, tensor, err) && map_weights(source, source->weights_name, err);
    if (done && !source->weights.data)
        done = err_set(err, ERR_FORMAT, NULL,
                       "%.300s/" INDEX_NAME
                       " says that the table is in %.200s, which is missing; copy it too",
                       source->path, source->weights_name);
    json_decref(config);
    json_decref(root);
    return done;
}

/* What sentence-transformers writes: weights and tokenizer in a folder of their own. */
static bool find_static_folder(struct source *source, struct err *err)
{
    static const char weights[] = STATIC_FOLDER "/model.safetensors";
    if (!map_weights(source, weights, err)) return false;
    if (!source->weights.data) return true;
    strcpy(source->weights_name, weights);
    source->layout.is_static_embedding = true;
    return map_file(source, STATIC_FOLDER "/tokenizer.json", &source->tokenizer, err);
}

size_t source_stem_bytes(const char *name)
{
    static const char *const ends[] = {".npy", ".vec", ".bin", ".ftz", ".safetensors"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (ends_with(name, ends[i])) return strlen(name) - strlen(ends[i]);
    return 0;
}

/* Files by themselves that a folder may hold instead. */
static bool is_other_form(const char *name)
{
    return name[0] != '.' && strcmp(name, "pytorch_model.bin") != 0 && strlen(name) <= NAME_MAX &&
           source_stem_bytes(name) > 0;
}

/* The only such file. */
static bool find_other_form(struct source *source, struct err *err)
{
    DIR *folder = opendir(source->path);
    const struct dirent *entry;
    char found[NAME_MAX + 1] = "";
    size_t n = 0;
    while (folder && (entry = file_next_entry(folder))) {
        if (!is_other_form(entry->d_name) || strncmp(entry->d_name, "head.", 5) == 0) continue;
        snprintf(found, sizeof found, "%s", entry->d_name);
        n++;
    }
    const int failure = errno;
    if (folder) closedir(folder);
    if (failure)
        return err_set(err, ERR_IO, NULL, "cannot read the folder %s: %s", source->path,
                       strerror(failure));
    if (n > 1)
        return err_set(err, ERR_FORMAT, NULL,
                       "the folder %s holds no %s but %zu files that might be the table, %.100s "
                       "among them; name one of them as the model",
                       source->path, default_weights_name, n, found);
    if (n == 1) snprintf(source->weights_name, sizeof source->weights_name, "%s", found);
    return n == 0 || map_weights(source, found, err);
}

static bool has_file(const struct source *source, const char *name)
{
    char path[sizeof source->path + 1 + NAME_MAX + 1];
    snprintf(path, sizeof path, "%s/%s", source->path, name);
    return access(path, F_OK) == 0;
}

static bool find_weights(struct source *source, const char *tensor, struct err *err)
{
    const struct span *found = &source->weights;
    if (!map_weights(source, source->weights_name, err)) return false;
    if (source->is_folder && !((found->data || find_static_folder(source, err)) &&
                               (found->data || find_shard(source, tensor, err)) &&
                               (found->data || find_other_form(source, err))))
        return false;
    if (found->data) return true;
    return err_set(err, ERR_FORMAT, NULL,
                   "the folder %s holds no %s%s; a model is a folder with model.safetensors and "
                   "tokenizer.json or vocab.txt, or a file of its own",
                   source->path, source->weights_name,
                   has_file(source, "pytorch_model.bin")
                       ? " (pytorch_model.bin is a program as much as a table, and is not read: "
                         "save the model as safetensors)"
                       : "");
}

bool source_open(struct source *source, const char *path, const char *tensor, struct err *err)
{
    assert(path);
    *source = (struct source){0};
    const struct builtin_model *builtin = builtin_find(path);
    if (builtin) {
        use_builtin(source, builtin);
        return true;
    }
    source->is_mapped = true;
    if (resolve(source, path, err) && find_weights(source, tensor, err)) return true;
    source_close(source);
    return false;
}

bool source_read_config(struct source *source, struct err *err)
{
    return !source->is_mapped || map_file(source, "config.json", &source->config, err);
}

bool source_read_beside(struct source *source, struct err *err)
{
    if (!source->is_mapped) return true;
    return source_read_config(source, err) &&
           (source->tokenizer.data ||
            map_file(source, "tokenizer.json", &source->tokenizer, err)) &&
           map_file(source, "vocab.txt", &source->vocab, err) && read_modules(source, err) &&
           read_sentence_config(source, err) && read_tokenizer_config(source, err);
}

void source_close(struct source *source)
{
    prompts_close(&source->layout.prompts);
    if (source->is_mapped) {
        file_unmap(source->weights.data, source->weights.bytes);
        file_unmap(source->config.data, source->config.bytes);
        file_unmap(source->tokenizer.data, source->tokenizer.bytes);
        file_unmap(source->vocab.data, source->vocab.bytes);
    }
    *source = (struct source){0};
}
