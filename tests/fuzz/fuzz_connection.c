/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes on a connection to the whole service, short of its threads: framing, libmicrohttpd,
   handlers, replies, over a pair of sockets. Every reply is a whole one, none is our own fault, and
   the connection ends when the client's side has. The first byte chooses what is configured
   (below), the second how large the pieces are in which the bytes come. Run from the top folder of
   the project. */
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "handlers/actions.h"
#include "handlers/cors.h"
#include "handlers/handlers.h"
#include "handlers/keys.h"
#include "model/model.h"
#include "model/registry.h"
#include "model/text/openai/openai_ids.h"
#include "server/http.h"
#include "server/pool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Bits of the first byte; the two lowest are the door. */
enum choice {
    CHOOSE_KEYS = 4,
    CHOOSE_WORKERS = 8, /* whatever may be long is answered by a worker */
    CHOOSE_ADMIN = 16,  /* there is an admin listener */
    CHOOSE_OTHERS = 32, /* options that change replies, all the other way */
    CHOOSE_DRAIN = 64,  /* the service is ending */
    CHOOSE_LEAVE = 128, /* the client leaves with its last byte, and reads nothing */
};
#define N_SERVICES 32

/* A reply that is not there by then will never be. */
#define PATIENCE_NS 20000000000u
#define HOUR_NS 3600000000000u
#define REPLIES_BYTES_MAX ((size_t)64 << 20)

static struct {
    struct service services[N_SERVICES];
    const struct service *_Atomic now;
    struct http *https[2]; /* without workers, with */
    uv_loop_t loop;
    struct pool *pool;
    struct networks proxies;
    struct door doors[4];
    struct arena_budget budget;
    struct metrics *metrics;
    size_t n_gone, replies_bytes;
    char *replies;
} rig;

static _Noreturn void give_up(const char *why)
{
    fprintf(stderr, "%s\n%.*s\n", why, (int)rig.replies_bytes, rig.replies ? rig.replies : "");
    abort();
}

/* ---- the service ---- */

static bool reload(void *user, struct reload_report *report, struct err *err)
{
    (void)user;
    static unsigned n;
    if (++n % 3 == 0) return err_set(err, ERR_CONFLICT, NULL, "it is being done already");
    report->parts[0] = (struct reload_result){.name = "models", .is_done = n % 3 == 1};
    if (!report->parts[0].is_done) strcpy(report->parts[0].error, "\"no\"");
    report->n_parts = 1;
    return true;
}

static void add_key(FILE *file, const char *name, const char *text, unsigned scopes, int64_t end)
{
    struct keyfile_key key = {.scopes = scopes, .expires_s = end};
    char line[KEY_LINE_BYTES];
    strcpy(key.name, name);
    key_digest(text, strlen(text), key.digest);
    key_write_line(&key, line, sizeof line);
    fprintf(file, "%s\n", line);
}

static struct keys *make_keys(void)
{
    char path[] = "/tmp/embedd-fuzz-keys-XXXXXX";
    struct err err = {0};
    FILE *file = fdopen(mkstemp(path), "w");
    if (!file) give_up("no file for keys");
    add_key(file, "all", "the-key-of-all-doors", 15, KEY_NEVER);
    add_key(file, "some", "the-key-to-one-room", KEY_EMBED, KEY_NEVER);
    add_key(file, "old", "the-key-of-the-past", 15, 1000000000);
    fclose(file);
    struct keys *keys = keys_open(path, rig.metrics, &err);
    unlink(path);
    if (!keys) give_up(err.message);
    return keys;
}

static struct registry *open_models(void)
{
    static const char *const paths[] = {"examples/chain/w6x2", "examples/chain/w6x8"};
    struct registry *registry = registry_new();
    for (int i = 0; i < 2; i++) {
        struct model *model;
        struct err err = {0};
        if (!model_open(&model, paths[i], &err)) give_up(err.message);
        if (i == 1 && !model_add_heads(model, "examples/chain/heads/who.json", &err))
            give_up(err.message);
        if (!registry_put(registry, model_info(model)->name, model, NULL, &err))
            give_up(err.message);
    }
    return registry;
}

