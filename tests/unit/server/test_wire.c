/* SPDX-License-Identifier: Apache-2.0 */
/* libmicrohttpd and all that answers past it, on sockets with and without a layer between HTTP and
   the kernel: what a client gets is the same. */
#include "base/clock.h"
#include "server/http.h"
#include "server/request.h"
#include "tests/unit/handlers/ask.h"
#include "tests/unit/server/records.h"
#include "tests/unit/server/tunnel.h"

#include <poll.h>
#include <signal.h>

#define PATIENCE_NS 60000000000u
#define NS_PER_MS 1000000u

/* Does what follows until it is so: what must happen in the end does, in a time that only something
   that never happens can take. */
#define UNTIL(is_so)                                                                               \
    for (uint64_t start_ns = clock_now_ns(); !(is_so);                                             \
         assert_true(clock_now_ns() - start_ns < PATIENCE_NS))

/* Every test runs with each of them; those that look at records themselves, or have no server or
   time for a handshake, without TLS, the last. */
static struct setup {
    const struct wire_layer *layer;
    size_t step;
} setups[] = {
    {NULL, 0}, {&records_layer, 1}, {&records_layer, 64}, {&records_layer, 1 << 20}, {NULL, 0}};
#define N_SETUPS (sizeof setups / sizeof setups[0])
#define N_RECORDS (N_SETUPS - 1)

static bool is_tls(const struct wire_layer *layer)
{
    return layer && layer == setups[N_SETUPS - 1].layer;
}

/* A server of one loop and one client, both on this thread. */
struct site {
    struct ask *ask;
    const struct service *_Atomic service; /* of ask */
    uv_loop_t loop;
    struct metrics *metrics;
    struct arena_budget budget;
    struct pool *pool; /* one worker */
    struct http *http;
    struct door door;
    struct peer client;
    int server; /* its socket */
    size_t n_gone;
    bool starves; /* once a worker has finished, no memory is left to write its reply */
};

static void on_wake(void *user)
{
    struct site *site = user;
    if (site->starves) {
        struct conn *conn = (struct conn *)(void *)records_opened;
        site->budget.max_bytes = 1;
        while (arena_alloc(&conn->request->arena, 1)) {
        }
    }
    http_run(site->http);
}

static void on_gone(void *user)
{
    struct site *site = user;
    site->n_gone++;
}

static struct http_settings settings_of(struct site *site)
{
    return (struct http_settings){
        .service = &site->service,
        .metrics = metrics_slot(site->metrics, 0),
        .loop = &site->loop,
        .pool = site->pool,
        .limits = {.request_ns = PATIENCE_NS,
                   .idle_ns = PATIENCE_NS,
                   .write_ns = PATIENCE_NS,
                   .head_bytes = 4096},
        .budget = &site->budget,
        .request_memory_max = 64 << 20,
        .offload_bytes = 1 << 20,
        .wake = on_wake,
        .on_gone = on_gone,
        .user = site,
    };
}

static void site_begin(struct site *site, const struct http_settings *settings)
{
    site->http = http_new(settings);
    assert_non_null(site->http);
    site->server = peer_connect(&site->client, site->door.layer);
    if (is_tls(site->door.layer)) tunnel_begin(&site->client);
    const struct arrival arrival = {.fd = site->server, .door = &site->door};
    http_add(site->http, &arrival);
}

static void site_prepare(struct site *site, const struct setup *setup)
{
    void *ask;
    *site = (struct site){.budget.max_bytes = 256 << 20, .door.layer = setup->layer};
    records_step = setup->step;
    records_open = records_reluctance = 0; /* of a test that failed */
    ask_open(&ask);
    site->ask = ask;
    atomic_init(&site->service, &site->ask->service);
    assert_int_equal(uv_loop_init(&site->loop), 0);
    size_t workers = 1;
    site->pool = pool_new(&site->loop, &workers);
    assert_non_null(site->pool);
    site->metrics = metrics_new(1, handlers_route_names(), handlers_route_count());
    assert_non_null(site->metrics);
}

