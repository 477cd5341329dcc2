/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file route.h
 * What a route is, and how a path finds its own among any number of them.
 *
 * A table of routes is constant. An index over it is filled once and only read from then on, by any
 * thread. What a look-up costs depends on the path, not on how many routes there are.
 */
#pragma once

#include "handlers/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dialect;
struct endpoint;

enum method {
    METHOD_GET = 1,
    METHOD_POST = 2,
    METHOD_HEAD = 4, /* answered as GET; the server leaves the body out */
    METHOD_OPTIONS = 8,
    METHOD_DELETE = 16,
    METHOD_OTHER = 32,
};

/** What a key must be good for to be let in where access keys are asked for. */
enum scope {
    SCOPE_UNSTATED, /* of a row that says nothing, which no table may hold */
    SCOPE_OPEN,     /* answered without a key, always: whether the process is alive and ready */
    SCOPE_EMBED,    /* texts, tokens, ids and vectors, and what is served for them */
    SCOPE_CLASSIFY, /* labels */
    SCOPE_METRICS,
    SCOPE_ADMIN, /* what changes the service */
};

/** A row of the table. A path may have a row for each method. */
struct route {
    /* As on the wire, and as it is called in the metrics. One {placeholder} stands for one byte or
       more, slashes too: names of models have them. */
    const char *path;
    unsigned methods; /* of enum method; METHOD_GET implies HEAD */
    enum scope scope;
    const struct dialect *dialect;
    const struct endpoint *endpoint;
    /* May be long: the server hands bodies above its threshold to a worker thread. Others run
       inline. */
    bool is_heavy;
};

#define ROUTES_MAX 1024

/** An index over a table. Its fields are route.c's own. */
struct route_index {
    const struct route *routes;
    struct route_key {
        uint64_t head, tail; /* the first and the last bytes of the part that is looked up */
        uint16_t bytes;      /* of that part: the path as far as its placeholder */
        uint16_t end_bytes;  /* of the path behind its placeholder */
        bool is_pattern;     /* it has one */
        uint16_t next;       /* 1 + the next row that has the same part; 0: none */
        uint16_t first;      /* the first row with the same path */
    } keys[ROUTES_MAX];
    uint16_t slots[4 * ROUTES_MAX]; /* 1 + the first row that has a part; 0: free */
    uint16_t prefixes[ROUTES_MAX];  /* the different `bytes` of patterns, the most first */
    size_t n_prefixes;
};

/** route_index_fill makes the index of `routes` (n, at most ROUTES_MAX), which outlive it, of one
 * that is all zeros: of its memory no more is touched than so many routes need. */
void route_index_fill(struct route_index *index, const struct route *routes, size_t n);

/** What a path found. */
struct route_match {
    /* The row that takes the method, else the last that has the path; NULL: there is none. A path
       without placeholder goes before one with; of these, more bytes before it, then behind it. */
    const struct route *route;
    unsigned methods; /* of all rows that were looked at */
    bool is_taken;    /* the route takes the method */
    size_t number;    /* of the first row with the route's path: rows of one path are one route */
    struct text tail; /* what the placeholder stands for, in `path` */
};

/** route_find looks `path` (without query) up and fills `match`. HEAD finds what GET does. */
void route_find(const struct route_index *index, enum method method, const char *path,
                struct route_match *match);
