/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file linger.h
 * Sockets that are done with, but whose last reply the client may not have yet.
 *
 * Closing a socket that holds unread bytes makes the kernel reset the connection and throw away
 * what it still had to send: a client in the middle of a body that is too large would never see its
 * 413. And when the process ends in a container, its network ends with it. So such a socket is read
 * (and what comes is dropped) until the client closes, or has taken everything and is quiet.
 *
 * Everything here belongs to one loop's thread.
 */
#pragma once

#include "server/wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct lingering;

struct lingers {
    uv_loop_t *loop;
    struct lingering *first;
    size_t n;
};

/** lingers_add keeps the connection of `wire` going (wire_keep), but for what we send: that has
 * ended. Where that cannot be done the connection ends as it would have. */
void lingers_add(struct lingers *lingers, struct wire *wire);

/** lingers_sweep closes what is done or has had its time. `is_draining`: nobody waits for a quiet
 * client. */
void lingers_sweep(struct lingers *lingers, bool is_draining);

/** lingers_close closes all of them. Returns how many had not taken their reply. */
size_t lingers_close(struct lingers *lingers);