static void fill_services(void)
{
    static struct service_actions actions = {.reload = reload};
    static struct cors cors; /* pages of everyone */
    static atomic_bool yes = true;
    struct keys *keys = make_keys();
    struct registry *registry = open_models();
    for (unsigned i = 0; i < N_SERVICES; i++) {
        const unsigned choice = i * 4;
        const bool others = choice & CHOOSE_OTHERS;
        rig.services[i] = (struct service){
            .registry = registry,
            .metrics = rig.metrics,
            .version = "0",
            .body_bytes_max = (size_t)16 << 10,
            .inputs_max = 16,
            .input_tokens_max = others ? 8 : 0,
            .dense_cells_max = 1 << 16,
            .truncate = others ? TRUNCATE_WINDOW : TRUNCATE_AUTO,
            .openai_ids = others ? &openai_cl100k : NULL,
            .strict_model = others,
            .compress = others ? COMPRESS_ALL : COMPRESS_OFF,
            .compress_bytes_min = 64,
            .vary = others ? "accept-encoding" : NULL,
            .keys = choice & CHOOSE_KEYS ? keys : NULL,
            .cors = &cors,
            .tei_validation_413 = others,
            .timing_always = others,
            .has_admin = choice & CHOOSE_ADMIN,
            .actions = &actions,
            .request_timeout_ns = HOUR_NS,
            .idle_timeout_ns = HOUR_NS,
            .write_timeout_ns = HOUR_NS,
            .drain_idle_ns = HOUR_NS,
            .is_loopback_only = !others,
            .is_draining = choice & CHOOSE_DRAIN ? &yes : NULL,
        };
    }
}

/* ---- the server ---- */

static void on_gone(void *user)
{
    (void)user;
    rig.n_gone++;
}

static void on_wake(void *user)
{
    (void)user; /* http_run comes anyway */
}

static struct http *make_http(size_t offload_bytes)
{
    const struct http_settings settings = {
        .service = &rig.now,
        .metrics = metrics_slot(rig.metrics, 0),
        .loop = &rig.loop,
        .pool = rig.pool,
        .limits = {HOUR_NS, HOUR_NS, HOUR_NS, HOUR_NS, 4096,
                   FRAMING_ACCEPT_ENCODING | FRAMING_ORIGIN | FRAMING_KEYS | FRAMING_FORWARDED},
        .budget = &rig.budget,
        .request_memory_max = (size_t)16 << 20,
        .offload_bytes = offload_bytes,
        .wake = on_wake,
        .on_gone = on_gone,
    };
    struct http *http = http_new(&settings);
    if (!http) give_up("no libmicrohttpd");
    return http;
}

/* libuv waits for its threads when the process ends. */
static void end_work(void)
{
    pool_stop(rig.pool);
}

static void open_rig(void)
{
    struct err err = {0};
    size_t workers = 1;
    log_init(LOG_LEVEL_ERROR, false);
    json_init();
    rig.budget.max_bytes = (size_t)1 << 30;
    rig.metrics = metrics_new(1, handlers_route_names(), handlers_route_count());
    if (!rig.metrics || !networks_read(&rig.proxies, "unix\n10.0.0.0/8", "proxies", &err))
        give_up(err.message);
    rig.doors[1] = (struct door){.is_admin = true};
    rig.doors[2] = (struct door){.proxies = &rig.proxies};
    rig.doors[3] = (struct door){.proxies = &rig.proxies, .takes_proxy_header = true};
    fill_services();
    uv_loop_init(&rig.loop);
    if (!(rig.pool = pool_new(&rig.loop, &workers))) give_up("no worker");
    atexit(end_work);
    atomic_store(&rig.now, &rig.services[0]);
    rig.https[0] = make_http(SIZE_MAX);
    rig.https[1] = make_http(0);
    rig.replies = malloc(REPLIES_BYTES_MAX + 1);
}

/* ---- one connection ---- */

/* What has come of replies. False: the server sends no more. */
static bool take_replies(int fd)
{
    for (;;) {
        const size_t room = REPLIES_BYTES_MAX - rig.replies_bytes;
        const ssize_t n = read(fd, rig.replies + rig.replies_bytes, room);
        if (n > 0) rig.replies_bytes += (size_t)n;
        if (n == 0 && room > 0) return false;
        if (n < 0) return errno == EAGAIN || errno == EINTR;
        if (room == 0) give_up("replies without end");
    }
}

static void turn(struct http *http)
{
    while (!http_run(http))
        ;
    uv_run(&rig.loop, UV_RUN_NOWAIT);
    http_sweep(http, 0);
    while (!http_run(http))
        ;
}

static void begin(struct http *http, int fds[2], const struct door *door)
{
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) != 0)
        give_up("no sockets");
    const struct arrival arrival = {.fd = fds[1], .client.family = ADDRESS_UNIX, .door = door};
    rig.replies_bytes = rig.n_gone = 0;
    http_add(http, &arrival);
    turn(http);
}

