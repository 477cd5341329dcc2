/* SPDX-License-Identifier: Apache-2.0 */
#include "server/sockets.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define UNIX_PREFIX "unix:"

/* An address as the kernel has it. */
struct name {
    union {
        struct sockaddr any;
        struct sockaddr_in ipv4;
        struct sockaddr_in6 ipv6;
        struct sockaddr_un local;
        struct sockaddr_storage all;
    } at;
    socklen_t bytes;
};

/* ---- messages ---- */

static bool bad_address(const struct socket_wish *wish, const char *why, struct err *err)
{
    return err_set(err, ERR_USAGE, wish->option,
                   "%s must be ADDRESS:PORT, such as 127.0.0.1:8080, [::1]:8080 or "
                   "localhost:8080, or unix:/PATH, not '%.*s': %s",
                   wish->option, ERR_VALUE_BYTES, wish->address, why);
}

static bool cannot_listen(const struct socket_wish *wish, int failure, struct err *err)
{
    const bool is_unix = !strncmp(wish->address, UNIX_PREFIX, strlen(UNIX_PREFIX));
    const char *remedy = "";
    if (failure == EADDRINUSE)
        remedy = is_unix ? "; another program listens there: stop it, or choose another path"
                         : "; another program listens there: stop it, or choose another port";
    else if (failure == ENOTSOCK)
        remedy = "; what is there is no socket, and is left alone: choose another path";
    else if (failure == EACCES)
        remedy = is_unix ? "; the folder has to be one that we may write to"
                         : "; ports below 1024 need privileges: choose a higher one";
    else if (failure == EADDRNOTAVAIL)
        remedy = "; this machine has no such address: * is every one it has";
    return err_set(err, ERR_IO, wish->option, "cannot listen on %.*s: %s%s", ERR_VALUE_BYTES,
                   wish->address, strerror(failure), remedy);
}

/* ---- addresses ---- */

/* Parts "HOST:PORT" or "[HOST]:PORT"; `host` has room for `room` bytes. */
static bool split_address(const struct socket_wish *wish, char *host, size_t room,
                          const char **port, struct err *err)
{
    const char *address = wish->address, *colon = strrchr(address, ':');
    if (!colon) return bad_address(wish, "there is no port", err);
    const char *start = address, *end = colon;
    if (*start == '[' && end > start && end[-1] == ']') {
        start++;
        end--;
    } else if (memchr(start, ':', (size_t)(end - start))) {
        return bad_address(wish, "an IPv6 address stands in brackets", err);
    }
    if (start == end) return bad_address(wish, "there is no address (* is every one)", err);
    if ((size_t)(end - start) >= room) return bad_address(wish, "the name is too long", err);
    memcpy(host, start, (size_t)(end - start));
    host[end - start] = '\0';
    *port = colon + 1;
    char *rest;
    unsigned long number = strtoul(*port, &rest, 10);
    if (**port < '0' || **port > '9' || *rest || number > 65535)
        return bad_address(wish, "the port is a number from 0 to 65535", err);
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

/* unix:/PATH or unix:@NAME, whose @ stands for the NUL of the abstract names. */
static bool read_unix_address(const struct socket_wish *wish, struct name *name, struct err *err)
{
    const char *path = wish->address + strlen(UNIX_PREFIX);
    const size_t n = strlen(path);
    char why[100];
    if (n == 0 || !strcmp(path, "@")) return bad_address(wish, "there is no path", err);
    if (n > sizeof name->at.local.sun_path - 1) {
        snprintf(why, sizeof why, "a path of a Unix socket has at most %zu bytes, and this one %zu",
                 sizeof name->at.local.sun_path - 1, n);
        return bad_address(wish, why, err);
    }
    *name = (struct name){.at.local.sun_family = AF_UNIX};
    memcpy(name->at.local.sun_path, path, n);
    if (*path == '@') *name->at.local.sun_path = '\0';
    name->bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + (*path != '@'));
    return true;
}

static struct name name_of(int fd)
{
    struct name name = {.bytes = sizeof name.at};
    if (getsockname(fd, &name.at.any, &name.bytes) != 0) name.bytes = 0;
    return name;
}

