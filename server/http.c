/* SPDX-License-Identifier: Apache-2.0 */
#include "server/http.h"

#include "base/clock.h"
#include "base/log.h"
#include "handlers/endpoint.h"
#include "handlers/errors.h"
#include "handlers/form.h"
#include "handlers/handlers.h"
#include "handlers/keys.h"
#include "server/access_log.h"
#include "server/admission.h"
#include "server/forwarded.h"
#include "server/head.h"
#include "server/linger.h"
#include "server/request.h"
#include "server/wire.h"

#include <assert.h>
#include <limits.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Rounds of MHD_run before the loop's other work gets its turn. */
#define RUNS_MAX 64
/* What libmicrohttpd has for a connection's head (framing.c lets lines of 4096 bytes in all and a
   path of 1024 pass), a piece of the body and the head of the reply, in which one header may have
   2048 (openai.c). Wiped after each request, so that small is fast. */
#define POOL_BYTES 8192
/* A body that nobody wants is read for the sake of the connection up to this length; a longer one
   costs more than another connection. */
#define SWALLOWED_BYTES_MAX (64u << 10)
/* And for what replies to pages of other origins have in their head (cors.c): two values of 256
   bytes from the request, and words of our own. */
#define CORS_BYTES 1536
/* Nobody read the whole reply: the client went away first. No HTTP status; the number is nginx's.
 */
#define STATUS_CLIENT_GONE 499
struct http {
    struct MHD_Daemon *daemon;
    struct http_settings settings;
    struct conns conns;
    struct lingers lingers;
    struct requests requests;
    struct pool_seat seat;           /* where workers say what they have done */
    struct keys_reader keys;         /* of the service's keys */
    const struct arrival *arrival;   /* that http_add is about */
    size_t n_begun;                  /* connections that on_connection was told of */
    struct log_gate strange_gate;    /* about proxies that do not begin as they should */
    uint64_t n_runs;                 /* of libmicrohttpd: what happens in one happens at one time */
    const struct service *limits_of; /* whose limits conns has */
};

static const struct service *service_now(const struct http *http)
{
    return atomic_load_explicit(http->settings.service, memory_order_acquire);
}

static const char reply_413[] = "HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n"
                                "Connection: close\r\n\r\n";

static enum MHD_Result on_header(void *cls, enum MHD_ValueKind kind, const char *name,
                                 const char *value)
{
    (void)kind;
    if (value) head_take(cls, name, value);
    return MHD_YES;
}

/* ---- the reply ---- */

/* What libmicrohttpd asks for at once is no more than it has memory for. */
#define BLOCK_BYTES 4096

/* The next bytes of a reply that is made in pieces. */
static ssize_t read_piece(void *cls, uint64_t at, char *to, size_t room)
{
    (void)at;
    struct request *request = cls;
    struct exchange *x = &request->x;
    if (request->sent_bytes == x->piece.bytes) {
        request->sent_bytes = 0;
        if (!handlers_next_piece(x)) {
            if (!x->piece.failed) return MHD_CONTENT_READER_END_OF_STREAM;
            wire_cut(&request->conn->wire); /* half a reply is not to end well */
            return MHD_CONTENT_READER_END_WITH_ERROR;
        }
    }
    size_t n = x->piece.bytes - request->sent_bytes;
    if (n > room) n = room;
    memcpy(to, x->piece.data + request->sent_bytes, n);
    request->sent_bytes += n;
    x->reply_bytes += n;
    return (ssize_t)n;
}

static struct MHD_Response *make_response(struct request *request)
{
    struct exchange *x = &request->x;
    if (x->make_piece)
        return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_BYTES, read_piece, request,
                                                 NULL);
    /* Zero copy: the bytes stay in the arena until on_completed. The cast only takes const away,
       libmicrohttpd 0.9.75 does not write to them. */
    return MHD_create_response_from_buffer(x->reply_bytes, (void *)(uintptr_t)x->reply,
                                           MHD_RESPMEM_PERSISTENT);
}

/* No connection is to be kept. */
static enum MHD_Result queue_reply(struct request *request, bool closes)
{
    struct exchange *x = &request->x;
    struct MHD_Response *response = make_response(request);
    if (!response) return MHD_NO;
    if (x->reply_type) MHD_add_response_header(response, "Content-Type", x->reply_type);
    for (size_t i = 0; i < x->n_headers; i++)
        MHD_add_response_header(response, x->headers[i].name, x->headers[i].value);
    if (closes || request->conn->beyond || service_is_ending(x->service))
        MHD_add_response_header(response, "Connection", "close");
    enum MHD_Result result = MHD_queue_response(request->connection, x->status, response);
    MHD_destroy_response(response);
    /* What was answered on this thread was so just now: the stages know when. */
    bool is_known = request->state == REQUEST_BODY;
    conn_begin_reply(request->conn, is_known ? x->stage_start_ns : clock_now_ns());
    request->state = REQUEST_REPLYING;
    return result;
}

