/* SPDX-License-Identifier: Apache-2.0 */
#include "server/handover.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define TIMEOUT_S 5
#define VERSION 1
/* So that ".PID" behind it fits as well. */
#define PATH_BYTES_MAX 96

static const char magic[8] = "embeddHO";

enum status { STATUS_GIVEN, STATUS_BUSY };

/* The old process's packet; the sockets come with it. */
struct offer {
    char magic[8];
    uint32_t version, status, n;
    struct {
        char address[SOCKETS_ADDRESS_BYTES];
        uint32_t is_admin;
    } items[SOCKETS_MAX];
};

/* The new one's. */
struct answer {
    char magic[8];
    uint32_t version;
    uint32_t taken; /* a bit for each of the items */
};

/* Room for a control message with so many descriptors. */
union control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(SOCKETS_MAX * sizeof(int))];
};

static struct sockaddr_un name_of(const char *path)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    memcpy(name.sun_path, path, strlen(path));
    return name;
}

static bool is_path_short(const char *path, struct err *err)
{
    return strlen(path) <= PATH_BYTES_MAX ||
           err_set(err, ERR_USAGE, "handover",
                   "handover must be a path of at most %d bytes, not %zu", PATH_BYTES_MAX,
                   strlen(path));
}

/* Of a process of the same user, or root's. */
static bool is_friend(int fd)
{
    struct ucred peer;
    socklen_t bytes = sizeof peer;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) == 0 &&
           (peer.uid == geteuid() || peer.uid == 0);
}

/* ---- the new process ---- */

static bool cannot_take_over(const char *path, const char *why, struct err *err)
{
    return err_set(err, ERR_IO, "handover",
                   "cannot take over from the process at %.*s: %s; it goes on as it was",
                   ERR_VALUE_BYTES, path, why);
}

static void keep_descriptors(struct msghdr *message, struct sockets_given *given)
{
    for (struct cmsghdr *at = CMSG_FIRSTHDR(message); at; at = CMSG_NXTHDR(message, at)) {
        if (at->cmsg_level != SOL_SOCKET || at->cmsg_type != SCM_RIGHTS) continue;
        const size_t n = (at->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < n && given->n < SOCKETS_MAX; i++) {
            struct socket_given *item = &given->items[given->n++];
            *item = (struct socket_given){0};
            memcpy(&item->fd, CMSG_DATA(at) + i * sizeof(int), sizeof(int));
        }
    }
}

static bool read_offer(int fd, const char *path, struct sockets_given *given, struct err *err)
{
    struct offer offer;
    union control control;
    struct iovec part = {&offer, sizeof offer};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof control};
    ssize_t n;
    do
        n = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n < 0 && errno == EAGAIN)
        return cannot_take_over(path, "no answer within 5 s; end it, or start without handover",
                                err);
    if (n > 0) keep_descriptors(&message, given);
    if (n != sizeof offer || memcmp(offer.magic, magic, sizeof magic) != 0 ||
        offer.version != VERSION)
        return cannot_take_over(path, "its answer is none of this version of the program", err);
    if (offer.status == STATUS_BUSY)
        return cannot_take_over(path, "another process is taking over from it already", err);
    if (offer.n != given->n) return cannot_take_over(path, "it could not send its sockets", err);
    for (size_t i = 0; i < given->n; i++) {
        memcpy(given->items[i].address, offer.items[i].address, SOCKETS_ADDRESS_BYTES - 1);
        given->items[i].is_admin = offer.items[i].is_admin != 0;
    }
    return true;
}

bool handover_ask(const char *path, int *peer, struct sockets_given *given, struct err *err)
{
    *peer = -1;
    given->n = 0;
    if (!is_path_short(path, err)) return false;
    const struct sockaddr_un name = name_of(path);
    const struct timeval timeout = {.tv_sec = TIMEOUT_S};
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0) return cannot_take_over(path, strerror(errno), err);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
    if (connect(fd, (const struct sockaddr *)&name, sizeof name) != 0) {
        const int failure = errno;
        close(fd);
        if (failure == ENOENT || failure == ECONNREFUSED) return true; /* nobody there */
        return cannot_take_over(
            path, failure == EAGAIN ? "no answer within 5 s" : strerror(failure), err);
    }
    const bool is_given = is_friend(fd) ? read_offer(fd, path, given, err)
                                        : cannot_take_over(path, "it is another user's", err);
    if (is_given) {
        *peer = fd;
    } else {
        sockets_drop(given);
        close(fd);
    }
    return is_given;
}

