/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file listener.h
 * The listening socket: opened as `listen` says, accepting on one uv loop, handing each socket on.
 *
 * Belongs to one thread, the one that runs the uv loop given to listener_start.
 */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

/** Takes an accepted socket, non-blocking and close-on-exec: the callee owns it from here on. */
typedef void listener_take(int fd, void *user);

struct listener {
    int fd; /* -1 = closed */
    char url[128];
    uv_poll_t poll;
    uv_timer_t pause; /* runs while the process has no file descriptor left for a connection */
    uint64_t quiet_until_ns; /* that it does need not be said again before */
    listener_take *take;
    void *user;
};

/**
 * listener_open binds and listens on `address`: "HOST:PORT", HOST an IPv4 address, an IPv6 address
 * in brackets, a name, or * for every address; port 0 lets the kernel pick. Never shares a port:
 * SO_REUSEPORT is not set, so a port on which anyone listens is an error, whatever options the
 * other set.
 * @return false with ERR_USAGE (`address` is not one) or ERR_IO (taken, not ours, no permission);
 *         the listener is then closed
 */
bool listener_open(struct listener *listener, const char *address, struct err *err);

/** listener_start begins to accept on `loop`; `take` gets each socket. */
void listener_start(struct listener *listener, uv_loop_t *loop, listener_take *take, void *user);

/** listener_stop hands on what is waiting in the kernel's queue, then closes. Twice is fine. */
void listener_stop(struct listener *listener);

/** listener_close closes a listener that was opened but not started. */
void listener_close(struct listener *listener);