/* ---- the request's body ---- */

static void refuse(struct request *request, const struct err *err)
{
    /* What was kept of the body makes room for the error. */
    arena_reset(&request->arena);
    request->x.body = request->body = NULL;
    request->x.body_bytes = request->body_room = 0;
    if (err) handlers_fail(&request->x, err);
    request->state = REQUEST_REFUSED;
}

/* How much of a body nobody wants is read for the sake of keeping the connection. */
static size_t swallow_max(const struct exchange *x)
{
    return 2 * form_body_max(x) + (1u << 20);
}

/* Answers past libmicrohttpd and closes the connection. */
static enum MHD_Result drop(struct request *request)
{
    request->x.status = 413;
    request->x.sample.reject = REJECT_BODY_TOO_LARGE;
    request->state = REQUEST_DROPPED;
    request->conn->lingers = true;
    conn_send_last(request->conn, reply_413);
    return MHD_NO;
}

/* Beyond max-connections, as whoever is not let in (serve_listen.c). */
static enum MHD_Result turn_away(struct request *request)
{
    struct exchange *x = &request->x;
    x->status = 503;
    x->sample.reject = REJECT_CONNECTIONS;
    x->sample.served = NULL;
    request->state = REQUEST_DROPPED;
    conn_turn_away(request->conn);
    return MHD_NO;
}

/* By its body alone. */
static bool is_for_worker(const struct http *http, const struct exchange *x, size_t body_bytes)
{
    return x->body_packing || (x->route->is_heavy && body_bytes >= http->settings.offload_bytes);
}

static const char *query_of(struct request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, name);
}

static void take_query(struct request *request)
{
    struct exchange *x = &request->x;
    x->query.after = query_of(request, "after");
    x->query.limit = query_of(request, "limit");
    x->query.purpose = query_of(request, "purpose");
}

static enum MHD_Result take_head(struct request *request, const char *path, const char *method)
{
    const struct http *http = request->http;
    struct exchange *x = &request->x;
    struct head head = {.x = x};
    MHD_get_connection_values(request->connection, MHD_HEADER_KIND, on_header, &head);
    if (head.forwarded.n_x + head.forwarded.n_standard > 0) /* only of proxies they get so far */
        forwarded_client(&head.forwarded, request->conn->wire.door->proxies, &x->client);
    request->is_chunked = head.is_chunked;
    request->declared_bytes = head.content_length;
    request->method = method;
    enum method is = head_method(method);
    /* What operators ask is answered most of all where there is no memory for others. */
    request->arena.is_exempt = is == METHOD_GET || is == METHOD_HEAD;
    x->route = handlers_find_route(x, is, path);
    if (x->route && x->route->endpoint->has_pages) take_query(request);
    if (request->conn->beyond && !handlers_is_vital(is, path)) return turn_away(request);
    request->state = REQUEST_BODY;
    const struct fair_item item = admission_item(request, head.content_length);
    if (head.timeout_ms) request->deadline_ns = request->started_ns + head.timeout_ms * 1000000;
    if (x->route && handlers_check_head(x, head.content_encoding, head.content_length) &&
        admission_is_within_rate(request) &&
        (!is_for_worker(http, x, head.content_length) ||
         admission_has_turn(http->settings.pool, request, &item)))
        return MHD_YES;
    request->state = REQUEST_REFUSED;
    /* Answering before the body has come ends the connection, so only where waiting for it would be
       worse. libmicrohttpd stops reading for these two methods alone. */
    bool can_answer_now = is == METHOD_POST || !strcmp(method, "PUT");
    bool is_worth_it = head.expects_continue || head.content_length > SWALLOWED_BYTES_MAX ||
                       head.content_length > form_body_max(x);
    if (!can_answer_now || !is_worth_it) return MHD_YES;
    request->conn->lingers = true;
    return queue_reply(request, true);
}

