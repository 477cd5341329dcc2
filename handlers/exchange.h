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
#include "base/metrics.h"
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

    /* The reply. */
    unsigned status;
    const char *reply_type;
    const char *reply;
    size_t reply_bytes;
    struct reply_header headers[REPLY_HEADERS_MAX];
    size_t n_headers;

    struct metrics_sample sample;
    uint64_t stage_start_ns; /* the handlers' own: when the running stage began */
};