static void site_open(struct site *site, const struct setup *setup)
{
    site_prepare(site, setup);
    struct http_settings settings = settings_of(site);
    site_begin(site, &settings);
}

static void turn(struct site *site)
{
    http_run(site->http);
    uv_run(&site->loop, UV_RUN_NOWAIT);
}

/* The server's turn, then the client takes up to `bytes` of what has come. */
static void turn_and_take(struct site *site, size_t bytes)
{
    turn(site);
    if (peer_take(&site->client, bytes) == 0) poll(NULL, 0, 1);
}

/* Until the client has more than it had. */
static void take_more(struct site *site)
{
    size_t n = site->client.n;
    UNTIL(site->client.n > n) turn_and_take(site, SIZE_MAX);
}

static void assert_ended_well(struct site *site)
{
    UNTIL(site->client.has_end) turn_and_take(site, SIZE_MAX);
    assert_false(site->client.is_reset);
    assert_true(site->client.has_last || site->client.has_tunnel);
}

/* The client goes, and with it the server's side. */
static void site_close(struct site *site)
{
    peer_close(&site->client);
    UNTIL(http_connections(site->http) == 0)
    {
        http_sweep(site->http, false);
        turn(site);
    }
    UNTIL(tunnels_open == 0) poll(NULL, 0, 1);
    assert_int_equal(records_open, 0);
    assert_int_equal(site->n_gone, 1);
    http_leave_loop(site->http);
    pool_stop(site->pool);
    uv_run(&site->loop, UV_RUN_DEFAULT);
    http_free(site->http);
    spares_clear(&site->budget.spares);
    pool_free(site->pool);
    assert_int_equal(uv_loop_close(&site->loop), 0);
    metrics_free(site->metrics);
    void *ask = site->ask;
    ask_close(&ask);
}

static void say(struct site *site, const char *text)
{
    assert_true(peer_say(&site->client, text, strlen(text)));
}

static char *request(const char *path, const char *more, const char *body)
{
    char *text;
    assert_true(asprintf(&text,
                         "POST %s HTTP/1.1\r\nhost: x\r\nx-request-id: 1\r\n%scontent-type: "
                         "application/json\r\ncontent-length: %zu\r\n\r\n%s",
                         path, more, strlen(body), body) > 0);
    return text;
}

static size_t count(const char *text, const char *of)
{
    size_t n = 0;
    for (const char *at = text; (at = strstr(at, of)); at++)
        n++;
    return n;
}

/* Without what the clock wrote. */
static void blank_dates(char *text)
{
    for (char *at = text; (at = strstr(at, "Date: "));)
        for (at += 6; *at && *at != '\r'; at++)
            *at = '-';
}

/* Takes the client's text over; all setups are to lead to the same. */
static void assert_alike(struct site *site, char **first)
{
    blank_dates(site->client.text);
    if (*first) {
        assert_string_equal(site->client.text, *first);
        return;
    }
    *first = strdup(site->client.text);
}

static void requests_are_answered_alike(void **state)
{
    (void)state;
    char *first = NULL;
    char *text = request("/v1/embeddings", "expect: 100-continue\r\n", "{\"input\":\"我爱吃\"}");
    for (size_t i = 0; i < N_SETUPS; i++) {
        struct site site;
        site_open(&site, &setups[i]);
        for (int n = 1; n <= 3; n++) { /* the connection is kept */
            say(&site, text);
            while (count(site.client.text, "\"usage\"") < (size_t)n)
                take_more(&site);
        }
        say(&site, text); /* several at once, the last of which ends it */
        say(&site, text);
        say(&site, "GET /live HTTP/1.0\r\nx-request-id: 1\r\n\r\n");
        assert_ended_well(&site);
        assert_int_equal(count(site.client.text, "HTTP/1.1 200 OK"), 6);
        assert_int_equal(count(site.client.text, "HTTP/1.1 100 Continue"), 5);
        assert_alike(&site, &first);
        site_close(&site);
    }
    free(first);
    free(text);
}

