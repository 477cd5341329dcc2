/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file request.h
 * One request on its way through the server: exchange, arena, what has come of its body. Requests
 * are used again, arena and all, so that a small one needs no heap.
 *
 * Belongs to its loop's thread, but for the exchange and the arena while a worker has them.
 */
#pragma once

#include "handlers/exchange.h"
#include "server/conn.h"
#include "server/pool.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct MHD_Connection;
struct http;

enum request_state {
    REQUEST_NEW,      /* its head has come */
    REQUEST_BODY,     /* the body is being collected */
    REQUEST_REFUSED,  /* the reply is finished already: the rest of the body is swallowed */
    REQUEST_WORKING,  /* a worker has the exchange */
    REQUEST_ANSWERED, /* the worker has finished the reply */
    REQUEST_REPLYING,
    REQUEST_DROPPED, /* answered past libmicrohttpd, and the connection with it */
};

struct request {
    struct request *next; /* in the list of free ones */
    struct exchange x;
    struct arena arena;
    struct http *http;
    struct conn *conn;
    struct MHD_Connection *connection;
    struct pool_job job;
    enum request_state state;
    const char *method; /* as sent; NULL until it has a route */
    uint64_t started_ns;
    uint64_t started_run; /* of http->n_runs */
    uint64_t deadline_ns; /* after which the client has no use for the reply; 0: none */

    bool is_chunked;
    size_t declared_bytes; /* Content-Length; 0 when chunked */
    size_t arrived_bytes;  /* of the body, kept or swallowed */
    size_t sent_bytes;     /* of x.piece */
    char *body;            /* kept: x.body_bytes of body_room */
    size_t body_room;
};

/** request_of is the request that a worker's job belongs to. */
static inline struct request *request_of(struct pool_job *job)
{
    return (struct request *)(void *)((char *)job - offsetof(struct request, job));
}

/** Free requests of one loop. */
struct requests {
    struct request *free;
    size_t n_free, n_used;
    size_t most_used, most_before; /* at once, since the last requests_sweep and before it */
    size_t memory_max;             /* cap of each arena */
    struct arena_budget *budget;   /* of all of them, and those of other loops */
};

/** requests_get returns a blank request; NULL when there is no memory. */
struct request *requests_get(struct requests *requests);
/** requests_put takes it back; everything in its arena is gone. */
void requests_put(struct requests *requests, struct request *request);
/** requests_sweep, called now and then, frees what the last while has had no use for. */
void requests_sweep(struct requests *requests);
/** requests_clear frees the free ones. */
void requests_clear(struct requests *requests);

/**
 * request_keep_body appends `bytes` to x.body. A declared length is trusted only as far as bytes
 * arrive: room doubles towards it. False at the arena's cap.
 */
bool request_keep_body(struct request *request, const char *data, size_t bytes);
