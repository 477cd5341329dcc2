/* SPDX-License-Identifier: Apache-2.0 */
/* Who is let in: the listeners, where they come from, and which loop a connection goes to. */
#include "server/serve_parts.h"

#include "base/log.h"
#include "server/activation.h"
#include "server/wire.h"

#include <stdint.h>
#include <stdio.h>

/* ---- connections ---- */

/* Over max-connections: told so as far as that goes without waiting, then closed. */
static void turn_away(struct server *server, const struct arrival *arrival)
{
    wire_turn_away(arrival, conn_reply_full);
    metrics_count_reject(server->slot, REJECT_CONNECTIONS);
}

/* Whether there is room for one more, of `n` that are within the limit or of admin-listen. A few
   come in beyond it all the same: it is told what they ask, and only then whether they are answered
   (handlers_is_vital). */
static bool find_room(struct server *server, struct arrival *arrival, size_t n)
{
    const uint64_t max = config_now(server)->max_connections;
    const bool is_admin = arrival->door->is_admin;
    if (n < max + (is_admin ? ADMIN_CONNECTIONS_SPARE : 0)) return true;
    log_rarely(&server->full_gate, LOG_LEVEL_WARN,
               "max-connections, %llu, is reached: beyond it all but probes and metrics get 503; "
               "raise max-connections, or lower idle-timeout if most of them are idle",
               (unsigned long long)max);
    if (is_admin || atomic_load(&server->n_beyond) >= BEYOND_CONNECTIONS) return false;
    atomic_fetch_add(&server->n_beyond, 1);
    arrival->beyond = &server->n_beyond;
    return true;
}

/* To the loop with the fewest connections; of equals, the next in turn. */
void server_deal(const struct arrival *arrival, void *user)
{
    struct server *server = user;
    size_t best = 0, fewest = SIZE_MAX, sum = 0;
    for (size_t i = 0; i < server->n_loops; i++) {
        size_t at = (server->next_loop + i) % server->n_loops;
        size_t n = loop_connections(server->loops[at]);
        sum += n;
        if (n >= fewest) continue;
        best = at;
        fewest = n;
    }
    struct arrival taken = *arrival;
    /* Their number is taken off while all of them are in the sum: it is only increased here. */
    if (!find_room(server, &taken, sum - atomic_load(&server->n_beyond))) {
        turn_away(server, arrival);
        return;
    }
    server->next_loop = (best + 1) % server->n_loops;
    loop_give(server->loops[best], &taken);
}

/* ---- listeners ---- */

static bool read_proxies(struct server *server, struct err *err)
{
    const struct config *config = config_now(server);
    if (config_is_set(config->trusted_proxies))
        return networks_read(&server->proxies, config->trusted_proxies, "trusted-proxies", err);
    if (!config->proxy_protocol) return true;
    return err_set(err, ERR_USAGE, "proxy-protocol",
                   "proxy-protocol needs trusted-proxies: whose headers are to be believed");
}

static bool has_handover(const struct server *server)
{
    return config_is_set(config_now(server)->handover);
}

static bool open_handover(struct server *server, struct err *err)
{
    if (!has_handover(server) ||
        handover_open(&server->handover, config_now(server)->handover, &server->listeners, err))
        return true;
    listeners_close(&server->listeners);
    return false;
}

/* Listening sockets that others have open already. */
bool server_find_sockets(struct server *server, struct err *err)
{
    server->predecessor = -1;
    return activation_take(&server->passed, err) &&
           (!has_handover(server) ||
            handover_ask(config_now(server)->handover, &server->predecessor, &server->given, err));
}

/* "admin-listen 0.0.0.0:9000", or "the passed socket 'web' (http://0.0.0.0:80)". */
static void describe(const struct listener *listener, char *out, size_t bytes)
{
    if (*listener->address)
        snprintf(out, bytes, "%s %.*s", listener->door.is_admin ? "admin-listen" : "listen",
                 ERR_VALUE_BYTES, listener->address);
    else
        snprintf(out, bytes, "the passed socket '%s' (%.*s)", listener->name, ERR_VALUE_BYTES,
                 listener->socket.url);
}

/* Where other machines can ask, somebody must have decided who may. */
static bool check_strangers(const struct server *server, const struct listener *listener,
                            struct err *err)
{
    const struct config *config = config_now(server);
    const bool has_client_ca = listener->door.layer && config_is_set(config->tls_client_ca);
    char where[200];
    if (server->keys || listener_is_loopback(listener)) return true;
    describe(listener, where, sizeof where);
    if (!config->insecure)
        return err_set(err, ERR_USAGE, "listen",
                       "%s lets other machines ask without a key%s: give a file of keys with "
                       "--api-keys (embedd key new --file makes one), or start with --insecure "
                       "where something else keeps strangers away",
                       where,
                       has_client_ca ? " (the client certificates of tls-client-ca do not count as "
                                       "keys)"
                                     : "");
    log_warn("insecure: anybody who reaches %s may %s this service; api-keys asks who they are",
             where, listener->door.is_admin ? "administer" : "use");
    return true;
}

static bool check_all_strangers(const struct server *server, struct err *err)
{
    bool is_done = true;
    for (size_t i = 0; i < server->listeners.n && is_done; i++)
        is_done = check_strangers(server, &server->listeners.items[i], err);
    return is_done;
}

bool server_listen(struct server *server, struct err *err)
{
    const struct config *config = config_now(server);
    struct listeners_wish wish = {.listen = config->listen,
                                  .admin_listen = config->admin_listen,
                                  .given = &server->given,
                                  .passed = &server->passed,
                                  .door = {.layer = server->layer,
                                           .takes_proxy_header = config->proxy_protocol,
                                           .proxies = &server->proxies}};
    return sockets_read_mode(config->socket_mode, &wish.mode, err) && read_proxies(server, err) &&
           listeners_open(&server->listeners, &wish, err) && open_handover(server, err) &&
           check_all_strangers(server, err);
}
