/* SPDX-License-Identifier: Apache-2.0 */
#include "server/conn.h"

#include "base/clock.h"

#include <errno.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* A state of tcpi_state; <netinet/tcp.h>, which names them, knows too old a struct tcp_info. */
#define TCP_ESTABLISHED 1

static const char reply_408[] = "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n"
                                "Connection: close\r\n\r\n";

void conns_init(struct conns *conns, const struct conn_limits *limits)
{
    *conns = (struct conns){.limits = *limits};
}

void conns_clear(struct conns *conns)
{
    free(conns->by_fd);
    conns->by_fd = NULL;
    conns->room_by_fd = 0;
}

struct conn *conns_find(const struct conns *conns, int fd)
{
    return (size_t)fd < conns->room_by_fd ? conns->by_fd[fd] : NULL;
}

static bool make_place(struct conns *conns, size_t fd)
{
    if (fd < conns->room_by_fd) return true;
    size_t room = fd + fd / 2 + 64;
    struct conn **by_fd = realloc(conns->by_fd, room * sizeof(struct conn *));
    if (!by_fd) return false;
    memset(by_fd + conns->room_by_fd, 0, (room - conns->room_by_fd) * sizeof(struct conn *));
    conns->by_fd = by_fd;
    conns->room_by_fd = room;
    return true;
}

struct conn *conns_add(struct conns *conns, int fd)
{
    struct conn *conn = make_place(conns, (size_t)fd) ? calloc(1, sizeof *conn) : NULL;
    if (!conn) return NULL;
    conns->by_fd[fd] = conn;
    framing_init(&conn->framing, conns->limits.head_bytes);
    conn->fd = fd;
    conn->since_ns = clock_now_ns();
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
    conns->by_fd[conn->fd] = NULL;
    framing_clear(&conn->framing);
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
    if (is_refused || (conn->has_ended && !owes_replies(conn))) shutdown(conn->fd, SHUT_RD);
}

ssize_t conn_read(struct conns *conns, struct conn *conn, void *to, size_t room)
{
    char *at = to;
    size_t got = framing_take(&conn->framing, at, 0, room);
    bool is_empty = false;
    /* libmicrohttpd's sockets are edge-triggered, and it takes less than it asked for as all there
       is: so until the room is full, or the kernel has no more. */
    while (got < room && !is_empty && !conn->framing.fault) {
        ssize_t n = recvfrom(conn->fd, at + got, room - got, 0, NULL, NULL);
        conn->has_ended |= n == 0;
        if (n < 0 && got == 0 && errno != EAGAIN) return n;
        if (n <= 0) break;
        is_empty = (size_t)n < room - got;
        got += framing_take(&conn->framing, at + got, (size_t)n, room - got);
    }
    /* With a whole head conn_begin_request follows, which knows the time. */
    if (got == 0 && conn->phase == CONN_IDLE && under_way(conn) > 0)
        set_phase(conn, CONN_RECEIVING, clock_now_ns());
    if (is_refusal_due(conn)) conn_refuse(conns, conn, conn->framing.fault);
    if (got > 0 && !conn->is_shut) return (ssize_t)got;
    if (conn->is_shut || (conn->has_ended && !owes_replies(conn))) return 0;
    errno = EAGAIN;
    return -1;
}

static bool ask_kernel(const struct conn *conn, struct tcp_info *info)
{
    socklen_t bytes = sizeof *info;
    memset(info, 0, sizeof *info);
    return getsockopt(conn->fd, IPPROTO_TCP, TCP_INFO, info, &bytes) == 0;
}

static void shut(struct conn *conn)
{
    shutdown(conn->fd, SHUT_RDWR);
    conn->is_shut = true;
    conn->lingers = false;
}

void conn_send_last(struct conn *conn, const char *reply)
{
    ssize_t sent = send(conn->fd, reply, strlen(reply), MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)sent; /* a courtesy: a client that cannot take it gets the end alone */
}

static int unread_bytes(const struct conn *conn)
{
    int bytes = 0;
    return ioctl(conn->fd, SIOCINQ, &bytes) == 0 ? bytes : 0;
}

static bool has_taken_bytes(struct conn *conn, const struct tcp_info *info)
{
    if (info->tcpi_bytes_acked == conn->acked_bytes) return false;
    conn->acked_bytes = info->tcpi_bytes_acked;
    return true;
}

/* Whether the client has closed and all it sent has been read, while more is needed of it. A
   client's end that comes together with its last bytes is never heard of by libmicrohttpd 0.9.75:
   its sockets are edge-triggered, and it takes a short read for the last there is. */
static bool is_abandoned(const struct conn *conn, const struct tcp_info *info)
{
    return info->tcpi_state != TCP_ESTABLISHED && unread_bytes(conn) == 0;
}

static void check(struct conns *conns, struct conn *conn, uint64_t now_ns)
{
    struct tcp_info info;
    uint64_t passed_ns = now_ns > conn->since_ns ? now_ns - conn->since_ns : 0;
    if (conn->phase == CONN_WORKING || !ask_kernel(conn, &info)) return;
    switch (conn->phase) {
    case CONN_IDLE:
        if (is_abandoned(conn, &info))
            shut(conn);
        else if (passed_ns > conns->limits.idle_ns)
            shut(conn);
        break;
    case CONN_RECEIVING:
        if (is_abandoned(conn, &info)) {
            shut(conn);
        } else if (passed_ns > conns->limits.request_ns) {
            conn->is_late = true;
            if (!conn->request) conns->timeouts++;
            conn_send_last(conn, reply_408);
            shut(conn);
        }
        break;
    case CONN_WORKING:
        break;
    case CONN_REPLYING:
        if (has_taken_bytes(conn, &info)) {
            conn->since_ns = now_ns;
        } else if (passed_ns > conns->limits.write_ns) {
            conn->is_late = true;
            shut(conn);
        }
        break;
    }
}

void conns_sweep(struct conns *conns, uint64_t now_ns)
{
    for (struct conn *conn = conns->first; conn; conn = conn->next) {
        if (!conn->is_shut) check(conns, conn, now_ns);
    }
}

void conns_shut_idle(struct conns *conns)
{
    for (struct conn *conn = conns->first; conn; conn = conn->next) {
        if (conn->is_shut || conn->phase != CONN_IDLE || unread_bytes(conn) > 0) continue;
        /* libmicrohttpd sees an end; the client may have its last reply still to read. */
        shutdown(conn->fd, SHUT_RD);
        conn->is_shut = true;
        conn->lingers = true;
    }
}

size_t conns_shut_all(struct conns *conns)
{
    size_t cut = 0;
    for (struct conn *conn = conns->first; conn; conn = conn->next) {
        if (conn->request) cut++;
        shut(conn);
    }
    return cut;
}
