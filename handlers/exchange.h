/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file exchange.h
 * One request and its reply, as plain data: all a handler sees. No sockets, no libmicrohttpd, so
 * every handler can be tested by filling this in and calling handlers_dispatch.
 *
 * Owned by one thread at a time; everything in it lives in its arena.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "handlers/metrics.h"
#include "handlers/service.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A header of the reply; name and value live in the arena or for ever. */
struct reply_header {
    const char *name, *value;
};

#define REPLY_HEADERS_MAX 12

struct exchange {
    const struct service *service;
    struct arena *arena;

    /* The request. Strings are NUL-terminated and live as long as the arena; NULL = not sent. */
    const struct route *route;
    const char *path_tail; /* what a route such as /v1/models/{id} found behind its prefix */
    const char *content_type;
    const char *accept;
    const char
        *request_id;   /* x-request-id as sent; checked by the dispatcher before it is echoed */
    bool wants_timing; /* x-embedd-timing: 1 */
    const char *body;  /* body_bytes bytes, not NUL-terminated */
    size_t body_bytes;

    /* How much may be done here and now: bytes of reply, or work that takes as long. 0 = no limit.
       Beyond it the handler says is_deferred, before that work, and is run again elsewhere. */
    size_t work_max;
    bool is_deferred;

    /* The reply. */
    unsigned status;
    const char *reply_type;
    const char *reply;
    size_t reply_bytes;
    struct reply_header headers[REPLY_HEADERS_MAX];
    size_t n_headers;

    /* A reply too large to be held whole is made in pieces as it is sent: reply is NULL, and
       handlers_next_piece fills `piece`. `make_piece` appends some 64 KB and returns whether more
       is to come. */
    bool (*make_piece)(struct exchange *x, void *maker, struct buf *piece);
    void *maker; /* in the arena */
    struct buf piece;

    struct metrics_sample sample;
    uint64_t stage_start_ns; /* when the running stage began; 0 = with the dispatch */
};