static enum MHD_Result take_body(struct request *request, const char *data, size_t bytes)
{
    struct exchange *x = &request->x;
    request->arrived_bytes += bytes;
    if (request->state == REQUEST_BODY) {
        struct err err;
        if (request->arrived_bytes > form_body_max(x)) {
            refuse(request, NULL);
            handlers_check_head(x, NULL, request->arrived_bytes); /* its 413 */
        } else if (!request_keep_body(request, data, bytes)) {
            if (request->arena.is_starved)
                handlers_overloaded(&err);
            else
                err_out_of_memory(&err);
            refuse(request, &err);
        }
    }
    if (request->arrived_bytes <= swallow_max(x)) return MHD_YES;
    return drop(request);
}

/* ---- the answer ---- */

static void after_worker(struct pool_job *job, bool was_run)
{
    struct exchange *x = job->exchange;
    struct request *request = request_of(job);
    struct http *http = request->http;
    metrics_offload_queue(http->settings.metrics, -1);
    if (!was_run) {
        struct err err;
        err_set(&err, ERR_UNAVAILABLE, NULL, "the server is stopping; send the request again");
        handlers_fail(x, &err);
    }
    request->state = REQUEST_ANSWERED;
    /* Here, on the loop's thread, and not in the worker: an external daemon hears nothing of a
       resume from elsewhere, and until now libuv owned a part of the request. */
    MHD_resume_connection(request->connection);
    http->settings.wake(http->settings.user);
}

static enum MHD_Result give_to_worker(struct http *http, struct request *request)
{
    request->job.item = admission_item(request, admission_cost(&request->x));
    if (!admission_has_turn(http->settings.pool, request, &request->job.item)) {
        request->state = REQUEST_REFUSED;
        return queue_reply(request, false);
    }
    request->job.is_wanted = admission_is_wanted;
    request->job.is_aside = request->x.route->endpoint->reads_files;
    request->state = REQUEST_WORKING;
    conn_begin_work(request->conn);
    metrics_offload_queue(http->settings.metrics, 1);
    MHD_suspend_connection(request->connection);
    pool_submit(&http->seat, &request->job, &request->x, after_worker);
    return MHD_YES;
}

static enum MHD_Result answer(struct http *http, struct request *request)
{
    struct exchange *x = &request->x;
    if (!admission_came_in_time(request)) {
        request->state = REQUEST_REFUSED;
        return queue_reply(request, false);
    }
    if (is_for_worker(http, x, x->body_bytes)) return give_to_worker(http, request);
    /* Each look at the clock takes as long as checking a head. */
    if (request->started_run == http->n_runs) x->stage_start_ns = request->started_ns;
    x->work_max = admission_work_bytes(http->settings.offload_bytes);
    return handlers_dispatch(x) ? queue_reply(request, false) : give_to_worker(http, request);
}

/* ---- libmicrohttpd's callbacks ---- */

/* Called once with the head, then with each piece of the body, then with none. */
static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *path,
                                  const char *method, const char *version, const char *data,
                                  size_t *bytes, void **state)
{
    (void)connection;
    (void)version;
    struct http *http = cls;
    struct request *request = *state;
    if (!request) return MHD_NO; /* there was no memory for it */
    if (request->state == REQUEST_NEW) return take_head(request, path, method);
    if (*bytes > 0) {
        size_t n = *bytes;
        *bytes = 0;
        return take_body(request, data, n);
    }
    if (request->state == REQUEST_BODY) return answer(http, request);
    return queue_reply(request, false);
}

/* A request's head has come. What it returns is `state` of the other callbacks. */
static void *on_first_line(void *cls, const char *uri, struct MHD_Connection *connection)
{
    (void)uri;
    struct http *http = cls;
    struct conn *conn =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
    if (conn && conn->framing.n_begun == conn->n_ended) {
        log_error("libmicrohttpd reads past us (wire.h), so nothing can be answered");
        return NULL;
    }
    struct request *request = conn ? requests_get(&http->requests) : NULL;
    if (!request) return NULL;
    request->x.service = service_now(http);
    request->x.client = conn->wire.client;
    request->x.is_admin = conn->wire.door->is_admin;
    request->x.keys_reader = &http->keys;
    request->http = http;
    request->conn = conn;
    request->connection = connection;
    request->started_ns = clock_now_ns();
    request->started_run = http->n_runs;
    conn_begin_request(conn, request, request->started_ns);
    metrics_in_flight(http->settings.metrics, 1);
    return request;
}

