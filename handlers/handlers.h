/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file handlers.h
 * The way into the handlers, for the server. A handler is a pure function from (service, request
 * bytes) to reply bytes; the server decides on which thread it runs, one at a time for an exchange.
 */
#pragma once

#include "handlers/errors.h"
#include "handlers/exchange.h"
#include "handlers/route.h"
#include "handlers/service.h"

#include <stdbool.h>
#include <stddef.h>

/** Index 0 of the names is for what no route answers ("other"). */
size_t handlers_route_count(void);
const char *const *handlers_route_names(void);

/**
 * handlers_find_route begins a request: chooses the model, looks `path` (without query, as long as
 * the exchange) up and checks `method`.
 * Whoever may not ask (access.h) is told so; without a key, nobody is told what there is.
 * @return the route, or NULL: the exchange then holds a finished 401, 403, 404, 405 (with Allow) or
 *         OPTIONS (204 with Allow) reply
 */
const struct route *handlers_find_route(struct exchange *x, enum method method, const char *path);

/**
 * handlers_is_vital: whether a request asks how the service is: for a route that is open to
 * everybody, or for the metrics (which handlers_find_route may refuse). Such a request is answered
 * even where there is no room for others. Any thread.
 */
bool handlers_is_vital(enum method method, const char *path);

/**
 * handlers_check_head refuses what can be known before the body: its type, its encoding, its
 * length.
 * @param content_length of the request, or 0 when it is chunked
 * @return false with a finished 413, 415 or 429 in the exchange
 */
bool handlers_check_head(struct exchange *x, const char *content_encoding, size_t content_length);

/**
 * handlers_dispatch unpacks x->body where it is compressed, which may take long whatever
 * x->work_max says, runs x->route on it and finishes the reply: status, body, common headers.
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

/** handlers_end ends an exchange that was begun: its reply has been sent, or never will be. What
 * the exchange borrowed is given back; its sample must have been counted. */
void handlers_end(struct exchange *x);
