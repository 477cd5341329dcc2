/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file conn.h
 * The connections of one loop and their deadlines.
 *
 * libmicrohttpd only knows idle time, which a client that sends a byte now and then outlives, and
 * tells nothing before a request line is complete. So what has arrived and what was taken by the
 * peer is read from the kernel (TCP_INFO, tcp(7): tcpi_bytes_received and tcpi_bytes_acked, Linux
 * 4.1), for every connection, each time conns_sweep is called. A connection out of time is shut
 * down; libmicrohttpd then sees it end and closes it.
 *
 * Everything here belongs to one loop's thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct request;

enum conn_phase {
    CONN_IDLE,      /* nothing of a next request has been seen */
    CONN_RECEIVING, /* from the first byte of a request to its last */
    CONN_WORKING,   /* a worker has the request: no deadline */
    CONN_REPLYING,  /* the reply is being taken by the client */
};

struct conn {
    struct conn *next, *prev;
    int fd; /* libmicrohttpd's */
    enum conn_phase phase;
    bool is_shut;      /* out of time, or cut off: waiting for libmicrohttpd to notice */
    bool is_late;      /* its request was not complete, or its reply not taken, in time */
    bool lingers;      /* the client may still be sending, or has not taken all of its reply */
    uint64_t since_ns; /* when the phase began; in CONN_REPLYING, when the client last took bytes */
    /* Bytes that the kernel had received when the last request ended, if that is known; what goes
       beyond them belongs to the next. A chunked body hides it: the next sweep then takes what it
       sees. */
    bool is_consumed_known;
    uint64_t consumed_bytes;
    uint64_t acked_bytes;    /* at the last sweep of CONN_REPLYING */
    struct request *request; /* from its first line to its completion, or NULL */
};

struct conn_limits {
    uint64_t request_ns, idle_ns, write_ns;
};

struct conns {
    struct conn *first;
    size_t n;
    struct conn_limits limits;
    uint64_t timeouts; /* requests that never were one: their line was not complete in time */
};

void conns_init(struct conns *conns, const struct conn_limits *limits);

/** conns_add takes up a new connection. NULL when there is no memory. */
struct conn *conns_add(struct conns *conns, int fd);
/** conns_remove frees it. */
void conns_remove(struct conns *conns, struct conn *conn);

/** conn_begin_request: its first line is complete. Its deadline runs from its first byte, if a
 * sweep has seen that before. */
void conn_begin_request(struct conn *conn, struct request *request, uint64_t now_ns);
/** conn_begin_work: a worker has the request; until conn_begin_reply there is no deadline. */
void conn_begin_work(struct conn *conn);
void conn_begin_reply(struct conn *conn, uint64_t now_ns);
/** conn_end_request: `bytes` is what the request was on the wire, 0 = unknown. */
void conn_end_request(struct conn *conn, uint64_t bytes, uint64_t now_ns);

/** conns_sweep shuts down what is out of time. Call it a few times in the shortest of the limits.
 */
void conns_sweep(struct conns *conns, uint64_t now_ns);

/** conns_shut_idle has libmicrohttpd close the connections on which no request is under way. */
void conns_shut_idle(struct conns *conns);

/** conns_shut_all shuts down every connection, whatever is under way. Returns how many requests
 * that cut off. */
size_t conns_shut_all(struct conns *conns);

/** conn_send_last sends `reply` (a whole one, Connection: close) past libmicrohttpd, which cannot
 * answer in the middle of a request. Only where no reply is under way; then end the connection. */
void conn_send_last(struct conn *conn, const char *reply);
