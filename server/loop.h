/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file loop.h
 * A thread with a libuv loop that drives one http (server/http.h).
 *
 * Functions are for the main thread, which deals sockets out and ends the loops.
 */
#pragma once

#include "handlers/service.h"
#include "server/http.h"

#include <stdbool.h>
#include <stddef.h>

struct loop;

/**
 * loop_start starts the thread. `http` says how it answers; its loop, wake, on_gone and user are
 * filled in here. `on_end` is called on the loop's thread when it has drained.
 * @return NULL when there is no memory, thread or descriptor for it
 */
struct loop *loop_start(size_t number, const struct http_settings *http, void (*on_end)(void *user),
                        void *user);

/** loop_give hands over an accepted socket. */
void loop_give(struct loop *loop, const struct arrival *arrival);

/** loop_connections: how many sockets the loop was given that have not ended yet. */
size_t loop_connections(const struct loop *loop);

/** loop_drain: what is idle ends after drain_idle_ns, what is under way is finished, then the loop
 * ends. */
void loop_drain(struct loop *loop);

/** loop_cut: as loop_drain, but everything ends now. */
void loop_cut(struct loop *loop);

/** loop_join waits for the thread and frees the loop; NULL is fine. Returns how many requests and
 * replies were cut off. */
size_t loop_join(struct loop *loop);
