/* SPDX-License-Identifier: Apache-2.0 */
/* What requests need, made before there is anybody to ask. */
#include "server/serve_parts.h"

#include "handlers/handlers.h"
#include "handlers/keys.h"
#include "handlers/metrics.h"
#include "model/registry.h"
#include "server/http.h"
#include "server/memory.h"
#include "server/tls.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

static bool has_cors(const struct config *config)
{
    return config_is_set(config->cors_origins);
}

/* ---- the service ---- */

/* What all requests may hold together. Less than this is not worth starting with. */
#define BUDGET_BYTES_MIN ((uint64_t)16 << 20)

static bool set_budget(struct server *server, struct err *err)
{
    const uint64_t asked = config_now(server)->max_memory;
    if (asked > 0 && asked < BUDGET_BYTES_MIN)
        return err_set(err, ERR_USAGE, "max-memory",
                       "max-memory must be 0 or at least %" PRIu64 " bytes, not %" PRIu64,
                       BUDGET_BYTES_MIN, asked);
    const uint64_t bytes = asked ? asked : memory_allowed() / 4;
    server->budget.max_bytes = bytes > BUDGET_BYTES_MIN ? bytes : BUDGET_BYTES_MIN;
    return true;
}

static bool make_metrics(struct server *server)
{
    server->metrics =
        metrics_new(server->n_loops + 1, handlers_route_names(), handlers_route_count());
    if (!server->metrics) return false;
    metrics_watch_memory(server->metrics, &server->budget);
    metrics_watch_models(server->metrics, server->registry);
    if (config_now(server)->tei_telemetry && !metrics_count_te(server->metrics)) return false;
    server->slot = metrics_slot(server->metrics, server->n_loops);
    return true;
}

/* What an option of a file's name says; NULL: none. */
static const char *file_of(const char *value)
{
    return config_is_set(value) ? value : NULL;
}

static bool begin_tls(struct server *server, struct err *err)
{
    const struct config *config = config_now(server);
    const struct tls_files files = {
        .cert = file_of(config->tls_cert),
        .key = file_of(config->tls_key),
        .client_ca = file_of(config->tls_client_ca),
        .is_1_3_alone = config->tls_min == 1,
    };
    if (!files.cert && !files.key && !files.client_ca) return true;
    server->tls = tls_new(&files, err);
    if (!server->tls) return false;
    server->layer = tls_layer(server->tls);
    metrics_watch_tls(server->metrics, tls_counts(server->tls));
    return true;
}

static bool begin_keys(struct server *server, struct err *err)
{
    const char *file = config_now(server)->api_keys;
    if (!config_is_set(file)) return true;
    server->keys = keys_open(file, server->metrics, err);
    return server->keys;
}

/* What requests need, before there is anybody to ask. */
bool server_prepare(struct server *server, struct err *err)
{
    if (has_cors(config_now(server)) &&
        !cors_read(&server->cors, config_now(server)->cors_origins, err))
        return false;
    if (!set_budget(server, err)) return false;
    server->registry = registry_new();
    server->rates = rates_new();
    if (!server->registry || !server->rates || !make_metrics(server))
        return err_set(err, ERR_MEMORY, NULL, "no memory for the service");
    /* The models first: that notes where links lead, and what is read later is no older. */
    return server_open_data(server, err) && server_open_models(server, NULL, err) &&
           begin_tls(server, err) && begin_keys(server, err);
}

void server_init_service(struct server *server)
{
    const struct config *config = config_now(server);
    struct service *service = &server->service;
    options_fill(service, config);
    service->registry = server->registry;
    service->metrics = server->metrics;
    service->version = EMBEDD_VERSION;
    service->started_unix_s = (int64_t)time(NULL);
    service->cors = has_cors(config) ? &server->cors : NULL;
    service->keys = server->keys;
    service->rates = server->rates;
    service->tei_telemetry = config->tei_telemetry;
    service->compress = (enum compress)config->compress;
    const bool packs = service->compress != COMPRESS_OFF;
    const bool names_origins = service->cors && service->cors->origins;
    service->vary = packs && names_origins ? "accept-encoding, origin"
                    : packs                ? "accept-encoding"
                    : names_origins        ? "origin"
                                           : NULL;
    service->threads = server->n_loops;
    service->connections_max = config->max_connections;
    service->has_admin = listeners_have_admin(&server->listeners);
    server->actions = (struct service_actions){.reload = server_reload_for_request, .user = server};
    service->actions = &server->actions;
    service->finetune = server->finetune;
    service->is_loopback_only = true;
    for (size_t i = 0; i < server->listeners.n; i++)
        service->is_loopback_only &= listener_is_loopback(&server->listeners.items[i]);
    service->is_draining = &server->is_draining;
    service->is_replaced = &server->is_replaced;
}

/* ---- the loops ---- */

static unsigned optional_headers(const struct config *config)
{
    return (config->compress != COMPRESS_OFF ? FRAMING_ACCEPT_ENCODING : 0u) |
           (has_cors(config) ? FRAMING_ORIGIN : 0u) |
           (config_is_set(config->api_keys) ? FRAMING_KEYS : 0u) |
           (config_is_set(config->data_dir) ? FRAMING_QUERY : 0u);
}

bool server_start_loops(struct server *server)
{
    const struct config *config = config_now(server);
    server->loops = calloc(server->n_loops, sizeof *server->loops);
    if (!server->loops) return false;
    for (size_t i = 0; i < server->n_loops; i++) {
        const struct http_settings settings = {
            .service = &server->options.service,
            .metrics = metrics_slot(server->metrics, i),
            .pool = server->pool,
            .limits = {.request_ns = config->request_timeout_ms * 1000000,
                       .idle_ns = config->idle_timeout_ms * 1000000,
                       .write_ns = config->write_timeout_ms * 1000000,
                       .drain_idle_ns = config->drain_idle_ms * 1000000,
                       .head_bytes = config->max_header_bytes,
                       .optional_headers = optional_headers(config)},
            .budget = &server->budget,
            .request_memory_max = config->max_request_memory < server->budget.max_bytes
                                      ? config->max_request_memory
                                      : server->budget.max_bytes,
            .offload_bytes = config->offload_bytes,
        };
        server->loops[i] = loop_start(i, &settings, server_on_loop_end, server);
        if (!server->loops[i]) {
            server->n_loops = i;
            return false;
        }
    }
    return true;
}
