/* SPDX-License-Identifier: Apache-2.0 */
#include "server/serve.h"

#include "base/confine.h"
#include "base/log.h"
#include "handlers/actions.h"
#include "handlers/cors.h"
#include "handlers/handlers.h"
#include "handlers/keys.h"
#include "handlers/metrics.h"
#include "handlers/serving.h"
#include "model/model.h"
#include "model/registry.h"
#include "server/activation.h"
#include "server/handover.h"
#include "server/http.h"
#include "server/listener.h"
#include "server/loop.h"
#include "server/memory.h"
#include "server/notify.h"
#include "server/options.h"
#include "server/pool.h"
#include "server/reload.h"
#include "server/tls.h"
#include "server/watch.h"
#include "server/wire.h"

#include <malloc.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* Of the option confine. */
#define CONFINE_OFF 1

/* What the process needs of descriptors beside its connections. */
#define DESCRIPTORS_SPARE 256

/* Those that end it, then those that would if nobody heard them. */
static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGALRM};
#define N_SIGNALS (sizeof signals / sizeof signals[0])
#define N_ENDING 2

static const char reply_503[] = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n"
                                "Content-Length: 0\r\nConnection: close\r\n\r\n";

/* The main thread's: it accepts, hears signals and ends the loops, and answers nothing. */
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
    struct listeners listeners;
    struct networks proxies; /* trusted-proxies */
    struct handover handover;
    int predecessor; /* who has given us listeners, and is to be told; -1 */
    struct sockets_given given, passed;
    bool is_ending; /* no more connections, and the loops drain */
    struct loop **loops;
    size_t n_loops, next_loop;
    atomic_size_t n_ended; /* loops that have drained */

    uv_loop_t uv;
    uv_signal_t signals[N_SIGNALS];
    uv_timer_t drain; /* first the delay, then the deadline */
    uv_async_t ended; /* from the loops */
    struct reload reload;
    struct confined confined;
    struct reload_part parts[RELOAD_PARTS_MAX];
    struct watch watch;
    uv_mutex_t links_mutex; /* over the following, from a reload to the main thread */
    char **links;           /* (n_links) or NULL: nothing new */
    size_t n_links;
    uint64_t links_known;
    struct pool *pool; /* the workers */
};

static const struct config *config_now(const struct server *server)
{
    return atomic_load(&server->options.config);
}

/* ---- connections ---- */

/* Of admin-listen, beyond max-connections: whoever looks what is wrong gets in. */
#define ADMIN_CONNECTIONS_SPARE 64

/* Over max-connections: told so as far as that goes without waiting, then closed. */
static void turn_away(struct server *server, const struct arrival *arrival)
{
    wire_turn_away(arrival, reply_503);
    metrics_count_reject(server->slot, REJECT_CONNECTIONS);
}

/* To the loop with the fewest connections; of equals, the next in turn. */
static void deal(const struct arrival *arrival, void *user)
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
    const size_t spare = arrival->door->is_admin ? ADMIN_CONNECTIONS_SPARE : 0;
    if (sum >= config_now(server)->max_connections + spare) {
        turn_away(server, arrival);
        return;
    }
    server->next_loop = (best + 1) % server->n_loops;
    loop_give(server->loops[best], arrival);
}

/* ---- the end ---- */

static void end_if_over(struct server *server);

static void on_drain_timeout(uv_timer_t *timer)
{
    struct server *server = timer->data;
    server->reload.is_late = true;
    for (size_t i = 0; i < server->n_loops; i++)
        loop_cut(server->loops[i]);
    end_if_over(server);
}

static void on_drain_delay_over(uv_timer_t *timer)
{
    struct server *server = timer->data;
    server->is_ending = true;
    listeners_stop(&server->listeners);
    handover_stop(&server->handover);
    for (size_t i = 0; i < server->n_loops; i++)
        loop_drain(server->loops[i]);
    uv_timer_start(timer, on_drain_timeout, config_now(server)->drain_timeout_ms, 0);
}

