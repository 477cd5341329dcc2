/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file handover.h
 * How a process hands its listening sockets to its successor, on the same machine: over a Unix
 * socket of packets that only we and root may use.
 *
 * The successor connects, and is sent one packet with all the sockets (SCM_RIGHTS) and what each
 * was opened for. It opens what else it needs, accepts, and then sends one packet that says which
 * of them it has taken. If the connection ends before that, nothing has happened. Both processes
 * have the same sockets meanwhile, with one queue in the kernel, so that no connection is lost.
 *
 * Belongs to the main thread.
 */
#pragma once

#include "base/err.h"
#include "server/listener.h"
#include "server/sockets.h"

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

/**
 * handover_ask asks the process at `path` for its sockets.
 * @param[out] peer the connection, for handover_tell_ready or handover_forget; -1 where nobody is
 *             there, and `given` is empty
 * @return false with ERR_IO: somebody is there and does not hand over, or may not be asked
 */
bool handover_ask(const char *path, int *peer, struct sockets_given *given, struct err *err);

/** handover_tell_ready tells the predecessor which sockets were taken, and that it can end. */
void handover_tell_ready(int peer, const struct sockets_given *given);

/** handover_forget ends the connection, if there is one, without that. */
void handover_forget(int peer);

struct handover {
    const char *path; /* NULL: there is none */
    struct listeners *listeners;
    int fd, peer; /* listening; to the successor that is starting; -1 */
    bool is_named, is_started, is_replaced;
    bool is_letting_go; /* of peer_poll */
    uint64_t device, inode;
    uv_poll_t poll, peer_poll;
    /* The successor accepts on those that are left (listener_leave): no one is to be handed over
       any more, and the work to be ended. */
    void (*on_replaced)(void *user);
    void *user;
};

/** handover_open prepares to hand `listeners` over to whoever asks at `path`, which nobody finds
 * before handover_start. False with ERR_USAGE (too long a path) or ERR_IO. */
bool handover_open(struct handover *handover, const char *path, struct listeners *listeners,
                   struct err *err);

/** handover_start takes the path over from whoever has it, and begins to listen. */
void handover_start(struct handover *handover, uv_loop_t *loop, void (*on_replaced)(void *user),
                    void *user);

/** handover_stop closes all of it. Twice is fine. */
void handover_stop(struct handover *handover);
