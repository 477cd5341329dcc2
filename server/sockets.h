/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file sockets.h
 * Listening sockets: opened as `listen` says, or taken over from whoever had them open already, a
 * predecessor (handover.h) or systemd (activation.h).
 *
 * Belongs to one thread.
 */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Most listeners of a process. */
#define SOCKETS_MAX 32
/** Longest address of a listener: a path of a Unix socket has at most 107 bytes, a name of a
 * machine 253. */
#define SOCKETS_ADDRESS_BYTES 280
/** Most of a passed socket's name that is kept, for messages. */
#define SOCKETS_NAME_BYTES 64

/** Listening sockets that somebody else has opened. */
struct sockets_given {
    struct socket_given {
        int fd;
        bool is_admin;                       /* they said so */
        bool is_taken;                       /* a listener has it now */
        char address[SOCKETS_ADDRESS_BYTES]; /* what it was opened for; "" where nobody has said */
        char name[SOCKETS_NAME_BYTES];       /* what systemd calls it; "" where nobody has said */
    } items[SOCKETS_MAX];
    size_t n;
};

/** sockets_drop closes those that no listener has taken. */
void sockets_drop(struct sockets_given *given);

struct listen_socket {
    int fd;        /* -1 = closed */
    char url[140]; /* http[s]://ADDRESS:PORT, unix:/PATH or unix:@NAME */
    bool is_unix;
    bool is_shared; /* another process has it too, and its file is not ours to remove */
    char path[108]; /* of a Unix socket's file that is ours to remove; "" = none */
    uint64_t device, inode;
};

/** What a listener is to be opened with. */
struct socket_wish {
    const char *option;          /* in messages: "listen" */
    const char *scheme;          /* of the URL, where it is none of a Unix socket: "https" */
    const char *address;         /* ADDRESS:PORT, unix:/PATH or unix:@NAME */
    unsigned mode;               /* of a Unix socket's file */
    struct sockets_given *given; /* that may have it already; or NULL */
};

/**
 * socket_listen binds and listens. ADDRESS is an IPv4 address, an IPv6 address in brackets, a name,
 * or * for every address; port 0 lets the kernel pick. Never shares a port: SO_REUSEPORT is not
 * set, so a port on which anyone listens is an error, whatever options the other set. A Unix
 * socket's file that nobody listens on any more is replaced; what is no socket never is.
 * @return false with ERR_USAGE (`address` is not one) or ERR_IO (taken, not ours, no permission);
 *         nothing is open then
 */
bool socket_listen(struct listen_socket *socket, const struct socket_wish *wish, struct err *err);

/** socket_adopt takes over a listening socket, not its file. False with ERR_USAGE: it is no
 * listening stream socket; it stays the caller's. */
bool socket_adopt(struct listen_socket *socket, int fd, const char *scheme, struct err *err);

/** socket_close closes it, and removes its file where `removes_file` and that is ours. */
void socket_close(struct listen_socket *socket, bool removes_file);

/** sockets_read_mode reads the octal mode of a Unix socket's file. */
bool sockets_read_mode(const char *text, unsigned *mode, struct err *err);