void handover_tell_ready(int peer, const struct sockets_given *given)
{
    struct answer answer = {.version = VERSION};
    memcpy(answer.magic, magic, sizeof magic);
    for (size_t i = 0; i < given->n; i++)
        if (given->items[i].is_taken) answer.taken |= 1u << i;
    if (send(peer, &answer, sizeof answer, MSG_NOSIGNAL) != sizeof answer)
        log_warn("the process before has ended by itself");
    close(peer);
}

void handover_forget(int peer)
{
    if (peer >= 0) close(peer);
}

/* ---- the old process ---- */

static void set_shared(struct listeners *listeners, bool is_shared)
{
    for (size_t i = 0; i < listeners->n; i++)
        listeners->items[i].socket.is_shared = is_shared;
}

static bool send_offer(const struct handover *handover, int peer, enum status status)
{
    struct offer offer;
    const struct listeners *listeners = handover->listeners;
    union control control = {0};
    struct iovec part = {&offer, sizeof offer};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    offer = (struct offer){.version = VERSION, .status = status};
    memcpy(offer.magic, magic, sizeof magic);
    if (status == STATUS_GIVEN && listeners->n > 0) {
        message.msg_control = &control;
        message.msg_controllen = CMSG_SPACE(listeners->n * sizeof(int));
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(listeners->n * sizeof(int));
        offer.n = (uint32_t)listeners->n;
        for (size_t i = 0; i < listeners->n; i++) {
            const struct listener *listener = &listeners->items[i];
            memcpy(CMSG_DATA(header) + i * sizeof(int), &listener->socket.fd, sizeof(int));
            memcpy(offer.items[i].address, listener->address, SOCKETS_ADDRESS_BYTES);
            offer.items[i].is_admin = listener->door.is_admin;
        }
    }
    return sendmsg(peer, &message, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)sizeof offer;
}

static void on_let_go(uv_handle_t *handle)
{
    struct handover *handover = handle->data;
    handover->is_letting_go = false;
}

static void drop_peer(struct handover *handover)
{
    handover->is_letting_go = true;
    uv_close((uv_handle_t *)&handover->peer_poll, on_let_go);
    close(handover->peer);
    handover->peer = -1;
}

static void stop_listening(struct handover *handover)
{
    if (!handover->is_started) return;
    uv_close((uv_handle_t *)&handover->poll, NULL);
    handover->is_started = false;
}

/* It has taken some of the listeners; what it has not is nobody's any more. */
static void leave_listeners(struct listeners *listeners, uint32_t taken)
{
    for (size_t i = 0; i < listeners->n; i++) {
        struct listener *listener = &listeners->items[i];
        listener->socket.is_shared = taken >> i & 1;
        if (listener->socket.is_shared)
            listener_leave(listener);
        else
            listener_stop(listener);
    }
}

