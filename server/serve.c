/* SPDX-License-Identifier: Apache-2.0 */
#include "server/serve.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/plural.h"
#include "finetune/finetune.h"
#include "handlers/keys.h"
#include "handlers/metrics.h"
#include "model/model.h"
#include "model/registry.h"
#include "server/http.h"
#include "server/notify.h"
#include "server/serve_parts.h"
#include "server/tls.h"

#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* Of the option confine. */
#define CONFINE_OFF 1

/* How long it takes to cut what goes on at drain-timeout, at most. */
#define CUT_MS 1000

#define SWEEP_MS 1000

/* What the process needs of descriptors beside its connections. */
#define DESCRIPTORS_SPARE 256

/* Those that end it, then those that would if nobody heard them. */
static const int signals[N_SIGNALS] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGALRM};
#define N_ENDING 2

/* ---- the end ---- */

/* It has everything still, and no end. */
static _Noreturn void leave_reload(void)
{
    log_warn("drain-timeout: a reload was still under way");
    _exit(0);
}

/* The loop of whoever asked for a reload does not end before that. */
static void on_cut(uv_timer_t *timer)
{
    struct server *server = timer->data;
    if (reload_is_of_request(&server->reload)) leave_reload();
}

static void on_drain_timeout(uv_timer_t *timer)
{
    struct server *server = timer->data;
    server->reload.is_late = true;
    for (size_t i = 0; i < server->n_loops; i++)
        loop_cut(server->loops[i]);
    uv_timer_start(timer, on_cut, CUT_MS, 0);
    server_end_if_over(server);
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

static void note_drain_start(struct server *server)
{
    if (!server->drain_start_ns) server->drain_start_ns = clock_now_ns();
}

/* The listeners are another process's by now. */
static void on_replaced(void *user)
{
    struct server *server = user;
    note_drain_start(server);
    atomic_store(&server->is_replaced, true);
    server_stop_jobs(server); /* they are that one's, too */
    on_drain_delay_over(&server->drain);
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
void server_end_if_over(struct server *server)
{
    if (atomic_load(&server->n_ended) < server->n_loops) return;
    if (reload_is_awaited(&server->reload)) return;
    if (server_has_jobs(server) && !server->reload.is_late) return;
    if (uv_is_closing((uv_handle_t *)&server->ended)) return;
    listeners_stop(&server->listeners);
    handover_stop(&server->handover);
    mask_signals(SIG_BLOCK); /* unheard they would kill what is about to end well */
    for (size_t i = 0; i < N_SIGNALS; i++)
        uv_close((uv_handle_t *)&server->signals[i], NULL);
    uv_close((uv_handle_t *)&server->drain, NULL);
    uv_close((uv_handle_t *)&server->sweep, NULL);
    uv_close((uv_handle_t *)&server->ended, NULL);
    reload_close(&server->reload);
    watch_end(&server->watch);
    pool_stop(server->pool);
}

/* On a loop's thread. */
void server_on_loop_end(void *user)
{
    struct server *server = user;
    atomic_fetch_add(&server->n_ended, 1);
    uv_async_send(&server->ended);
}

static void on_ended(uv_async_t *ended)
{
    server_end_if_over(ended->data);
}

/* ---- signals ---- */

static void on_signal(uv_signal_t *handle, int number)
{
    struct server *server = handle->data;
    if (atomic_exchange(&server->is_draining, true)) {
        log_warn("second signal: leaving at once");
        _exit(128 + number);
    }
    log_info("%s: draining", strsignal(number));
    note_drain_start(server);
    notify_stopping();
    if (server->is_ending) return;
    server_stop_jobs(server);
    reload_forget(&server->reload);
    uv_timer_start(&server->drain, on_drain_delay_over, config_now(server)->drain_delay_ms, 0);
}

static void on_other_signal(uv_signal_t *handle, int number)
{
    struct server *server = handle->data;
    if (server->drain_start_ns) {
        log_warn("%s: ignored; the service is ending", strsignal(number));
        return;
    }
    if (number == SIGHUP) {
        log_info("%s: reloading", strsignal(number));
        notify_reloading();
        reload_start(&server->reload);
        return;
    }
    log_warn("%s: ignored; SIGTERM ends the service", strsignal(number));
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
static void raise_descriptor_limit(uint64_t max_connections)
{
    struct rlimit limit;
    const rlim_t want =
        max_connections + ADMIN_CONNECTIONS_SPARE + BEYOND_CONNECTIONS + DESCRIPTORS_SPARE;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= want) return;
    limit.rlim_cur = want < limit.rlim_max ? want : limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < want)
        log_warn(
            "max-connections %llu needs %llu file descriptors, but the limit is %llu; raise it "
            "(ulimit -n, LimitNOFILE) or lower max-connections",
            (unsigned long long)max_connections, (unsigned long long)want,
            (unsigned long long)limit.rlim_cur);
}

static void on_sweep(uv_timer_t *timer)
{
    struct server *server = timer->data;
    spares_sweep(&server->budget.spares);
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
    uv_timer_init(&server->uv, &server->sweep);
    server->sweep.data = server;
    uv_timer_start(&server->sweep, on_sweep, SWEEP_MS, SWEEP_MS);
    mask_signals(SIG_UNBLOCK);
    listeners_start(&server->listeners, &server->uv, server_deal, server);
}

/* Everything but the listener; what was started is for serve_run to end, also on failure. */
static bool start(struct server *server)
{
    mask_signals(SIG_BLOCK); /* they are the main thread's */
    server_init_service(server);
    server->service.workers = config_now(server)->workers;
    server->pool = pool_new(&server->uv, &server->service.workers);
    if (!server->pool) return false;
    if (!server_start_jobs(server)) return false;
    if (!server_start_loops(server)) {
        for (size_t i = 0; i < server->n_loops; i++)
            loop_drain(server->loops[i]);
        return false;
    }
    start_main_loop(server);
    return true;
}

/* Of whom the listening sockets are that were open already. */
static void log_taken(const struct sockets_given *given, const char *from)
{
    size_t n = 0;
    for (size_t i = 0; i < given->n; i++)
        n += given->items[i].is_taken;
    if (n > 0) log_info("took over %zu listening socket%s from %s", n, plural(n), from);
}

/* What an operator asks first of a log. */
static void log_start(struct server *server)
{
    const struct config *config = config_now(server);
    const struct snapshot *snapshot = registry_borrow_default(server->registry);
    const struct model_info *info = model_info(snapshot->model);
    const size_t n_more = registry_count(server->registry) - 1;
    const size_t n_heads = model_heads(snapshot->model)->n;
    char models[40] = "", keys[24] = "off", confined[60] = "off";
    if (n_more > 0) snprintf(models, sizeof models, " and %zu more", n_more);
    if (server->keys) snprintf(keys, sizeof keys, "%zu", keys_count(server->keys));
    if (server->confined.has_seccomp || server->confined.landlock_abi > 0)
        snprintf(confined, sizeof confined, "seccomp %s, Landlock %d",
                 server->confined.has_seccomp ? "on" : "off", server->confined.landlock_abi);
    log_info(
        "embedd " EMBEDD_VERSION " serves %s%s%s (%u tokens, %u dimensions, %s; %zu head%s)%s; "
        "%zu loop%s, %zu worker%s; at most %llu connection%s, %llu input%s and %llu bytes a "
        "request, %llu bytes for all; keys: %s; TLS: %s; confined: %s",
        snapshot->name, *info->version ? " " : "", info->version, info->vocab_size, info->dim,
        info->dtype, n_heads, plural(n_heads), models, server->n_loops, plural(server->n_loops),
        server->service.workers, plural(server->service.workers),
        (unsigned long long)config->max_connections, plural(config->max_connections),
        (unsigned long long)config->max_inputs, plural(config->max_inputs),
        (unsigned long long)config->max_body_bytes, (unsigned long long)server->budget.max_bytes,
        keys, server->tls ? "on" : "off", confined);
    registry_give_back(server->registry, snapshot);
}

static void tell_ready(struct server *server, serve_on_ready *on_ready, void *user)
{
    if (server->predecessor >= 0) handover_tell_ready(server->predecessor, &server->given);
    server->predecessor = -1;
    listeners_own(&server->listeners);
    handover_start(&server->handover, &server->uv, on_replaced, server);
    log_taken(&server->passed, "systemd");
    log_taken(&server->given, "the process before");
    log_start(server);
    notify_ready();
    for (size_t i = 0; i < server->listeners.n; i++)
        on_ready(server->listeners.items[i].socket.url, server->listeners.items[i].door.is_admin,
                 user);
}

/* ---- all of it ---- */

static void join_loops(struct server *server)
{
    size_t n_cut = 0;
    for (size_t i = 0; server->loops && i < server->n_loops; i++)
        n_cut += loop_join(server->loops[i]);
    free(server->loops);
    pool_free(server->pool);
    if (n_cut)
        log_warn("drain-timeout: %zu %s cut off", n_cut, n_cut == 1 ? "reply was" : "replies were");
}

static bool run(struct server *server, serve_on_ready *on_ready, void *user)
{
    if (uv_loop_init(&server->uv) != 0) return false;
    const bool has_ended = uv_async_init(&server->uv, &server->ended, on_ended) == 0;
    server->ended.data = server;
    const bool has_reloads = has_ended && server_init_reloads(server);
    const bool is_started = has_reloads && start(server);
    if (is_started) server_watch_links(server);
    if (is_started) tell_ready(server, on_ready, user);
    if (has_reloads && !is_started) {
        reload_close(&server->reload);
        watch_end(&server->watch);
    }
    if (has_ended && !is_started) uv_close((uv_handle_t *)&server->ended, NULL);
    if (!is_started) pool_stop(server->pool);
    uv_run(&server->uv, UV_RUN_DEFAULT);
    join_loops(server);
    if (is_started)
        log_info("drained in %.1f s; the process ends",
                 (double)(clock_now_ns() - server->drain_start_ns) / 1e9);
    if (server->reload.has_thread || server_has_jobs(server)) leave_reload();
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
    raise_descriptor_limit(config->max_connections);
    /* One that comes while the models are opened waits until somebody hears it. */
    sigset_t reloading;
    sigemptyset(&reloading);
    sigaddset(&reloading, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &reloading, NULL);
    bool is_done = server_start_launcher(&server, err) && server_find_sockets(&server, err) &&
                   server_prepare(&server, err) && server_listen(&server, err) &&
                   (config->confine == CONFINE_OFF || server_give_up_rights(&server, err));
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
    finetune_free(server.finetune);
    registry_free(server.registry);
    spares_clear(&server.budget.spares);
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
