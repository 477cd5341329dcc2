/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file framing.h
 * Where each request of a connection begins and ends (RFC 9112), told from the bytes before
 * libmicrohttpd sees them. What passes is sound and plain: a whole head, holding the lines that
 * somebody here reads and no others, and a body whose chunks carry nothing but data. Everything
 * else is a fault, which ends the connection.
 *
 * Why: libmicrohttpd 0.9.75 takes much for a request that is none (a space before a colon, folded
 * lines, NUL bytes, bare line ends), so that its idea of where a request ends differs from that of
 * a proxy in front of it; with many small headers or arguments its memory runs out, and then it
 * answers twice, or never tells that a request has ended; and on a chunk's line longer than its
 * buffer it spins.
 *
 * Plain data of one connection, without sockets; belongs to its loop's thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum framing_fault {
    FRAMING_SOUND,
    FRAMING_REQUEST_LINE, /* not METHOD TARGET HTTP/VERSION */
    FRAMING_TARGET,       /* a target that is no path, URL of http or * */
    FRAMING_TARGET_LONG,
    FRAMING_VERSION,
    FRAMING_HEADER, /* a line that is no NAME: VALUE */
    FRAMING_HEAD_LONG,
    FRAMING_VALUE_LONG,   /* of a header that says how the body is to be read */
    FRAMING_HEADERS_LONG, /* all that are read, together */
    FRAMING_HOST,         /* none or several, where one is due */
    FRAMING_AMBIGUOUS,    /* lengths or codings that can be read in two ways */
    FRAMING_CHUNK,        /* a chunk's line or end */
    FRAMING_LENGTH_LONG,  /* Content-Length */
    FRAMING_CHUNK_LONG,
    FRAMING_TRAILER_LONG,
    FRAMING_MEMORY, /* none left for a head that came in pieces */
    FRAMING_FAULTS,
};

enum framing_state {
    FRAMING_BETWEEN, /* requests; line ends here are passed over */
    FRAMING_FIRST_LINE,
    FRAMING_HEADERS,
    FRAMING_BODY,
    FRAMING_CHUNK_SIZE,
    FRAMING_CHUNK_EXTENSION,
    FRAMING_CHUNK_SIZE_END,
    FRAMING_CHUNK_DATA,
    FRAMING_CHUNK_DATA_END,
    FRAMING_TRAILER,
    FRAMING_TRAILER_NAME,
    FRAMING_TRAILER_VALUE,
    FRAMING_TRAILER_END,
    FRAMING_LAST_END,
    FRAMING_CLOSED, /* the last request said that nothing follows: what does is nobody's */
};

/* What the head under way has said. */
struct framing_head {
    size_t bytes;      /* as they came; later those of the trailer, or of a chunk's line */
    size_t kept_bytes; /* that the lines that pass take of libmicrohttpd's memory */
    unsigned hosts;
    bool asks_root; /* GET or HEAD of /, where a browser may get a page */
    bool is_1_0, has_length, is_chunked, expects;
    bool says_close, says_keep; /* its Connection header */
    uint64_t length;
};

/** Headers that pass only where somebody is going to read them: nearly every client sends them, and
 * each costs as much as all the checking here. */
enum framing_optional {
    FRAMING_ACCEPT_ENCODING = 1, /* passes of who asks for / all the same, and if-none-match */
    FRAMING_ORIGIN = 2,          /* and access-control-request-* */
    FRAMING_KEYS = 4,            /* authorization and other headers that bring a key */
    FRAMING_FORWARDED = 8,       /* x-forwarded-for, forwarded; of long ones the end */
    FRAMING_TRACE = 16,          /* traceparent */
    FRAMING_QUERY = 32, /* the query of the target, where it is short and of plain characters */
};

struct framing {
    enum framing_state state;
    enum framing_fault fault; /* once it is one, nothing passes any more */
    size_t head_bytes_max;
    unsigned optional; /* of enum framing_optional: those that pass */
    uint64_t n_begun;  /* requests of which a byte has been seen, the last maybe incomplete */
    uint64_t left;     /* bytes to come: of the body, or of the chunk */
    unsigned digits;   /* of the chunk's size so far */
    bool has_cr;       /* the first half of a line end has been seen */
    bool closes;       /* nothing follows the request under way */
    struct framing_head head;

    /* Of a head that comes in pieces: `ready` bytes that may pass, up to `written` those that may
       when the head is complete, from `read` on the line under way. */
    char *held;
    size_t held_room, held_bytes, ready, written, read;
};

/** framing_init: `head_bytes_max` bounds request line and headers together, and a trailer;
 * `optional` of enum framing_optional. */
void framing_init(struct framing *framing, size_t head_bytes_max, unsigned optional);

/** framing_clear frees what is held. */
void framing_clear(struct framing *framing);

/**
 * framing_take takes the `n` bytes that have come next, at the start of a buffer with `room`
 * (room >= n), and puts what may pass in their place.
 * @return how many bytes that is, at most room. If it is room, there may be more: call it again
 *         with n = 0.
 */
size_t framing_take(struct framing *framing, char *bytes, size_t n, size_t room);

/** framing_status: of the reply to a fault: 400, 413, 414, 431, 503 or 505. */
unsigned framing_status(enum framing_fault fault);

/** framing_write_reply writes the whole reply to a fault, which says that the connection ends.
 * @return its length, less than FRAMING_REPLY_BYTES */
size_t framing_write_reply(enum framing_fault fault, char *out);
#define FRAMING_REPLY_BYTES 768
