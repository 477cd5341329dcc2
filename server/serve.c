/* SPDX-License-Identifier: Apache-2.0 */
#include "server/serve.h"

#include "base/confine.h"
#include "base/log.h"
#include "handlers/cors.h"
#include "handlers/handlers.h"
#include "handlers/metrics.h"
#include "model/model.h"
#include "model/registry.h"
#include "model/text/openai/openai_ids.h"
#include "server/activation.h"
#include "server/handover.h"
#include "server/http.h"
#include "server/listener.h"
#include "server/loop.h"
#include "server/memory.h"
#include "server/notify.h"
#include "server/pool.h"
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

/* Opening the models anew, on a thread of its own. */
struct reload {
    uv_async_t done; /* from that thread; and whenever an old model can be closed */
    uv_thread_t thread;
    bool is_running; /* the main thread's */
    bool is_wanted;  /* once more, when it has ended */
    bool is_late;    /* the drain's deadline has passed: nobody waits for it any more */
    atomic_bool is_over;
};

/* The main thread's: it accepts, hears signals and ends the loops, and answers nothing. */
struct server {
    const struct config *config;
    const struct wire_layer *layer; /* of those by TCP; NULL: plain HTTP */
    struct service service;
    struct cors cors;           /* the service's */
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
    uv_work_t warmup; /* of the workers */
};

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
    if (sum >= server->config->max_connections + spare) {
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
    uv_timer_start(timer, on_drain_timeout, server->config->drain_timeout_ms, 0);
}

