/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file err.h
 * One error: a code and a sentence a person can act on.
 *
 * Whatever can fail returns bool (or a pointer, NULL on failure) and fills a `struct err` that the
 * caller owns. The sentence names the field or file, the limit, the value it got and what to do.
 * A sentence speaks of arguments, in backticks: "give another `output`". Whoever knows what they
 * are called at the surface (a flag, a field) says so: see commands_name_flags.
 * The code is turned into an HTTP status in handlers/ and into an exit code in commands/, in one
 * switch each. A plain value: no allocation, no shared state, safe from any thread.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>

enum err_code {
    ERR_NONE = 0,
    ERR_INVALID,       /* a wrong value in a request */
    ERR_EMPTY,         /* a list without items, where a request needs one */
    ERR_RANGE,         /* a number in JSON beyond what is held: 64 bits, or a double */
    ERR_NOT_FOUND,     /* unknown route or model */
    ERR_METHOD,        /* the route exists, the method does not */
    ERR_TOO_LARGE,     /* body, number of inputs */
    ERR_MEMORY,        /* the request's arena is at its cap */
    ERR_UNAUTHORIZED,  /* no key that lets in */
    ERR_FORBIDDEN,     /* not for whoever asks, or not by that key */
    ERR_CONFLICT,      /* something else is under way */
    ERR_MEDIA_TYPE,    /* a body that is not JSON, or compressed in a way we don't know */
    ERR_UNPROCESSABLE, /* well formed, but no answer: unknown token under `unknown: error`;
                          a head without labels */
    ERR_UNAVAILABLE,   /* draining */
    ERR_OVERLOADED,    /* other requests have all the memory, or all the work, that there is */
    ERR_RATE_LIMIT,    /* whoever asks has asked for as much as is allowed in a while */
    ERR_DEADLINE,      /* the work would have come too late for whoever asked */
    ERR_USAGE,         /* command line or configuration */
    ERR_IO,            /* a file or socket could not be opened, read or written */
    ERR_FORMAT,        /* a file that is not what it should be */
    ERR_INTERNAL,      /* our own fault */
};

struct err {
    enum err_code code;
    char param[64];    /* the request field (as the OpenAI error shape wants it) or the argument at
                          fault; "" = none */
    char message[512]; /* one sentence, UTF-8, cut at a character boundary if too long */
};

/**
 * err_set fills `err` (overwriting what it held) and returns false, so that a function can
 * `return err_set(err, ERR_INVALID, "dimensions", "dimensions must be ...")`.
 * @param err   filled in; NULL is allowed and means the caller does not want to know
 * @param param the request field or the argument at fault, or NULL
 * @param fmt   printf format of the sentence; a long user value belongs in "%.*s" with a cut of its
 *              own (ERR_VALUE_BYTES)
 */
bool err_set(struct err *err, enum err_code code, const char *param, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/** err_set_in: err_set with ERR_FORMAT about the file `where`, whose name (cut to 200 bytes) and a
 * colon stand before the sentence. */
bool err_set_in(struct err *err, const char *where, const char *fmt, va_list values)
    __attribute__((format(printf, 3, 0)));

/** Whom to tell what is wrong with a file. */
struct err_file {
    const char *where; /* its name, borrowed */
    struct err *err;
};

/** err_in_file: err_set_in with the values themselves. Returns false. */
bool err_in_file(const struct err_file *file, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/** err_out_of_memory: ERR_MEMORY, in a sentence that names no limit: who set the arena's cap knows
 * what it is called (handlers_fail). Returns false. */
bool err_out_of_memory(struct err *err);

/** How many bytes of a user's value to quote in a message. */
#define ERR_VALUE_BYTES 60