/* The listeners are another process's by now. */
static void on_replaced(void *user)
{
    struct server *server = user;
    atomic_store(&server->is_replaced, true);
    on_drain_delay_over(&server->drain);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct server *server = handle->data;
    if (atomic_exchange(&server->is_draining, true)) {
        log_warn("second signal: leaving at once");
        _exit(128 + number);
    }
    log_info("%s: draining", strsignal(number));
    notify_stopping();
    if (server->is_ending) return;
    reload_forget(&server->reload);
    uv_timer_start(&server->drain, on_drain_delay_over, config_now(server)->drain_delay_ms, 0);
}

/* ---- models ---- */

static void *attach_model(void *user, const char *name, const struct model *model, struct err *err)
{
    struct server *server = user;
    const struct model_info *info = model_info(model);
    const struct heads *heads = model_heads(model);
    struct metrics_head *list = calloc(heads->n + 1, sizeof *list);
    for (size_t i = 0; list && i < heads->n; i++) {
        const struct head_info *head = head_info(heads->items[i]);
        list[i] = (struct metrics_head){head->name, head->labels, head->n_labels};
    }
    const struct metrics_model about = {
        .model = name,
        .version = info->version,
        .dtype = info->dtype,
        .tokenizer = info->tokenizer,
        .vocab_size = info->vocab_size,
        .dim = info->dim,
        .heads = list,
        .n_heads = heads->n,
    };
    void *served = list ? metrics_serve(server->metrics, &about) : NULL;
    free(list);
    if (!served) err_set(err, ERR_MEMORY, NULL, "no memory to count what '%.200s' does", name);
    return served;
}

/* ---- keys ---- */

static bool begin_keys(struct server *server, struct err *err)
{
    const char *file = config_now(server)->api_keys;
    if (!config_is_set(file)) return true;
    server->keys = keys_open(file, server->metrics, err);
    return server->keys;
}

/* Where other machines can ask, somebody must have decided who may. */
static bool check_strangers(const struct server *server, const struct listener *listener,
                            struct err *err)
{
    const char *address = *listener->address ? listener->address : listener->socket.url;
    if (server->keys || listener_is_loopback(listener)) return true;
    if (!config_now(server)->insecure)
        return err_set(
            err, ERR_USAGE, "listen",
            "listen %.*s lets other machines ask, whoever they are: give a file of keys "
            "with --api-keys (embedd key new --file makes one), or start with --insecure "
            "where something else keeps strangers away",
            ERR_VALUE_BYTES, address);
    log_warn("insecure: whoever reaches %.*s may use this service; api-keys asks who they are",
             ERR_VALUE_BYTES, address);
    return true;
}

static bool check_all_strangers(const struct server *server, struct err *err)
{
    bool is_done = true;
    for (size_t i = 0; i < server->listeners.n && is_done; i++)
        is_done = check_strangers(server, &server->listeners.items[i], err);
    return is_done;
}

/* ---- reloads ---- */

/* For the main thread, which watches them. */
static void note_links(struct server *server)
{
    size_t n;
    uint64_t known;
    char **links = server->models->links(server->models->user, &n, &known);
    if (!links) return;
    uv_mutex_lock(&server->links_mutex);
    for (size_t i = 0; i < server->n_links; i++)
        free(server->links[i]);
    free(server->links);
    server->links = links;
    server->n_links = n;
    server->links_known = known;
    uv_mutex_unlock(&server->links_mutex);
}

static bool open_models(struct server *server, struct model_changes *changes, struct err *err)
{
    const bool is_done = server->models->open(server->models->user, config_now(server),
                                              server->registry, attach_model, server, changes, err);
    note_links(server);
    return is_done;
}

static bool reload_models(void *user, struct err *err)
{
    struct server *server = user;
    struct model_changes *changes = &server->reload.models;
    const bool is_done = open_models(server, changes, err);
    for (size_t i = 0; i < changes->n; i++)
        if (changes->list[i].fate == MODEL_REMOVED)
            metrics_unserve(server->metrics, changes->list[i].name);
    return is_done;
}

static bool reload_certificates(void *tls, struct err *err)
{
    return tls_reload(tls, err);
}

static bool reload_keys(void *keys, struct err *err)
{
    return keys_reload(keys, err);
}