/* The listeners are another process's by now. */
static void on_replaced(void *user)
{
    struct server *server = user;
    atomic_store(&server->service.is_replaced, true);
    on_drain_delay_over(&server->drain);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct server *server = handle->data;
    if (atomic_exchange(&server->service.is_draining, true)) {
        log_warn("second signal: leaving at once");
        _exit(128 + number);
    }
    log_info("%s: draining", strsignal(number));
    notify_stopping();
    if (server->is_ending) return;
    uv_timer_start(&server->drain, on_drain_delay_over, server->config->drain_delay_ms, 0);
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

/* ---- models opened anew ---- */

/* On the thread of its own. */
static void reload_models(void *user)
{
    struct server *server = user;
    struct err err;
    const bool is_done =
        server->models->open(server->models->user, server->registry, attach_model, server, &err);
    metrics_count_reload(server->metrics, is_done);
    if (is_done)
        log_info("reloaded the models");
    else
        log_error("reload: %s; that model is served as it was", err.message);
    atomic_store(&server->reload.is_over, true);
    uv_async_send(&server->reload.done);
}

static void start_reload(struct server *server)
{
    struct reload *reload = &server->reload;
    reload->is_wanted = reload->is_running;
    if (reload->is_running) return;
    atomic_store(&reload->is_over, false);
    reload->is_running = uv_thread_create(&reload->thread, reload_models, server) == 0;
    if (reload->is_running) return;
    metrics_count_reload(server->metrics, false);
    log_error("reload: no thread for it; the models stay as they are");
}

static void on_reload_done(uv_async_t *done)
{
    struct server *server = done->data;
    registry_collect(server->registry);
    if (!server->reload.is_running || !atomic_load(&server->reload.is_over)) return;
    uv_thread_join(&server->reload.thread);
    server->reload.is_running = false;
    notify_ready();
    if (server->reload.is_wanted && !atomic_load(&server->service.is_draining))
        start_reload(server);
    end_if_over(server);
}

/* On any thread. */
static void on_model_retired(void *user)
{
    struct server *server = user;
    uv_async_send(&server->reload.done);
}

static void on_other_signal(uv_signal_t *handle, int number)
{
    struct server *server = handle->data;
    if (number == SIGHUP && !atomic_load(&server->service.is_draining)) {
        log_info("%s: reloading the models", strsignal(number));
        notify_reloading();
        start_reload(server);
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
    if (server->reload.is_running && !server->reload.is_late) return;
    if (uv_is_closing((uv_handle_t *)&server->ended)) return;
    listeners_stop(&server->listeners);
    handover_stop(&server->handover);
    mask_signals(SIG_BLOCK); /* unheard they would kill what is about to end well */
    for (size_t i = 0; i < N_SIGNALS; i++)
        uv_close((uv_handle_t *)&server->signals[i], NULL);
    uv_close((uv_handle_t *)&server->drain, NULL);
    uv_close((uv_handle_t *)&server->ended, NULL);
    uv_close((uv_handle_t *)&server->reload.done, NULL);
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

/* In the order of the option's values, the last of which is "model". */
static const struct openai_ids *openai_ids_chosen(size_t choice)
{
    static const struct openai_ids *const vocabularies[] = {&openai_cl100k, &openai_o200k, NULL};
    return vocabularies[choice];
}

static bool has_cors(const struct config *config)
{
    return strcmp(config->cors_origins, "none") != 0;
}

static void init_service(struct server *server)
{
    const struct config *config = server->config;
    struct service *service = &server->service;
    service->registry = server->registry;
    service->metrics = server->metrics;
    service->version = EMBEDD_VERSION;
    service->started_unix_s = (int64_t)time(NULL);
    service->body_bytes_max = config->max_body_bytes;
    service->inputs_max = config->max_inputs;
    service->input_tokens_max = config->max_input_tokens;
    service->dense_cells_max = config->max_dense_cells;
    service->truncate = (enum truncate)config->truncate;
    service->openai_ids = openai_ids_chosen(config->openai_ids);
    service->strict_model = config->strict_model;
    service->timing_always = config->server_timing;
    service->cors = has_cors(config) ? &server->cors : NULL;
    service->tei_telemetry = config->tei_telemetry;
    service->tei_validation_413 = config->tei_validation_status == 1;
    service->compress = (enum compress)config->compress;
    service->compress_bytes_min = config->compress_min_bytes;
    const bool packs = service->compress != COMPRESS_OFF;
    const bool names_origins = service->cors && service->cors->origins;
    service->vary = packs && names_origins ? "accept-encoding, origin"
                    : packs                ? "accept-encoding"
                    : names_origins        ? "origin"
                                           : NULL;
    service->threads = server->n_loops;
    service->connections_max = config->max_connections;
    service->has_admin = listeners_have_admin(&server->listeners);
    atomic_init(&service->is_draining, false);
    atomic_init(&service->is_replaced, false);
}

/* What all requests may hold together. Less than this is not worth starting with. */
#define BUDGET_BYTES_MIN ((uint64_t)16 << 20)

static void set_budget(struct server *server)
{
    uint64_t bytes = server->config->max_memory;
    if (bytes == 0) bytes = memory_allowed() / 4;
    server->budget.max_bytes = bytes > BUDGET_BYTES_MIN ? bytes : BUDGET_BYTES_MIN;
}

static bool make_metrics(struct server *server)
{
    server->metrics =
        metrics_new(server->n_loops + 1, handlers_route_names(), handlers_route_count());
    if (!server->metrics) return false;
    metrics_watch_memory(server->metrics, &server->budget);
    if (server->config->tei_telemetry && !metrics_count_te(server->metrics)) return false;
    server->slot = metrics_slot(server->metrics, server->n_loops);
    return true;
}

static unsigned optional_headers(const struct config *config)
{
    return (config->compress != COMPRESS_OFF ? FRAMING_ACCEPT_ENCODING : 0u) |
           (has_cors(config) ? FRAMING_ORIGIN : 0u);
}

static bool start_loops(struct server *server)
{
    const struct config *config = server->config;
    server->loops = calloc(server->n_loops, sizeof *server->loops);
    if (!server->loops) return false;
    for (size_t i = 0; i < server->n_loops; i++) {
        const struct http_settings settings = {
            .service = &server->service,
            .metrics = metrics_slot(server->metrics, i),
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
    if (n_cut) log_warn("drain-timeout: %zu replies were cut off", n_cut);
}

/* Everything but the listener; what was started is for serve_run to end, also on failure. */
static bool start(struct server *server)
{
    mask_signals(SIG_BLOCK); /* they are the main thread's */
    init_service(server);
    server->service.workers = server->config->workers;
    if (!pool_start(&server->uv, &server->warmup, &server->service.workers)) return false;
    if (!start_loops(server)) {
        for (size_t i = 0; i < server->n_loops; i++)
            loop_drain(server->loops[i]);
        return false;
    }
    start_main_loop(server);
    return true;
}

/* What requests need, before there is anybody to ask. */
static bool prepare(struct server *server, struct err *err)
{
    if (has_cors(server->config) && !cors_read(&server->cors, server->config->cors_origins, err))
        return false;
    set_budget(server);
    server->registry = registry_new();
    if (!server->registry || !make_metrics(server))
        return err_set(err, ERR_MEMORY, NULL, "no memory for the service");
    return server->models->open(server->models->user, server->registry, attach_model, server, err);
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
        if (*line && strcmp(line, "none") != 0) confine_read(confine, line);
}

/* Before there are threads, and after all is open that is opened once. */
static bool give_up_rights(struct server *server, struct err *err)
{
    struct confined done;
    struct confine confine = {0};
    char *lines = strdup(server->config->confine_read);
    server->models->paths(server->models->user, may_read, &confine);
    if (lines)
        may_read_lines(&confine, lines);
    else
        confine.lacks_memory = true;
    const bool is_done = confine_process(&confine, &done, err);
    free(lines);
    confine_clear(&confine);
    if (is_done && !done.has_seccomp)
        log_warn("confine: this kernel has no seccomp, so no system call is forbidden");
    if (is_done && done.landlock_abi == 0)
        log_info(
            "confine: this kernel has no Landlock, so files are protected by their modes alone");
    return is_done;
}

static void tell_ready(struct server *server, serve_on_ready *on_ready, void *user)
{
    if (server->predecessor >= 0) handover_tell_ready(server->predecessor, &server->given);
    server->predecessor = -1;
    listeners_own(&server->listeners);
    handover_start(&server->handover, &server->uv, on_replaced, server);
    notify_ready();
    for (size_t i = 0; i < server->listeners.n; i++)
        on_ready(server->listeners.items[i].socket.url, server->listeners.items[i].door.is_admin,
                 user);
}

static bool read_proxies(struct server *server, struct err *err)
{
    const struct config *config = server->config;
    if (strcmp(config->trusted_proxies, "none") != 0)
        return networks_read(&server->proxies, config->trusted_proxies, "trusted-proxies", err);
    if (!config->proxy_protocol) return true;
    return err_set(err, ERR_USAGE, "proxy-protocol",
                   "proxy-protocol needs trusted-proxies: whose headers are to be believed");
}

static bool has_handover(const struct server *server)
{
    return strcmp(server->config->handover, "none") != 0;
}

static bool open_handover(struct server *server, struct err *err)
{
    if (!has_handover(server) ||
        handover_open(&server->handover, server->config->handover, &server->listeners, err))
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
            handover_ask(server->config->handover, &server->predecessor, &server->given, err));
}

static bool listen_all(struct server *server, struct err *err)
{
    const struct config *config = server->config;
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
    uv_async_t *const asyncs[] = {&server->reload.done, &server->ended};
    static const uv_async_cb heard[] = {on_reload_done, on_ended};
    size_t n = 0;
    if (uv_loop_init(&server->uv) != 0) return false;
    for (; n < 2 && uv_async_init(&server->uv, asyncs[n], heard[n]) == 0; n++)
        asyncs[n]->data = server;
    if (n == 2) registry_watch(server->registry, on_model_retired, server);
    const bool is_started = n == 2 && start(server);
    if (is_started) tell_ready(server, on_ready, user);
    for (size_t i = 0; i < n && !is_started; i++)
        uv_close((uv_handle_t *)asyncs[i], NULL);
    uv_run(&server->uv, UV_RUN_DEFAULT);
    join_loops(server);
    if (server->reload.is_running) { /* on a thread that has everything still, and no end */
        log_warn("drain-timeout: the models were still being opened anew");
        _exit(0);
    }
    uv_loop_close(&server->uv);
    return is_started;
}

bool serve_run(const struct config *config, const struct serve_models *models,
               serve_on_ready *on_ready, void *user, struct err *err)
{
    struct server server = {.config = config, .models = models};
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
                   listen_all(&server, err) &&
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
    registry_free(server.registry);
    metrics_free(server.metrics);
    return is_done;
}

void serve_libraries(char *out, size_t bytes)
{
    snprintf(out, bytes, "libmicrohttpd %s, libuv %s", http_library_version(), uv_version_string());
}