/* Some `n` rows looked up. */
static char *look_up(size_t n, const char *more)
{
    char *body = malloc(64 + 3 * n);
    char *at = stpcpy(body, "{\"text\":\"");
    for (size_t i = 0; i < n; i++)
        at = stpcpy(at, "我");
    stpcpy(at, "\"}");
    char *text = request("/v1/lookup", more, body);
    free(body);
    return text;
}

/* The kernel takes little of what is sent by it. */
static void make_small(int fd)
{
    const int few = 4096;
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &few, sizeof few), 0);
}

/* In one piece from the arena, or made as it is sent; the kernel is full all the time. */
static void long_replies_come_whole_to_a_slow_client(void **state)
{
    (void)state;
    static const size_t rows[] = {3000, 60000};
    for (size_t r = 0; r < 2; r++) {
        char *first = NULL, *text = look_up(rows[r], "connection: close\r\n");
        for (size_t i = 0; i < N_SETUPS; i++) {
            struct site site;
            if (setups[i].step == 1 && r > 0) continue; /* a million calls */
            site_open(&site, &setups[i]);
            make_small(site.server);
            say(&site, text);
            UNTIL(site.client.has_end) turn_and_take(&site, 5000);
            assert_ended_well(&site);
            assert_int_equal(count(site.client.text, "Content-Length: "), r == 0);
            assert_true(site.client.n > 12 * rows[r]);
            assert_alike(&site, &first);
            site_close(&site);
        }
        free(first);
        free(text);
    }
}

static void a_reply_that_cannot_go_on_does_not_end_well(void **state)
{
    (void)state;
    char *text = look_up(60000, "connection: close\r\n");
    for (size_t i = 2; i < N_RECORDS; i++) {
        struct site site;
        site_prepare(&site, &setups[i]);
        struct http_settings settings = settings_of(&site);
        settings.offload_bytes = 1000;
        site.starves = true;
        site_begin(&site, &settings);
        say(&site, text);
        UNTIL(site.client.has_end) turn_and_take(&site, SIZE_MAX);
        assert_int_equal(count(site.client.text, "HTTP/1.1 200 OK"), 1);
        assert_false(site.client.has_last);
        site_close(&site);
    }
    free(text);
}

static void a_body_that_the_client_cuts_leaves_nothing_behind(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_SETUPS; i++) {
        for (int how = 0; how < 3; how++) {
            struct site site;
            char half[] = "\x05no re"; /* as a record: not whole */
            struct linger reset = {.l_onoff = 1};
            site_open(&site, &setups[i]);
            say(&site,
                "POST /v1/embeddings HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
                "content-length: 100\r\n\r\n{\"input\":");
            for (int n = 0; n < 10; n++)
                turn(&site);
            if (how == 0) peer_end(&site.client);
            if (how == 1) assert_int_equal(send(site.client.fd, half, 3, MSG_NOSIGNAL), 3);
            if (how == 2) setsockopt(site.client.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
            assert_int_equal(site.client.n, 0);
            site_close(&site);
        }
    }
}

static void a_client_that_sends_no_more_gets_its_reply(void **state)
{
    (void)state;
    char *text = request("/v1/embeddings", "", "{\"input\":\"我爱吃\"}"), *first = NULL;
    for (size_t i = 0; i < N_SETUPS; i++) {
        struct site site;
        site_open(&site, &setups[i]);
        say(&site, text);
        peer_end(&site.client);
        while (!count(site.client.text, "\"usage\""))
            take_more(&site);
        UNTIL(site.client.has_end)
        {
            http_sweep(site.http, false); /* it may be the sweep that sees the end */
            turn_and_take(&site, SIZE_MAX);
        }
        assert_ended_well(&site);
        assert_alike(&site, &first);
        site_close(&site);
    }
    free(first);
    free(text);
}

static bool can_say(const struct site *site)
{
    struct pollfd ask = {.fd = site->client.fd, .events = POLLOUT};
    return poll(&ask, 1, 0) == 1;
}

