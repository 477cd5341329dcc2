/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file service.h
 * What every request of a running service shares: the models, the limits, the state that /ready and
 * /metrics report. Handed to the handlers with each request; they change nothing in it, and neither
 * does anybody else: where options change, requests that begin later get another one.
 */
#pragma once

#include "handlers/rates.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cors;
struct keys;
struct finetune;
struct service_actions;
struct metrics;
struct openai_ids;
struct registry;

/** What is done with an input that is too long. */
enum truncate {
    TRUNCATE_AUTO, /* of the service's option alone: as each dialect's own server does */
    TRUNCATE_ERROR,
    TRUNCATE_RIGHT,  /* drop tokens at the end */
    TRUNCATE_LEFT,   /* drop tokens at the start */
    TRUNCATE_WINDOW, /* drop none: the mean over windows of as many tokens as are allowed */
};

/** Which replies are packed for clients that accept it. */
enum compress {
    COMPRESS_OFF,
    COMPRESS_BUT_VECTORS,
    COMPRESS_ALL,
};

struct service {
    struct registry *registry;     /* of models, one at least; outlives the service */
    const struct metrics *metrics; /* borrowed; NULL in tests */
    const char *version;           /* the program's */
    int64_t started_unix_s;        /* `created` in /v1/models */

    size_t body_bytes_max;
    size_t inputs_max;
    size_t input_tokens_max;  /* 0 = no limit */
    uint64_t dense_cells_max; /* of the dense one-hot rows in a reply */
    enum truncate truncate;
    const struct openai_ids *openai_ids; /* whose ids OpenAI's routes take; NULL: the model's own */
    bool strict_model;
    bool has_page; /* browsers get it at / */
    enum compress compress;
    size_t compress_bytes_min;
    const struct keys *keys; /* of those who may ask; NULL: everybody may */
    const struct cors *cors; /* pages of whom may ask; NULL: of nobody */
    const char *vary;   /* of every reply: the headers of requests that change it; NULL: none */
    bool tei_telemetry; /* TEI's headers and metrics */
    bool tei_validation_413; /* TEI's status of a wrong value, as it was before its 1.9 */
    bool timing_always;      /* server-timing on every reply */
    size_t threads, workers, connections_max;
    bool has_admin; /* there is an admin-listen: what operators ask is answered there alone */

    /* Of connections, for the server: how long a request may take to come, a connection may be
       silent, a reader may make no progress. */
    uint64_t request_timeout_ns, idle_timeout_ns, write_timeout_ns;
    bool logs_access;       /* a line for each request */
    uint64_t drain_idle_ns; /* and, in a drain, how long an idle one may still send a request */

    /* What may wait for a worker: so much work, in bytes of text (0: no such limit), and so much as
       takes so long (0: no limit). */
    uint64_t queue_cost_max, queue_wait_ns;
    struct rate_limits rate_limits; /* of each client */
    struct rates *rates;            /* what they have sent; NULL in tests */

    struct finetune *finetune;             /* files and trainings of clients; NULL: that is off */
    const struct service_actions *actions; /* what operators may have done; NULL in tests */
    bool is_loopback_only;                 /* nobody on another machine can ask */
    const atomic_bool *is_draining; /* written by the server, read by /ready and /live; NULL: it is
                                       not */
    const atomic_bool *is_replaced; /* another process has the listeners: this one ends, and says no
                                       word of it; NULL: it has not */
};

static inline bool service_is_draining(const struct service *service)
{
    return service->is_draining && atomic_load_explicit(service->is_draining, memory_order_relaxed);
}

static inline bool service_is_ending(const struct service *service)
{
    return service_is_draining(service) ||
           (service->is_replaced &&
            atomic_load_explicit(service->is_replaced, memory_order_relaxed));
}