/* In this order; each takes what it can (reload.h). */
static size_t list_parts(struct server *server)
{
    size_t n = 0;
    server->parts[n++] = (struct reload_part){"options", options_reload, &server->options};
    server->parts[n++] = (struct reload_part){"models", reload_models, server};
    if (server->tls)
        server->parts[n++] = (struct reload_part){"certificates", reload_certificates, server->tls};
    if (server->keys) server->parts[n++] = (struct reload_part){"keys", reload_keys, server->keys};
    return n;
}

/* What an operator asks for; on a worker. */
static bool reload_for_request(void *user, struct reload_report *report, struct err *err)
{
    struct server *server = user;
    if (atomic_load(&server->is_draining))
        return err_set(err, ERR_UNAVAILABLE, NULL, "the server is stopping: nothing is reloaded");
    log_info("POST /admin/reload: reloading");
    return reload_now(&server->reload, report, err);
}

static void watch_links(struct server *server)
{
    uv_mutex_lock(&server->links_mutex);
    char **links = server->links;
    const size_t n = server->n_links;
    const uint64_t known = server->links_known;
    server->links = NULL;
    server->n_links = 0;
    uv_mutex_unlock(&server->links_mutex);
    if (links) watch_set(&server->watch, links, n, known);
    watch_every(&server->watch, config_now(server)->watch_ms);
}

/* After a reload, and whenever an old model can be closed. */
static void on_reload_end(void *user)
{
    struct server *server = user;
    registry_collect(server->registry);
    if (!atomic_load(&server->is_draining)) {
        notify_ready();
        watch_links(server);
    }
    end_if_over(server);
}

/* On a worker. */
static void on_look(void *user)
{
    const struct server *server = user;
    serving_look(server->registry);
}

static void on_links_changed(void *user)
{
    struct server *server = user;
    if (atomic_load(&server->is_draining)) return;
    log_info("a watched link leads elsewhere: reloading");
    reload_start(&server->reload);
}

/* On any thread. */
static void on_model_retired(void *user)
{
    struct server *server = user;
    reload_wake(&server->reload);
}

static void on_other_signal(uv_signal_t *handle, int number)
{
    struct server *server = handle->data;
    if (number == SIGHUP && !atomic_load(&server->is_draining)) {
        log_info("%s: reloading", strsignal(number));
        notify_reloading();
        reload_start(&server->reload);
        return;
    }
    log_warn("%s: ignored; SIGTERM ends the service", strsignal(number));
}

/* On a loop's thread. */
static void on_loop_end(void *user)
{
    struct server *server = user;
    atomic_fetch_add(&server->n_ended, 1);
    uv_async_send(&server->ended);
}

/* `how` of pthread_sigmask(3), for the calling thread and those that it starts. */
static void mask_signals(int how)
{
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < N_SIGNALS; i++)
        sigaddset(&set, signals[i]);
    pthread_sigmask(how, &set, NULL);
}

/* The loops have ended, and so has what was being opened, or it is too late to wait for that. */
static void end_if_over(struct server *server)
{
    if (atomic_load(&server->n_ended) < server->n_loops) return;
    if (reload_is_awaited(&server->reload)) return;
    if (uv_is_closing((uv_handle_t *)&server->ended)) return;
    listeners_stop(&server->listeners);
    handover_stop(&server->handover);
    mask_signals(SIG_BLOCK); /* unheard they would kill what is about to end well */
    for (size_t i = 0; i < N_SIGNALS; i++)
        uv_close((uv_handle_t *)&server->signals[i], NULL);
    uv_close((uv_handle_t *)&server->drain, NULL);
    uv_close((uv_handle_t *)&server->ended, NULL);
    reload_close(&server->reload);
    watch_end(&server->watch);
    pool_stop(server->pool);
}

static void on_ended(uv_async_t *ended)
{
    end_if_over(ended->data);
}

/* ---- the start ---- */

/* glibc would give the pages of a batch back to the kernel when it is answered and take them again,
   one page fault for every 4 KB, for the next: half of a batch's time. */
static void keep_freed_memory(void)
{
    mallopt(M_MMAP_THRESHOLD, 16 << 20);
    mallopt(M_TRIM_THRESHOLD, 8 << 20);
}

