/* SPDX-License-Identifier: Apache-2.0 */
/* The headers' own recv, where it is an inline function that checks sizes, is not meant here. */
#undef _FORTIFY_SOURCE
#include "server/wire.h"

#include "server/proxy_header.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* States of tcpi_state; <netinet/tcp.h>, which names them, knows too old a struct tcp_info. */
#define TCP_ESTABLISHED 1
#define TCP_CLOSE 7

/* What a layer gets at once of a reply that lies in two places: a record of TLS holds as much. */
#define PIECE_BYTES ((size_t)16 << 10)

/* For bytes on their way, or to nowhere. */
static _Thread_local char scratch[(size_t)64 << 10];

/* ---- the kernel's calls, by names that are not ours ---- */

static ssize_t kernel_recv(int fd, void *to, size_t room, int flags)
{
    return recvfrom(fd, to, room, flags, NULL, NULL);
}

static ssize_t kernel_send(int fd, const void *from, size_t n, int flags)
{
    return sendto(fd, from, n, flags, NULL, 0);
}

static ssize_t kernel_sendmsg(int fd, const struct msghdr *message, int flags)
{
    return syscall(SYS_sendmsg, fd, message, flags);
}

static int kernel_shutdown(int fd, int how)
{
    return (int)syscall(SYS_shutdown, fd, how);
}

/* ---- the wires of a loop ---- */

static _Thread_local struct wires *served;

void wires_serve(struct wires *wires)
{
    served = wires;
}

struct wire *wires_find(const struct wires *wires, int fd)
{
    return (size_t)fd < wires->room_by_fd ? wires->by_fd[fd] : NULL;
}

static struct wire *find(int fd)
{
    return served ? wires_find(served, fd) : NULL;
}

void wires_clear(struct wires *wires)
{
    if (served == wires) served = NULL;
    free(wires->by_fd);
    wires->by_fd = NULL;
    wires->room_by_fd = 0;
}

static bool make_place(struct wires *wires, size_t fd)
{
    if (fd < wires->room_by_fd) return true;
    size_t room = fd + fd / 2 + 64;
    struct wire **by_fd = realloc(wires->by_fd, room * sizeof(struct wire *));
    if (!by_fd) return false;
    memset(by_fd + wires->room_by_fd, 0, (room - wires->room_by_fd) * sizeof(struct wire *));
    wires->by_fd = by_fd;
    wires->room_by_fd = room;
    return true;
}

static bool is_header_due(const struct arrival *arrival)
{
    const struct door *door = arrival->door;
    return door->takes_proxy_header && networks_have(door->proxies, &arrival->client);
}

static void drop_header(struct wire *wire)
{
    free(wire->header);
    wire->header = NULL;
}

bool wire_open(struct wires *wires, struct wire *wire, const struct arrival *arrival)
{
    *wire = (struct wire){.fd = arrival->fd,
                          .client = arrival->client,
                          .is_local = arrival->client.family == ADDRESS_UNIX,
                          .door = arrival->door,
                          .layer = arrival->door->layer};
    if (!make_place(wires, (size_t)wire->fd)) return false;
    if (is_header_due(arrival) && !(wire->header = calloc(1, sizeof *wire->header))) return false;
    if (wire->layer && !wire->layer->open(wire)) {
        drop_header(wire);
        return false;
    }
    wires->by_fd[wire->fd] = wire;
    return true;
}

static void close_layer(struct wire *wire)
{
    drop_header(wire);
    if (wire->layer) wire->layer->close(wire);
    wire->layer = NULL;
}

void wire_release(struct wires *wires, struct wire *wire)
{
    wires->by_fd[wire->fd] = NULL;
    close_layer(wire);
}

bool wire_keep(struct wire *kept, struct wire *wire)
{
    int fd = fcntl(wire->fd, F_DUPFD_CLOEXEC, 0);
    if (fd < 0) return false;
    *kept = *wire;
    kept->fd = fd;
    wire->layer = NULL;
    wire->header = NULL;
    return true;
}

void wire_close(struct wire *wire)
{
    close_layer(wire);
    close(wire->fd);
}

/* ---- bytes ---- */

/* Reads the header that is due, as far as it has come: 1 when it is there whole, else as recv(2).
 */
