/* SPDX-License-Identifier: Apache-2.0 */
/* What is read anew while requests are answered, and the files that are watched for that. */
#include "server/serve.h"
#include "server/serve_parts.h"

#include "base/log.h"
#include "handlers/keys.h"
#include "handlers/metrics.h"
#include "handlers/serving.h"
#include "model/model.h"
#include "model/registry.h"
#include "server/notify.h"
#include "server/tls.h"

#include <stdlib.h>

/* ---- models ---- */

static void *attach_model(void *user, const char *name, const struct model *model, struct err *err)
{
    struct server *server = user;
    const struct model_info *info = model_info(model);
    const struct heads *heads = model_heads(model);
    struct metrics_head *list = calloc(heads->n + 1, sizeof *list);
    for (size_t i = 0; list && i < heads->n; i++) {
        const struct head_info *head = head_info(heads->items[i]);
        list[i] = (struct metrics_head){head->name, head->labels, head->n_labels};
    }
    const struct metrics_model about = {
        .model = name,
        .version = info->version,
        .dtype = info->dtype,
        .tokenizer = info->tokenizer,
        .vocab_size = info->vocab_size,
        .dim = info->dim,
        .heads = list,
        .n_heads = heads->n,
    };
    void *served = list ? metrics_serve(server->metrics, &about) : NULL;
    free(list);
    if (!served) err_set(err, ERR_MEMORY, NULL, "no memory to count what '%.200s' does", name);
    return served;
}

/* ---- the links behind which they lie ---- */

/* For the main thread, which watches them. */
static void note_links(struct server *server)
{
    size_t n;
    uint64_t known;
    char **links = server->models->links(server->models->user, &n, &known);
    if (!links) return;
    uv_mutex_lock(&server->links_mutex);
    for (size_t i = 0; i < server->n_links; i++)
        free(server->links[i]);
    free(server->links);
    server->links = links;
    server->n_links = n;
    server->links_known = known;
    uv_mutex_unlock(&server->links_mutex);
}

bool server_open_models(struct server *server, struct model_changes *changes, struct err *err)
{
    const bool is_done = server->models->open(server->models->user, config_now(server),
                                              server->registry, attach_model, server, changes, err);
    note_links(server);
    return is_done;
}

void server_watch_links(struct server *server)
{
    uv_mutex_lock(&server->links_mutex);
    char **links = server->links;
    const size_t n = server->n_links;
    const uint64_t known = server->links_known;
    server->links = NULL;
    server->n_links = 0;
    uv_mutex_unlock(&server->links_mutex);
    if (links) watch_set(&server->watch, links, n, known);
    watch_every(&server->watch, config_now(server)->watch_ms);
}

/* ---- the parts ---- */

static void unserve_removed(struct server *server, const struct model_changes *changes)
{
    for (size_t i = 0; i < changes->n; i++)
        if (changes->list[i].fate == MODEL_REMOVED)
            metrics_unserve(server->metrics, changes->list[i].name);
}

static bool reload_models(void *user, struct err *err)
{
    struct server *server = user;
    struct model_changes *changes = &server->reload.models;
    const bool is_done = server_open_models(server, changes, err);
    unserve_removed(server, changes);
    return is_done;
}

static bool reload_trained(void *user, struct err *err)
{
    struct server *server = user;
    struct model_changes changes = {0};
    const bool is_done =
        server->models->open_trained(server->models->user, config_now(server), server->registry,
                                     attach_model, server, &changes, err);
    unserve_removed(server, &changes);
    model_changes_clear(&changes);
    return is_done;
}

static bool reload_certificates(void *tls, struct err *err)
{
    return tls_reload(tls, err);
}

static bool reload_keys(void *keys, struct err *err)
{
    return keys_reload(keys, err);
}

/* In this order; each takes what it can (reload.h). */
static size_t list_parts(struct server *server)
{
    size_t n = 0;
    server->trained = (struct reload_part){"trained models", reload_trained, server};
    server->parts[n++] = (struct reload_part){"options", options_reload, &server->options};
    server->parts[n++] = (struct reload_part){"models", reload_models, server};
    if (server->tls)
        server->parts[n++] = (struct reload_part){"certificates", reload_certificates, server->tls};
    if (server->keys) server->parts[n++] = (struct reload_part){"keys", reload_keys, server->keys};
    return n;
}

/* ---- when ---- */

/* What an operator asks for; beside the workers. */
bool server_reload_for_request(void *user, struct reload_report *report, struct err *err)
{
    struct server *server = user;
    if (atomic_load(&server->is_draining))
        return err_set(err, ERR_UNAVAILABLE, NULL, "the server is stopping: nothing is reloaded");
    log_info("POST /admin/reload: reloading");
    return reload_now(&server->reload, report, err);
}

/* After a reload, and whenever an old model can be closed. */
static void on_reload_end(void *user)
{
    struct server *server = user;
    registry_collect(server->registry);
    if (!atomic_load(&server->is_draining)) {
        notify_ready();
        server_watch_links(server);
    }
    server_end_if_over(server);
}

/* Beside the workers. */
static void on_look(void *user)
{
    const struct server *server = user;
    serving_look(server->registry);
}

static void on_links_changed(void *user)
{
    struct server *server = user;
    if (atomic_load(&server->is_draining)) return;
    log_info("a watched link leads elsewhere: reloading");
    reload_start(&server->reload);
}

/* On any thread. */
static void on_model_retired(void *user)
{
    struct server *server = user;
    reload_wake(&server->reload);
}

bool server_init_reloads(struct server *server)
{
    watch_init(&server->watch, &server->uv, on_look, on_links_changed, server);
    if (!reload_init(&server->reload, &server->uv, server->parts, list_parts(server),
                     server->metrics, on_reload_end, server)) {
        watch_end(&server->watch);
        return false;
    }
    registry_watch(server->registry, on_model_retired, server);
    return true;
}
