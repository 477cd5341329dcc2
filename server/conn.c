/* SPDX-License-Identifier: Apache-2.0 */
#include "server/conn.h"

#include "base/clock.h"

#include <assert.h>
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

struct conn *conns_add(struct conns *conns, int fd)
{
    struct conn *conn = calloc(1, sizeof *conn);
    if (!conn) return NULL;
    conn->fd = fd;
    conn->is_consumed_known = true;
    conn->since_ns = clock_now_ns();
    conn->next = conns->first;
    if (conns->first) conns->first->prev = conn;
    conns->first = conn;
    conns->n++;
    return conn;
}

void conns_remove(struct conns *conns, struct conn *conn)
{
    assert(!conn->request);
    if (conn->next) conn->next->prev = conn->prev;
    if (conn->prev)
        conn->prev->next = conn->next;
    else
        conns->first = conn->next;
    conns->n--;
    free(conn);
}

static void set_phase(struct conn *conn, enum conn_phase phase, uint64_t now_ns)
{
    conn->phase = phase;
    conn->since_ns = now_ns;
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

void conn_end_request(struct conn *conn, uint64_t bytes, uint64_t now_ns)
{
    conn->request = NULL;
    if (bytes == 0) conn->is_consumed_known = false;
    conn->consumed_bytes += bytes;
    set_phase(conn, CONN_IDLE, now_ns);
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

/* Whether bytes of a next request have arrived. Only on an idle connection. */
static bool has_next_request(struct conn *conn, const struct tcp_info *info)
{
    if (!conn->is_consumed_known) {
        conn->consumed_bytes = info->tcpi_bytes_received;
        conn->is_consumed_known = true;
    }
    return info->tcpi_bytes_received > conn->consumed_bytes;
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
    int unread = 0;
    if (info->tcpi_state == TCP_ESTABLISHED) return false;
    return ioctl(conn->fd, SIOCINQ, &unread) == 0 && unread == 0;
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
        else if (has_next_request(conn, &info))
            set_phase(conn, CONN_RECEIVING, now_ns);
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
        struct tcp_info info;
        if (conn->is_shut || conn->phase != CONN_IDLE) continue;
        if (!ask_kernel(conn, &info) || has_next_request(conn, &info)) continue;
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