static ssize_t take_header(struct wire *wire)
{
    struct proxy_header *header = wire->header;
    for (size_t want; !wire->is_strange && (want = proxy_header_wants(header)) > 0;) {
        ssize_t n = kernel_recv(wire->fd, scratch, want, MSG_DONTWAIT);
        /* Who has not begun, such as a check of health, may leave; whom we have cut off has not. */
        if (n < 0 || (n == 0 && (header->taken == 0 || wire->is_finished))) return n;
        wire->is_strange =
            n == 0 || !proxy_header_take(header, (const uint8_t *)scratch, (size_t)n);
    }
    if (wire->is_strange) { /* for good: what follows is nobody's */
        errno = EPROTO;
        return -1;
    }
    proxy_header_client(header, &wire->client);
    drop_header(wire);
    return 1;
}

bool wire_is_beginning(const struct wire *wire)
{
    return wire->header && wire->header->taken > 0;
}

ssize_t wire_take(struct wire *wire, void *to, size_t room)
{
    if (wire->header) {
        ssize_t n = take_header(wire);
        if (n <= 0) return n;
    }
    return kernel_recv(wire->fd, to, room, MSG_DONTWAIT);
}

ssize_t wire_give(struct wire *wire, const void *from, size_t n)
{
    return kernel_send(wire->fd, from, n, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* What the layer cannot go on with ends the socket too: an event is due. */
static void cut_unless_waiting(struct wire *wire)
{
    int failure = errno;
    if (failure != EAGAIN) wire_cut(wire);
    errno = failure;
}

static ssize_t read_through(struct wire *wire, char *to, size_t room)
{
    size_t got = 0;
    while (got < room && !wire->has_ended) {
        ssize_t n = wire->layer->read(wire, to + got, room - got);
        wire->has_ended = n == 0;
        if (n < 0) {
            cut_unless_waiting(wire);
            return got > 0 ? (ssize_t)got : n;
        }
        got += (size_t)n;
    }
    return (ssize_t)got;
}

ssize_t wire_read(struct wire *wire, void *to, size_t room)
{
    if (wire->layer) return read_through(wire, to, room);
    ssize_t n = wire_take(wire, to, room);
    wire->has_ended |= n == 0;
    return n;
}

static ssize_t send_through(struct wire *wire, const char *from, size_t n)
{
    size_t sent = 0;
    while (sent < n) {
        ssize_t taken = wire->layer->send(wire, from + sent, n - sent);
        assert(taken != 0);
        if (taken < 0) {
            cut_unless_waiting(wire);
            return sent > 0 ? (ssize_t)sent : taken;
        }
        sent += (size_t)taken;
    }
    return (ssize_t)sent;
}

static ssize_t count_sent(struct wire *wire, ssize_t sent)
{
    if (sent > 0) wire->sent_bytes += (uint64_t)sent;
    return sent;
}

ssize_t wire_send(struct wire *wire, const void *from, size_t n)
{
    return wire->layer ? send_through(wire, from, n) : count_sent(wire, wire_give(wire, from, n));
}

/* Copies what there is from `at` on into scratch, up to PIECE_BYTES. */
static size_t gather(const struct msghdr *message, size_t at)
{
    size_t n = 0;
    for (size_t i = 0; i < message->msg_iovlen && n < PIECE_BYTES; i++) {
        const struct iovec *part = &message->msg_iov[i];
        if (at >= part->iov_len) {
            at -= part->iov_len;
            continue;
        }
        size_t bytes = part->iov_len - at;
        if (bytes > PIECE_BYTES - n) bytes = PIECE_BYTES - n;
        memcpy(scratch + n, (const char *)part->iov_base + at, bytes);
        n += bytes;
        at = 0;
    }
    return n;
}

static ssize_t send_parts_through(struct wire *wire, const struct msghdr *message)
{
    size_t sent = 0;
    for (size_t n; (n = gather(message, sent)) > 0;) {
        ssize_t taken = send_through(wire, scratch, n);
        if (taken < 0) return sent > 0 ? (ssize_t)sent : taken;
        sent += (size_t)taken;
    }
    return (ssize_t)sent;
}

ssize_t wire_discard(struct wire *wire)
{
    return wire_take(wire, scratch, sizeof scratch);
}

/* ---- ends ---- */

bool wire_finish(struct wire *wire)
{
    wire->is_finishing = true;
    if (wire->is_finished) return true;
    if (wire->layer && !wire->layer->finish(wire)) return false;
    wire->is_finished = true;
    kernel_shutdown(wire->fd, SHUT_WR);
    return true;
}

bool wire_is_talking(const struct wire *wire)
{
    return wire->is_finishing && !wire->is_finished;
}

void wire_stop_reading(struct wire *wire)
{
    wire->has_ended = true; /* for a layer too, which has not heard it from the client */
    kernel_shutdown(wire->fd, SHUT_RD);
}

void wire_cut(struct wire *wire)
{
    wire->is_finished = true;
    kernel_shutdown(wire->fd, SHUT_RDWR);
}

void wire_turn_away(const struct arrival *arrival, const char *reply)
{
    const int fd = arrival->fd;
    ssize_t n = 0;
    if (!arrival->door->layer)
        n = kernel_send(fd, reply, strlen(reply), MSG_DONTWAIT | MSG_NOSIGNAL);
    kernel_shutdown(fd, SHUT_WR);
    /* What is unread would reset the connection. */
    n = kernel_recv(fd, scratch, sizeof scratch, MSG_DONTWAIT);
    (void)n;
    close(fd);
}

void wire_drop(int fd)
{
    close(fd);
}

/* ---- counts ---- */

static bool ask_kernel(int fd, struct tcp_info *info)
{
    socklen_t bytes = sizeof *info;
    memset(info, 0, sizeof *info);
    return getsockopt(fd, IPPROTO_TCP, TCP_INFO, info, &bytes) == 0;
}

static size_t count(const struct wire *wire, unsigned long of)
{
    int bytes = 0;
    return ioctl(wire->fd, of, &bytes) == 0 ? (size_t)bytes : 0;
}

/* Nothing is acknowledged between two programs on one machine: there is what the other has not yet
   read, in the kernel's own measure. */
static void ask_local(const struct wire *wire, struct wire_report *report)
{
    struct pollfd ask = {.fd = wire->fd, .events = POLLRDHUP};
    bool has_left = poll(&ask, 1, 0) == 1;
    report->acked_bytes = wire->sent_bytes - count(wire, SIOCOUTQ);
    report->is_open = !has_left && !wire->has_ended;
}

bool wire_ask(const struct wire *wire, struct wire_report *report)
{
    struct tcp_info info;
    if (wire->is_local) {
        ask_local(wire, report);
        return true;
    }
    if (!ask_kernel(wire->fd, &info)) return false;
    report->acked_bytes = info.tcpi_bytes_acked;
    report->is_open = info.tcpi_state == TCP_ESTABLISHED && !wire->has_ended;
    return true;
}

size_t wire_unread(const struct wire *wire)
{
    size_t bytes = count(wire, SIOCINQ);
    return wire->layer ? bytes + wire->layer->unread(wire) : bytes;
}

size_t wire_unsent(const struct wire *wire)
{
    struct tcp_info info;
    if (wire->is_local) return wire_is_talking(wire);
    /* Of a connection that was reset the kernel goes on saying that there is something. */
    if (ask_kernel(wire->fd, &info) && info.tcpi_state == TCP_CLOSE) return 0;
    return count(wire, SIOCOUTQ) + wire_is_talking(wire);
}

/* ---- what libmicrohttpd calls ---- */

/* It finds them by the dynamic linker, which sees no hidden symbol. */
#pragma GCC visibility push(default)

ssize_t recv(int fd, void *to, size_t room, int flags)
{
    struct wire *wire = find(fd);
    return wire ? served->read(served->user, wire, to, room) : kernel_recv(fd, to, room, flags);
}

ssize_t send(int fd, const void *from, size_t n, int flags)
{
    struct wire *wire = find(fd);
    if (wire && wire->layer) return send_through(wire, from, n);
    ssize_t sent = kernel_send(fd, from, n, flags);
    return wire ? count_sent(wire, sent) : sent;
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    struct wire *wire = find(fd);
    if (wire && wire->layer) return send_parts_through(wire, message);
    ssize_t sent = kernel_sendmsg(fd, message, flags);
    return wire ? count_sent(wire, sent) : sent;
}

int shutdown(int fd, int how)
{
    struct wire *wire = find(fd);
    if (!wire || how != SHUT_WR) return kernel_shutdown(fd, how);
    wire_finish(wire);
    return 0;
}

#pragma GCC visibility pop