/* False: the server takes no more. */
static bool send_all(struct http *http, int fd, const uint8_t *data, size_t size, size_t piece)
{
    const uint64_t end_ns = clock_now_ns() + PATIENCE_NS;
    for (size_t at = 0; at < size;) {
        const size_t n = size - at < piece ? size - at : piece;
        const ssize_t sent = sendto(fd, data + at, n, MSG_NOSIGNAL, NULL, 0);
        if (sent < 0 && errno != EAGAIN) return false;
        if (sent > 0) at += (size_t)sent;
        turn(http);
        take_replies(fd);
        if (clock_now_ns() > end_ns) give_up("the server reads no more");
    }
    return true;
}

static void end(struct http *http, int fd, bool leaves)
{
    const uint64_t end_ns = clock_now_ns() + PATIENCE_NS;
    bool is_open = !leaves;
    if (leaves)
        close(fd);
    else
        shutdown(fd, SHUT_WR);
    while (is_open || http_connections(http) > 0) {
        turn(http);
        if (is_open && !take_replies(fd)) {
            is_open = false;
            close(fd);
        }
        if (clock_now_ns() > end_ns) give_up("the connection does not end");
    }
    uv_run(&rig.loop, UV_RUN_NOWAIT); /* handles of what lingered */
    if (rig.n_gone != 1) give_up("the end was not told once");
}

/* ---- the replies ---- */

struct reply {
    unsigned status;
    size_t length;
    bool has_length, is_chunked;
};

static const char *read_head(const char *at, const char *end, struct reply *reply)
{
    const char *behind = memmem(at, (size_t)(end - at), "\r\n\r\n", 4);
    if (!behind || memcmp(at, "HTTP/1.", 7) != 0) give_up("this is no head of a reply");
    *reply = (struct reply){.status = (unsigned)atoi(at + 9)};
    for (const char *line = at; line < behind;) {
        const char *next = memmem(line, (size_t)(behind + 2 - line), "\r\n", 2);
        if (!strncasecmp(line, "content-length:", 15)) {
            reply->has_length = true;
            reply->length = strtoull(line + 15, NULL, 10);
        }
        if (!strncasecmp(line, "transfer-encoding: chunked\r", 27)) reply->is_chunked = true;
        line = next + 2;
    }
    return behind + 4;
}

static const char *pass_chunks(const char *at, const char *end)
{
    for (;;) {
        const char *line = memmem(at, (size_t)(end - at), "\r\n", 2);
        char *behind;
        if (!line) give_up("chunks without end");
        const size_t n = strtoull(at, &behind, 16);
        if (behind != line || n + 4 > (size_t)(end - line)) give_up("these are no chunks");
        at = line + 2 + n + 2;
        if (memcmp(at - 2, "\r\n", 2) != 0) give_up("a chunk of another length");
        if (n == 0) return at;
    }
}

/* All of them whole. To HEAD there is a length and no body; nobody here knows what was asked, but
   no body of ours begins as a reply does. */
static void check_replies(void)
{
    const char *at = rig.replies, *end = at + rig.replies_bytes;
    *(rig.replies + rig.replies_bytes) = '\0';
    while (at < end) {
        struct reply reply;
        at = read_head(at, end, &reply);
        const unsigned status = reply.status;
        if (status < 100 || status > 599 || (status >= 500 && (status < 503 || status > 505)))
            give_up("a status that should not be");
        if (status == 100 || status == 204 || status == 304) continue;
        if (at == end || !memcmp(at, "HTTP/1.", (size_t)(end - at) < 7 ? (size_t)(end - at) : 7))
            continue;
        if (reply.is_chunked)
            at = pass_chunks(at, end);
        else if (!reply.has_length || reply.length > (size_t)(end - at))
            give_up("a reply that is not whole");
        else
            at += reply.length;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fds[2];
    if (!rig.replies) open_rig();
    if (size < 2) return 0;
    const unsigned choice = data[0];
    struct http *http = rig.https[choice & CHOOSE_WORKERS ? 1 : 0];
    atomic_store(&rig.now, &rig.services[choice / 4 % N_SERVICES]);
    begin(http, fds, &rig.doors[choice % 4]);
    const size_t piece = data[1] == 0 ? SIZE_MAX : data[1] * (size_t)4 - 3;
    send_all(http, fds[0], data + 2, size - 2, piece);
    end(http, fds[0], choice & CHOOSE_LEAVE);
    if (!(choice & CHOOSE_LEAVE)) check_replies();
    return 0;
}
