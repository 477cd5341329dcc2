/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file serve.h
 * Runs the service: loops, listener, workers, signals, drain. The way into server/ for commands/.
 */
#pragma once

#include "base/err.h"
#include "config/config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct model;
struct model_changes;
struct registry;

/** serve_attach makes what a snapshot of that name and model needs here: the `attached` of
 * registry_put. Any thread. NULL with ERR_MEMORY. */
typedef void *serve_attach(void *server, const char *name, const struct model *model,
                           struct err *err);

/** Where the models come from. */
struct serve_models {
    /**
     * open has the registry hold the models that `config` names. First by serve_run, on the main
     * thread: all of them, one at least. Then at each reload, on another: those that are refused
     * stay as they are.
     * @param attach, server what every model is to be put there with
     * @param changes what became of each; NULL at first
     * @return false with err set: at first nothing is served; later, something was refused
     */
    bool (*open)(void *user, const struct config *config, struct registry *registry,
                 serve_attach *attach, void *server, struct model_changes *changes,
                 struct err *err);
    /** open_trained: the same of the models that were trained in the data folder alone (data-dir);
     * the others stay as they are. After `open`, and never beside it. */
    bool (*open_trained)(void *user, const struct config *config, struct registry *registry,
                         serve_attach *attach, void *server, struct model_changes *changes,
                         struct err *err);
    /** paths tells of the files and folders that the last `open` read; the pointers live until the
     * next. */
    void (*paths)(void *user, void (*take)(void *to, const char *path), void *to);
    /** links hands over (free) the paths of the symbolic links behind which the models of the last
     * opening lie, and the keys and certificates that the settings name, and where these led before
     * it (base/links.h). NULL: there are none, or they were handed over. On the thread that called
     * open. */
    char **(*links)(void *user, size_t *n, uint64_t *known);
    void *user;
};

/** serve_on_ready is called once for each listener when the service answers, those of `listen`
 * first, with "http://ADDRESS:PORT" or "unix:/PATH"; it may print that. */
typedef void serve_on_ready(const char *url, bool is_admin, void *user);

/**
 * serve_run opens the models, listens as `config` says and answers until SIGTERM or SIGINT has
 * drained it. Call once a process, from the main thread; it installs handlers of signals and
 * ignores SIGPIPE. SIGHUP reads the settings and opens the models anew, beside the work
 * (server/reload.h); a second SIGTERM or SIGINT leaves at once, with exit code 128 + its number.
 * Behaviour towards connections: docs/SERVER.md.
 * @return true after a complete drain (also when its deadline cut replies off: that is logged);
 *         false with what models->open says, ERR_USAGE (bad address) or ERR_IO (port taken, no
 *         permission)
 */
bool serve_run(const struct config *config, const struct serve_models *models,
               serve_on_ready *on_ready, void *user, struct err *err);

/** serve_libraries writes what the service runs on, "libmicrohttpd 0.9.75, libuv 1.44.2,
 * GnuTLS 3.7.9" (cut where `bytes` are too few). */
void serve_libraries(char *out, size_t bytes);
