/* SPDX-License-Identifier: Apache-2.0 */
#include "handlers/serving.h"

#include "base/log.h"
#include "handlers/route.h"
#include "handlers/service.h"
#include "handlers/value.h"
#include "model/model.h"
#include "model/registry.h"

static void take(struct exchange *x, const struct snapshot *snapshot)
{
    serving_end(x);
    x->snapshot = snapshot;
    x->model = snapshot->model;
    x->sample.served = x->route && x->route->is_heavy ? snapshot->attached : NULL;
}

void serving_begin(struct exchange *x)
{
    take(x, registry_borrow_default(x->service->registry));
}

static bool is_named(const struct snapshot *snapshot, struct text name)
{
    return strlen(snapshot->name) == name.bytes &&
           memcmp(snapshot->name, name.data, name.bytes) == 0;
}

static bool is_of_finetune(const struct exchange *x, struct text name)
{
    const size_t bytes = strlen(REGISTRY_TRAINED);
    return x->service->finetune && name.bytes >= bytes &&
           memcmp(name.data, REGISTRY_TRAINED, bytes) == 0;
}

bool serving_choose(struct exchange *x, struct text name, struct err *err)
{
    struct registry *registry = x->service->registry;
    if (is_named(x->snapshot, name)) return true;
    const struct snapshot *found = registry_borrow(registry, name.data, name.bytes);
    /* By an alias, and perhaps a newer one. Snapshots of one name have the very same text. */
    if (found && found->name == x->snapshot->name) {
        registry_give_back(registry, found);
        return true;
    }
    if (found) {
        take(x, found);
        return true;
    }
    /* Who asks for a model that was trained here wants no other. */
    const bool takes_any = registry_takes_any_name(registry) && !is_of_finetune(x, name);
    if (takes_any && !x->service->strict_model) return true;
    x->sample.served = NULL; /* nobody's request */
    const int shown = text_quoted(name);
    if (takes_any)
        return err_set(err, ERR_NOT_FOUND, "model",
                       "model \"%.*s\" is not served here; send \"%s\", or start without "
                       "strict-model",
                       shown, name.data, x->snapshot->name);
    return err_set(err, ERR_NOT_FOUND, "model",
                   "model \"%.*s\" is not served here; GET /v1/models lists those that are", shown,
                   name.data);
}

bool serving_check(struct exchange *x, struct err *err)
{
    if (!snapshot_is_broken(x->snapshot)) return true;
    x->sample.reject = REJECT_MODEL_UNREADABLE;
    return err_set(err, ERR_UNAVAILABLE, NULL,
                   "model '%s' can no longer be read: its file was cut short or its disk fails; it "
                   "is served again after a reload",
                   x->snapshot->name);
}

static void fail(struct registry *registry, const struct snapshot *snapshot)
{
    if (!registry_fail(registry, snapshot)) return;
    log_error("model '%s' can no longer be read: its file was cut short or its disk fails; it is "
              "taken out of service until its file is whole again and a reload opens it; put a "
              "model in place by renaming, do not write into its files",
              snapshot->name);
}

void serving_fail(struct exchange *x)
{
    fail(x->service->registry, x->snapshot);
}

static void look_at(struct registry *registry, const struct snapshot *snapshot)
{
    const char *path;
    const enum file_state state = model_look(snapshot->model, &path);
    if (state == FILE_CUT) fail(registry, snapshot);
    if (state != FILE_WRITTEN || !registry_note_written(registry, snapshot)) return;
    log_warn("model '%s': %s has changed in place since it was opened; if it was written into, "
             "answers may mix what it held with what it holds now, until a reload; put a model in "
             "place by renaming, do not write into its files",
             snapshot->name, path);
}

void serving_look(struct registry *registry)
{
    const struct snapshot *snapshot;
    for (size_t i = 0; (snapshot = registry_borrow_nth(registry, i)); i++) {
        if (!snapshot_is_broken(snapshot)) look_at(registry, snapshot);
        registry_give_back(registry, snapshot);
    }
}

bool serving_is_ready(const struct exchange *x)
{
    return !service_is_draining(x->service) && !snapshot_is_broken(x->snapshot);
}

void serving_write_models(const struct exchange *x, struct buf *out,
                          void (*write)(const struct exchange *x, const struct snapshot *snapshot,
                                        struct buf *out))
{
    struct registry *registry = x->service->registry;
    const struct snapshot *snapshot;
    for (size_t i = 0; (snapshot = registry_borrow_nth(registry, i)); i++) {
        if (i > 0) buf_add_char(out, ',');
        write(x, snapshot, out);
        registry_give_back(registry, snapshot);
    }
}

void serving_end(struct exchange *x)
{
    if (!x->snapshot) return;
    registry_give_back(x->service->registry, x->snapshot);
    x->snapshot = NULL;
    x->model = NULL;
}
