/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/models.h"

#include "base/file.h"
#include "base/grow.h"
#include "base/links.h"
#include "finetune/finetune.h"
#include "model/bundle/source.h"
#include "model/registry.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- which they are ---- */

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_MEMORY, NULL, "no memory for the list of models");
}

/* Before what it leads to is looked at: what changes from now on is news. */
static bool watch_link(struct models *models, const char *folder, const char *name, struct err *err)
{
    char *path;
    if (asprintf(&path, "%s%s%s", folder, *folder ? "/" : "", name) < 0) return no_memory(err);
    if (grow_list(&models->links, &models->links_cap, models->n_links + 1, sizeof(char *))) {
        models->links[models->n_links++] = path;
        models->links_hash = links_add(models->links_hash, path);
        return true;
    }
    free(path);
    return no_memory(err);
}

/* The link of a mounted folder; others have none. */
static bool watch_mount(struct models *models, const char *folder, struct err *err)
{
    char *path;
    struct stat info;
    if (asprintf(&path, "%s%s..data", folder, *folder ? "/" : "") < 0) return no_memory(err);
    const bool is_there = lstat(path, &info) == 0 && S_ISLNK(info.st_mode);
    free(path);
    return !is_there || watch_link(models, folder, "..data", err);
}

/* Takes `name` and `path`, unless it fails. */
static bool add_source(struct models *models, char *name, char *path, struct err *err)
{
    struct model_source source = {.name = name, .path = path, .is_named = name};
    if (path && grow_list(&models->list, &models->cap, models->n + 1, sizeof *models->list)) {
        models->list[models->n++] = source;
        return watch_mount(models, path, err);
    }
    free(name);
    free(path);
    return no_memory(err);
}

/* The versions of one model beside each other: what a link named so leads to is the one that
   counts. */
#define CURRENT "current"

static bool has_current(const char *folder)
{
    char *path;
    struct stat info;
    if (asprintf(&path, "%s/" CURRENT, folder) < 0) return false;
    const int failure = lstat(path, &info) == 0 ? 0 : errno;
    free(path);
    /* Why it cannot be looked at is said where it is opened. */
    return failure ? failure != ENOENT && failure != ENOTDIR : S_ISLNK(info.st_mode);
}

/* `name` (bytes) of the model in that folder, whose own is its link's. */
static bool add_current(struct models *models, const char *name, size_t bytes, const char *folder,
                        struct err *err)
{
    char *path, *copy = strndup(name, bytes);
    if (!copy || asprintf(&path, "%s/" CURRENT, folder) < 0) {
        free(copy);
        return no_memory(err);
    }
    return add_source(models, copy, path, err);
}

/* `is_folder`: or it is a file, or not there. */
static bool has_weights(const char *folder, bool *is_folder)
{
    DIR *entries = opendir(folder);
    *is_folder = entries;
    bool found = false;
    for (const struct dirent *entry; entries && !found && (entry = file_next_entry(entries));)
        found = source_stem_bytes(entry->d_name) > 0;
    found |= entries && errno != 0; /* as above */
    if (entries) closedir(entries);
    return found;
}

/* A name NULL: its own. */
static bool add_path(struct models *models, const char *name, size_t bytes, const char *path,
                     struct err *err)
{
    bool is_folder;
    const bool is_whole = has_weights(path, &is_folder) || !is_folder;
    /* It may be there only later. */
    if (!is_whole && !watch_link(models, path, CURRENT, err)) return false;
    if (is_whole || !has_current(path)) {
        char *copy = name ? strndup(name, bytes) : NULL;
        if (name && !copy) return no_memory(err);
        return add_source(models, copy, strdup(path), err);
    }
    size_t end = strlen(path);
    while (end > 1 && path[end - 1] == '/')
        end--;
    size_t start = end;
    while (start > 0 && path[start - 1] != '/')
        start--;
    return name ? add_current(models, name, bytes, path, err)
                : add_current(models, path + start, end - start, path, err);
}

/* [NAME=]PATH. What there is under the whole text is a path, whatever its name. */
static bool add_item(struct models *models, const char *item, struct err *err)
{
    const char *equals = strchr(item, '=');
    if (!equals || access(item, F_OK) == 0) return add_path(models, NULL, 0, item, err);
    if (equals == item || !equals[1])
        return err_set(err, ERR_USAGE, "model", "model must be PATH or NAME=PATH, not '%.*s'",
                       ERR_VALUE_BYTES, item);
    return add_path(models, item, (size_t)(equals - item), equals + 1, err);
}

