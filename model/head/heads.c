/* SPDX-License-Identifier: Apache-2.0 */
#include "model/head/heads.h"

#include "base/file.h"
#include "base/grow.h"
#include "base/utf8.h"
#include "model/bundle/bundle.h"
#include "model/bundle/packed.h"
#include "model/encoder/encoder.h"
#include "model/head/files/parts.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define DEFAULT_NAME "default"

static const char *const suffixes[] = {".safetensors", ".json", ".csv", ".skops"};
#define N_SUFFIXES (sizeof suffixes / sizeof suffixes[0])

/* A model folder's own head; the last is model2vec's. */
static const char *const default_files[] = {"head.safetensors", "head.json", "head.csv",
                                            "pipeline.skops"};
#define N_DEFAULT_FILES (sizeof default_files / sizeof default_files[0])

/* How many bytes of a file's name are the head's; 0: it is no head's file. */
static size_t name_bytes(const char *file)
{
    size_t bytes = strlen(file);
    for (size_t i = 0; i < N_SUFFIXES; i++) {
        size_t suffix = strlen(suffixes[i]);
        if (bytes > suffix && file[0] != '.' && strcmp(file + bytes - suffix, suffixes[i]) == 0)
            return bytes - suffix;
    }
    return 0;
}

/* Names go into metrics, logs and replies. */
static bool check_name(const struct heads *heads, const char *name, const char *path,
                       struct err *err)
{
    for (const char *at = name; *at; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7F)
            return err_set(err, ERR_FORMAT, NULL,
                           "%.300s: a head has the name of its file, and this name holds control "
                           "characters; rename it",
                           path);
    if (utf8_valid_bytes(name, strlen(name)) < strlen(name))
        return err_set(
            err, ERR_FORMAT, NULL,
            "%.300s: a head has the name of its file, and this name is not UTF-8; rename it", path);
    if (!heads_find(heads, name, strlen(name))) return true;
    return err_set(err, ERR_FORMAT, NULL,
                   "%.300s: there is another head named '%.100s'; rename or remove one", path,
                   name);
}

static bool make_room(struct heads *heads)
{
    const size_t n = heads->n + 1;
    return grow_to(&heads->items, n, sizeof *heads->items) &&
           grow_to(&heads->files, n, sizeof *heads->files) &&
           grow_to(&heads->own, n, sizeof *heads->own);
}

static bool add(struct heads *heads, struct span bytes, const struct head_file *file,
                const char *where, const char *name, const struct head_input *input,
                struct err *err)
{
    struct head *head;
    if (!check_name(heads, name, where, err)) return false;
    if (!make_room(heads))
        return err_set(err, ERR_MEMORY, NULL, "no memory for the head %s", where);
    if (!head_open(&head, bytes, name, where, input, err)) return false;
    heads->items[heads->n] = head;
    heads->own[heads->n] = NULL;
    heads->files[heads->n++] = *file;
    return true;
}

static bool add_bytes(struct heads *heads, const struct head_file *file, const char *where,
                      const char *name, const struct head_input *input, struct err *err)
{
    return add(heads, file->bytes, file, where, name, input, err);
}

static bool add_file(struct heads *heads, const char *path, const char *where, const char *name,
                     const struct head_input *input, struct err *err)
{
    struct head_file file = {.is_mapped = true, .path = strdup(path)};
    if (!file.path) return err_set(err, ERR_MEMORY, NULL, "no memory for the head %s", where);
    if (file_map(path, &file.bytes.data, &file.bytes.bytes, &file.mark, err) &&
        add_bytes(heads, &file, where, name, input, err))
        return true;
    file_unmap(file.bytes.data, file.bytes.bytes);
    free(file.path);
    return false;
}

static bool has_default(const struct heads *heads)
{
    return heads_find(heads, DEFAULT_NAME, strlen(DEFAULT_NAME));
}