/* What became of a request that has not got its whole reply from us. */
static void settle(struct request *request, enum MHD_RequestTerminationCode how)
{
    struct exchange *x = &request->x;
    const union MHD_ConnectionInfo *own =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_HTTP_STATUS);
    bool is_replying = request->state == REQUEST_REPLYING;
    if (request->state == REQUEST_DROPPED) return;
    if (is_replying && how == MHD_REQUEST_TERMINATED_COMPLETED_OK) return;
    if (request->conn->is_late) x->sample.reject = REJECT_TIMEOUT;
    if (request->conn->is_late && !is_replying)
        x->status = 408;
    else if (own && own->http_status && !is_replying)
        x->status = own->http_status;
    else
        x->status = STATUS_CLIENT_GONE;
}

static void end_request(struct http *http, struct request *request,
                        enum MHD_RequestTerminationCode how)
{
    struct metrics_sample *sample = &request->x.sample;
    settle(request, how);
    uint64_t now_ns = clock_now_ns();
    sample->duration_ns = now_ns - request->started_ns;
    sample->status = request->x.status;
    metrics_in_flight(http->settings.metrics, -1);
    metrics_add(http->settings.metrics, sample);
    if (log_access_enabled()) access_log_request(request);
    conn_end_request(&http->conns, request->conn, now_ns);
    admission_charge(request, now_ns);
    handlers_end(&request->x);
    requests_put(&http->requests, request);
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode how)
{
    (void)connection;
    struct request *request = *state;
    *state = NULL;
    if (request) end_request(cls, request, how);
}

/* A request that is none: its reply has gone past libmicrohttpd. */
static void on_refused(void *user, struct conn *conn, enum framing_fault fault)
{
    struct http *http = user;
    struct exchange x = {.status = framing_status(fault)};
    struct exchange *of = conn->request ? &conn->request->x : &x;
    of->status = of->sample.status = x.status;
    of->sample.reject = x.status == 413 ? REJECT_BODY_TOO_LARGE : REJECT_MALFORMED;
    if (conn->request) {
        conn->request->state = REQUEST_DROPPED; /* the rest when libmicrohttpd sees the end */
        return;
    }
    metrics_add(http->settings.metrics, &x.sample);
    if (log_access_enabled()) access_log_stray(&conn->wire.client, &x.sample);
}

/* It is of a trusted proxy, and has not begun as those have to. */
static void count_strange(struct http *http, const struct wire *wire)
{
    metrics_count_reject(http->settings.metrics, REJECT_PROXY_HEADER);
    char client[ADDRESS_TEXT_BYTES];
    address_write(&wire->client, client);
    log_rarely(
        &http->strange_gate, LOG_LEVEL_WARN,
        "a connection of the trusted proxy %s did not begin with a whole header of the PROXY "
        "protocol, version 2, and was closed",
        client);
}

static void on_connection(void *cls, struct MHD_Connection *connection, void **socket_context,
                          enum MHD_ConnectionNotificationCode what)
{
    struct http *http = cls;
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        int fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
        assert(http->arrival && http->arrival->fd == fd);
        *socket_context = conns_add(&http->conns, http->arrival);
        if (!*socket_context) {
            wire_cut(&(struct wire){.fd = fd}); /* no byte passes unchecked */
            arrival_end(http->arrival->beyond);
        }
        http->n_begun++;
        metrics_connections(http->settings.metrics, 1);
        return;
    }
    struct conn *conn = *socket_context;
    bool is_draining = service_is_ending(service_now(http));
    /* on_completed is not called after every error of libmicrohttpd's own. */
    if (conn && conn->request) end_request(http, conn->request, MHD_REQUEST_TERMINATED_WITH_ERROR);
    if (conn && (conn->lingers || (is_draining && !conn->is_shut) || wire_is_talking(&conn->wire)))
        lingers_add(&http->lingers, &conn->wire);
    if (conn && conn->wire.is_strange) count_strange(http, &conn->wire);
    if (conn) conns_remove(&http->conns, conn);
    metrics_connections(http->settings.metrics, -1);
    http->settings.on_gone(http->settings.user);
}

/* ---- the daemon ---- */

static void on_log(void *cls, const char *format, va_list args)
{
    (void)cls;
    char line[256];
    vsnprintf(line, sizeof line, format, args);
    log_debug("libmicrohttpd: %s", line);
}

static unsigned optional_headers(const struct http *http)
{
    return http->settings.limits.optional_headers |
           (service_now(http)->logs_access ? FRAMING_TRACE : 0u);
}

/* The service may be another one, of other settings. */
static void take_limits(struct http *http)
{
    const struct service *service = service_now(http);
    if (service == http->limits_of) return;
    http->limits_of = service;
    http->conns.limits.request_ns = service->request_timeout_ns;
    http->conns.limits.idle_ns = service->idle_timeout_ns;
    http->conns.limits.write_ns = service->write_timeout_ns;
    http->conns.limits.drain_idle_ns = service->drain_idle_ns;
    http->conns.limits.optional_headers = optional_headers(http);
}