/* Many systems start programs with a low limit and let them raise it. */
static void raise_descriptor_limit(uint64_t connections)
{
    struct rlimit limit;
    rlim_t want = connections + DESCRIPTORS_SPARE;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= want) return;
    limit.rlim_cur = want < limit.rlim_max ? want : limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < want)
        log_warn("only %llu file descriptors for max-connections %llu: raise the limit (ulimit -n)",
                 (unsigned long long)limit.rlim_cur, (unsigned long long)connections);
}

static bool has_cors(const struct config *config)
{
    return config_is_set(config->cors_origins);
}

static void init_service(struct server *server)
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
    server->actions = (struct service_actions){.reload = reload_for_request, .user = server};
    service->actions = &server->actions;
    service->is_loopback_only = true;
    for (size_t i = 0; i < server->listeners.n; i++)
        service->is_loopback_only &= listener_is_loopback(&server->listeners.items[i]);
    service->is_draining = &server->is_draining;
    service->is_replaced = &server->is_replaced;
}

/* What all requests may hold together. Less than this is not worth starting with. */
#define BUDGET_BYTES_MIN ((uint64_t)16 << 20)

static void set_budget(struct server *server)
{
    uint64_t bytes = config_now(server)->max_memory;
    if (bytes == 0) bytes = memory_allowed() / 4;
    server->budget.max_bytes = bytes > BUDGET_BYTES_MIN ? bytes : BUDGET_BYTES_MIN;
}

static bool make_metrics(struct server *server)
{
    server->metrics =
        metrics_new(server->n_loops + 1, handlers_route_names(), handlers_route_count());
    if (!server->metrics) return false;
    metrics_watch_memory(server->metrics, &server->budget);
    if (config_now(server)->tei_telemetry && !metrics_count_te(server->metrics)) return false;
    server->slot = metrics_slot(server->metrics, server->n_loops);
    return true;
}

static unsigned optional_headers(const struct config *config)
{
    return (config->compress != COMPRESS_OFF ? FRAMING_ACCEPT_ENCODING : 0u) |
           (has_cors(config) ? FRAMING_ORIGIN : 0u) |
           (config_is_set(config->api_keys) ? FRAMING_KEYS : 0u);
}

static bool start_loops(struct server *server)
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
        server->loops[i] = loop_start(i, &settings, on_loop_end, server);
        if (!server->loops[i]) {
            server->n_loops = i;
            return false;
        }
    }
    return true;
}

static void start_main_loop(struct server *server)
{
    for (size_t i = 0; i < N_SIGNALS; i++) {
        uv_signal_init(&server->uv, &server->signals[i]);
        server->signals[i].data = server;
        uv_signal_start(&server->signals[i], i < N_ENDING ? on_signal : on_other_signal,
                        signals[i]);
    }
    uv_timer_init(&server->uv, &server->drain);
    server->drain.data = server;
    mask_signals(SIG_UNBLOCK);
    listeners_start(&server->listeners, &server->uv, deal, server);
}

static void join_loops(struct server *server)
{
    size_t n_cut = 0;
    for (size_t i = 0; server->loops && i < server->n_loops; i++)
        n_cut += loop_join(server->loops[i]);
    free(server->loops);
    pool_free(server->pool);
    if (n_cut) log_warn("drain-timeout: %zu replies were cut off", n_cut);
}