static bool is_same_name(const struct name *a, const struct name *b)
{
    if (a->at.any.sa_family != b->at.any.sa_family) return false;
    switch (a->at.any.sa_family) {
    case AF_INET:
        return a->at.ipv4.sin_port == b->at.ipv4.sin_port &&
               a->at.ipv4.sin_addr.s_addr == b->at.ipv4.sin_addr.s_addr;
    case AF_INET6:
        return a->at.ipv6.sin6_port == b->at.ipv6.sin6_port &&
               a->at.ipv6.sin6_scope_id == b->at.ipv6.sin6_scope_id &&
               !memcmp(&a->at.ipv6.sin6_addr, &b->at.ipv6.sin6_addr, sizeof(struct in6_addr));
    case AF_UNIX:
        return a->bytes == b->bytes && !memcmp(&a->at, &b->at, a->bytes);
    }
    return false;
}

static void write_url(struct listen_socket *socket, const char *scheme)
{
    struct name name = name_of(socket->fd);
    char host[64], port[8];
    socket->is_unix = name.at.any.sa_family == AF_UNIX;
    if (socket->is_unix) {
        const char *path = name.at.local.sun_path;
        const size_t bytes = name.bytes - offsetof(struct sockaddr_un, sun_path);
        if (bytes > 0 && !*path)
            snprintf(socket->url, sizeof socket->url, UNIX_PREFIX "@%.*s", (int)bytes - 1,
                     path + 1);
        else
            snprintf(socket->url, sizeof socket->url, UNIX_PREFIX "%.*s", (int)bytes, path);
        return;
    }
    int failure = getnameinfo(&name.at.any, name.bytes, host, sizeof host, port, sizeof port,
                              NI_NUMERICHOST | NI_NUMERICSERV);
    assert(!failure);
    (void)failure;
    bool is_v6 = name.at.any.sa_family == AF_INET6;
    snprintf(socket->url, sizeof socket->url, "%s://%s%s%s:%s", scheme, is_v6 ? "[" : "", host,
             is_v6 ? "]" : "", port);
}

/* ---- sockets of others ---- */

void sockets_drop(struct sockets_given *given)
{
    for (size_t i = 0; i < given->n; i++)
        if (!given->items[i].is_taken) close(given->items[i].fd);
    given->n = 0;
}

/* That was opened for the same words, such as a port that the kernel has picked, or has the same
   name. */
static int take_given(struct sockets_given *given, const char *address, const struct name *name)
{
    for (size_t i = 0; given && i < given->n; i++) {
        struct socket_given *item = &given->items[i];
        struct name has = name_of(item->fd);
        bool is_it = address ? !strcmp(item->address, address) : is_same_name(&has, name);
        if (item->is_taken || !is_it) continue;
        item->is_taken = true;
        return item->fd;
    }
    return -1;
}

bool socket_adopt(struct listen_socket *socket, int fd, const char *scheme, struct err *err)
{
    int type = 0, listens = 0, family = 0;
    socklen_t bytes = sizeof type;
    *socket = (struct listen_socket){.fd = -1};
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &bytes) != 0 || type != SOCK_STREAM)
        return err_set(err, ERR_USAGE, NULL, "descriptor %d is not a stream socket", fd);
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &bytes) != 0 || !listens)
        return err_set(err, ERR_USAGE, NULL, "descriptor %d is a socket that does not listen", fd);
    getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &bytes);
    if (family != AF_INET && family != AF_INET6 && family != AF_UNIX)
        return err_set(err, ERR_USAGE, NULL, "descriptor %d is a socket of neither IP nor Unix",
                       fd);
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    socket->fd = fd;
    write_url(socket, scheme);
    return true;
}

/* ---- opening ---- */

/* Returns a listening socket, or -1 with errno set. */
static int open_ip_socket(const struct addrinfo *at)
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

static bool listen_on_ip(struct listen_socket *socket, const struct socket_wish *wish,
                         struct err *err)
{
    char host[256];
    const char *port = NULL;
    if (!split_address(wish, host, sizeof host, &port, err)) return false;
    socket->fd = take_given(wish->given, wish->address, NULL);
    socket->is_shared = socket->fd >= 0;
    if (socket->is_shared) return true;
    int failure;
    struct addrinfo *found = resolve(host, port, &failure);
    if (!found) return bad_address(wish, gai_strerror(failure), err);
    for (struct addrinfo *at = found; at && socket->fd < 0; at = at->ai_next) {
        struct name name = {.bytes = at->ai_addrlen};
        memcpy(&name.at, at->ai_addr, at->ai_addrlen);
        socket->fd = take_given(wish->given, NULL, &name);
        socket->is_shared = socket->fd >= 0;
        if (socket->fd < 0) socket->fd = open_ip_socket(at);
        failure = errno;
        /* A name may stand for addresses that this machine lacks; anything else is final. */
        if (failure != EADDRNOTAVAIL && failure != EAFNOSUPPORT) break;
    }
    freeaddrinfo(found);
    return socket->fd >= 0 || cannot_listen(wish, failure, err);
}

