/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file serve_parts.h
 * What serve.h's service is made of, for the files of it alone: serve.c (the start, signals and the
 * end), serve_prepare.c (what requests need), serve_listen.c (who is let in), serve_reload.c (what
 * is read anew), serve_rights.c (what is given up). For the main thread, but where it says so.
 */
#pragma once

#include "base/arena.h"
#include "base/confine.h"
#include "base/log.h"
#include "handlers/actions.h"
#include "handlers/cors.h"
#include "handlers/service.h"
#include "model/changes.h"
#include "server/handover.h"
#include "server/listener.h"
#include "server/loop.h"
#include "server/options.h"
#include "server/pool.h"
#include "server/reload.h"
#include "server/watch.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

/** Signals that are heard. */
#define N_SIGNALS 6

/** Of admin-listen, beyond max-connections: whoever looks what is wrong gets in. */
#define ADMIN_CONNECTIONS_SPARE 64

/** Of all other listeners, beyond it: for probes and metrics. A service that is merely full is not
 * to be restarted. */
#define BEYOND_CONNECTIONS 16

struct finetune;
struct serve_models;

/** The main thread's: it accepts, hears signals and ends the loops, and answers nothing. */
struct server {
    struct options options;         /* in force: the config as well */
    struct tls *tls;                /* NULL: plain HTTP */
    const struct wire_layer *layer; /* of those by TCP: that of tls, or NULL */
    struct service service;         /* as it is at the start; then options.service */
    struct service_actions actions;
    atomic_bool is_draining;
    atomic_bool is_replaced;
    struct cors cors; /* the service's */
    struct rates *rates;
    struct keys *keys;          /* the service's; NULL: none */
    struct arena_budget budget; /* of all requests */
    struct metrics *metrics;
    struct metrics_slot *slot; /* the main thread's own: refused connections */
    struct registry *registry;
    const struct serve_models *models;
    int launcher;              /* the socket to the process that trains; -1: none, or finetune's */
    struct finetune *finetune; /* NULL: there is no data folder */
    struct listeners listeners;
    struct networks proxies; /* trusted-proxies */
    struct handover handover;
    int predecessor; /* who has given us listeners, and is to be told; -1 */
    struct sockets_given given, passed;
    bool is_ending;          /* no more connections, and the loops drain */
    uint64_t drain_start_ns; /* 0: it does not drain yet */
    struct loop **loops;
    size_t n_loops, next_loop;
    atomic_size_t n_beyond;    /* connections beyond max-connections: up here, down by the loops */
    struct log_gate full_gate; /* about max-connections */
    atomic_size_t n_ended;     /* loops that have drained */

    uv_loop_t uv;
    uv_signal_t signals[N_SIGNALS];
    uv_timer_t sweep; /* of memory that nobody has needed lately */
    uv_timer_t drain; /* first the delay, then the deadline */
    uv_async_t ended; /* from the loops */
    struct reload reload;
    struct confined confined;
    struct reload_part parts[RELOAD_PARTS_MAX];
    struct reload_part trained; /* the models of the data folder alone */
    struct watch watch;
    uv_mutex_t links_mutex; /* over the following, from a reload to the main thread */
    char **links;           /* (n_links) or NULL: nothing new */
    size_t n_links;
    uint64_t links_known;
    struct pool *pool; /* the workers */
};

/** config_now: what is in force. Any thread. */
static inline const struct config *config_now(const struct server *server)
{
    return atomic_load(&server->options.config);
}

/* ---- serve_prepare.c ---- */

/** server_prepare makes registry, metrics, rates, TLS and keys, and opens the models: false with
 * err set, as serve_run. What was made is serve_run's to free, also on failure. */
bool server_prepare(struct server *server, struct err *err);

/** server_init_service fills in what requests see, once there are listeners. */
void server_init_service(struct server *server);

/** server_start_loops: false where one cannot be had; n_loops are those that run. */
bool server_start_loops(struct server *server);

/* ---- serve_listen.c ---- */

/** server_find_sockets: listening sockets that others have open already. */
bool server_find_sockets(struct server *server, struct err *err);

/** server_listen opens all listeners; ERR_USAGE also where strangers could ask, and nobody has
 * decided who may. */
bool server_listen(struct server *server, struct err *err);

/** server_deal gives a connection to a loop, or turns it away; `user` is the server. */
void server_deal(const struct arrival *arrival, void *user);

/* ---- serve_reload.c ---- */

/** server_open_models has the registry hold what the settings name, and notes the links behind
 * them; on the thread of the start or of a reload. */
bool server_open_models(struct server *server, struct model_changes *changes, struct err *err);

/** server_init_reloads makes `reload` and `watch`; false: neither is there. */
bool server_init_reloads(struct server *server);

/** server_watch_links: those that were noted last. */
void server_watch_links(struct server *server);

/** server_reload_for_request is what an operator asks for; `user` is the server. On a worker. */
bool server_reload_for_request(void *user, struct reload_report *report, struct err *err);

/* ---- serve_finetune.c ---- */

/** server_start_launcher forks the process that trains, where there is a data folder, which is
 * made: before anything is read that it must not know. */
bool server_start_launcher(struct server *server, struct err *err);

/** server_open_data takes the data folder over. */
bool server_open_data(struct server *server, struct err *err);

/** server_start_jobs: false: no thread for them. */
bool server_start_jobs(struct server *server);

/** server_stop_jobs: none is begun any more, and the data folder is free for another process. */
void server_stop_jobs(struct server *server);

/** server_has_jobs: they have not stopped yet. */
bool server_has_jobs(struct server *server);

/* ---- serve_rights.c ---- */

/** server_give_up_rights: before there are threads, and after all is open that is opened once. */
bool server_give_up_rights(struct server *server, struct err *err);

/* ---- serve.c ---- */

/** server_end_if_over ends what is left when the loops have ended, and so has what was being
 * opened, or it is too late to wait for that. */
void server_end_if_over(struct server *server);

/** server_on_loop_end: on a loop's thread; `user` is the server. */
void server_on_loop_end(void *user);
