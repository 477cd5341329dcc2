/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/models.h"

#include "base/grow.h"
#include "base/json.h"
#include "base/log.h"
#include "commands/commands.h"
#include "model/bundle/bundle.h"
#include "model/model.h"
#include "model/registry.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- which they are ---- */

static bool add_source(struct models *models, const char *name, size_t name_bytes, const char *path,
                       struct err *err)
{
    struct model_source source = {.path = strdup(path)};
    if (name) source.name = strndup(name, name_bytes);
    if (source.path && (source.name || !name) &&
        grow_to(&models->list, models->n + 1, sizeof *models->list)) {
        models->list[models->n++] = source;
        return true;
    }
    free(source.name);
    free(source.path);
    return err_set(err, ERR_MEMORY, NULL, "no memory for the list of models");
}

/* [NAME=]PATH. What there is under the whole text is a path, whatever its name. */
static bool add_item(struct models *models, const char *item, struct err *err)
{
    const char *equals = strchr(item, '=');
    if (!equals || access(item, F_OK) == 0) return add_source(models, NULL, 0, item, err);
    if (equals == item || !equals[1])
        return err_set(err, ERR_USAGE, "model", "model must be PATH or NAME=PATH, not '%.*s'",
                       ERR_VALUE_BYTES, item);
    return add_source(models, item, (size_t)(equals - item), equals + 1, err);
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
    if (stat(path, &info) != 0 ? bytes == 0 : S_ISDIR(info.st_mode)) bytes = strlen(file);
    const bool done = bytes == 0 || add_source(models, file, bytes, path, err);
    free(path);
    return done;
}

static bool read_folder(struct models *models, const char *folder, struct err *err)
{
    struct dirent **entries;
    const int n = scandir(folder, &entries, NULL, alphasort);
    const size_t n_before = models->n;
    if (n < 0)
        return err_set(err, ERR_IO, "models", "cannot read the folder %.400s: %s", folder,
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

/* Whether no other before `end` has the name of model `i`. */
static bool check_name(const struct models *models, size_t i, size_t end, struct err *err)
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
        done = check_name(models, i, i, err);
    return done;
}

bool models_read(struct models *models, const struct config *config, struct err *err)
{
    *models = (struct models){.config = config};
    const bool has_folder = strcmp(config->models, "none") != 0;
    const bool is_listed = !has_folder || config->origins[CONFIG_model] != CONFIG_DEFAULT;
    if ((is_listed && !each_line(config->model, models, take_model, err)) ||
        (has_folder && !read_folder(models, config->models, err)) || !check_names(models, err))
        return false;
    if (models->n == 0)
        return err_set(err, ERR_USAGE, "model", "model names no model; give a PATH or NAME=PATH");
    return models->n == 1 || strcmp(config->heads, "none") == 0 ||
           err_set(err, ERR_USAGE, "heads",
                   "heads are served beside one model, and there are %zu; put each model's heads "
                   "into its own folder heads",
                   models->n);
}

/* ---- opening them ---- */

static void warn_of_files(const char *sentence)
{
    char shown[COMMANDS_SENTENCE_BYTES];
    snprintf(shown, sizeof shown, "%s", sentence);
    commands_name_flags(shown);
    log_warn("%s", shown);
}

/* Such a model serves vectors all the same. */
static void warn_of_head(const struct model *model)
{
    struct err refused = model_heads(model)->refused;
    commands_name_flags(refused.message);
    if (refused.code != ERR_NONE) log_warn("served without its classifier: %s", refused.message);
}

static void tell_of_config(const struct model *model)
{
    const struct settings *settings = &model_bundle(model)->settings;
    const char *key;
    json_t *value;
    json_object_foreach(settings->passed_over, key, value)
    {
        log_info("config.json belongs to %s (it has %s), so its %s is ignored; add \"compat\": "
                 "\"embedd\" to it to make its keys count",
                 settings_owners[settings->owner], settings->mark, key);
    }
}

static bool open_source(const struct config *config, const struct model_source *source,
                        struct model **out, struct err *err)
{
    const struct model_options options = {
        .tensor = strcmp(config->tensor, "auto") == 0 ? NULL : config->tensor,
        .compat = (int)config->compat - 1, /* the first choice is auto */
        .is_strict = config->strict,
        .limit = (uint64_t)config->limit,
        .warn = warn_of_files,
    };
    if (!model_open_as(out, source->path, &options, err)) return false;
    warn_of_head(*out);
    tell_of_config(*out);
    if (strcmp(config->heads, "none") == 0 || model_add_heads(*out, config->heads, err))
        return true;
    model_close(*out);
    return false;
}

/* A name that it was not given stays what it called itself at first. */
static bool set_name(struct models *models, struct model_source *source, const struct model *model,
                     struct err *err)
{
    if (source->name) return true;
    source->name = strdup(model_info(model)->name);
    return source->name ? check_name(models, (size_t)(source - models->list), models->n, err)
                        : err_set(err, ERR_MEMORY, NULL, "no memory for the name of a model");
}

static bool serve_source(struct models *models, struct model_source *source,
                         struct registry *registry, models_attach *attach, void *to,
                         struct err *err)
{
    struct model *model;
    if (!open_source(models->config, source, &model, err)) return false;
    void *attached = NULL;
    if (set_name(models, source, model, err) && (attached = attach(to, source->name, model, err)) &&
        registry_put(registry, source->name, model, attached, err))
        return true;
    free(attached);
    model_close(model);
    return false;
}

static bool take_alias(void *user, const char *line, struct err *err)
{
    const char *equals = strchr(line, '=');
    char alias[REGISTRY_NAME_BYTES_MAX + 2];
    if (!equals || equals == line || !equals[1])
        return err_set(err, ERR_USAGE, "alias", "alias must be ALIAS=NAME, not '%.*s'",
                       ERR_VALUE_BYTES, line);
    /* One that is too long is refused by its length. */
    snprintf(alias, sizeof alias, "%.*s", (int)(equals - line), line);
    return registry_alias(user, alias, equals + 1, err);
}

bool models_open(void *user, struct registry *registry, models_attach *attach, void *to,
                 struct err *err)
{
    struct models *models = user;
    const char *aliases = models->config->alias;
    bool done = true;
    for (size_t i = 0; i < models->n; i++) {
        struct err why;
        if (serve_source(models, &models->list[i], registry, attach, to, &why)) continue;
        commands_name_flags(why.message);
        if (!done) log_error("reload: %s", err->message); /* the last one is the caller's to tell */
        *err = why;
        if (!models->is_open) return false;
        done = false;
    }
    if (models->is_open) return done;
    models->is_open = strcmp(aliases, "none") == 0 || each_line(aliases, registry, take_alias, err);
    return models->is_open;
}

void models_paths(void *user, void (*take)(void *to, const char *path), void *to)
{
    const struct models *models = user;
    const struct config *config = models->config;
    for (size_t i = 0; i < models->n; i++)
        take(to, models->list[i].path);
    if (strcmp(config->heads, "none") != 0) take(to, config->heads);
    if (config->file) take(to, config->file);
}

void models_clear(struct models *models)
{
    for (size_t i = 0; i < models->n; i++) {
        free(models->list[i].name);
        free(models->list[i].path);
    }
    free(models->list);
    *models = (struct models){0};
}