/* Sends chunks until the reply is there, and some more: the server reads on. */
static void send_without_end(struct site *site)
{
    char chunk[0x400 + 16];
    int head = sprintf(chunk, "400\r\n");
    memset(chunk + head, 'x', 0x400);
    memcpy(chunk + head + 0x400, "\r\n", 3);
    say(site, "POST /v1/embeddings HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
              "transfer-encoding: chunked\r\n\r\n");
    for (int rest = 100; rest > 0; rest -= site->client.n > 0) {
        UNTIL(can_say(site)) turn(site);
        say(site, chunk);
        for (int n = 0; n < 3; n++)
            turn(site);
        peer_take(&site->client, SIZE_MAX);
    }
}

static void a_413_in_the_middle_of_a_body_reaches_who_goes_on_sending(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_SETUPS; i++) {
        struct site site;
        if (setups[i].step == 1) continue; /* a million calls */
        site_prepare(&site, &setups[i]);
        site.ask->service.body_bytes_max = 1000;
        struct http_settings settings = settings_of(&site);
        site_begin(&site, &settings);
        send_without_end(&site);
        assert_int_equal(strncmp(site.client.text, "HTTP/1.1 413 ", 13), 0);
        assert_int_equal(count(site.client.text, "HTTP/1.1"), 1);
        if (!is_tls(setups[i].layer))
            assert_int_equal(http_connections(site.http), 1); /* it lingers */
        assert_ended_well(&site);
        site_close(&site);
    }
}

static void a_413_before_the_body_reaches_who_sends_it_all_the_same(void **state)
{
    (void)state;
    char body[8192 + 1];
    memset(body, 'x', sizeof body - 1);
    body[sizeof body - 1] = '\0';
    char *text = request("/v1/embeddings", "", body), *first = NULL;
    for (size_t i = 0; i < N_SETUPS; i++) {
        struct site site;
        site_prepare(&site, &setups[i]);
        site.ask->service.body_bytes_max = 1000;
        struct http_settings settings = settings_of(&site);
        site_begin(&site, &settings);
        say(&site, text);
        assert_ended_well(&site);
        assert_int_equal(strncmp(site.client.text, "HTTP/1.1 413 ", 13), 0);
        if (!is_tls(setups[i].layer)) assert_int_equal(http_connections(site.http), 1);
        assert_alike(&site, &first);
        site_close(&site);
    }
    free(first);
    free(text);
}

static void what_is_no_request_is_told_so(void **state)
{
    (void)state;
    char *first = NULL;
    for (size_t i = 0; i < N_SETUPS; i++) {
        struct site site;
        site_open(&site, &setups[i]);
        say(&site, "GET /live HTTP/1.1\r\nhost: x\r\nx-request-id: 1\r\n\r\nGET /live "
                   "HTTP/1.1\r\nhost : x\r\n\r\n");
        assert_ended_well(&site);
        assert_int_equal(count(site.client.text, "HTTP/1.1 200 "), 1);
        assert_int_equal(count(site.client.text, "HTTP/1.1 400 "), 1);
        assert_alike(&site, &first);
        site_close(&site);
    }
    free(first);
}

static void a_late_request_is_told_so(void **state)
{
    (void)state;
    char *first = NULL;
    for (size_t i = 0; i < N_RECORDS; i++) { /* no time for a handshake */
        struct site site;
        site_prepare(&site, &setups[i]);
        struct http_settings settings = settings_of(&site);
        settings.limits.request_ns = NS_PER_MS;
        site_begin(&site, &settings);
        say(&site, "POST /v1/embeddings HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{");
        UNTIL(site.client.has_end)
        {
            turn_and_take(&site, SIZE_MAX);
            http_sweep(site.http, false);
        }
        assert_ended_well(&site);
        assert_int_equal(strncmp(site.client.text, "HTTP/1.1 408 ", 13), 0);
        assert_alike(&site, &first);
        site_close(&site);
    }
    free(first);
}

