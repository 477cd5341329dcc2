/* SPDX-License-Identifier: Apache-2.0 */
#include "server/listener.h"

#include "base/log.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

/* So that one wake-up of the listener cannot keep its loop from everything else. */
#define ACCEPTS_A_WAKE 64
/* How long to leave connections in the kernel's queue when no descriptor is left for them. */
#define PAUSE_MS 100

/* ---- opening ---- */

static struct listener *add(struct listeners *listeners, const struct listeners_wish *wish,
                            bool is_admin, struct err *err)
{
    if (listeners->n == SOCKETS_MAX) {
        err_set(err, ERR_USAGE, "listen",
                "listen and admin-listen have more than %d addresses; take fewer", SOCKETS_MAX);
        return NULL;
    }
    struct listener *listener = &listeners->items[listeners->n];
    *listener = (struct listener){.door = wish->door};
    listener->door.is_admin = is_admin;
    /* Who asks for the state of the service does so without a proxy. */
    listener->door.takes_proxy_header &= !is_admin;
    return listener;
}

static void add_opened(struct listeners *listeners, struct listener *listener)
{
    if (listener->socket.is_unix) listener->door.layer = NULL;
    listeners->n++;
}

static const char *scheme_of(const struct listeners_wish *wish)
{
    return wish->door.layer ? "https" : "http";
}

static bool open_address(struct listeners *listeners, const struct listeners_wish *wish,
                         bool is_admin, const char *address, size_t bytes, struct err *err)
{
    struct listener *listener = add(listeners, wish, is_admin, err);
    if (!listener) return false;
    const char *option = is_admin ? "admin-listen" : "listen";
    if (bytes >= sizeof listener->address)
        return err_set(err, ERR_USAGE, option, "%s: '%.*s...' is too long for an address", option,
                       ERR_VALUE_BYTES, address);
    memcpy(listener->address, address, bytes);
    listener->address[bytes] = '\0';
    const struct socket_wish socket = {.option = option,
                                       .scheme = scheme_of(wish),
                                       .address = listener->address,
                                       .mode = wish->mode,
                                       .given = wish->given};
    if (!socket_listen(&listener->socket, &socket, err)) return false;
    add_opened(listeners, listener);
    return true;
}

/* A line each. */
static bool open_list(struct listeners *listeners, const struct listeners_wish *wish, bool is_admin,
                      const char *list, struct err *err)
{
    if (!strcmp(list, "none")) return true;
    for (const char *end;; list = end + 1) {
        end = list + strcspn(list, "\n");
        if (!open_address(listeners, wish, is_admin, list, (size_t)(end - list), err)) return false;
        if (!*end) return true;
    }
}

/* Those that were passed to us; *n of them. */
static bool adopt(struct listeners *listeners, const struct listeners_wish *wish, bool is_admin,
                  size_t *n, struct err *err)
{
    *n = 0;
    for (size_t i = 0; wish->passed && i < wish->passed->n; i++) {
        struct socket_given *item = &wish->passed->items[i];
        if (item->is_admin != is_admin) continue;
        struct listener *listener = add(listeners, wish, is_admin, err);
        if (!listener || !socket_adopt(&listener->socket, item->fd, scheme_of(wish), err))
            return false;
        memcpy(listener->name, item->name, sizeof listener->name);
        item->is_taken = true;
        add_opened(listeners, listener);
        ++*n;
    }
    return true;
}

bool listeners_open(struct listeners *listeners, const struct listeners_wish *wish, struct err *err)
{
    listeners->n = 0;
    for (int is_admin = 0; is_admin <= 1; is_admin++) {
        const char *list = is_admin ? wish->admin_listen : wish->listen;
        size_t n_passed;
        if (adopt(listeners, wish, is_admin, &n_passed, err) &&
            (n_passed > 0 || open_list(listeners, wish, is_admin, list, err)))
            continue;
        listeners_close(listeners);
        return false;
    }
    return true;
}

