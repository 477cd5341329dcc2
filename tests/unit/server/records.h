/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file records.h
 * A layer that is hard on whoever is above it, as TLS is, without its arithmetic: bytes travel in
 * records of at most RECORD_BYTES (their length, then the bytes, each changed), the last of which
 * is empty; part of a record is no byte of HTTP; what the kernel does not take of a record is kept,
 * and the record has not been sent until it has. And the client at the other end, with such a layer
 * or without.
 */
#pragma once

#include "server/wire.h"
#include "tests/test.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define RECORD_BYTES 100
#define RECORD_KEY 0x5A

/* How many bytes the layer takes from the kernel, and gives it, at once. */
static size_t records_step = 1;
/* Bytes of all records that the kernel has taken. */
static uint64_t records_given;
static size_t records_open;
static struct wire *records_opened; /* the latest */
/* How often the last word does not fit before it does. */
static size_t records_reluctance;

struct records {
    unsigned char in[1 + RECORD_BYTES], out[1 + RECORD_BYTES];
    size_t n_in;           /* of the record that is coming */
    size_t n_read;         /* of a whole one, with its length */
    size_t n_out, n_given; /* of the record that is going */
    size_t out_bytes;      /* of HTTP in it */
    bool is_last, is_said; /* our last word has been begun, and is with the kernel */
};

static inline size_t records_pack(unsigned char *record, const void *bytes, size_t n)
{
    if (n > RECORD_BYTES) n = RECORD_BYTES;
    record[0] = (unsigned char)n;
    for (size_t i = 0; i < n; i++)
        record[1 + i] = ((const unsigned char *)bytes)[i] ^ RECORD_KEY;
    return n;
}

static inline bool records_is_whole(const struct records *records)
{
    return records->n_in > 0 && records->n_in == 1u + records->in[0];
}

static inline bool records_open_one(struct wire *wire)
{
    assert_non_null(wire->layer->context);
    wire->state = calloc(1, sizeof(struct records));
    records_open += wire->state != NULL;
    records_opened = wire;
    return wire->state != NULL;
}

static inline ssize_t records_read(struct wire *wire, void *to, size_t room)
{
    struct records *records = wire->state;
    while (!records_is_whole(records)) {
        size_t want = records->n_in ? 1u + records->in[0] - records->n_in : 1;
        if (want > records_step) want = records_step;
        ssize_t n = wire_take(wire, records->in + records->n_in, want);
        if (n <= 0) return n;
        records->n_in += (size_t)n;
        records->n_read = 1;
        if (records->in[0] > RECORD_BYTES) { /* no record */
            errno = EPROTO;
            return -1;
        }
    }
    size_t n = records->n_in - records->n_read;
    if (n == 0) return 0; /* the last */
    if (n > room) n = room;
    for (size_t i = 0; i < n; i++)
        ((unsigned char *)to)[i] = records->in[records->n_read + i] ^ RECORD_KEY;
    records->n_read += n;
    if (records->n_read == records->n_in) records->n_in = 0;
    return (ssize_t)n;
}

/* False, with errno, where the kernel does not take all of it. */
static inline bool records_flush(struct wire *wire)
{
    struct records *records = wire->state;
    while (records->n_given < records->n_out) {
        size_t n = records->n_out - records->n_given;
        if (n > records_step) n = records_step;
        ssize_t given = wire_give(wire, records->out + records->n_given, n);
        if (given < 0) return false;
        records->n_given += (size_t)given;
        records_given += (uint64_t)given;
    }
    records->n_out = records->n_given = 0;
    return true;
}

static inline ssize_t records_send(struct wire *wire, const void *from, size_t n)
{
    struct records *records = wire->state;
    assert_false(records->is_last);
    if (records->n_out == 0) {
        records->out_bytes = records_pack(records->out, from, n);
        records->n_out = 1 + records->out_bytes;
    } else { /* what has begun to go is asked for again */
        unsigned char again[1 + RECORD_BYTES];
        assert_true(n >= records->out_bytes);
        records_pack(again, from, records->out_bytes);
        assert_memory_equal(again, records->out, 1 + records->out_bytes);
    }
    return records_flush(wire) ? (ssize_t)records->out_bytes : -1;
}

static inline size_t records_unread(const struct wire *wire)
{
    const struct records *records = wire->state;
    return records_is_whole(records) ? records->n_in - records->n_read : 0;
}

static inline bool records_finish(struct wire *wire)
{
    struct records *records = wire->state;
    assert_false(records->is_said);
    if (records_reluctance > 0 && records_reluctance--) return false;
    if (!records_flush(wire)) return errno != EAGAIN;
    if (!records->is_last) records->n_out = 1 + records_pack(records->out, "", 0);
    records->is_last = true;
    records->is_said = records_flush(wire) || errno != EAGAIN;
    return records->is_said;
}

