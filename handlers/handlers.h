/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file handlers.h
 * The one route table, and the way into the handlers. A handler is a pure function from
 * (service, request bytes) to reply bytes; the server decides on which thread it runs.
 */
#pragma once

#include "base/err.h"
#include "handlers/exchange.h"

#include <stdbool.h>
#include <stddef.h>

enum method {
    METHOD_GET = 1,
    METHOD_POST = 2,
    METHOD_HEAD = 4, /* answered as GET; the server leaves the body out */
    METHOD_OPTIONS = 8,
    METHOD_OTHER = 16,
};

enum dialect {
    DIALECT_OWN, /* OpenAI's error shape, all four keys */
    DIALECT_TEI, /* {"error","error_type"} */
    DIALECT_OPENAI,
};

struct route {
    const char *name; /* label of the metrics: "/v1/embeddings" */
    const char *path; /* as on the wire */
    unsigned methods; /* of enum method, METHOD_GET implies HEAD */
    enum dialect dialect;
    void (*handle)(struct exchange *x); /* fills the reply; never fails otherwise */
    /* May be long: the server hands bodies above its threshold to a worker thread. Others run
     * inline. */
    bool is_heavy;
};

/** Index 0 of the names is for what no route answers ("other"). */
size_t handlers_route_count(void);
const char *const *handlers_route_names(void);

/**
 * handlers_find_route looks `path` (without query) up and checks `method`.
 * @return the route, or NULL: the exchange then holds a finished 404, 405 (with Allow) or OPTIONS
 *         (204 with Allow) reply
 */
const struct route *handlers_find_route(struct exchange *x, enum method method, const char *path);

/**
 * handlers_check_head refuses what can be known before the body: its type, its encoding, its
 * length.
 * @param content_length of the request, or 0 when it is chunked
 * @return false with a finished 413 or 415 in the exchange
 */
bool handlers_check_head(struct exchange *x, const char *content_encoding, size_t content_length);

/**
 * handlers_dispatch runs x->route on x->body and finishes the reply: status, body, common headers.
 * @return false when that is more work than x->work_max: nothing was answered; run it again, with
 *         work_max 0, where it disturbs nobody
 */
bool handlers_dispatch(struct exchange *x);

/**
 * handlers_next_piece makes the next piece of a reply that has make_piece: x->piece. Once it has
 * returned false there is no more.
 * @return false at the end, or when the reply cannot go on (x->piece.failed): then the client must
 *         see the connection end
 */
bool handlers_next_piece(struct exchange *x);

/** handlers_fail finishes the reply with an error in the route's dialect (own shape without a
 * route). */
void handlers_fail(struct exchange *x, const struct err *err);
