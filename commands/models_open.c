/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/models_open.h"

#include "base/clock.h"
#include "base/grow.h"
#include "base/guard.h"
#include "base/json.h"
#include "base/log.h"
#include "commands/commands.h"
#include "model/bundle/bundle.h"
#include "model/changes.h"
#include "model/model.h"
#include "model/registry.h"
#include "model/self_test.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What becomes of a name whose model or alias was refused. */
enum standing { AS_BEFORE, NOT_SERVED, OUT_OF_SERVICE, STANDINGS };

/* One opening of all of them. */
struct opening {
    const struct config *config;
    struct registry *registry;
    models_attach *attach;
    void *to;
    const struct models *before; /* what is served */
    struct models *next;         /* what is going to be */
    struct model_changes *changes;
    size_t n_failed, n_left[STANDINGS];
    bool keeps_all; /* one was refused whose name nobody knows: it may stand for any */
};

/* ---- one model ---- */

static void warn_of_files(void *nobody, const char *sentence)
{
    (void)nobody;
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

/* One that was trained here says itself all that options say of others. */
static bool open_files(const struct config *config, const struct model_source *source,
                       struct model **out, struct err *err)
{
    const bool is_given = !source->is_trained;
    const struct model_options options = {
        .tensor = is_given && strcmp(config->tensor, "auto") != 0 ? config->tensor : NULL,
        .compat = is_given ? (int)config->compat - 1 : -1, /* the first choice is auto */
        .is_strict = config->strict,
        .limit = is_given ? (uint64_t)config->limit : 0,
        .warn = warn_of_files,
    };
    if (!model_open_as(out, source->path, &options, err)) return false;
    warn_of_head(*out);
    tell_of_config(*out);
    if (!is_given || !config_is_set(config->heads) || model_add_heads(*out, config->heads, err))
        return true;
    model_close(*out);
    return false;
}

/* Zeros where it cannot be told. */
static struct stamp stamp_of(const struct opening *opening, const struct model_source *source)
{
    const char *heads = opening->config->heads;
    struct stamp stamp = {0};
    if (stamp_add(&stamp, source->path) && (!config_is_set(heads) || stamp_add(&stamp, heads)))
        return stamp;
    return (struct stamp){0};
}

static bool has_changed(const struct stamp *before, const struct stamp *now)
{
    return (before->sum || before->more) && !stamp_is_same(before, now);
}

/* Somebody may be putting other files there: then once more. */
#define TRIES 2

static bool open_source(const struct opening *opening, struct model_source *source,
                        struct model **out, struct err *err)
{
    struct stamp after;
    for (size_t i = 0; i < TRIES; i++) {
        source->stamp = stamp_of(opening, source);
        const bool done = open_files(opening->config, source, out, err);
        after = stamp_of(opening, source);
        if (!has_changed(&source->stamp, &after)) return done;
        if (done) model_close(*out);
        if (!done && i == TRIES - 1) return false;
    }
    return err_set(err, ERR_IO, "model",
                   "%.300s: its files changed while they were opened; put a new model in place by "
                   "renaming its folder",
                   source->path);
}

/* A name that it was not given stays what it called itself at first. */
static bool set_name(struct models *models, struct model_source *source, const struct model *model,
                     struct err *err)
{
    if (source->name) return true;
    source->name = strdup(model_info(model)->name);
    return source->name ? models_check_name(models, (size_t)(source - models->list), models->n, err)
                        : err_set(err, ERR_MEMORY, NULL, "no memory for the name of a model");
}

/* What reads a model's files for the first time. */
struct first_reading {
    const struct opening *opening;
    struct model_source *source;
    struct model *model;
    struct err *err;
    bool is_done;
};

static bool fail_unreadable(const struct model_source *source, struct err *err)
{
    return err_set(err, ERR_IO, "model",
                   "%.300s: a file of it was cut short while it was read, or its disk fails; put a "
                   "whole one in place by renaming",
                   source->path);
}

static void read_first(void *user)
{
    struct first_reading *reading = user;
    struct model *model = NULL;
    if (!open_source(reading->opening, reading->source, &model, reading->err)) return;
    reading->is_done = (model_warm(model) || fail_unreadable(reading->source, reading->err)) &&
                       model_self_test(model, reading->err);
    if (reading->is_done)
        reading->model = model;
    else
        model_close(model);
}

/* A file that is cut while it is read leaves what was made of it so far: nobody knows how much, and
   it is lost. That is memory and mappings of one model, once for each such accident. */
static bool read_source(const struct opening *opening, struct model_source *source,
                        struct model **out, struct err *err)
{
    struct first_reading reading = {.opening = opening, .source = source, .err = err};
    const bool is_read = guard_run(read_first, &reading);
    *out = reading.model;
    return is_read ? reading.is_done : fail_unreadable(source, err);
}

static bool serve_source(struct opening *opening, struct model_source *source, struct err *err)
{
    struct model *model;
    if (!read_source(opening, source, &model, err)) return false;
    void *attached = NULL;
    if (set_name(opening->next, source, model, err) &&
        (attached = opening->attach(opening->to, source->name, model, err)) &&
        registry_put(opening->registry, source->name, model, attached, err))
        return true;
    free(attached);
    model_close(model);
    return false;
}

/* ---- what became of it ---- */

static uint64_t number_of(const struct opening *opening, const char *name, char *version,
                          size_t bytes)
{
    const struct snapshot *snapshot =
        name ? registry_borrow(opening->registry, name, strlen(name)) : NULL;
    const uint64_t number = snapshot ? snapshot->number : 0;
    snprintf(version, bytes, "%s", snapshot ? model_info(snapshot->model)->version : "");
    registry_give_back(opening->registry, snapshot);
    return number;
}

static void note(struct opening *opening, const struct model_change *change)
{
    if (change->fate == MODEL_FAILED) opening->n_failed++;
    if (opening->changes) model_changes_add(opening->changes, change);
}

static bool is_broken(const struct opening *opening, const char *name)
{
    const struct snapshot *snapshot =
        name ? registry_borrow(opening->registry, name, strlen(name)) : NULL;
    const bool is_it = snapshot && snapshot_is_broken(snapshot);
    registry_give_back(opening->registry, snapshot);
    return is_it;
}

static void tell_of_failure(struct opening *opening, const struct model_change *change)
{
    static const char *const words[STANDINGS] = {
        [AS_BEFORE] = "it is served as it was",
        [NOT_SERVED] = "it is not served",
        [OUT_OF_SERVICE] = "it stays out of service",
    };
    const enum standing then = !change->number                    ? NOT_SERVED
                               : is_broken(opening, change->name) ? OUT_OF_SERVICE
                                                                  : AS_BEFORE;
    opening->n_left[then]++;
    log_error("reload: '%s': %s; %s", change->name, change->error, words[then]);
}

static void tell_of_change(const struct model_change *change)
{
    const double ms = (double)change->duration_ns / 1e6;
    if (change->fate == MODEL_UNCHANGED)
        log_debug("model '%s': unchanged, serial number %" PRIu64, change->name, change->number);
    else if (change->fate == MODEL_REMOVED)
        log_info("model '%s': removed, serial number %" PRIu64, change->name, change->old_number);
    else if (change->fate == MODEL_ADDED)
        log_info("model '%s': added, version '%s', serial number %" PRIu64 ", %.1f ms",
                 change->name, change->version, change->number, ms);
    else
        log_info("model '%s': %s, version '%s', serial number %" PRIu64 " instead of %" PRIu64
                 ", %.1f ms",
                 change->name, model_fate_names[change->fate], change->version, change->number,
                 change->old_number, ms);
}

/* ---- again ---- */

static bool is_named(const struct model_source *source, const char *name)
{
    return source->name && strcmp(source->name, name) == 0;
}

/* What is served under the name of `source`, which stands at about `near`; of one without a name:
   what was opened from its path. */
static const struct model_source *find_before(const struct models *before,
                                              const struct model_source *source, size_t near)
{
    for (size_t i = 0; i < before->n; i++) {
        const struct model_source *old = &before->list[(near + i) % before->n];
        const bool is_it = source->name ? is_named(old, source->name)
                                        : !old->is_named && strcmp(old->path, source->path) == 0;
        if (is_it) return old;
    }
    return NULL;
}

static bool is_unchanged(const struct opening *opening, const struct model_source *source,
                         const struct model_source *old)
{
    if (!old || strcmp(old->path, source->path) != 0 || is_broken(opening, old->name) ||
        strcmp(opening->before->options, opening->next->options) != 0)
        return false;
    const struct stamp now = stamp_of(opening, source);
    return stamp_is_same(&now, &old->stamp);
}

static void refuse_source(struct opening *opening, struct model_source *source,
                          struct model_change *change, struct err *err)
{
    commands_name_flags(err->message);
    source->stamp = (struct stamp){0}; /* the next time it is tried again */
    source->is_served = change->old_number;
    opening->keeps_all |= !source->name;
    change->fate = MODEL_FAILED;
    change->name = source->name ? source->name : source->path;
    change->error = err->message;
}

static void renew_source(struct opening *opening, size_t at)
{
    struct model_source *source = &opening->next->list[at];
    const struct model_source *old = find_before(opening->before, source, at);
    struct model_change change = {.fate = MODEL_UNCHANGED};
    char version[200];
    struct err err;
    const uint64_t start_ns = clock_now_ns();
    if (old && !source->name) source->name = strdup(old->name);
    const bool is_same = is_unchanged(opening, source, old);
    change.old_number = number_of(opening, source->name, version, sizeof version);
    if (is_same) source->stamp = old->stamp;
    if (is_same || serve_source(opening, source, &err)) {
        if (!is_same) change.fate = change.old_number ? MODEL_RELOADED : MODEL_ADDED;
        source->is_served = true;
        change.name = source->name;
    } else
        refuse_source(opening, source, &change, &err);
    change.number = number_of(opening, source->name, version, sizeof version);
    change.version = version;
    change.duration_ns = clock_now_ns() - start_ns;
    if (change.fate == MODEL_FAILED)
        tell_of_failure(opening, &change);
    else
        tell_of_change(&change);
    note(opening, &change);
}

/* ---- those that are gone ---- */

static bool keep_source(struct models *models, const struct model_source *old)
{
    struct model_source source = *old;
    source.name = strdup(old->name);
    source.path = strdup(old->path);
    source.stamp = (struct stamp){0};
    if (source.name && source.path &&
        grow_list(&models->list, &models->cap, models->n + 1, sizeof *models->list)) {
        models->list[models->n++] = source;
        return true;
    }
    free(source.name);
    free(source.path);
    return false;
}

static void remove_source(struct opening *opening, const struct model_source *old)
{
    struct err err;
    char version[200];
    struct model_change change = {.fate = MODEL_REMOVED, .name = old->name};
    change.old_number = number_of(opening, old->name, version, sizeof version);
    if (opening->keeps_all || !registry_remove(opening->registry, old->name, &err)) {
        keep_source(opening->next, old);
        return;
    }
    tell_of_change(&change);
    note(opening, &change);
}

static void remove_gone(struct opening *opening)
{
    const struct models *before = opening->before;
    for (size_t i = 0; i < before->n; i++)
        if (!find_before(opening->next, &before->list[i], i))
            remove_source(opening, &before->list[i]);
}

/* Those that are not served are none of what is. */
static void drop_unserved(struct models *models)
{
    size_t kept = 0;
    for (size_t i = 0; i < models->n; i++) {
        struct model_source *source = &models->list[i];
        if (source->is_served)
            models->list[kept++] = *source;
        else {
            free(source->name);
            free(source->path);
        }
    }
    models->n = kept;
}

/* ---- aliases ---- */

static bool has_alias(const struct models *models, const char *name)
{
    for (size_t i = 0; i < models->n_aliases; i++)
        if (strcmp(models->aliases[i].name, name) == 0) return true;
    return false;
}

/* Their names may be those of models now. */
static void drop_aliases(const struct opening *opening)
{
    size_t n;
    struct err err;
    char **names = registry_aliases(opening->registry, &n);
    for (size_t i = 0; names && i < n; i++) {
        if (!has_alias(opening->next, names[i]) &&
            registry_remove(opening->registry, names[i], &err))
            log_info("alias '%s': removed", names[i]);
        free(names[i]);
    }
    free(names);
}

/* `is_last`: what cannot be one is told, and is none any more. */
static void point_aliases(struct opening *opening, bool is_last)
{
    for (size_t i = 0; i < opening->next->n_aliases; i++) {
        struct model_alias *alias = &opening->next->aliases[i];
        struct err err;
        if (registry_move_alias(opening->registry, alias->name, alias->target, &err) || !is_last)
            continue;
        char version[200];
        commands_name_flags(err.message);
        const struct model_change change = {
            .fate = MODEL_FAILED,
            .name = alias->name,
            .error = err.message,
            .number = number_of(opening, alias->name, version, sizeof version)};
        tell_of_failure(opening, &change);
        note(opening, &change);
    }
}

/* ---- all of them ---- */

static void arrange(const struct opening *opening)
{
    const struct models *next = opening->next;
    const char **names = malloc((next->n + 1) * sizeof *names);
    for (size_t i = 0; names && i < next->n; i++)
        names[i] = next->list[i].name;
    if (names) registry_arrange(opening->registry, names, next->n);
    free(names);
}

static bool tell_of_all(const struct opening *opening, struct err *err)
{
    size_t n[MODEL_FATES] = {0};
    for (size_t i = 0; opening->changes && i < opening->changes->n; i++)
        n[opening->changes->list[i].fate]++;
    log_info("reloaded the models: %zu added, %zu reloaded, %zu unchanged, %zu removed, %zu failed",
             n[MODEL_ADDED], n[MODEL_RELOADED], n[MODEL_UNCHANGED], n[MODEL_REMOVED],
             opening->n_failed);
    return opening->n_failed == 0 ||
           err_set(err, ERR_FORMAT, "model",
                   "%zu %s refused (served as before: %zu, not served: %zu, still out of service: "
                   "%zu); the log names each",
                   opening->n_failed,
                   opening->n_failed == 1 ? "model or alias was" : "models and aliases were",
                   opening->n_left[AS_BEFORE], opening->n_left[NOT_SERVED],
                   opening->n_left[OUT_OF_SERVICE]);
}

static bool renew(struct opening *opening, struct err *err)
{
    drop_aliases(opening);
    for (size_t i = 0; i < opening->next->n; i++)
        renew_source(opening, i);
    drop_unserved(opening->next);
    opening->keeps_all |= opening->next->n == 0;
    point_aliases(opening, false); /* before what they stood for is gone */
    remove_gone(opening);
    point_aliases(opening, true);
    arrange(opening);
    return tell_of_all(opening, err);
}

static bool open_first(struct opening *opening, struct err *err)
{
    struct models *models = opening->next;
    bool done = true;
    for (size_t i = 0; i < models->n && done; i++) {
        struct model_source *source = &models->list[i];
        done = source->is_served = serve_source(opening, source, err);
        if (done || !source->is_trained) continue;
        /* Nobody named it: it keeps no other from being served. */
        log_error("model '%s' is not served: %s", source->name, err->message);
        done = true;
    }
    drop_unserved(models);
    for (size_t i = 0; i < models->n_aliases && done; i++)
        done = registry_alias(opening->registry, models->aliases[i].name, models->aliases[i].target,
                              err);
    return done;
}

bool models_open(void *user, const struct config *config, struct registry *registry,
                 models_attach *attach, void *to, struct model_changes *changes, struct err *err)
{
    struct models *models = user, next;
    struct opening opening = {.config = config,
                              .registry = registry,
                              .attach = attach,
                              .to = to,
                              .before = models,
                              .next = &next,
                              .changes = changes};
    bool done = models_read(&next, config, err), is_taken = done;
    if (done && models->is_open)
        done = renew(&opening, err);
    else if (done)
        is_taken = done = open_first(&opening, err);
    if (!is_taken) {
        models_clear(&next);
        return false;
    }
    models_clear(models);
    *models = next;
    models->is_open = true;
    return done;
}

/* ---- those that were trained here ---- */

static bool renew_trained(struct opening *opening, struct err *err)
{
    for (size_t i = 0; i < opening->next->n; i++)
        if (opening->next->list[i].is_trained) renew_source(opening, i);
    drop_unserved(opening->next);
    remove_gone(opening);
    arrange(opening);
    return opening->n_failed == 0 || tell_of_all(opening, err);
}

bool models_open_trained(void *user, const struct config *config, struct registry *registry,
                         models_attach *attach, void *to, struct model_changes *changes,
                         struct err *err)
{
    struct models *models = user, next;
    struct opening opening = {.config = config,
                              .registry = registry,
                              .attach = attach,
                              .to = to,
                              .before = models,
                              .next = &next,
                              .changes = changes};
    if (!models_read_trained(&next, models, config, err)) {
        models_clear(&next);
        return false;
    }
    const bool done = renew_trained(&opening, err);
    /* All but the list stays as it was. */
    const struct models list = {.list = models->list, .n = models->n, .cap = models->cap};
    models->list = next.list;
    models->n = next.n;
    models->cap = next.cap;
    next.list = list.list;
    next.n = list.n;
    next.cap = list.cap;
    models_clear(&next);
    return done;
}