static inline void records_close(struct wire *wire)
{
    records_open--;
    free(wire->state);
}

static const struct wire_layer records_layer = {
    .context = &records_step,
    .open = records_open_one,
    .read = records_read,
    .send = records_send,
    .unread = records_unread,
    .finish = records_finish,
    .close = records_close,
};

/* ---- the client ---- */

struct peer {
    int fd;
    const struct wire_layer *layer; /* the server's */
    unsigned char record[1 + RECORD_BYTES];
    size_t n_record;
    char *text; /* what it has got, `n` bytes and a NUL */
    size_t n, room;
    bool has_last;   /* the server's layer has said its last word, or there is none */
    bool has_end;    /* the connection has ended */
    bool is_reset;   /* and badly */
    bool has_tunnel; /* an end is none without the last word (tunnel.h) */
};

/* What a client waits for while the server has no turn would never come. */
static inline void peer_be_impatient(int fd)
{
    const struct timeval patience = {.tv_sec = 60};
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience), 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
}

/* Connects both ends. Returns the server's. */
static inline int peer_connect(struct peer *peer, const struct wire_layer *layer)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof at;
    *peer = (struct peer){.layer = layer, .text = calloc(1, 1), .has_last = !layer};
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(listener, 1), 0);
    getsockname(listener, (struct sockaddr *)&at, &bytes);
    peer->fd = socket(AF_INET, SOCK_STREAM, 0);
    peer_be_impatient(peer->fd);
    assert_int_equal(connect(peer->fd, (struct sockaddr *)&at, sizeof at), 0);
    int server = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    assert_true(server >= 0);
    close(listener);
    return server;
}

static inline void peer_close(struct peer *peer)
{
    if (peer->fd >= 0) close(peer->fd);
    free(peer->text);
}

/* Sends `n` bytes; false where the server is in the way: it does not read, or has gone. */
static inline bool peer_say(struct peer *peer, const char *bytes, size_t n)
{
    while (n > 0) {
        unsigned char record[1 + RECORD_BYTES];
        size_t part = peer->layer ? records_pack(record, bytes, n) : n;
        const void *from = peer->layer ? (const void *)record : bytes;
        size_t size = peer->layer ? 1 + part : n;
        if (send(peer->fd, from, size, MSG_NOSIGNAL) != (ssize_t)size) return false;
        bytes += part;
        n -= part;
    }
    return true;
}

/* Sends no more. With a layer its last word says so, and the connection stays as it is. */
static inline void peer_end(struct peer *peer)
{
    unsigned char last = 0;
    if (peer->layer)
        assert_int_equal(send(peer->fd, &last, 1, MSG_NOSIGNAL), 1);
    else
        shutdown(peer->fd, SHUT_WR);
}

static inline void peer_keep(struct peer *peer, const unsigned char *bytes, size_t n, int key)
{
    if (peer->n + n + 1 > peer->room) {
        peer->room = 2 * (peer->n + n + 1);
        peer->text = realloc(peer->text, peer->room);
        assert_non_null(peer->text);
    }
    for (size_t i = 0; i < n; i++)
        peer->text[peer->n + i] = (char)(bytes[i] ^ key);
    peer->n += n;
    peer->text[peer->n] = '\0';
}

static inline void peer_unpack(struct peer *peer, const unsigned char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        assert_false(peer->has_last); /* nothing follows the last word */
        peer->record[peer->n_record++] = bytes[i];
        if (peer->n_record < 1u + peer->record[0]) continue;
        peer->has_last = peer->record[0] == 0;
        peer_keep(peer, peer->record + 1, peer->record[0], RECORD_KEY);
        peer->n_record = 0;
    }
}

/* Takes up to `max` bytes of what has come. */
static inline size_t peer_take(struct peer *peer, size_t max)
{
    static unsigned char bytes[65536];
    size_t taken = 0;
    while (!peer->has_end && taken < max) {
        size_t room = max - taken < sizeof bytes ? max - taken : sizeof bytes;
        ssize_t n = recv(peer->fd, bytes, room, MSG_DONTWAIT);
        if (n < 0 && errno == EAGAIN) break;
        peer->has_end = n <= 0;
        peer->is_reset = n < 0;
        if (n <= 0) break;
        if (peer->layer)
            peer_unpack(peer, bytes, (size_t)n);
        else
            peer_keep(peer, bytes, (size_t)n, 0);
        taken += (size_t)n;
    }
    return taken;
}