static void a_drain_ends_idle_connections_well(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_SETUPS; i++) {
        struct site site;
        site_open(&site, &setups[i]);
        say(&site, "GET /live HTTP/1.1\r\nhost: x\r\nx-request-id: 1\r\n\r\n");
        take_more(&site);
        UNTIL(site.client.has_end)
        {
            http_sweep(site.http, true);
            turn_and_take(&site, SIZE_MAX);
        }
        assert_ended_well(&site);
        site_close(&site);
    }
}

static void a_last_word_that_does_not_fit_is_said_later(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_RECORDS; i++) {
        struct site site;
        site_open(&site, &setups[i]);
        records_reluctance = setups[i].layer ? 5 : 0;
        say(&site, "GET /live HTTP/1.0\r\nx-request-id: 1\r\n\r\n");
        assert_ended_well(&site);
        assert_int_equal(records_reluctance, 0);
        assert_int_equal(http_connections(site.http), setups[i].layer != NULL); /* it lingers */
        site_close(&site);
    }
}

static void what_a_layer_cannot_read_ends_the_connection(void **state)
{
    (void)state;
    for (size_t i = 1; i < N_RECORDS; i++) {
        struct site site;
        site_open(&site, &setups[i]);
        say(&site, "GET /live HTTP/1.1\r\n");
        assert_int_equal(send(site.client.fd, "\xFF", 1, MSG_NOSIGNAL), 1);
        UNTIL(site.client.has_end) turn_and_take(&site, SIZE_MAX);
        assert_int_equal(site.client.n, 0);
        site_close(&site);
    }
}

static bool open_fails(struct wire *wire)
{
    (void)wire;
    return false;
}

static void without_memory_for_a_layer_no_byte_passes(void **state)
{
    (void)state;
    static const struct wire_layer layer = {.open = open_fails};
    const struct setup setup = {&layer, 1};
    struct site site;
    site_open(&site, &setup);
    /* libmicrohttpd itself would answer this. */
    static const char text[] = "GET /live HTTP/1.1\r\nhost: x\r\ncontent-length: x\r\n\r\n";
    send(site.client.fd, text, sizeof text - 1, MSG_NOSIGNAL);
    UNTIL(site.client.has_end) turn_and_take(&site, SIZE_MAX);
    assert_int_equal(site.client.n, 0);
    site_close(&site);
}

/* ---- a wire alone ---- */

/* What the client has acknowledged and what is left make the whole. */
static bool is_counted(const struct wire *wire, uint64_t given)
{
    struct wire_report report;
    if (!wire_ask(wire, &report)) return false;
    size_t left = wire_unsent(wire);
    return left > 0 && report.acked_bytes + left == given;
}

static void what_has_not_been_taken_is_counted(void **state)
{
    (void)state;
    static const char reply[1 << 16];
    const int few = 4096;
    for (size_t i = 0; i < N_RECORDS; i++) {
        struct wires wires = {0};
        const struct door door = {.layer = setups[i].layer};
        struct wire wire;
        struct peer client;
        uint64_t given = 0;
        ssize_t n;
        records_step = setups[i].step;
        records_given = 0;
        int fd = peer_connect(&client, setups[i].layer);
        make_small(fd);
        setsockopt(client.fd, SOL_SOCKET, SO_RCVBUF, &few, sizeof few);
        assert_true(wire_open(&wires, &wire, &(struct arrival){.fd = fd, .door = &door}));
        assert_int_equal(wire_unsent(&wire), 0);
        while ((n = wire_send(&wire, reply, sizeof reply)) > 0)
            given += (uint64_t)n;
        assert_int_equal(errno, EAGAIN);
        if (setups[i].layer) given = records_given;
        UNTIL(is_counted(&wire, given));
        size_t left = wire_unsent(&wire);
        /* The end counts too, whether it is the kernel's already or not. */
        assert_int_equal(wire_finish(&wire), !setups[i].layer);
        assert_int_equal(wire_is_talking(&wire), setups[i].layer != NULL);
        UNTIL(wire_unsent(&wire) == left + 1);
        UNTIL(client.has_end)
        {
            peer_take(&client, SIZE_MAX);
            if (wire_is_talking(&wire)) wire_finish(&wire);
        }
        assert_true(client.has_last && !client.is_reset);
        UNTIL(wire_unsent(&wire) == 0);
        wire_release(&wires, &wire);
        wires_clear(&wires);
        peer_close(&client);
        close(fd);
    }
}