/* Everything but the listener; what was started is for serve_run to end, also on failure. */
static bool start(struct server *server)
{
    mask_signals(SIG_BLOCK); /* they are the main thread's */
    init_service(server);
    server->service.workers = config_now(server)->workers;
    server->pool = pool_new(&server->uv, &server->service.workers);
    if (!server->pool) return false;
    if (!start_loops(server)) {
        for (size_t i = 0; i < server->n_loops; i++)
            loop_drain(server->loops[i]);
        return false;
    }
    start_main_loop(server);
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

/* What requests need, before there is anybody to ask. */
static bool prepare(struct server *server, struct err *err)
{
    if (has_cors(config_now(server)) &&
        !cors_read(&server->cors, config_now(server)->cors_origins, err))
        return false;
    set_budget(server);
    server->registry = registry_new();
    server->rates = rates_new();
    if (!server->registry || !server->rates || !make_metrics(server))
        return err_set(err, ERR_MEMORY, NULL, "no memory for the service");
    return begin_tls(server, err) && begin_keys(server, err) && open_models(server, NULL, err);
}

static bool init_reloads(struct server *server)
{
    watch_init(&server->watch, &server->uv, on_look, on_links_changed, server);
    if (reload_init(&server->reload, &server->uv, server->parts, list_parts(server),
                    server->metrics, on_reload_end, server))
        return true;
    watch_end(&server->watch);
    return false;
}

/* ---- what is given up ---- */

static void may_read(void *confine, const char *path)
{
    confine_read(confine, path);
}

/* Calls confine_read for each line, which stay in `lines`. */
static void may_read_lines(struct confine *confine, char *lines)
{
    for (char *line; (line = strsep(&lines, "\n"));)
        if (*line && config_is_set(line)) confine_read(confine, line);
}

/* What the settings name is there, or is none of a file's. */
static void may_read_settings(struct confine *confine, const struct config *config)
{
    const char *const paths[] = {config->file,     config->heads,   config->models,
                                 config->tls_cert, config->tls_key, config->tls_client_ca,
                                 config->api_keys};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        if (paths[i] && config_is_set(paths[i])) confine_read(confine, paths[i]);
}

static void may_remove_sockets(struct confine *confine, const struct server *server)
{
    for (size_t i = 0; i < server->listeners.n; i++) {
        const char *path = server->listeners.items[i].socket.path;
        if (*path) confine_socket(confine, path);
    }
    if (server->handover.path) confine_socket(confine, server->handover.path);
}

/* Before there are threads, and after all is open that is opened once. */
static bool give_up_rights(struct server *server, struct err *err)
{
    const struct config *config = config_now(server);
    struct confined *done = &server->confined;
    struct confine confine = {.has_secrets = server->tls || server->keys};
    char *lines = strdup(config->confine_read);
    server->models->paths(server->models->user, may_read, &confine);
    may_read_settings(&confine, config);
    may_remove_sockets(&confine, server);
    if (lines)
        may_read_lines(&confine, lines);
    else
        confine.lacks_memory = true;
    const bool is_done = confine_process(&confine, done, err);
    free(lines);
    confine_clear(&confine);
    if (is_done && !done->has_seccomp)
        log_warn("confine: this kernel has no seccomp, so no system call is forbidden");
    if (is_done && done->landlock_abi == 0)
        log_info(
            "confine: this kernel has no Landlock, so files are protected by their modes alone");
    return is_done;
}

/* What an operator asks first of a log. */
static void log_start(struct server *server)
{
    const struct config *config = config_now(server);
    const struct snapshot *snapshot = registry_borrow_default(server->registry);
    const struct model_info *info = model_info(snapshot->model);
    const size_t n_more = registry_count(server->registry) - 1;
    char models[40] = "", confined[60] = "off";
    if (n_more > 0) snprintf(models, sizeof models, " and %zu more", n_more);
    if (server->confined.has_seccomp || server->confined.landlock_abi > 0)
        snprintf(confined, sizeof confined, "seccomp %s, Landlock %d",
                 server->confined.has_seccomp ? "on" : "off", server->confined.landlock_abi);
    log_info("embedd " EMBEDD_VERSION " serves %s%s%s (%u tokens, %u dimensions, %s; %zu heads)%s; "
             "%zu loops, %zu workers; at most %llu connections, %llu inputs and %llu bytes a "
             "request, %llu bytes for all; keys: %s; TLS: %s; confined: %s",
             snapshot->name, *info->version ? " " : "", info->version, info->vocab_size, info->dim,
             info->dtype, model_heads(snapshot->model)->n, models, server->n_loops,
             server->service.workers, (unsigned long long)config->max_connections,
             (unsigned long long)config->max_inputs, (unsigned long long)config->max_body_bytes,
             (unsigned long long)server->budget.max_bytes, server->keys ? "on" : "off",
             server->tls ? "on" : "off", confined);
    registry_give_back(server->registry, snapshot);
}

static void tell_ready(struct server *server, serve_on_ready *on_ready, void *user)
{
    if (server->predecessor >= 0) handover_tell_ready(server->predecessor, &server->given);
    server->predecessor = -1;
    listeners_own(&server->listeners);
    handover_start(&server->handover, &server->uv, on_replaced, server);
    log_start(server);
    notify_ready();
    for (size_t i = 0; i < server->listeners.n; i++)
        on_ready(server->listeners.items[i].socket.url, server->listeners.items[i].door.is_admin,
                 user);
}

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
static bool find_sockets(struct server *server, struct err *err)
{
    server->predecessor = -1;
    return activation_take(&server->passed, err) &&
           (!has_handover(server) ||
            handover_ask(config_now(server)->handover, &server->predecessor, &server->given, err));
}

static bool listen_all(struct server *server, struct err *err)
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
           listeners_open(&server->listeners, &wish, err) && open_handover(server, err);
}

