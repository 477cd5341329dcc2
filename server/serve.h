/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file serve.h
 * Runs the service: loops, listener, workers, signals, drain. The way into server/ for commands/.
 */
#pragma once

#include "base/err.h"
#include "config/config.h"
#include "model/model.h"

#include <stdbool.h>
#include <stddef.h>

/**
 * serve_run listens as `config` says and answers until SIGTERM or SIGINT has drained it. Call once
 * a process, from the main thread; it installs the handlers of these two signals and ignores
 * SIGPIPE. A second signal leaves at once, with exit code 128 + its number. Behaviour towards
 * connections: docs/SERVER.md.
 * @param model    borrowed, open, outlives the call
 * @param on_ready called once when the service answers, with "http://ADDRESS:PORT"; may print it
 * @return true after a complete drain (also when its deadline cut replies off: that is logged);
 *         false with ERR_USAGE (bad address) or ERR_IO (port taken, no permission)
 */
bool serve_run(const struct config *config, const struct model *model,
               void (*on_ready)(const char *url, void *user), void *user, struct err *err);

/** serve_libraries writes what the service runs on, "libmicrohttpd 0.9.75, libuv 1.44.2" (cut where
 * `bytes` are too few). */
void serve_libraries(char *out, size_t bytes);