static void what_goes_nowhere_is_not_counted(void **state)
{
    (void)state;
    static const char reply[1 << 16];
    const int few = 4096;
    const struct linger reset = {.l_onoff = 1};
    struct wires wires = {0};
    const struct door door = {0};
    struct wire wire;
    struct peer client;
    int fd = peer_connect(&client, NULL);
    make_small(fd);
    setsockopt(client.fd, SOL_SOCKET, SO_RCVBUF, &few, sizeof few);
    assert_true(wire_open(&wires, &wire, &(struct arrival){.fd = fd, .door = &door}));
    while (wire_send(&wire, reply, sizeof reply) > 0) {
    }
    UNTIL(wire_unsent(&wire) > 0);
    setsockopt(client.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    peer_close(&client);
    UNTIL(wire_unsent(&wire) == 0);
    wire_release(&wires, &wire);
    wires_clear(&wires);
    close(fd);
}

static void what_has_come_and_not_been_read_is_counted(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_RECORDS; i++) {
        struct wires wires = {0};
        const struct door door = {.layer = setups[i].layer};
        struct wire wire;
        struct peer client;
        char some[4];
        records_step = setups[i].step;
        int fd = peer_connect(&client, setups[i].layer);
        assert_true(wire_open(&wires, &wire, &(struct arrival){.fd = fd, .door = &door}));
        assert_true(peer_say(&client, "0123456789", 10));
        assert_int_equal(wire_read(&wire, some, 4), 4);
        assert_memory_equal(some, "0123", 4);
        assert_int_equal(wire_unread(&wire), 6); /* of the kernel, or of the layer */
        peer_close(&client);
        wire_cut(&wire);
        assert_int_equal(wire_unsent(&wire), 0);
        wire_release(&wires, &wire);
        wires_clear(&wires);
        close(fd);
    }
}

/* What a proxy says first comes before the layer, which gets all that follows and nothing else. */
static void a_proxy_s_header_comes_before_the_layer(void **state)
{
    (void)state;
    static const char header[] =
        "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\x01\x02\x03\x04\x0a\0\0\x01\xff\xfe\0\x50";
    struct networks proxies;
    assert_true(networks_read(&proxies, "127.0.0.0/8", "trusted-proxies", NULL));
    for (size_t i = 0; i < N_RECORDS; i++) {
        struct wires wires = {0};
        const struct door door = {
            .layer = setups[i].layer, .takes_proxy_header = true, .proxies = &proxies};
        struct arrival arrival = {.client = address_of_ipv4((const uint8_t *)"\x7f\0\0\1", 9),
                                  .door = &door};
        struct wire wire;
        struct peer client;
        char some[16], text[ADDRESS_TEXT_BYTES];
        records_step = setups[i].step;
        arrival.fd = peer_connect(&client, setups[i].layer);
        assert_true(wire_open(&wires, &wire, &arrival));
        for (size_t k = 0; k + 1 < sizeof header; k++) {
            assert_int_equal(wire_read(&wire, some, sizeof some), -1);
            assert_int_equal(errno, EAGAIN);
            assert_non_null(wire.header);
            assert_int_equal(send(client.fd, header + k, 1, 0), 1);
        }
        assert_true(peer_say(&client, "0123456789", 10));
        UNTIL(wire_unread(&wire) >= 10);
        assert_int_equal(wire_read(&wire, some, sizeof some), 10);
        assert_memory_equal(some, "0123456789", 10);
        assert_null(wire.header);
        address_write(&wire.client, text);
        assert_string_equal(text, "1.2.3.4");
        wire_release(&wires, &wire);
        wires_clear(&wires);
        peer_close(&client);
        close(arrival.fd);
    }
    networks_clear(&proxies);
}

