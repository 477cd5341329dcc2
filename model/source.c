/* SPDX-License-Identifier: Apache-2.0 */
#include "model/source.h"

#include "base/file.h"
#include "model/builtin/builtin.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char default_weights_name[] = "model.safetensors";

/* Maps file `name` of the source's folder; a file that is not there leaves `span` empty. */
static bool map_file(const struct source *source, const char *name, struct span *span,
                     struct err *err)
{
    char path[sizeof source->path + 1 + NAME_MAX + 1];
    struct err reason;
    snprintf(path, sizeof path, "%s/%s", source->path, name);
    if (!file_map(path, &span->data, &span->bytes, &reason)) {
        if (errno == ENOENT) return true;
        return err_set(err, ERR_IO, NULL,
                       "%s; a model's files must be regular files that this user may read",
                       reason.message);
    }
    if (span->bytes > 0) return true;
    return err_set(err, ERR_FORMAT, NULL, "%s is empty; copy the model again", path);
}

/* The name goes into logs and reply headers: what would break a line does not. */
static void name_after_folder(struct source *source)
{
    snprintf(source->name, sizeof source->name, "%.255s", strrchr(source->path, '/') + 1);
    if (!source->name[0]) strcpy(source->name, "model");
    for (char *at = source->name; *at; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7F) *at = '_';
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
    name_after_folder(source);
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

bool source_open(struct source *source, const char *path, struct err *err)
{
    assert(path);
    *source = (struct source){0};
    const struct builtin_model *builtin = builtin_find(path);
    if (builtin) {
        use_builtin(source, builtin);
        return true;
    }
    source->is_mapped = true;
    if (!resolve(source, path, err) ||
        !map_file(source, source->weights_name, &source->weights, err) ||
        !map_file(source, "config.json", &source->config, err) ||
        !map_file(source, "tokenizer.json", &source->tokenizer, err) ||
        !map_file(source, "vocab.txt", &source->vocab, err))
        goto out;
    if (!source->weights.data) {
        err_set(err, ERR_FORMAT, NULL,
                "the folder %s holds no %s; a model is a folder with model.safetensors and "
                "tokenizer.json or vocab.txt",
                source->path, source->weights_name);
        goto out;
    }
    return true;
out:
    source_close(source);
    return false;
}

void source_close(struct source *source)
{
    if (source->is_mapped) {
        file_unmap(source->weights.data, source->weights.bytes);
        file_unmap(source->config.data, source->config.bytes);
        file_unmap(source->tokenizer.data, source->tokenizer.bytes);
        file_unmap(source->vocab.data, source->vocab.bytes);
    }
    *source = (struct source){0};
}
