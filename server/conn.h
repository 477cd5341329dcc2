/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file conn.h
 * The connections of one loop: what comes in on them, and their deadlines.
 *
 * libmicrohttpd only knows idle time, which a client that sends a byte now and then outlives. So
 * when a request began is noted as its bytes come (framing.h), and what of a reply the peer has
 * taken is asked of the kernel (wire_ask) each time conns_sweep is called. A connection out of time
 * is shut down; libmicrohttpd then sees it end and closes it.
 *
 * Everything here belongs to one loop's thread.
 */
#pragma once

#include "server/framing.h"
#include "server/wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct request;

enum conn_phase {
    CONN_IDLE,      /* nothing of a next request has been seen */
    CONN_RECEIVING, /* from the first byte of a request, or of a PROXY header, to its last */
    CONN_WORKING,   /* a worker has the request: no deadline */
    CONN_REPLYING,  /* the reply is being taken by the client */
};

struct conn {
    struct wire wire; /* first; the socket is libmicrohttpd's */
    struct conn *next, *prev;
    enum conn_phase phase;
    bool is_shut;          /* out of time, or cut off: waiting for libmicrohttpd to notice */
    bool is_late;          /* its request was not complete, or its reply not taken, in time */
    bool lingers;          /* the client may still be sending, or has not taken all of its reply */
    atomic_size_t *beyond; /* of its arrival; NULL: it is within max-connections */
    uint64_t opened_ns;
    uint64_t since_ns; /* when the phase began; in CONN_REPLYING, when the client last took bytes */
    uint64_t acked_bytes;    /* at the last sweep of CONN_REPLYING */
    struct request *request; /* from its head to its completion, or NULL */
    struct framing framing;
    uint64_t n_ended; /* requests, of framing.n_begun */
};

struct conn_limits {
    uint64_t request_ns, idle_ns, write_ns;
    uint64_t drain_idle_ns; /* of a drain, before what is idle ends */
    size_t head_bytes;
    unsigned optional_headers; /* of enum framing_optional */
};

struct conns {
    struct conn *first;
    size_t n;
    struct conn_limits limits;
    struct wires wires;
    uint64_t turned_away; /* beyond max-connections, where no request came in time */
    uint64_t timeouts;    /* requests that never were one: their head was not complete in time */
    /* Called when a request that is none was refused; `conn->request` if its head was one. */
    void (*on_refused)(void *user, struct conn *conn, enum framing_fault fault);
    void *user;
};

/** conns_init: `conns` is not to move afterwards. */
void conns_init(struct conns *conns, const struct conn_limits *limits);

/** conns_clear frees what conns_add made beside the connections, of which there are none left. */
void conns_clear(struct conns *conns);

/** conns_add takes up a new connection. NULL when there is no memory. */
struct conn *conns_add(struct conns *conns, const struct arrival *arrival);
/** conns_remove frees it. */
void conns_remove(struct conns *conns, struct conn *conn);

/**
 * conn_read reads as recv(2) does, for libmicrohttpd: only what framing.h lets pass. A request that
 * is none is refused, once those before it are answered: the client gets a reply, libmicrohttpd
 * the end of the connection. An end behind a whole request is kept from libmicrohttpd, which would
 * drop the reply, until that is sent.
 */
ssize_t conn_read(struct conns *conns, struct conn *conn, void *to, size_t room);

/** conn_begin_request: its head is complete. Its deadline runs from its first byte. */
void conn_begin_request(struct conn *conn, struct request *request, uint64_t now_ns);
/** conn_begin_work: a worker has the request; until conn_begin_reply there is no deadline. */
void conn_begin_work(struct conn *conn);
void conn_begin_reply(struct conn *conn, uint64_t now_ns);
/** conn_end_request: its reply is with the kernel, or will never be. */
void conn_end_request(struct conns *conns, struct conn *conn, uint64_t now_ns);

/** conns_sweep shuts down what is out of time. Call it a few times in the shortest of the limits.
 */
void conns_sweep(struct conns *conns, uint64_t now_ns);

/** conns_shut_idle has libmicrohttpd close the connections on which no request is under way. */
void conns_shut_idle(struct conns *conns);

/** conns_shut_all shuts down every connection, whatever is under way. Returns how many requests
 * that cut off. */
size_t conns_shut_all(struct conns *conns);

/** conn_refuse answers a request that is none, and ends the connection. Only where no reply is
 * under way. */
void conn_refuse(struct conns *conns, struct conn *conn, enum framing_fault fault);

/** conn_reply_full: what is said where max-connections leaves no room. */
extern const char conn_reply_full[];

/** conn_turn_away says conn_reply_full, as far as that goes without waiting, and ends the
 * connection. Only where no reply is under way. */
void conn_turn_away(struct conn *conn);

/** conn_send_last sends `reply` (a whole one, Connection: close) past libmicrohttpd, which cannot
 * answer in the middle of a request. Only where no reply is under way; then end the connection. */
void conn_send_last(struct conn *conn, const char *reply);
