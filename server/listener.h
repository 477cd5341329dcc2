/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file listener.h
 * Listeners: each a listening socket (sockets.h) that accepts on one uv loop and hands each
 * connection on.
 *
 * Belong to one thread, the one that runs the uv loop given to listeners_start.
 */
#pragma once

#include "base/err.h"
#include "base/log.h"
#include "server/arrival.h"
#include "server/sockets.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

/** Takes an accepted socket, non-blocking and close-on-exec: the callee owns it from here on. */
typedef void listener_take(const struct arrival *arrival, void *user);

struct listener {
    struct listen_socket socket;
    struct door door;
    char address[SOCKETS_ADDRESS_BYTES]; /* as the settings have it; "" = it was passed to us */
    char name[SOCKETS_NAME_BYTES];       /* of one that was passed to us */
    bool is_started;
    uv_poll_t poll;
    uv_timer_t pause; /* runs while the process has no file descriptor left for a connection */
    struct log_gate starved_gate; /* of descriptors or memory */
    listener_take *take;
    void *user;
};

/** Does not move once started. */
struct listeners {
    struct listener items[SOCKETS_MAX];
    size_t n;
};

/** What they are opened with. */
struct listeners_wish {
    const char *listen, *admin_listen; /* addresses, a line each; "none" */
    unsigned mode;                     /* of Unix sockets' files */
    struct door door;                  /* of all; its layer is for those that are no Unix sockets */
    struct sockets_given *given;       /* by a predecessor */
    struct sockets_given *passed;      /* by systemd: instead of the addresses */
};

/** listeners_open opens all: first those of `listen`. False with err set: none is open. */
bool listeners_open(struct listeners *listeners, const struct listeners_wish *wish,
                    struct err *err);

/** listeners_own: those that a predecessor had, and their files, are ours alone from now on. */
void listeners_own(struct listeners *listeners);

/** listeners_have_admin: whether one of them is of admin-listen. */
bool listeners_have_admin(const struct listeners *listeners);

/** listener_is_loopback: only this machine can reach it. */
bool listener_is_loopback(const struct listener *listener);

/** listeners_start begins to accept on `loop`; `take` gets each socket. */
void listeners_start(struct listeners *listeners, uv_loop_t *loop, listener_take *take, void *user);

/** listener_stop hands on what is waiting in the kernel's queue, then closes. Twice is fine. */
void listener_stop(struct listener *listener);
void listeners_stop(struct listeners *listeners);

/** listener_leave closes without either: another process has the same socket, its queue and its
 * file. */
void listener_leave(struct listener *listener);

/** listeners_close closes listeners that were opened but not started. */
void listeners_close(struct listeners *listeners);
