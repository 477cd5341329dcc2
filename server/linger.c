/* SPDX-License-Identifier: Apache-2.0 */
#include "server/linger.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define QUIET_NS 2000000000u      /* a client that sends nothing for so long has stopped */
#define IN_ALL_NS 30000000000u    /* and no one is waited for longer */
#define SWALLOWED_MAX (64u << 20) /* nor read further */
#define READ_BYTES ((size_t)64 << 10)
#define READS_A_WAKE 16
/* Beyond so many on one loop, sockets are closed as they are: each holds a descriptor. */
#define LINGERS_MAX 1024

struct lingering {
    uv_poll_t poll; /* first: the handle is the allocation */
    struct lingers *of;
    struct lingering *next, *prev;
    int fd;
    uint64_t since_ns, last_ns; /* when it began, when the client last sent */
    uint64_t swallowed;
    bool has_ended; /* nothing more will come of the client, who may still be reading */
};

static void on_closed(uv_handle_t *handle)
{
    free(handle);
}

static void end(struct lingering *linger)
{
    struct lingers *of = linger->of;
    if (linger->next) linger->next->prev = linger->prev;
    if (linger->prev)
        linger->prev->next = linger->next;
    else
        of->first = linger->next;
    of->n--;
    uv_close((uv_handle_t *)&linger->poll, on_closed);
    close(linger->fd);
}

/* Bytes that the client has not acknowledged, the end of the connection counted as one. Of a
   connection that was reset the kernel says so for ever, but they will go nowhere. */
static int unsent_bytes(const struct lingering *linger)
{
    int bytes = 0;
    struct tcp_info info;
    socklen_t info_bytes = sizeof info;
    if (getsockopt(linger->fd, IPPROTO_TCP, TCP_INFO, &info, &info_bytes) == 0 &&
        info.tcpi_state == TCP_CLOSE)
        return 0;
    return ioctl(linger->fd, SIOCOUTQ, &bytes) == 0 ? bytes : 0;
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    (void)events;
    struct lingering *linger = (struct lingering *)poll;
    static _Thread_local char waste[READ_BYTES];
    ssize_t got = status ? -1 : 1;
    for (int i = 0; got > 0 && i < READS_A_WAKE; i++) {
        got = recv(linger->fd, waste, sizeof waste, MSG_DONTWAIT);
        if (got > 0) linger->swallowed += (uint64_t)got;
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    }
    linger->last_ns = clock_now_ns();
    if (got < 0 || linger->swallowed > SWALLOWED_MAX || (got == 0 && unsent_bytes(linger) == 0)) {
        end(linger);
    } else if (got == 0) {
        linger->has_ended = true;
        uv_poll_stop(poll);
    }
}

void lingers_add(struct lingers *lingers, int fd)
{
    struct lingering *linger = lingers->n < LINGERS_MAX ? calloc(1, sizeof *linger) : NULL;
    if (!linger) return;
    linger->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (linger->fd < 0 || uv_poll_init(lingers->loop, &linger->poll, linger->fd) != 0) {
        if (linger->fd >= 0) close(linger->fd);
        free(linger);
        return;
    }
    shutdown(fd, SHUT_WR);
    linger->of = lingers;
    linger->since_ns = linger->last_ns = clock_now_ns();
    linger->next = lingers->first;
    if (lingers->first) lingers->first->prev = linger;
    lingers->first = linger;
    lingers->n++;
    uv_poll_start(&linger->poll, UV_READABLE, on_readable);
}

void lingers_sweep(struct lingers *lingers, bool is_draining)
{
    uint64_t now_ns = clock_now_ns();
    for (struct lingering *linger = lingers->first, *next; linger; linger = next) {
        next = linger->next;
        bool is_quiet = is_draining || linger->has_ended || now_ns - linger->last_ns > QUIET_NS;
        bool is_out_of_time = !is_draining && now_ns - linger->since_ns > IN_ALL_NS;
        if (is_out_of_time || (is_quiet && unsent_bytes(linger) == 0)) end(linger);
    }
}

size_t lingers_close(struct lingers *lingers)
{
    size_t cut = 0;
    while (lingers->first) {
        if (unsent_bytes(lingers->first) > 0) cut++;
        end(lingers->first);
    }
    return cut;
}