/* Calls `take` for each line of a list; a variable's last one often ends in a newline. */
static bool each_line(const char *lines, void *user,
                      bool (*take)(void *user, const char *line, struct err *err), struct err *err)
{
    char *copy = strdup(lines), *at = copy;
    bool done = copy || err_set(err, ERR_MEMORY, NULL, "no memory for the list of models");
    while (done && at) {
        char *line = strsep(&at, "\n");
        done = !*line || take(user, line, err);
    }
    free(copy);
    return done;
}

static bool take_model(void *user, const char *line, struct err *err)
{
    return add_item(user, line, err);
}

/* One that cannot be looked at, such as a link to nowhere, is refused when it is opened. */
static bool take_entry(struct models *models, const char *folder, const char *file, struct err *err)
{
    /* A file system keeps what it lost there. */
    if (file[0] == '.' || strcmp(file, "lost+found") == 0) return true;
    char *path;
    struct stat info;
    if (asprintf(&path, "%s/%s", folder, file) < 0)
        return err_set(err, ERR_MEMORY, NULL, "no memory for the list of models");
    size_t bytes = source_stem_bytes(file); /* of a file; a folder's name is whole */
    const bool is_there = stat(path, &info) == 0, is_folder = is_there && S_ISDIR(info.st_mode);
    if (is_there ? is_folder : bytes == 0) bytes = strlen(file);
    bool done = bytes == 0;
    if (is_folder && has_current(path))
        done = add_current(models, file, bytes, path, err);
    else if (bytes > 0) {
        char *name = strndup(file, bytes);
        return name ? add_source(models, name, path, err) : no_memory(err);
    }
    free(path);
    return done;
}

static bool read_folder(struct models *models, const char *folder, struct err *err)
{
    struct dirent **entries;
    const int n = scandir(folder, &entries, NULL, alphasort);
    const size_t n_before = models->n;
    if (n < 0)
        return err_set(err, ERR_IO, "models", "models: cannot read the folder '%.400s': %s", folder,
                       strerror(errno));
    bool done = true;
    for (int i = 0; i < n; i++) {
        done = done && take_entry(models, folder, entries[i]->d_name, err);
        free(entries[i]);
    }
    free(entries);
    if (done && models->n == n_before)
        return err_set(err, ERR_USAGE, "models",
                       "the folder %.400s holds no model; put model folders or model files into it",
                       folder);
    return done;
}

bool models_check_name(const struct models *models, size_t i, size_t end, struct err *err)
{
    const struct model_source *list = models->list;
    for (size_t k = 0; k < end && list[i].name; k++)
        if (k != i && list[k].name && strcmp(list[i].name, list[k].name) == 0)
            return err_set(err, ERR_USAGE, "model",
                           "two models are named '%.200s': %.200s and %.200s; give one of them "
                           "another name (NAME=PATH)",
                           list[i].name, list[k < i ? k : i].path, list[k < i ? i : k].path);
    return true;
}

static bool check_names(const struct models *models, struct err *err)
{
    bool done = true;
    for (size_t i = 0; i < models->n && done; i++)
        done = models_check_name(models, i, i, err);
    return done;
}

/* ---- aliases ---- */

static bool add_alias(struct models *models, const char *line, size_t bytes, struct err *err)
{
    struct model_alias alias = {strndup(line, bytes), strdup(line + bytes + 1)};
    if (alias.name && alias.target &&
        grow_list(&models->aliases, &models->aliases_cap, models->n_aliases + 1,
                  sizeof *models->aliases)) {
        models->aliases[models->n_aliases++] = alias;
        return true;
    }
    free(alias.name);
    free(alias.target);
    return no_memory(err);
}

static bool take_alias(void *user, const char *line, struct err *err)
{
    struct models *models = user;
    const char *equals = strchr(line, '=');
    if (!equals || equals == line || !equals[1])
        return err_set(err, ERR_USAGE, "alias", "alias must be ALIAS=NAME, not '%.*s'",
                       ERR_VALUE_BYTES, line);
    const size_t bytes = (size_t)(equals - line);
    for (size_t i = 0; i < models->n_aliases; i++)
        if (strlen(models->aliases[i].name) == bytes &&
            memcmp(models->aliases[i].name, line, bytes) == 0)
            return err_set(err, ERR_USAGE, "alias",
                           "'%.200s' is served already; give the alias another name",
                           models->aliases[i].name);
    return add_alias(models, line, bytes, err);
}

/* ---- all of it ---- */

static bool read_options(struct models *models, const struct config *config, struct err *err)
{
    const int n = asprintf(&models->options, "%s %d %" PRIu64 " %d %s", config->tensor,
                           config->compat, config->limit, config->strict, config->heads);
    if (n < 0) models->options = NULL;
    return n >= 0 || no_memory(err);
}

struct adding {
    struct models *models;
    struct err *err;
};