struct http *http_new(const struct http_settings *settings)
{
    struct http *http = calloc(1, sizeof *http);
    if (!http) return NULL;
    http->settings = *settings;
    conns_init(&http->conns, &settings->limits);
    http->limits_of = service_now(http);
    http->conns.limits.optional_headers = optional_headers(http);
    http->conns.on_refused = on_refused;
    http->conns.user = http;
    http->lingers.loop = settings->loop;
    http->requests.memory_max = settings->request_memory_max;
    http->requests.budget = settings->budget;
    if (!pool_sit(settings->pool, &http->seat, settings->loop)) {
        free(http);
        return NULL;
    }
    const size_t pool_bytes = POOL_BYTES + (service_now(http)->cors ? CORS_BYTES : 0);
    /* The connections are counted where they are accepted. */
    http->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0,
        NULL, NULL, on_request, http, MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
        MHD_OPTION_URI_LOG_CALLBACK, on_first_line, http, MHD_OPTION_NOTIFY_COMPLETED, on_completed,
        http, MHD_OPTION_NOTIFY_CONNECTION, on_connection, http, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)INT_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT, pool_bytes, MHD_OPTION_END);
    if (http->daemon) return http;
    free(http);
    return NULL;
}

void http_free(struct http *http)
{
    if (!http) return;
    assert(http_connections(http) == 0);
    MHD_stop_daemon(http->daemon);
    requests_clear(&http->requests);
    conns_clear(&http->conns);
    keys_reader_clear(service_now(http)->keys, &http->keys);
    free(http);
}

void http_leave_loop(struct http *http)
{
    pool_stand(&http->seat);
}

int http_epoll_fd(const struct http *http)
{
    return MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
}

bool http_run(struct http *http)
{
    wires_serve(&http->conns.wires);
    for (int i = 0; i < RUNS_MAX; i++) {
        MHD_UNSIGNED_LONG_LONG wait_ms;
        http->n_runs++;
        MHD_run(http->daemon);
        /* Deadlines are ours (conn.h), so it waits for nothing, or is due at once. */
        if (MHD_get_timeout(http->daemon, &wait_ms) == MHD_NO || wait_ms > 0) return true;
    }
    return false;
}

void http_add(struct http *http, const struct arrival *arrival)
{
    /* Nobody asks libmicrohttpd for the client's address; the family tells it whether it is TCP. */
    const bool is_local = arrival->client.family == ADDRESS_UNIX;
    struct sockaddr_in any = {.sin_family = is_local ? AF_UNIX : AF_INET};
    size_t n_begun = http->n_begun;
    wires_serve(&http->conns.wires);
    http->arrival = arrival;
    MHD_add_connection(http->daemon, arrival->fd, (struct sockaddr *)&any, sizeof any);
    http->arrival = NULL;
    if (http->n_begun != n_begun) return;
    /* It closes what it does not take; on_connection hears only of what it had taken before. */
    arrival_end(arrival->beyond);
    http->settings.on_gone(http->settings.user);
}

size_t http_connections(const struct http *http)
{
    return http->conns.n + http->lingers.n;
}

const struct conn_limits *http_limits(const struct http *http)
{
    return &http->conns.limits;
}

void http_sweep(struct http *http, uint64_t drain_ns)
{
    const uint64_t now_ns = clock_now_ns();
    take_limits(http);
    requests_sweep(&http->requests);
    conns_sweep(&http->conns, now_ns);
    if (drain_ns > 0 && now_ns - drain_ns >= http->conns.limits.drain_idle_ns)
        conns_shut_idle(&http->conns);
    lingers_sweep(&http->lingers, drain_ns > 0);
    for (; http->conns.timeouts > 0; http->conns.timeouts--)
        metrics_count_reject(http->settings.metrics, REJECT_TIMEOUT);
    for (; http->conns.turned_away > 0; http->conns.turned_away--)
        metrics_count_reject(http->settings.metrics, REJECT_CONNECTIONS);
}

size_t http_cut(struct http *http)
{
    for (struct conn *conn = http->conns.first; conn; conn = conn->next) {
        if (conn->phase == CONN_WORKING) pool_cancel(&conn->request->job);
    }
    return conns_shut_all(&http->conns) + lingers_close(&http->lingers);
}

const char *http_library_version(void)
{
    return MHD_get_version();
}