void listeners_own(struct listeners *listeners)
{
    for (size_t i = 0; i < listeners->n; i++)
        listeners->items[i].socket.is_shared = false;
}

bool listeners_have_admin(const struct listeners *listeners)
{
    for (size_t i = 0; i < listeners->n; i++)
        if (listeners->items[i].door.is_admin) return true;
    return false;
}

/* ---- accepting ---- */

static struct address address_of(const struct sockaddr_storage *name)
{
    const struct sockaddr_in *ipv4 = (const struct sockaddr_in *)(const void *)name;
    const struct sockaddr_in6 *ipv6 = (const struct sockaddr_in6 *)(const void *)name;
    if (name->ss_family == AF_INET)
        return address_of_ipv4((const uint8_t *)&ipv4->sin_addr, ntohs(ipv4->sin_port));
    if (name->ss_family == AF_INET6)
        return address_of_ipv6(ipv6->sin6_addr.s6_addr, ntohs(ipv6->sin6_port));
    return (struct address){.family = ADDRESS_UNIX};
}

/* Hands on up to `max` waiting connections; 0 or the errno that ended it. */
static int accept_waiting(struct listener *listener, int max)
{
    for (int n = 0; n < max;) {
        struct sockaddr_storage from = {0};
        socklen_t bytes = sizeof from;
        int fd = accept4(listener->socket.fd, (struct sockaddr *)&from, &bytes,
                         SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            const struct arrival arrival = {
                .fd = fd, .client = address_of(&from), .door = &listener->door};
            listener->take(&arrival, listener->user);
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
    log_rarely(&listener->starved_gate, LOG_LEVEL_WARN, "cannot accept connections for now: %s",
               strerror(failure));
    uv_poll_stop(poll);
    uv_timer_start(&listener->pause, on_pause_over, PAUSE_MS, 0);
}

static void start(struct listener *listener, uv_loop_t *loop, listener_take *take, void *user)
{
    listener->take = take;
    listener->user = user;
    listener->is_started = true;
    uv_poll_init(loop, &listener->poll, listener->socket.fd);
    uv_timer_init(loop, &listener->pause);
    listener->poll.data = listener->pause.data = listener;
    uv_poll_start(&listener->poll, UV_READABLE, on_readable);
}

void listeners_start(struct listeners *listeners, uv_loop_t *loop, listener_take *take, void *user)
{
    for (size_t i = 0; i < listeners->n; i++)
        start(&listeners->items[i], loop, take, user);
}

bool listener_is_loopback(const struct listener *listener)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_storage room;
    } name;
    socklen_t bytes = sizeof name;
    if (getsockname(listener->socket.fd, &name.any, &bytes) != 0) return false;
    if (name.any.sa_family == AF_INET)
        return ntohl(name.v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    if (name.any.sa_family != AF_INET6) return name.any.sa_family == AF_UNIX;
    const struct in6_addr *v6 = &name.v6.sin6_addr;
    return IN6_IS_ADDR_LOOPBACK(v6) ||
           (IN6_IS_ADDR_V4MAPPED(v6) && v6->s6_addr[12] == IN_LOOPBACKNET);
}

static void end(struct listener *listener, bool removes_file)
{
    if (listener->is_started) {
        uv_close((uv_handle_t *)&listener->poll, NULL);
        uv_close((uv_handle_t *)&listener->pause, NULL);
    }
    listener->is_started = false;
    socket_close(&listener->socket, removes_file);
}

void listener_stop(struct listener *listener)
{
    if (!listener->is_started) return;
    accept_waiting(listener, SOMAXCONN);
    end(listener, true);
}

void listener_leave(struct listener *listener)
{
    end(listener, false);
}

void listeners_stop(struct listeners *listeners)
{
    for (size_t i = 0; i < listeners->n; i++)
        listener_stop(&listeners->items[i]);
}

void listeners_close(struct listeners *listeners)
{
    for (size_t i = 0; i < listeners->n; i++)
        socket_close(&listeners->items[i].socket, true);
    listeners->n = 0;
}
