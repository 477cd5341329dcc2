/* SPDX-License-Identifier: Apache-2.0 */
/* Files and trainings of clients (finetune/finetune.h): what the service does for them. */
#include "server/serve.h"
#include "server/serve_parts.h"

#include "finetune/finetune.h"
#include "finetune/launcher.h"
#include "model/bundle/compat.h"

#include <string.h>

#define CONFINE_OFF 1

bool server_start_launcher(struct server *server, struct err *err)
{
    const struct config *config = config_now(server);
    const struct launcher_settings settings = {
        .folder = config->data_dir,
        .memory_bytes = config->training_memory,
        .threads = config->training_threads,
        .is_confined = config->confine != CONFINE_OFF,
        .tensor = strcmp(config->tensor, "auto") == 0 ? NULL : config->tensor,
        .compat = config->compat == 0 ? NULL : compat_names[config->compat - 1],
        .limit = (uint64_t)config->limit,
    };
    server->launcher = -1;
    if (!config_is_set(config->data_dir)) return true;
    if (!finetune_make_folders(config->data_dir, err)) return false;
    server->launcher = launcher_start(&settings, err);
    return server->launcher >= 0;
}

bool server_open_data(struct server *server, struct err *err)
{
    const struct config *config = config_now(server);
    const struct finetune_limits limits = {
        .file_bytes = config->max_file_bytes,
        .files = config->max_files,
        .jobs = config->max_jobs,
        .data_bytes = config->max_data_bytes,
    };
    if (server->launcher < 0) return true;
    server->finetune = finetune_new(config->data_dir, &limits, server->launcher, err);
    return server->finetune;
}

static bool serve_trained(void *user, struct err *err)
{
    struct server *server = user;
    return reload_run(&server->reload, &server->trained, err);
}

static void on_end(void *user)
{
    struct server *server = user;
    uv_async_send(&server->ended);
}

bool server_start_jobs(struct server *server)
{
    const struct finetune_host host = {.serve = serve_trained, .end = on_end, .user = server};
    return !server->finetune || finetune_start(server->finetune, &host);
}

void server_stop_jobs(struct server *server)
{
    if (server->finetune) finetune_stop(server->finetune);
}

bool server_has_jobs(struct server *server)
{
    return server->finetune && finetune_is_busy(server->finetune);
}