bool heads_open_packed(struct heads *heads, const struct tensors *file,
                       const struct head_input *input, struct err *err)
{
    const size_t prefix = strlen(PACKED_HEADS);
    for (size_t i = 0; i < file->n; i++) {
        const struct tensor *tensor = &file->items[i];
        if (strncmp(tensor->name, PACKED_HEADS, prefix) != 0) continue;
        const char *name = tensor->name + prefix;
        const struct head_file head = {
            .bytes = {tensor->data, (size_t)(tensor->end - tensor->begin)}};
        if (heads_find(heads, name, strlen(name))) continue;
        if (!add_bytes(heads, &head, file->where, name, input, err)) return false;
    }
    return true;
}

bool heads_open_own(struct heads *heads, const struct head_input *input, struct err *err)
{
    struct head *head;
    if (!input->encoder->labels || has_default(heads)) return true;
    if (!make_room(heads)) return err_set(err, ERR_MEMORY, NULL, "no memory for the model's head");
    if (!head_open_own(&head, DEFAULT_NAME, input, err)) return false;
    heads->items[heads->n] = head;
    heads->own[heads->n] = NULL;
    heads->files[heads->n++] = (struct head_file){0};
    return true;
}

/* ---- a checkpoint's classifier ---- */

/* Read where it lies; what is packed is a small file of its own. */
static bool add_checkpoint(struct heads *heads, const struct bundle *bundle,
                           const struct tensors *weights, const char *where, const char *name,
                           const struct head_input *input, struct err *err)
{
    static const struct head_file none;
    if (!add(heads, bundle->source.weights, &none, where, name, input, err)) return false;
    struct head_file *file = &heads->files[heads->n - 1];
    const struct head_info *info = head_info(heads->items[heads->n - 1]);
    file->owned = head_pack_checkpoint(weights, info->kind, info->labels, info->n_labels,
                                       &file->bytes.bytes, err);
    file->bytes.data = file->owned;
    return file->owned;
}

static bool add_classifier(struct heads *heads, const struct bundle *bundle, const char *where,
                           const char *name, const struct head_input *input, bool *is_found,
                           struct err *err)
{
    struct tensors weights;
    *is_found = false;
    if (strcmp(bundle->format, "safetensors") != 0) return true;
    if (!tensors_open(&weights, bundle->source.weights, where, err)) return false;
    *is_found = head_is_checkpoint(&weights);
    bool done = !*is_found || add_checkpoint(heads, bundle, &weights, where, name, input, err);
    tensors_close(&weights);
    return done;
}

bool heads_open_checkpoint(struct heads *heads, const struct bundle *bundle,
                           const struct head_input *input, struct err *err)
{
    bool is_found;
    if (has_default(heads)) return true;
    /* Clients are told of it, but not where the model lies. */
    if (add_classifier(heads, bundle, bundle->source.weights_name, DEFAULT_NAME, input, &is_found,
                       &heads->refused))
        return true;
    if (heads->refused.code != ERR_MEMORY) return true;
    *err = heads->refused;
    return false;
}

/* ---- a table of its own ---- */

static void close_own(struct bundle *own)
{
    if (own) bundle_close(own);
    free(own);
}

/* The ids are those of the model's tokenizer, so the folder's must give the same. */
static bool open_own(struct bundle *own, const char *folder, const struct head_input *shared,
                     struct err *err)
{
    uint32_t row;
    if (!bundle_open(own, folder, &model_options_default, err)) return false;
    if (tokenizer_fingerprint(own->tokenizer) != tokenizer_fingerprint(shared->tokenizer))
        return err_set(err, ERR_FORMAT, NULL,
                       "%.300s: its vocabulary is not the model's, so its head cannot be "
                       "served beside it; serve the folder itself with `model`",
                       own->source.path);
    return own->encoder->kind->check_finite(own->encoder, &row) ||
           err_set(err, ERR_FORMAT, NULL, "%.300s: row %u of its table holds NaN or Inf", folder,
                   row);
}