static bool run(struct server *server, serve_on_ready *on_ready, void *user)
{
    if (uv_loop_init(&server->uv) != 0) return false;
    const bool has_ended = uv_async_init(&server->uv, &server->ended, on_ended) == 0;
    server->ended.data = server;
    const bool has_reloads = has_ended && init_reloads(server);
    if (has_reloads) registry_watch(server->registry, on_model_retired, server);
    const bool is_started = has_reloads && start(server);
    if (is_started) watch_links(server);
    if (is_started) tell_ready(server, on_ready, user);
    if (has_reloads && !is_started) {
        reload_close(&server->reload);
        watch_end(&server->watch);
    }
    if (has_ended && !is_started) uv_close((uv_handle_t *)&server->ended, NULL);
    if (!is_started) pool_stop(server->pool);
    uv_run(&server->uv, UV_RUN_DEFAULT);
    join_loops(server);
    if (server->reload.has_thread) { /* which has everything still, and no end */
        log_warn("drain-timeout: a reload was still under way");
        _exit(0);
    }
    watch_clear(&server->watch);
    uv_loop_close(&server->uv);
    return is_started;
}

bool serve_run(const struct config *config, const struct serve_models *models,
               serve_on_ready *on_ready, void *user, struct err *err)
{
    struct server server = {.models = models};
    options_init(&server.options, config, &server.service);
    if (uv_mutex_init(&server.links_mutex) != 0)
        return err_set(err, ERR_MEMORY, NULL, "no memory for the service");
    const size_t n_loops = config->threads ? config->threads : uv_available_parallelism();
    server.n_loops = n_loops;
    signal(SIGPIPE, SIG_IGN);
    keep_freed_memory();
    raise_descriptor_limit(config->max_connections + ADMIN_CONNECTIONS_SPARE);
    /* One that comes while the models are opened waits until somebody hears it. */
    sigset_t reloading;
    sigemptyset(&reloading);
    sigaddset(&reloading, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &reloading, NULL);
    bool is_done = find_sockets(&server, err) && prepare(&server, err) &&
                   listen_all(&server, err) && check_all_strangers(&server, err) &&
                   (config->confine == CONFINE_OFF || give_up_rights(&server, err));
    if (is_done) {
        is_done = run(&server, on_ready, user) ||
                  err_set(err, ERR_IO, "threads",
                          "cannot start %zu loops and %zu workers; give the process more memory, "
                          "threads or file descriptors, or lower threads and workers",
                          n_loops, server.service.workers);
        handover_stop(&server.handover);
        listeners_close(&server.listeners);
    }
    handover_forget(server.predecessor);
    sockets_drop(&server.given);
    networks_clear(&server.proxies);
    for (size_t i = 0; i < server.n_links; i++)
        free(server.links[i]);
    free(server.links);
    uv_mutex_destroy(&server.links_mutex);
    options_clear(&server.options);
    registry_free(server.registry);
    keys_close(server.keys);
    rates_free(server.rates);
    metrics_free(server.metrics);
    tls_free(server.tls);
    return is_done;
}

void serve_libraries(char *out, size_t bytes)
{
    snprintf(out, bytes, "libmicrohttpd %s, libuv %s, GnuTLS %s", http_library_version(),
             uv_version_string(), tls_library_version());
}
