/* SPDX-License-Identifier: Apache-2.0 */
/* What the process gives up once it listens (base/confine.h). */
#include "server/serve.h"
#include "server/serve_parts.h"

#include "base/confine.h"
#include "base/log.h"

#include <stdlib.h>
#include <string.h>

static void may_read(void *confine, const char *path)
{
    confine_read(confine, path);
}

/* Calls confine_read for each line, which stay in `lines`. */
static void may_read_lines(struct confine *confine, char *lines)
{
    for (char *line; (line = strsep(&lines, "\n"));)
        if (*line && config_is_set(line)) confine_read(confine, line);
}

/* What the settings name is there, or is none of a file's. */
static void may_read_settings(struct confine *confine, const struct config *config)
{
    const char *const paths[] = {config->file,     config->heads,   config->models,
                                 config->tls_cert, config->tls_key, config->tls_client_ca,
                                 config->api_keys};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        if (paths[i] && config_is_set(paths[i])) confine_read(confine, paths[i]);
}

static void may_remove_sockets(struct confine *confine, const struct server *server)
{
    for (size_t i = 0; i < server->listeners.n; i++) {
        const char *path = server->listeners.items[i].socket.path;
        if (*path) confine_socket(confine, path);
    }
    if (server->handover.path) confine_socket(confine, server->handover.path);
}

/* Before there are threads, and after all is open that is opened once. */
bool server_give_up_rights(struct server *server, struct err *err)
{
    const struct config *config = config_now(server);
    struct confined *done = &server->confined;
    struct confine confine = {.has_secrets = server->tls || server->keys};
    char *lines = strdup(config->confine_read);
    server->models->paths(server->models->user, may_read, &confine);
    may_read_settings(&confine, config);
    may_remove_sockets(&confine, server);
    if (server->finetune) confine.writes = config->data_dir;
    if (lines)
        may_read_lines(&confine, lines);
    else
        confine.lacks_memory = true;
    const bool is_done = confine_process(&confine, done, err);
    free(lines);
    confine_clear(&confine);
    if (is_done && !done->has_seccomp)
        log_warn("confine: this kernel has no seccomp, so no system call is forbidden");
    if (is_done && done->landlock_abi == 0)
        log_info(
            "confine: this kernel has no Landlock, so files are protected by their modes alone");
    return is_done;
}