/* The own head of a model folder, on that folder's table. */
static bool add_model_folder(struct heads *heads, const char *folder,
                             const struct head_input *shared, struct err *err)
{
    struct bundle *own = calloc(1, sizeof *own);
    char path[PATH_MAX + NAME_MAX + 2];
    struct stat info;
    if (!own) return err_set(err, ERR_MEMORY, NULL, "no memory for the head %s", folder);
    bool ok = true, is_found = false;
    if (!open_own(own, folder, shared, err)) {
        close_own(own);
        return false;
    }
    struct head_input input = heads_input(own);
    input.tokenizer = shared->tokenizer;
    for (size_t i = 0; ok && !is_found && i < N_DEFAULT_FILES; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, default_files[i]);
        ok = file_stat(path, &info, err);
        is_found = ok && info.st_mode != 0;
        ok = ok && (!is_found || add_file(heads, path, path, own->source.name, &input, err));
    }
    if (ok && !is_found)
        ok = add_classifier(heads, own, own->where, own->source.name, &input, &is_found, err);
    if (ok && !is_found)
        ok = err_set(err, ERR_FORMAT, NULL,
                     "%.400s is a model without a head: it holds no head.safetensors", folder);
    if (ok)
        heads->own[heads->n - 1] = own;
    else
        close_own(own);
    return ok;
}

/* False where that cannot be told. */
static bool look_for_model(const char *path, bool *is_model, struct err *err)
{
    char file[PATH_MAX + NAME_MAX + 32];
    struct stat info;
    snprintf(file, sizeof file, "%s/model.safetensors", path);
    const bool done = file_stat(file, &info, err);
    *is_model = S_ISREG(info.st_mode);
    return done;
}

struct head_input heads_input(const struct bundle *bundle)
{
    const struct settings *settings = &bundle->settings;
    const uint32_t dim = bundle->encoder->info.dim;
    return (struct head_input){
        .dim = dim,
        .tokenizer = bundle->tokenizer,
        .encoder = bundle->encoder,
        .pool = {.pooling = settings->pooling, .normalize = settings->normalize, .dims = dim},
        .config = settings->json};
}

/* ---- folders ---- */

static int is_no_dot_file(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* A head's file, a model folder, or something else, which is passed over. The model's config.json
   says nothing of a head that came by itself. */
static bool add_entry(struct heads *heads, const char *path, const char *file,
                      const struct head_input *input, struct err *err)
{
    char name[NAME_MAX + 1];
    bool is_model;
    if (!look_for_model(path, &is_model, err)) return false;
    if (is_model) return add_model_folder(heads, path, input, err);
    if (name_bytes(file) == 0) return true;
    snprintf(name, sizeof name, "%.*s", (int)name_bytes(file), file);
    struct head_input alone = *input;
    alone.config = NULL;
    return add_file(heads, path, path, name, &alone, err);
}

static bool add_folder(struct heads *heads, const char *folder, const struct head_input *input,
                       struct err *err)
{
    struct dirent **entries;
    int n = scandir(folder, &entries, is_no_dot_file, alphasort);
    if (n < 0)
        return err_set(err, ERR_IO, NULL, "cannot read the folder '%.400s': %s", folder,
                       strerror(errno));
    bool ok = true;
    for (int i = 0; i < n; i++) {
        char path[PATH_MAX + NAME_MAX + 2];
        snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        ok = ok && add_entry(heads, path, entries[i]->d_name, input, err);
        free(entries[i]);
    }
    free(entries);
    return ok;
}

bool heads_open_folder(struct heads *heads, const char *folder, const struct head_input *input,
                       struct err *err)
{
    char path[PATH_MAX + NAME_MAX + 2];
    struct stat info;
    for (size_t i = 0; i < N_DEFAULT_FILES; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, default_files[i]);
        if (!file_stat(path, &info, err)) return false;
        if (info.st_mode == 0 || add_file(heads, path, path, DEFAULT_NAME, input, err)) continue;
        /* Whole, but without labels: that stops nobody from using the vectors. Clients are told
           why, but not where the model lies. */
        if (err->code != ERR_UNPROCESSABLE) return false;
        add_file(heads, path, default_files[i], DEFAULT_NAME, input, &heads->refused);
    }
    snprintf(path, sizeof path, "%s/heads", folder);
    if (!file_stat(path, &info, err)) return false;
    return info.st_mode == 0 || add_folder(heads, path, input, err);
}