/* In a drain somebody goes on reading of it, to let its client end. */
static void a_connection_that_began_as_no_proxy_s_does_is_read_no_more(void **state)
{
    (void)state;
    struct networks proxies;
    assert_true(networks_read(&proxies, "127.0.0.0/8", "trusted-proxies", NULL));
    for (int is_cut = 0; is_cut < 2; is_cut++) {
        struct wires wires = {0};
        const struct door door = {.takes_proxy_header = true, .proxies = &proxies};
        struct arrival arrival = {.client = address_of_ipv4((const uint8_t *)"\x7f\0\0\1", 9),
                                  .door = &door};
        struct wire wire;
        struct peer client;
        char some[16];
        arrival.fd = peer_connect(&client, NULL);
        assert_true(wire_open(&wires, &wire, &arrival));
        const char *said = is_cut ? "\r\n\r\n" : "GET / HTTP/1.1\r\n\r\n";
        assert_int_equal(send(client.fd, said, strlen(said), 0), strlen(said));
        if (is_cut) assert_int_equal(shutdown(client.fd, SHUT_WR), 0);
        for (int k = 0; k < 3; k++) {
            UNTIL(wire_read(&wire, some, sizeof some) == -1 && errno == EPROTO);
            assert_int_equal(wire_discard(&wire), -1);
            assert_int_equal(errno, EPROTO);
            assert_true(wire.is_strange);
        }
        wire_release(&wires, &wire);
        wires_clear(&wires);
        peer_close(&client);
        close(arrival.fd);
    }
    networks_clear(&proxies);
}

static void who_is_turned_away_is_told_so_where_no_layer_is_in_the_way(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct peer client;
        int fd = peer_connect(&client, NULL);
        send(client.fd, "GET", 3, 0);
        const struct door door = {.layer = setups[i].layer};
        const struct arrival arrival = {.fd = fd, .door = &door};
        wire_turn_away(&arrival, "HTTP/1.1 503 \r\n\r\n");
        UNTIL(client.has_end) peer_take(&client, SIZE_MAX);
        assert_string_equal(client.text, i == 0 ? "HTTP/1.1 503 \r\n\r\n" : "");
        assert_false(client.is_reset);
        peer_close(&client);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_answered_alike),
        cmocka_unit_test(long_replies_come_whole_to_a_slow_client),
        cmocka_unit_test(a_reply_that_cannot_go_on_does_not_end_well),
        cmocka_unit_test(a_body_that_the_client_cuts_leaves_nothing_behind),
        cmocka_unit_test(a_client_that_sends_no_more_gets_its_reply),
        cmocka_unit_test(a_413_in_the_middle_of_a_body_reaches_who_goes_on_sending),
        cmocka_unit_test(a_413_before_the_body_reaches_who_sends_it_all_the_same),
        cmocka_unit_test(what_is_no_request_is_told_so),
        cmocka_unit_test(a_late_request_is_told_so),
        cmocka_unit_test(a_drain_ends_idle_connections_well),
        cmocka_unit_test(a_last_word_that_does_not_fit_is_said_later),
        cmocka_unit_test(what_a_layer_cannot_read_ends_the_connection),
        cmocka_unit_test(without_memory_for_a_layer_no_byte_passes),
        cmocka_unit_test(what_has_not_been_taken_is_counted),
        cmocka_unit_test(what_goes_nowhere_is_not_counted),
        cmocka_unit_test(what_has_come_and_not_been_read_is_counted),
        cmocka_unit_test(a_proxy_s_header_comes_before_the_layer),
        cmocka_unit_test(a_connection_that_began_as_no_proxy_s_does_is_read_no_more),
        cmocka_unit_test(who_is_turned_away_is_told_so_where_no_layer_is_in_the_way),
    };
    signal(SIGPIPE, SIG_IGN);
    /* After a failure the threads of that site's pool would have no end, nor the program. */
    setenv("CMOCKA_TEST_ABORT", "1", 1);
    struct tls *tls = make_tls();
    setups[N_SETUPS - 1].layer = tls_layer(tls);
    int n_failed = cmocka_run_group_tests(tests, NULL, NULL);
    tls_free(tls);
    return n_failed;
}
