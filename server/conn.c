/* SPDX-License-Identifier: Apache-2.0 */
#include "server/conn.h"

#include "base/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char reply_408[] = "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n"
                                "Connection: close\r\n\r\n";

const char conn_reply_full[] = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n"
                               "Content-Length: 0\r\nConnection: close\r\n\r\n";

/* Of a connection beyond max-connections, from its first moment: until its request is whole, and in
   all. */
#define BEYOND_REQUEST_NS 1000000000u
#define BEYOND_NS 5000000000u

/* A wire is its connection's first member. */
static ssize_t read_checked(void *user, struct wire *wire, void *to, size_t room)
{
    return conn_read(user, (struct conn *)(void *)wire, to, room);
}

void conns_init(struct conns *conns, const struct conn_limits *limits)
{
    *conns = (struct conns){.limits = *limits, .wires = {.read = read_checked, .user = conns}};
}

void conns_clear(struct conns *conns)
{
    wires_clear(&conns->wires);
}

/* Once it is known whom the bytes are from. */
static void meet_client(struct conn *conn)
{
    const struct networks *proxies = conn->wire.door->proxies;
    const bool is_proxy = proxies && networks_have(proxies, &conn->wire.client);
    conn->framing.optional &= ~(unsigned)FRAMING_FORWARDED;
    if (is_proxy) conn->framing.optional |= FRAMING_FORWARDED;
}

/* A PROXY header has as long as a request. Where a layer follows, agreeing with it and the header
   have that together, from the first moment on. */
static void set_header_phase(struct conn *conn, enum conn_phase phase)
{
    conn->phase = phase;
    if (!conn->wire.is_opening) conn->since_ns = clock_now_ns();
}

struct conn *conns_add(struct conns *conns, const struct arrival *arrival)
{
    struct conn *conn = calloc(1, sizeof *conn);
    if (!conn || !wire_open(&conns->wires, &conn->wire, arrival)) {
        free(conn);
        return NULL;
    }
    framing_init(&conn->framing, conns->limits.head_bytes, conns->limits.optional_headers);
    meet_client(conn);
    conn->opened_ns = conn->since_ns = clock_now_ns();
    conn->beyond = arrival->beyond;
    conn->next = conns->first;
    if (conns->first) conns->first->prev = conn;
    conns->first = conn;
    conns->n++;
    return conn;
}

void conns_remove(struct conns *conns, struct conn *conn)
{
    if (conn->next) conn->next->prev = conn->prev;
    if (conn->prev)
        conn->prev->next = conn->next;
    else
        conns->first = conn->next;
    conns->n--;
    wire_release(&conns->wires, &conn->wire);
    framing_clear(&conn->framing);
    arrival_end(conn->beyond);
    free(conn);
}

static void set_phase(struct conn *conn, enum conn_phase phase, uint64_t now_ns)
{
    conn->phase = phase;
    conn->since_ns = now_ns;
}

/* Requests that have begun and not ended. */
static uint64_t under_way(const struct conn *conn)
{
    return conn->framing.n_begun - conn->n_ended;
}

void conn_begin_request(struct conn *conn, struct request *request, uint64_t now_ns)
{
    conn->request = request;
    if (conn->phase != CONN_RECEIVING) set_phase(conn, CONN_RECEIVING, now_ns);
}

void conn_begin_work(struct conn *conn)
{
    conn->phase = CONN_WORKING;
}

void conn_begin_reply(struct conn *conn, uint64_t now_ns)
{
    set_phase(conn, CONN_REPLYING, now_ns);
    conn->acked_bytes = 0;
}

void conn_refuse(struct conns *conns, struct conn *conn, enum framing_fault fault)
{
    char reply[FRAMING_REPLY_BYTES];
    framing_write_reply(fault, reply);
    conn_send_last(conn, reply);
    conn->is_shut = true; /* libmicrohttpd sees an end; the client may still be sending */
    conn->lingers = true;
    conns->on_refused(conns->user, conn, fault);
}

/* Whether requests have come whole whose replies are still due. */
static bool owes_replies(const struct conn *conn)
{
    bool is_between =
        conn->framing.state == FRAMING_BETWEEN || conn->framing.state == FRAMING_CLOSED;
    return under_way(conn) > !is_between;
}

/* A faulty request's turn: all before it are answered. */
static bool is_refusal_due(const struct conn *conn)
{
    return conn->framing.fault && !conn->is_shut && under_way(conn) == 1 &&
           (conn->phase == CONN_IDLE || conn->phase == CONN_RECEIVING);
}

void conn_end_request(struct conns *conns, struct conn *conn, uint64_t now_ns)
{
    conn->request = NULL;
    conn->n_ended++;
    set_phase(conn, under_way(conn) > 0 ? CONN_RECEIVING : CONN_IDLE, now_ns);
    bool is_refused = is_refusal_due(conn);
    if (is_refused) conn_refuse(conns, conn, conn->framing.fault);
    /* So that libmicrohttpd reads, and hears of the end. */
    if (is_refused || (conn->wire.has_ended && !owes_replies(conn))) wire_stop_reading(&conn->wire);
}

