/* SPDX-License-Identifier: Apache-2.0 */
#include "server/listener.h"

#include "base/clock.h"
#include "base/log.h"

#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* So that one wake-up of the listener cannot keep its loop from everything else. */
#define ACCEPTS_A_WAKE 64
/* How long to leave connections in the kernel's queue when no descriptor is left for them. */
#define PAUSE_MS 100
/* How often that is said at most. */
#define STARVED_LOG_NS 60000000000u

static bool bad_address(const char *address, const char *why, struct err *err)
{
    return err_set(err, ERR_USAGE, "listen",
                   "listen must be ADDRESS:PORT, such as 127.0.0.1:8080, [::1]:8080 or "
                   "localhost:8080, not '%.*s': %s",
                   ERR_VALUE_BYTES, address, why);
}

/* Parts "HOST:PORT" or "[HOST]:PORT"; `host` has room for `room` bytes. */
static bool split_address(const char *address, char *host, size_t room, const char **port,
                          struct err *err)
{
    const char *colon = strrchr(address, ':');
    if (!colon) return bad_address(address, "there is no port", err);
    const char *start = address, *end = colon;
    if (*start == '[' && end > start && end[-1] == ']') {
        start++;
        end--;
    } else if (memchr(start, ':', (size_t)(end - start))) {
        return bad_address(address, "an IPv6 address stands in brackets", err);
    }
    if (start == end) return bad_address(address, "there is no address (* is every one)", err);
    if ((size_t)(end - start) >= room) return bad_address(address, "the name is too long", err);
    memcpy(host, start, (size_t)(end - start));
    host[end - start] = '\0';
    *port = colon + 1;
    char *rest;
    unsigned long number = strtoul(*port, &rest, 10);
    if (**port < '0' || **port > '9' || *rest || number > 65535)
        return bad_address(address, "the port is a number from 0 to 65535", err);
    return true;
}

/* Every address: [::] takes IPv4 too, where the kernel has IPv6. */
static const char *any_address(void)
{
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return "0.0.0.0";
    close(fd);
    return "::";
}

static struct addrinfo *resolve(const char *host, const char *port, int *failure)
{
    if (!strcmp(host, "*")) host = any_address();
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE};
    struct addrinfo *found = NULL;
    *failure = getaddrinfo(host, port, &hints, &found);
    if (*failure != EAI_NONAME) return *failure ? NULL : found;
    /* Only a name needs a resolver, which a bare container may not have. */
    hints.ai_flags = AI_NUMERICSERV | AI_PASSIVE;
    *failure = getaddrinfo(host, port, &hints, &found);
    return *failure ? NULL : found;
}

/* Returns a listening socket, or -1 with errno set. */
static int open_socket(const struct addrinfo *at)
{
    int fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    /* So that a restart is not kept out by connections of the process before. Without SO_REUSEPORT
       Linux still refuses the port while anyone listens on it. */
    int on = 1, off = 0;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (at->ai_family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (bind(fd, at->ai_addr, at->ai_addrlen) == 0 && listen(fd, SOMAXCONN) == 0) return fd;
    int failure = errno;
    close(fd);
    errno = failure;
    return -1;
}

static void write_url(struct listener *listener)
{
    struct sockaddr_storage name;
    socklen_t bytes = sizeof name;
    char host[64], port[8];
    getsockname(listener->fd, (struct sockaddr *)&name, &bytes);
    int failure = getnameinfo((struct sockaddr *)&name, bytes, host, sizeof host, port, sizeof port,
                              NI_NUMERICHOST | NI_NUMERICSERV);
    assert(!failure);
    (void)failure;
    bool is_v6 = name.ss_family == AF_INET6;
    snprintf(listener->url, sizeof listener->url, "http://%s%s%s:%s", is_v6 ? "[" : "", host,
             is_v6 ? "]" : "", port);
}

static bool cannot_listen(const char *address, int failure, struct err *err)
{
    const char *remedy = "";
    if (failure == EADDRINUSE)
        remedy = "; another program listens there: stop it, or choose another port";
    else if (failure == EACCES)
        remedy = "; ports below 1024 need privileges: choose a higher one";
    else if (failure == EADDRNOTAVAIL)
        remedy = "; this machine has no such address: * is every one it has";
    return err_set(err, ERR_IO, "listen", "cannot listen on %.*s: %s%s", ERR_VALUE_BYTES, address,
                   strerror(failure), remedy);
}

bool listener_open(struct listener *listener, const char *address, struct err *err)
{
    *listener = (struct listener){.fd = -1};
    char host[256];
    const char *port = NULL;
    if (!split_address(address, host, sizeof host, &port, err)) return false;
    int failure;
    struct addrinfo *found = resolve(host, port, &failure);
    if (!found) return bad_address(address, gai_strerror(failure), err);
    for (struct addrinfo *at = found; at && listener->fd < 0; at = at->ai_next) {
        listener->fd = open_socket(at);
        failure = errno;
        /* A name may stand for addresses that this machine lacks; anything else is final. */
        if (failure != EADDRNOTAVAIL && failure != EAFNOSUPPORT) break;
    }
    freeaddrinfo(found);
    if (listener->fd < 0) return cannot_listen(address, failure, err);
    write_url(listener);
    return true;
}

/* Hands on up to `max` waiting connections; 0 or the errno that ended it. */
static int accept_waiting(struct listener *listener, int max)
{
    for (int n = 0; n < max;) {
        int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            listener->take(fd, listener->user);
            n++;
        } else if (errno != EINTR && errno != ECONNABORTED && errno != EPROTO) {
            return errno == EAGAIN ? 0 : errno;
        }
    }
    return 0;
}

static void on_readable(uv_poll_t *poll, int status, int events);

static void on_pause_over(uv_timer_t *timer)
{
    struct listener *listener = timer->data;
    uv_poll_start(&listener->poll, UV_READABLE, on_readable);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    struct listener *listener = poll->data;
    int failure = accept_waiting(listener, ACCEPTS_A_WAKE);
    if (!failure) return;
    /* Out of descriptors or memory: the socket stays readable, so trying on would spin. */
    uint64_t now_ns = clock_now_ns();
    if (now_ns >= listener->quiet_until_ns) {
        log_warn("cannot accept connections for now: %s", strerror(failure));
        listener->quiet_until_ns = now_ns + STARVED_LOG_NS;
    }
    uv_poll_stop(poll);
    uv_timer_start(&listener->pause, on_pause_over, PAUSE_MS, 0);
}

void listener_start(struct listener *listener, uv_loop_t *loop, listener_take *take, void *user)
{
    listener->take = take;
    listener->user = user;
    uv_poll_init(loop, &listener->poll, listener->fd);
    uv_timer_init(loop, &listener->pause);
    listener->poll.data = listener->pause.data = listener;
    uv_poll_start(&listener->poll, UV_READABLE, on_readable);
}

void listener_stop(struct listener *listener)
{
    if (listener->fd < 0) return;
    accept_waiting(listener, SOMAXCONN);
    uv_close((uv_handle_t *)&listener->poll, NULL);
    uv_close((uv_handle_t *)&listener->pause, NULL);
    listener_close(listener);
}

void listener_close(struct listener *listener)
{
    if (listener->fd >= 0) close(listener->fd);
    listener->fd = -1;
}
