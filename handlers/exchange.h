/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file exchange.h
 * One request and its reply, as plain data: all a handler sees. No sockets, no libmicrohttpd, so
 * every handler can be tested by filling this in and calling handlers_dispatch.
 *
 * Owned by one thread at a time; everything in it lives in its arena.
 */
#pragma once

#include "base/address.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/compression.h"
#include "handlers/metrics.h"
#include "handlers/rates.h"
#include "handlers/text.h"
#include "handlers/turns.h"

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct dialect;
struct endpoint;
struct keys_reader;
struct model;
struct route;
struct service;
struct snapshot;
struct value;

/** A header of the reply; name and value live in the arena or for ever. */
struct reply_header {
    const char *name, *value;
};

/* What is wrong with the key that a request sends; access.c. */
enum credential_fault {
    CREDENTIAL_SOUND,
    CREDENTIAL_BASIC,   /* authorization: Basic */
    CREDENTIAL_SCHEME,  /* another one that is not Bearer */
    CREDENTIAL_LONG,    /* as no key is */
    CREDENTIAL_BLANKS,  /* in it */
    CREDENTIAL_SEVERAL, /* that are not the same */
};

struct credential {
    const char *text; /* bytes; NULL: none was sent */
    size_t bytes;
    enum credential_fault fault;
};

/* More than any reply has: 16 that every one may have (headers.c, cors.c), 4 of a preflight, 8
   of TEI's, those of its dialect. */
#define REPLY_HEADERS_MAX 32

struct exchange {
    const struct service *service;
    struct arena *arena;

    /* Who answers, and how. Set by handlers_find_route, when the request begins, and again where it
       names another model; borrowed until handlers_end. */
    const struct snapshot *snapshot; /* of the registry; serving.h */
    const struct model *model;       /* of the snapshot */
    const struct dialect *dialect;   /* of the route; embedd's own where there is none */
    const struct route *route;
    const struct endpoint *endpoint; /* of the route, or the one that it handed over to */
    struct text path_tail; /* what the placeholder of a route such as /v1/models/{id} stands for */

    struct address client; /* whom it is from, as far as that can be trusted */
    bool is_admin;         /* it came by admin-listen */
    /* Who asks; access.c. */
    struct keys_reader *keys_reader; /* of the thread that begins the request; NULL: no keys */
    struct credential credential;    /* as sent */
    struct rate_limits limits;       /* of who asks: its key's, or those of all */
    struct rate_state rate;          /* what the client may still send */
    unsigned scopes;                 /* of enum key_scope: what the request may do */

    /* The request. Strings are NUL-terminated and live as long as the arena; NULL = not sent. */
    const char *content_type;
    const char *accept;
    const char *accept_encoding;
    const char *if_none_match;
    const char *origin; /* of the page that asks from a browser; cors.h */
    struct {            /* what it asks first: may I? */
        const char *method, *headers;
        bool is_private; /* from a public network into a private one */
    } preflight;
    struct { /* of the address, for endpoints that look at it (has_pages) */
        const char *after, *limit, *purpose;
    } query;
    const char *inference_header_length; /* inference-header-content-length: of the JSON before
                                            binary tensors */
    const char
        *request_id; /* x-request-id as sent; checked by the dispatcher before it is echoed */
    const char *traceparent; /* as sent, for the log */
    bool wants_timing;       /* x-embedd-timing: 1 */
    const char *body;        /* body_bytes bytes, not NUL-terminated */
    size_t body_bytes;
    enum compression body_packing; /* of the body; handlers_dispatch unpacks it */
    const struct value *object; /* whose members are read instead of a body, by an endpoint that was
                                   handed over to; else NULL */

    /* How much may be done here and now: bytes of reply, or work that takes as long. 0 = no limit.
       Beyond it the handler says is_deferred, before that work, and is run again elsewhere. */
    size_t work_max;
    bool is_deferred;
    uint64_t work_bytes; /* what was foreseen of it then, in bytes of reply */

    /* The reply. */
    unsigned status;
    uint64_t retry_ms; /* of one that says to ask again later: when; 0: in a second */
    const char *reply_type;
    const char *reply;
    size_t reply_bytes;
    const char *vary; /* by which headers of the request it differs; NULL: as the service says */
    bool is_packed;   /* it has a content-encoding: its handler's own */
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

/** stage_end: the time since the last call (or the dispatch) belongs to `stage`. Long work calls it
 * every few texts: between its pieces a worker lets whoever waits for its core go first. */
static inline void stage_end(struct exchange *x, enum metrics_stage stage)
{
    uint64_t now = clock_now_ns();
    x->sample.stage_ns[stage] += now - x->stage_start_ns;
    x->stage_start_ns = now;
    if (x->work_max == 0) turn_end(now);
}

/** reply_add_header: name and value must live as long as the arena. */
static inline void reply_add_header(struct exchange *x, const char *name, const char *value)
{
    assert(x->n_headers < REPLY_HEADERS_MAX);
    x->headers[x->n_headers++] = (struct reply_header){name, value};
}

/** reply_set: the reply is these bytes, which live as long as the arena; type NULL: it has none. */
static inline void reply_set(struct exchange *x, unsigned status, const char *type,
                             const char *data, size_t bytes)
{
    x->status = status;
    x->reply_type = type;
    x->reply = data;
    x->reply_bytes = bytes;
}

/** reply_static: the reply is the string `body`, which lives for ever. */
static inline void reply_static(struct exchange *x, unsigned status, const char *type,
                                const char *body)
{
    reply_set(x, status, type, body, strlen(body));
}

/** Media types of replies. */
#define TYPE_JSON "application/json"
#define TYPE_BYTES "application/octet-stream"
#define TYPE_HTML "text/html; charset=utf-8"
#define TYPE_TEXT "text/plain; charset=utf-8"