/* Takes a file away that no process listens on any more; 0, or the errno that forbids it. */
static int remove_stale(const struct name *name)
{
    struct stat st;
    const char *path = name->at.local.sun_path;
    if (!*path || lstat(path, &st) != 0) return 0;
    if (!S_ISSOCK(st.st_mode)) return ENOTSOCK;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return errno;
    int failure = connect(fd, &name->at.any, name->bytes) == 0 ? EADDRINUSE : errno;
    close(fd);
    if (failure == ECONNREFUSED) return unlink(path) == 0 || errno == ENOENT ? 0 : errno;
    return failure == ENOENT                            ? 0
           : failure == EAGAIN || failure == EPROTOTYPE ? EADDRINUSE
                                                        : failure;
}

/* 0, or an errno. Nobody can connect before listen, so nobody does before the mode is set. */
static int bind_unix(int fd, const struct name *name, unsigned mode)
{
    const char *path = name->at.local.sun_path;
    if (bind(fd, &name->at.any, name->bytes) != 0) return errno;
    if (*path && chmod(path, mode) != 0) return errno;
    return listen(fd, SOMAXCONN) == 0 ? 0 : errno;
}

/* Whether the file is the one that was noted, if one was. */
static bool is_ours(const struct listen_socket *socket)
{
    struct stat st;
    return *socket->path && lstat(socket->path, &st) == 0 && S_ISSOCK(st.st_mode) &&
           st.st_ino == socket->inode && st.st_dev == socket->device;
}

static void note_file(struct listen_socket *socket, const struct name *name)
{
    struct stat st;
    const char *path = name->at.local.sun_path;
    if (!*path || lstat(path, &st) != 0) return;
    memcpy(socket->path, path, strlen(path) + 1);
    socket->inode = st.st_ino;
    socket->device = st.st_dev;
}

static bool listen_on_unix(struct listen_socket *listening, const struct socket_wish *wish,
                           struct err *err)
{
    struct name name;
    if (!read_unix_address(wish, &name, err)) return false;
    listening->fd = take_given(wish->given, NULL, &name);
    listening->is_shared = listening->fd >= 0;
    if (listening->is_shared) {
        if (*name.at.local.sun_path) chmod(name.at.local.sun_path, wish->mode);
        note_file(listening, &name);
        return true;
    }
    int failure = remove_stale(&name);
    if (failure) return cannot_listen(wish, failure, err);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    failure = fd < 0 ? errno : bind_unix(fd, &name, wish->mode);
    if (failure) {
        if (fd >= 0) close(fd);
        return cannot_listen(wish, failure, err);
    }
    listening->fd = fd;
    note_file(listening, &name);
    return true;
}

bool socket_listen(struct listen_socket *socket, const struct socket_wish *wish, struct err *err)
{
    *socket = (struct listen_socket){.fd = -1};
    const bool is_unix = !strncmp(wish->address, UNIX_PREFIX, strlen(UNIX_PREFIX));
    if (!(is_unix ? listen_on_unix : listen_on_ip)(socket, wish, err)) return false;
    write_url(socket, wish->scheme);
    return true;
}

void socket_close(struct listen_socket *socket, bool removes_file)
{
    if (socket->fd < 0) return;
    if (removes_file && !socket->is_shared && is_ours(socket)) unlink(socket->path);
    close(socket->fd);
    socket->fd = -1;
}

bool sockets_read_mode(const char *text, unsigned *mode, struct err *err)
{
    *mode = 0;
    size_t n = 0;
    for (; text[n] >= '0' && text[n] <= '7' && n < 5; n++)
        *mode = *mode * 8 + (unsigned)(text[n] - '0');
    if (n >= 3 && !text[n] && *mode <= 0777) return true;
    return err_set(
        err, ERR_USAGE, "socket-mode",
        "socket-mode must be a file's mode in octal, from 000 to 0777, such as 0660, not "
        "'%.*s'",
        ERR_VALUE_BYTES, text);
}
