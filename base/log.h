/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file log.h
 * JSON lines on standard error: what happened, and one line a request when the access log is on.
 *
 * Any thread may log. A line is at most 4,096 bytes (PIPE_BUF) and one write, so lines never mix. A
 * reader of standard error who stalls must not stall the service: a line that would have to wait
 * (full pipe, terminal or socket) is dropped and counted, and the next line that gets through is
 * preceded by one that says how many. A regular file does not wait for a reader, but may for its
 * disk: while that is slow, so are most lines of requests dropped.
 *
 *     {"time":"2026-01-31T09:30:00.123456Z","level":"info","message":"listening on ..."}
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/** In the order of the setting log-level: each level includes those before it. */
enum log_level {
    LOG_LEVEL_ERROR,
    LOG_LEVEL_WARN,
    LOG_LEVEL_INFO,
    LOG_LEVEL_DEBUG,
};

/**
 * log_init sets what is written and finds out what standard error is. Once, before other threads
 * start (again after standard error was replaced). Without it: info, no access log.
 */
void log_init(enum log_level level, bool access);

/** log_set changes what is written. Any thread. */
void log_set(enum log_level level, bool access);

/** One sentence, printf format, cut if too long. Never a user's text: it may be private. */
void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/** How often something that may happen often has been said. Zeroed; shared by threads. */
struct log_gate {
    _Atomic uint64_t quiet_until_ns, n_missed;
};

/**
 * log_rarely writes a line at most once a minute; the next one says how many there would have been
 * between them. At level debug all are written.
 */
void log_rarely(struct log_gate *gate, enum log_level level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/** What the access log says of one request; strings borrowed, NULL = "". */
struct log_request {
    const char *request_id;
    const char *client; /* its address */
    const char *route;  /* name in the route table, never the path as sent */
    const char *method;
    const char *model;  /* that was asked; NULL: none */
    const char *reason; /* why it was refused, as in the metrics; NULL: it was not */
    const char *trace_id,
        *span; /* of traceparent: 32 and 16 digits, not NUL-terminated; NULL: none */
    unsigned status;
    uint64_t inputs, tokens;
    uint64_t duration_us;
    uint64_t bytes;  /* of the reply's body */
    const char *key; /* the name of who asked; NULL: left out */
};

/** log_access_enabled: whether log_access writes anything. */
bool log_access_enabled(void);

/** log_access writes one line about a finished request, if the access log is on. */
void log_access(const struct log_request *request);

/** log_dropped_count: lines dropped so far because standard error would have had to be waited for,
 * or its disk is full, or nobody reads it any more. */
uint64_t log_dropped_count(void);