static bool add_trained(void *user, const char *path, const char *name)
{
    const struct adding *adding = user;
    struct models *models = adding->models;
    char *copy = strdup(name), *path_copy = strdup(path);
    if (!copy || !path_copy ||
        !grow_list(&models->list, &models->cap, models->n + 1, sizeof *models->list)) {
        free(copy);
        free(path_copy);
        return no_memory(adding->err);
    }
    models->list[models->n++] = (struct model_source){
        .name = copy, .path = path_copy, .is_named = true, .is_trained = true};
    return true;
}

static bool read_trained(struct models *models, const struct config *config, struct err *err)
{
    struct adding adding = {models, err};
    return !config_is_set(config->data_dir) ||
           finetune_each_model(config->data_dir, add_trained, &adding);
}

/* Those that were not trained here are kept, with what is known of their files. */
static bool keep_others(struct models *models, const struct models *before, struct err *err)
{
    for (size_t i = 0; i < before->n; i++) {
        const struct model_source *old = &before->list[i];
        if (old->is_trained) continue;
        if (!grow_list(&models->list, &models->cap, models->n + 1, sizeof *models->list))
            return no_memory(err);
        struct model_source *source = &models->list[models->n++];
        *source = *old;
        source->name = strdup(old->name);
        source->path = strdup(old->path);
        if (!source->name || !source->path) return no_memory(err);
    }
    return true;
}

bool models_read_trained(struct models *models, const struct models *before,
                         const struct config *config, struct err *err)
{
    *models = (struct models){.options = strdup(before->options)};
    return (models->options || no_memory(err)) && keep_others(models, before, err) &&
           read_trained(models, config, err);
}

static bool read_sources(struct models *models, const struct config *config, struct err *err)
{
    const bool has_folder = config_is_set(config->models);
    const bool is_listed = !has_folder || config->origins[CONFIG_model] != CONFIG_DEFAULT;
    return (!is_listed || each_line(config->model, models, take_model, err)) &&
           (!has_folder || (watch_mount(models, config->models, err) &&
                            watch_link(models, config->models, "*/" CURRENT, err) &&
                            read_folder(models, config->models, err))) &&
           check_names(models, err);
}

/* A configuration that is mounted is swapped by a link, too. */
static bool watch_config(struct models *models, const struct config *config, struct err *err)
{
    const char *slash = config->file ? strrchr(config->file, '/') : NULL;
    if (!config->file) return true;
    char *folder = strndup(config->file, slash ? (size_t)(slash - config->file) : 0);
    const bool done = folder ? watch_mount(models, folder, err) : no_memory(err);
    free(folder);
    return done;
}

struct watching {
    struct models *models;
    struct err *err;
};

static bool take_link(void *user, const char *link)
{
    const struct watching *watching = user;
    return watch_link(watching->models, "", link, watching->err);
}

/* What is read anew beside the models: keys and certificates, by whatever links they are swapped;
   the file itself may become one. */
static bool watch_files(struct models *models, const struct config *config, struct err *err)
{
    const char *const files[] = {config->api_keys, config->tls_cert, config->tls_key,
                                 config->tls_client_ca};
    struct watching watching = {models, err};
    bool done = true;
    for (size_t i = 0; i < sizeof files / sizeof *files && done; i++)
        done = !config_is_set(files[i]) || (watch_link(models, "", files[i], err) &&
                                            links_on_path(files[i], take_link, &watching));
    return done;
}

bool models_read(struct models *models, const struct config *config, struct err *err)
{
    *models = (struct models){.links_hash = LINKS_START};
    if (!read_options(models, config, err) || !read_sources(models, config, err) ||
        !watch_config(models, config, err) || !watch_files(models, config, err))
        return false;
    if (models->n == 0)
        return err_set(err, ERR_USAGE, "model", "model names no model; give a PATH or NAME=PATH");
    if (models->n > 1 && config_is_set(config->heads))
        return err_set(err, ERR_USAGE, "heads",
                       "heads are served beside one model, and there are %zu; put each model's "
                       "heads into its own folder heads",
                       models->n);
    return read_trained(models, config, err) &&
           (!config_is_set(config->alias) || each_line(config->alias, models, take_alias, err));
}

void models_paths(void *user, void (*take)(void *to, const char *path), void *to)
{
    const struct models *models = user;
    for (size_t i = 0; i < models->n; i++)
        take(to, models->list[i].path);
}

void models_clear(struct models *models)
{
    for (size_t i = 0; i < models->n; i++) {
        free(models->list[i].name);
        free(models->list[i].path);
    }
    for (size_t i = 0; i < models->n_aliases; i++) {
        free(models->aliases[i].name);
        free(models->aliases[i].target);
    }
    for (size_t i = 0; i < models->n_links; i++)
        free(models->links[i]);
    free(models->list);
    free(models->aliases);
    free(models->links);
    free(models->options);
    *models = (struct models){0};
}
