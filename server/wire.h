/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file wire.h
 * The one place where the bytes of clients come and go: all that is read from a client's socket,
 * sent on it, shut down, counted or closed. `.ci/wire` keeps it so.
 *
 * libmicrohttpd has no hook for that. It calls recv, send, sendmsg and shutdown, which it finds by
 * name as every shared library does; the program has functions of these names, so those are the
 * ones it finds (System V ABI, "Symbol interposition"). On descriptors other than those of the
 * thread's own clients they are the kernel's.
 *
 * Between the bytes of HTTP and those of the socket there may be a layer (struct wire_layer), such
 * as TLS. Everyone else, libmicrohttpd included, sees HTTP alone, on sockets that behave as
 * edge-triggered ones do: fewer bytes than asked for means that the kernel has no more for now, or
 * takes no more, and an event will follow.
 *
 * A wire belongs to its loop's thread. A layer is constant and shared by all threads.
 */
#pragma once

#include "server/arrival.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct proxy_header;

/** One client's connection, as bytes. */
struct wire {
    int fd;
    struct address client; /* whom the bytes are from: what the kernel says, or a PROXY header */
    bool is_local;         /* a Unix socket, of which the kernel counts less */
    bool is_opening;       /* the layer's two ends are still agreeing, no HTTP has passed */
    bool has_ended;        /* the client sends no more, and all it sent has been read */
    bool is_finishing;     /* wire_finish was called */
    bool is_finished;      /* there is nothing left to say */
    bool is_strange;       /* it should have begun with a PROXY header, and did not */
    const struct door *door;
    const struct wire_layer *layer; /* the door's; NULL: none, the socket's bytes are HTTP's */
    void *state;                    /* the layer's */
    struct proxy_header *header;    /* that is due before all other bytes; NULL: none (any more) */
    uint64_t sent_bytes;            /* of a local one */
};

/**
 * What a layer does. Its functions reach the socket by wire_take and wire_give alone; the library
 * of a layer has to be told so, for its recv and sendmsg would be those of this file.
 */
struct wire_layer {
    void *context; /* what all connections share: keys, say; constant */
    /** Sets wire->state, and is_opening where there is something to agree on, in `read`. False: no
     * memory. */
    bool (*open)(struct wire *wire);
    /** Reads up to `room` bytes of HTTP, as recv(2) does; fewer do not mean that there are no more.
     * EAGAIN only when wire_take has said so; 0 when the client has said that it sends no more. */
    ssize_t (*read)(struct wire *wire, void *to, size_t room);
    /** Sends some of `n` > 0 bytes, at least one; when it returns they are with the kernel. EAGAIN
     * only when wire_give has said so; then it is called with the same bytes again, maybe more. */
    ssize_t (*send)(struct wire *wire, const void *from, size_t n);
    /** How many bytes of HTTP a read would return without asking the kernel. */
    size_t (*unread)(const struct wire *wire);
    /** Sends the layer's last word. False while the kernel has no room for all of it: it is called
     * again, until it has returned true. */
    bool (*finish)(struct wire *wire);
    /** Frees wire->state. */
    void (*close)(struct wire *wire);
};

/** The wires of one loop, by descriptor. */
struct wires {
    struct wire **by_fd; /* room_by_fd places, NULL where there is none */
    size_t room_by_fd;
    /* What libmicrohttpd reads by: on top of wire_read. */
    ssize_t (*read)(void *user, struct wire *wire, void *to, size_t room);
    void *user;
};

/** wires_clear frees what wire_open made beside the wires, of which there are none left, and ends
 * wires_serve on this thread. */
void wires_clear(struct wires *wires);

/** wires_find: the wire of a descriptor, or NULL. */
struct wire *wires_find(const struct wires *wires, int fd);

/** wires_serve: from now on libmicrohttpd's calls on this thread go through `wires`. NULL: through
 * none. */
void wires_serve(struct wires *wires);

/** wire_open begins with an accepted socket, which stays the caller's. False: no memory. */
bool wire_open(struct wires *wires, struct wire *wire, const struct arrival *arrival);

/** wire_release ends what wire_open began; the socket stays open. */
void wire_release(struct wires *wires, struct wire *wire);

/**
 * wire_keep has `kept` go on with the connection of `wire`, on a descriptor of its own, for
 * wire_close to close. `wire` is then only to be released.
 * @return false, with nothing changed, when there is no descriptor
 */
bool wire_keep(struct wire *kept, struct wire *wire);

/** wire_close ends a kept wire and closes its socket. */
void wire_close(struct wire *wire);

/** wire_read reads as a non-blocking recv(2) does, until `room` is full or the kernel has no more.
 */
ssize_t wire_read(struct wire *wire, void *to, size_t room);

/** wire_is_beginning: of the PROXY header that is due some has come, and not all. */
bool wire_is_beginning(const struct wire *wire);

/** wire_send sends as a non-blocking send(2) does, without SIGPIPE: all, or as much as the kernel
 * takes. */
ssize_t wire_send(struct wire *wire, const void *from, size_t n);

/** wire_discard reads what has come of a client to whom nobody listens any more, and drops it.
 * Returns as recv(2) does. */
ssize_t wire_discard(struct wire *wire);

/**
 * wire_finish tells the client that no more will be sent: after a whole reply, or without one.
 * @return false when the layer's last word does not fit into the kernel's buffer: call it again
 * when the socket is writable
 */
bool wire_finish(struct wire *wire);

/** wire_is_talking: whether wire_finish has to be called again. */
bool wire_is_talking(const struct wire *wire);

/** wire_stop_reading has libmicrohttpd see an end of what the client sends; it may still send, and
 * gets what is sent. */
void wire_stop_reading(struct wire *wire);

/** wire_cut ends both directions at once, with no word to the client. libmicrohttpd sees an end. */
void wire_cut(struct wire *wire);

/** What the kernel says of a connection. */
struct wire_report {
    uint64_t acked_bytes; /* that the client has acknowledged since the beginning, as sent; of a
                             local one a number that changes when the client takes some */
    bool is_open;         /* neither side has said that it sends no more */
};

/** wire_ask: false where the kernel says nothing. */
bool wire_ask(const struct wire *wire, struct wire_report *report);

/** wire_unread: bytes that the client has sent and nobody has read. With a layer they may be no
 * byte of HTTP. */
size_t wire_unread(const struct wire *wire);

/** wire_unsent: bytes that the client has not acknowledged, the end of the connection counted as
 * one. 0 when it was reset: they will go nowhere. Of a local one 0: the kernel has them for the
 * client, whatever becomes of us. */
size_t wire_unsent(const struct wire *wire);

/** wire_turn_away answers an accepted socket that nobody takes up with `reply`, as far as that goes
 * without waiting (through a layer: not at all), and closes it. Any thread. */
void wire_turn_away(const struct arrival *arrival, const char *reply);

/** wire_drop closes an accepted socket that nobody takes up. Any thread. */
void wire_drop(int fd);

/** wire_take and wire_give, for layers: a non-blocking recv(2) and send(2) of the socket's bytes,
 * behind the PROXY header where one is due. EPROTO: it was due and did not come. */
ssize_t wire_take(struct wire *wire, void *to, size_t room);
ssize_t wire_give(struct wire *wire, const void *from, size_t n);