static void on_answer(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    struct handover *handover = poll->data;
    struct answer answer;
    ssize_t n = recv(handover->peer, &answer, sizeof answer, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    handover->is_replaced = n == sizeof answer && !memcmp(answer.magic, magic, sizeof magic) &&
                            answer.version == VERSION;
    if (!handover->is_replaced) {
        log_warn("handover: the new process ended before it was ready; this one goes on");
        set_shared(handover->listeners, false);
        drop_peer(handover);
        return;
    }
    log_info("handover: the new process is ready; draining");
    leave_listeners(handover->listeners, answer.taken);
    drop_peer(handover);
    stop_listening(handover);
    handover->on_replaced(handover->user);
}

static void on_asked(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    struct handover *handover = poll->data;
    if (handover->is_letting_go) return; /* the next waits until its handle is free */
    int peer = accept4(handover->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (peer < 0) return;
    const bool is_busy = handover->peer >= 0;
    if (!is_friend(peer) || !send_offer(handover, peer, is_busy ? STATUS_BUSY : STATUS_GIVEN) ||
        is_busy || uv_poll_init(poll->loop, &handover->peer_poll, peer) != 0) {
        log_warn("handover: a process was refused: %s",
                 is_busy ? "another one is taking over already" : "another user's, or no answer");
        close(peer);
        return;
    }
    log_info("handover: a new process has the listening sockets; this one goes on until it is "
             "ready");
    handover->peer = peer;
    handover->peer_poll.data = handover;
    set_shared(handover->listeners, true);
    uv_poll_start(&handover->peer_poll, UV_READABLE, on_answer);
}

/* Under a name that nobody asks for yet. */
static int bind_beside(const struct handover *handover, char *beside, size_t bytes)
{
    snprintf(beside, bytes, "%s.%d", handover->path, (int)getpid());
    const struct sockaddr_un name = name_of(beside);
    struct stat st;
    if (lstat(handover->path, &st) == 0 && !S_ISSOCK(st.st_mode)) return ENOTSOCK;
    unlink(beside);
    /* The mode of the socket is that of the file which bind makes. */
    if (fchmod(handover->fd, 0600) != 0 ||
        bind(handover->fd, (const struct sockaddr *)&name, sizeof name) != 0)
        return errno;
    return listen(handover->fd, 4) == 0 ? 0 : errno;
}

bool handover_open(struct handover *handover, const char *path, struct listeners *listeners,
                   struct err *err)
{
    char beside[sizeof((struct sockaddr_un *)0)->sun_path];
    *handover = (struct handover){.path = path, .listeners = listeners, .fd = -1, .peer = -1};
    if (!is_path_short(path, err)) return false;
    handover->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int failure = handover->fd < 0 ? errno : bind_beside(handover, beside, sizeof beside);
    struct stat st;
    if (!failure && lstat(beside, &st) != 0) failure = errno;
    if (failure) {
        handover_stop(handover);
        return err_set(err, ERR_IO, "handover", "handover %.*s cannot be listened on: %s",
                       ERR_VALUE_BYTES, path, strerror(failure));
    }
    handover->device = st.st_dev;
    handover->inode = st.st_ino;
    return true;
}

void handover_start(struct handover *handover, uv_loop_t *loop, void (*on_replaced)(void *user),
                    void *user)
{
    char beside[sizeof((struct sockaddr_un *)0)->sun_path];
    if (!handover->path) return;
    snprintf(beside, sizeof beside, "%s.%d", handover->path, (int)getpid());
    if (rename(beside, handover->path) != 0 ||
        uv_poll_init(loop, &handover->poll, handover->fd) != 0) {
        log_error("handover %s: %s; this process will not be able to hand over", handover->path,
                  strerror(errno));
        handover_stop(handover);
        return;
    }
    handover->is_named = handover->is_started = true;
    handover->on_replaced = on_replaced;
    handover->user = user;
    handover->poll.data = handover;
    uv_poll_start(&handover->poll, UV_READABLE, on_asked);
}

/* The file, unless a successor has, or is about to have, one of the same name. */
static void remove_file(const struct handover *handover)
{
    char path[sizeof((struct sockaddr_un *)0)->sun_path];
    struct stat st;
    if (handover->is_replaced || handover->peer >= 0) return;
    snprintf(path, sizeof path, handover->is_named ? "%s" : "%s.%d", handover->path, (int)getpid());
    if (lstat(path, &st) == 0 && st.st_dev == handover->device && st.st_ino == handover->inode)
        unlink(path);
}

void handover_stop(struct handover *handover)
{
    if (!handover->path) return;
    remove_file(handover);
    if (handover->peer >= 0) drop_peer(handover);
    stop_listening(handover);
    if (handover->fd >= 0) close(handover->fd);
    handover->path = NULL;
}
