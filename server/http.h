/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file http.h
 * HTTP of one loop: a libmicrohttpd daemon without threads or listening socket, driven by the loop.
 * The one file of the project that knows libmicrohttpd.
 *
 * Why external epoll: libmicrohttpd 0.9.75's own epoll threads stop for ever when exactly 128·k
 * sockets are ready at once; with a timeout of 0, as MHD_run uses, they cannot.
 *
 * Everything here belongs to the loop's thread.
 */
#pragma once

#include "handlers/metrics.h"
#include "handlers/service.h"
#include "server/conn.h"
#include "server/pool.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct http;

struct http_settings {
    const struct service *_Atomic *service; /* that which a request begins with is its own to its
                                               end; another may be put there */
    struct metrics_slot *metrics;           /* this loop's */
    uv_loop_t *loop;
    struct pool *pool; /* the workers */
    struct conn_limits limits;
    struct arena_budget *budget; /* of all requests of the process */
    size_t request_memory_max;
    size_t offload_bytes; /* bodies of heavy routes from this size on go to a worker */
    /* Called on the loop's thread when http_run is due: a worker has finished. */
    void (*wake)(void *user);
    /* Called when a connection has ended. */
    void (*on_gone)(void *user);
    void *user;
};

/** http_new: NULL when there is no memory or no descriptor. */
struct http *http_new(const struct http_settings *settings);

/** http_free: only when http_connections says 0: libmicrohttpd cuts replies off, and aborts where a
 * request is with a worker. */
void http_free(struct http *http);

/** http_leave_loop closes what it has in the loop; only when http_connections says 0. */
void http_leave_loop(struct http *http);

/** http_epoll_fd: readable when http_run is due. */
int http_epoll_fd(const struct http *http);

/**
 * http_run does what is due, and as long as libmicrohttpd says that more is (its sockets are
 * edge-triggered: leaving something undone means never hearing of it again), up to a bound.
 * @return false when the bound was hit: call it again soon
 */
bool http_run(struct http *http);

/** http_add takes up an accepted socket; it is closed on failure. Then call http_run. */
void http_add(struct http *http, const struct arrival *arrival);

/** http_connections: those that libmicrohttpd has, and those that linger. */
size_t http_connections(const struct http *http);

/** http_sweep: deadlines; when draining, since `drain_ns` of clock_now_ns (0: not), also idle
 * connections, once they have had their time. Then call http_run. */
void http_sweep(struct http *http, uint64_t drain_ns);

/** http_limits: as the service has them since the last http_sweep. */
const struct conn_limits *http_limits(const struct http *http);

/** http_cut ends every connection. Those whose request is with a worker end when it is done.
 * Returns how many requests and replies that cut off. Then call http_run. */
size_t http_cut(struct http *http);

/** http_library_version: of the libmicrohttpd that runs, such as "0.9.75". */
const char *http_library_version(void);