ssize_t conn_read(struct conns *conns, struct conn *conn, void *to, size_t room)
{
    char *at = to;
    size_t got = framing_take(&conn->framing, at, 0, room);
    bool is_empty = false;
    /* libmicrohttpd's sockets are edge-triggered, and it takes less than it asked for as all there
       is: so until the room is full, or the kernel has no more. */
    while (got < room && !is_empty && !conn->framing.fault) {
        const bool is_unknown = conn->wire.header != NULL;
        ssize_t n = wire_read(&conn->wire, at + got, room - got);
        if (is_unknown && !conn->wire.header) {
            meet_client(conn);
            if (conn->phase == CONN_RECEIVING) set_header_phase(conn, CONN_IDLE);
        }
        if (n < 0 && got == 0 && errno != EAGAIN) return n;
        if (n <= 0) break;
        is_empty = (size_t)n < room - got;
        got += framing_take(&conn->framing, at + got, (size_t)n, room - got);
    }
    /* With a whole head conn_begin_request follows, which knows the time. */
    if (got == 0 && conn->phase == CONN_IDLE && under_way(conn) > 0)
        set_phase(conn, CONN_RECEIVING, clock_now_ns());
    if (conn->phase == CONN_IDLE && wire_is_beginning(&conn->wire))
        set_header_phase(conn, CONN_RECEIVING);
    if (is_refusal_due(conn)) conn_refuse(conns, conn, conn->framing.fault);
    if (got > 0 && !conn->is_shut) return (ssize_t)got;
    if (conn->is_shut || (conn->wire.has_ended && !owes_replies(conn))) return 0;
    errno = EAGAIN;
    return -1;
}

/* In the middle of something: what the client has got of a reply is not to pass for the whole. */
static void cut(struct conn *conn)
{
    wire_cut(&conn->wire);
    conn->is_shut = true;
    conn->lingers = false;
}

/* With all replies sent. */
static void end(struct conn *conn)
{
    wire_finish(&conn->wire);
    cut(conn);
}

void conn_send_last(struct conn *conn, const char *reply)
{
    ssize_t sent = wire_send(&conn->wire, reply, strlen(reply));
    (void)sent; /* a courtesy: a client that cannot take it gets the end alone */
}

void conn_turn_away(struct conn *conn)
{
    if (!conn->wire.is_opening) conn_send_last(conn, conn_reply_full);
    wire_finish(&conn->wire);
    wire_discard(&conn->wire); /* what is unread would reset the connection */
    cut(conn);
}

static bool has_taken_bytes(struct conn *conn, const struct wire_report *report)
{
    if (report->acked_bytes == conn->acked_bytes) return false;
    conn->acked_bytes = report->acked_bytes;
    return true;
}

/* Whether the client has closed and all it sent has been read, while more is needed of it. A
   client's end that comes together with its last bytes is never heard of by libmicrohttpd 0.9.75:
   its sockets are edge-triggered, and it takes a short read for the last there is. */
static bool is_abandoned(const struct conn *conn, const struct wire_report *report)
{
    return !report->is_open && wire_unread(&conn->wire) == 0;
}

/* How long a connection may have no request. Agreeing with a layer is part of the first one. */
static uint64_t silence_ns(const struct conns *conns, const struct conn *conn)
{
    return conn->wire.is_opening ? conns->limits.request_ns : conns->limits.idle_ns;
}

/* Who has not sent a whole PROXY header gets no reply, as for a wrong one. */
static void give_up(struct conns *conns, struct conn *conn)
{
    conn->is_late = true;
    if (!conn->request) conns->timeouts++;
    if (!conn->wire.header) conn_send_last(conn, reply_408);
    end(conn);
}

/* Beyond max-connections nobody may hold a place for long. */
static void check_beyond(struct conns *conns, struct conn *conn, uint64_t now_ns)
{
    const uint64_t passed_ns = now_ns > conn->opened_ns ? now_ns - conn->opened_ns : 0;
    const bool is_replying = conn->phase == CONN_REPLYING;
    if (passed_ns <= (is_replying ? BEYOND_NS : BEYOND_REQUEST_NS)) return;
    if (is_replying) {
        conn->is_late = true;
        cut(conn);
    } else if (conn->request) {
        give_up(conns, conn);
    } else {
        conns->turned_away++;
        conn_turn_away(conn);
    }
}

static void check(struct conns *conns, struct conn *conn, uint64_t now_ns)
{
    struct wire_report report;
    uint64_t passed_ns = now_ns > conn->since_ns ? now_ns - conn->since_ns : 0;
    if (conn->phase == CONN_WORKING || !wire_ask(&conn->wire, &report)) return;
    switch (conn->phase) {
    case CONN_IDLE:
        if (is_abandoned(conn, &report) || passed_ns > silence_ns(conns, conn)) end(conn);
        break;
    case CONN_RECEIVING:
        if (is_abandoned(conn, &report)) {
            end(conn);
        } else if (passed_ns > conns->limits.request_ns) {
            give_up(conns, conn);
        }
        break;
    case CONN_WORKING:
        break;
    case CONN_REPLYING:
        if (has_taken_bytes(conn, &report)) {
            conn->since_ns = now_ns;
        } else if (passed_ns > conns->limits.write_ns) {
            conn->is_late = true;
            cut(conn);
        }
        break;
    }
}

void conns_sweep(struct conns *conns, uint64_t now_ns)
{
    for (struct conn *conn = conns->first; conn; conn = conn->next) {
        if (!conn->is_shut) check(conns, conn, now_ns);
        if (!conn->is_shut && conn->beyond) check_beyond(conns, conn, now_ns);
    }
}

void conns_shut_idle(struct conns *conns)
{
    for (struct conn *conn = conns->first; conn; conn = conn->next) {
        if (conn->is_shut || conn->phase != CONN_IDLE || wire_unread(&conn->wire) > 0) continue;
        /* libmicrohttpd sees an end; the client may have its last reply still to read. */
        wire_stop_reading(&conn->wire);
        conn->is_shut = true;
        conn->lingers = true;
    }
}

size_t conns_shut_all(struct conns *conns)
{
    size_t n_cut = 0;
    for (struct conn *conn = conns->first; conn; conn = conn->next) {
        if (conn->request) n_cut++;
        cut(conn);
    }
    return n_cut;
}