bool heads_add(struct heads *heads, const char *path, const struct head_input *input,
               struct err *err)
{
    struct stat info;
    char clean[PATH_MAX];
    if (stat(path, &info) < 0)
        return err_set(err, ERR_IO, NULL, "cannot open head '%.400s': %s", path, strerror(errno));
    snprintf(clean, sizeof clean, "%s", path);
    clean[file_path_bytes(clean)] = '\0';
    const char *slash = strrchr(clean, '/');
    const char *file = slash ? slash + 1 : clean;
    bool is_model;
    if (!look_for_model(clean, &is_model, err)) return false;
    if (S_ISDIR(info.st_mode) && !is_model) return add_folder(heads, clean, input, err);
    if (!S_ISDIR(info.st_mode) && name_bytes(file) == 0)
        return err_set(err, ERR_FORMAT, NULL,
                       "%.400s: a head's file must be named NAME.safetensors, NAME.json, NAME.csv "
                       "or NAME.skops",
                       path);
    return add_entry(heads, clean, file, input, err);
}

const struct head *heads_find(const struct heads *heads, const char *name, size_t bytes)
{
    for (size_t i = 0; i < heads->n; i++) {
        const char *found = head_info(heads->items[i])->name;
        if (strlen(found) == bytes && memcmp(found, name, bytes) == 0) return heads->items[i];
    }
    return NULL;
}

const struct head *heads_default(const struct heads *heads)
{
    if (heads->n == 1) return heads->items[0];
    return heads_find(heads, DEFAULT_NAME, sizeof DEFAULT_NAME - 1);
}

void heads_names(const struct heads *heads, char *out, size_t size)
{
    size_t at = 0;
    out[0] = '\0';
    for (size_t i = 0; i < heads->n && at < size; i++)
        at += (size_t)snprintf(out + at, size - at, "%s%s", i > 0 ? ", " : "",
                               head_info(heads->items[i])->name);
}

/* Of a head's file nothing but n-grams is read where it lies. */
static enum file_state look_at(const struct heads *heads, size_t i, const char **path)
{
    const struct head_file *file = &heads->files[i];
    const struct bundle *own = heads->own[i];
    const bool is_read = file->is_mapped && head_info(heads->items[i])->ngrams > 0;
    const enum file_state state = is_read ? file_look(file->path, &file->mark) : FILE_AS_IT_WAS;
    const enum file_state of_own = own ? bundle_look(own) : FILE_AS_IT_WAS;
    *path = of_own > state ? own->where : file->path;
    return of_own > state ? of_own : state;
}

enum file_state heads_look(const struct heads *heads, const char **path)
{
    enum file_state worst = FILE_AS_IT_WAS;
    for (size_t i = 0; i < heads->n; i++) {
        const char *at;
        const enum file_state state = look_at(heads, i, &at);
        if (state <= worst) continue;
        worst = state;
        *path = at;
    }
    return worst;
}

void heads_close(struct heads *heads)
{
    for (size_t i = 0; i < heads->n; i++) {
        head_close(heads->items[i]);
        if (heads->files[i].is_mapped)
            file_unmap(heads->files[i].bytes.data, heads->files[i].bytes.bytes);
        free(heads->files[i].path);
        free(heads->files[i].owned);
        close_own(heads->own[i]);
    }
    free(heads->own);
    free(heads->items);
    free(heads->files);
    *heads = (struct heads){0};
}
