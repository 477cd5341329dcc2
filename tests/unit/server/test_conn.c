/* SPDX-License-Identifier: Apache-2.0 */
/* Deadlines with a clock of our own: no test waits for time to pass. Everything twice: with and
   without a layer between HTTP and the socket. */
#include "base/clock.h"
#include "server/conn.h"
#include "tests/unit/server/records.h"

#define SECOND 1000000000u

static const struct conn_limits limits = {.request_ns = 10ull * SECOND,
                                          .idle_ns = 100ull * SECOND,
                                          .write_ns = 20ull * SECOND,
                                          .head_bytes = 4096};

static const struct wire_layer *layer;

/* A connection, and the client at its other end. */
struct pair {
    atomic_size_t n_beyond;
    struct door door;
    struct conns conns;
    struct conn *conn;
    struct peer client;
    int server;
    uint64_t now_ns;
    enum framing_fault refused;
};

static void on_refused(void *user, struct conn *conn, enum framing_fault fault)
{
    struct pair *pair = user;
    assert_ptr_equal(conn, pair->conn);
    pair->refused = fault;
}

static struct networks proxies;

/* `is_proxied`: a PROXY header is due; `is_beyond`: max-connections is reached already. */
static void open_pair_of(struct pair *pair, bool is_proxied, bool is_beyond)
{
    const uint8_t loopback[4] = {127, 0, 0, 1};
    pair->server = peer_connect(&pair->client, layer);
    conns_init(&pair->conns, &limits);
    pair->conns.on_refused = on_refused;
    pair->conns.user = pair;
    pair->refused = FRAMING_SOUND;
    pair->door = (struct door){.layer = layer, .takes_proxy_header = is_proxied};
    if (is_proxied) pair->door.proxies = &proxies;
    pair->n_beyond = is_beyond;
    const struct arrival arrival = {.fd = pair->server,
                                    .client = address_of_ipv4(loopback, 1),
                                    .door = &pair->door,
                                    .beyond = is_beyond ? &pair->n_beyond : NULL};
    pair->conn = conns_add(&pair->conns, &arrival);
    assert_non_null(pair->conn);
    pair->now_ns = clock_now_ns();
}

static void open_pair(struct pair *pair)
{
    open_pair_of(pair, false, false);
}

static void close_pair(struct pair *pair)
{
    conns_remove(&pair->conns, pair->conn);
    assert_int_equal(pair->conns.n, 0);
    assert_int_equal(pair->n_beyond, 0);
    assert_null(wires_find(&pair->conns.wires, pair->server));
    conns_clear(&pair->conns);
    peer_close(&pair->client);
    close(pair->server);
    assert_int_equal(records_open, 0);
}

static void say(struct pair *pair, const char *text)
{
    assert_true(peer_say(&pair->client, text, strlen(text)));
}

/* As libmicrohttpd does. Returns what it gets. */
static ssize_t take(struct pair *pair)
{
    char bytes[4096];
    return conn_read(&pair->conns, pair->conn, bytes, sizeof bytes);
}

static bool is_shut_after(struct pair *pair, uint64_t seconds)
{
    pair->now_ns += seconds * SECOND;
    conns_sweep(&pair->conns, pair->now_ns);
    return pair->conn->is_shut;
}

static void assert_client_reads(struct pair *pair, const char *start)
{
    peer_take(&pair->client, SIZE_MAX);
    assert_false(pair->client.is_reset);
    assert_true(pair->client.n >= strlen(start));
    assert_memory_equal(pair->client.text, start, strlen(start));
}

static void a_byte_now_and_then_does_not_move_the_deadline(void **state)
{
    (void)state;
    struct pair pair;
    open_pair(&pair);
    say(&pair, "G");
    take(&pair);
    assert_false(is_shut_after(&pair, 1));
    for (int i = 0; i < 9; i++) {
        say(&pair, "x");
        take(&pair);
        assert_false(is_shut_after(&pair, 1));
    }
    say(&pair, "x");
    assert_true(is_shut_after(&pair, 2));
    assert_true(pair.conn->is_late);
    assert_int_equal(pair.conns.timeouts, 1);
    assert_client_reads(&pair, "HTTP/1.1 408 ");
    close_pair(&pair);
}

static void the_head_does_not_start_the_clock_anew(void **state)
{
    (void)state;
    struct pair pair;
    struct request *request = (struct request *)(void *)&pair; /* never looked into */
    open_pair(&pair);
    say(&pair, "GET / ");
    take(&pair);
    assert_false(is_shut_after(&pair, 9));
    say(&pair, "HTTP/1.0\r\n\r\n");
    assert_true(take(&pair) > 0);
    conn_begin_request(pair.conn, request, pair.now_ns);
    assert_true(is_shut_after(&pair, 3));
    assert_int_equal(pair.conns.timeouts, 0); /* the request itself is counted */
    close_pair(&pair);
}

/* LOCAL, so that there is no more of it. */
static const char header[] = "\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";

/* Bytes of the header from `from` on; they are no layer's. */
static void send_header(struct pair *pair, size_t from, size_t n)
{
    assert_int_equal(send(pair->client.fd, header + from, n, 0), n);
    take(pair);
}

static void a_proxy_header_has_the_time_of_a_request(void **state)
{
    (void)state;
    struct pair pair;
    open_pair_of(&pair, true, false);
    assert_false(is_shut_after(&pair, 99)); /* no byte has come */
    pair.now_ns = clock_now_ns();
    for (size_t i = 0; i < 10; i++) {
        send_header(&pair, i, 1);
        assert_false(is_shut_after(&pair, 1));
    }
    send_header(&pair, 10, 1);
    assert_true(is_shut_after(&pair, 2));
    assert_int_equal(pair.conns.timeouts, 1);
    take(&pair);
    assert_false(pair.conn->wire.is_strange); /* it is counted once */
    peer_take(&pair.client, SIZE_MAX);
    assert_int_equal(pair.client.n, 0);
    close_pair(&pair);
}

static void behind_a_proxy_header_a_client_may_be_silent(void **state)
{
    (void)state;
    struct pair pair;
    open_pair_of(&pair, true, false);
    send_header(&pair, 0, 8);
    send_header(&pair, 8, sizeof header - 1 - 8);
    assert_false(is_shut_after(&pair, 99));
    assert_true(is_shut_after(&pair, 2));
    assert_int_equal(pair.conns.timeouts, 0);
    close_pair(&pair);
}

static void beyond_the_limit_a_request_has_a_second(void **state)
{
    (void)state;
    static const char *const parts[] = {"", "GET /live HT"};
    struct pair pair;
    for (size_t i = 0; i < 2; i++) {
        open_pair_of(&pair, false, true);
        assert_int_equal(pair.n_beyond, 1);
        say(&pair, parts[i]);
        take(&pair);
        pair.now_ns = pair.conn->opened_ns;
        assert_false(is_shut_after(&pair, 1));
        assert_true(is_shut_after(&pair, 1));
        assert_int_equal(pair.conns.turned_away, 1);
        assert_int_equal(pair.conns.timeouts, 0);
        assert_client_reads(&pair, conn_reply_full);
        assert_true(pair.client.has_end);
        close_pair(&pair);
    }
}

static void beyond_the_limit_a_reply_has_five(void **state)
{
    (void)state;
    struct pair pair;
    open_pair_of(&pair, false, true);
    say(&pair, "GET /live HTTP/1.0\r\n\r\n");
    assert_true(take(&pair) > 0);
    pair.now_ns = pair.conn->opened_ns;
    conn_begin_request(pair.conn, (struct request *)(void *)&pair, pair.now_ns);
    conn_begin_reply(pair.conn, pair.now_ns);
    assert_false(is_shut_after(&pair, 5));
    assert_true(is_shut_after(&pair, 1));
    assert_true(pair.conn->is_late);
    assert_int_equal(pair.conns.turned_away, 0);
    close_pair(&pair);
}

static void silence_is_cut_off_by_idle_time_alone(void **state)
{
    (void)state;
    struct pair pair;
    open_pair(&pair);
    assert_false(is_shut_after(&pair, 99));
    assert_true(is_shut_after(&pair, 2));
    assert_false(pair.conn->is_late);
    assert_client_reads(&pair, "");
    close_pair(&pair);
}

/* Takes a whole request up and answers it. */
static void pass_request(struct pair *pair)
{
    struct request *request = (struct request *)(void *)pair;
    conn_begin_request(pair->conn, request, pair->now_ns);
    conn_begin_work(pair->conn);
    conn_begin_reply(pair->conn, pair->now_ns);
    conn_end_request(&pair->conns, pair->conn, pair->now_ns);
}

static void bytes_behind_a_request_belong_to_the_next(void **state)
{
    (void)state;
    static const char *const requests[] = {
        "GET / HTTP/1.1\r\nhost: x\r\n\r\nGET",
        "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}GET",
        "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\nGET",
    };
    for (size_t i = 0; i < 3; i++) {
        struct pair pair;
        open_pair(&pair);
        say(&pair, requests[i]);
        assert_true(take(&pair) > 0);
        pass_request(&pair);
        assert_int_equal(pair.conn->phase, CONN_RECEIVING);
        assert_false(is_shut_after(&pair, 9));
        assert_true(is_shut_after(&pair, 2));
        assert_client_reads(&pair, "HTTP/1.1 408 ");
        close_pair(&pair);
    }
}

static void line_ends_between_requests_are_no_request(void **state)
{
    (void)state;
    struct pair pair;
    open_pair(&pair);
    say(&pair, "\r\n\r\n");
    assert_int_equal(take(&pair), -1);
    assert_int_equal(pair.conn->phase, CONN_IDLE);
    conns_shut_idle(&pair.conns);
    assert_true(pair.conn->is_shut);
    close_pair(&pair);
}

static void what_is_no_request_is_refused_at_once(void **state)
{
    (void)state;
    struct pair pair;
    open_pair(&pair);
    say(&pair, "GET / HTTP/1.1\r\nhost : x\r\n\r\n");
    assert_int_equal(take(&pair), 0);
    assert_int_equal(pair.refused, FRAMING_HEADER);
    assert_true(pair.conn->is_shut && pair.conn->lingers);
    assert_client_reads(&pair, "HTTP/1.1 400 ");
    close_pair(&pair);
}

static void what_is_no_request_waits_for_the_answers_before_it(void **state)
{
    (void)state;
    struct pair pair;
    open_pair(&pair);
    say(&pair, "GET / HTTP/1.1\r\nhost:x\r\n\r\nGET / HTTP/1.1\r\n\r\nGET / HTTP/1.0\r\n\r\n");
    assert_int_equal(take(&pair), 18); /* the first, and no byte of what comes after */
    assert_int_equal(pair.refused, FRAMING_SOUND);
    pass_request(&pair);
    assert_int_equal(pair.refused, FRAMING_HOST);
    assert_client_reads(&pair, "HTTP/1.1 400 ");
    assert_int_equal(take(&pair), 0);
    close_pair(&pair);
}

static void a_small_buffer_gets_everything_in_turn(void **state)
{
    (void)state;
    struct pair pair;
    char bytes[7], got[256] = "";
    open_pair(&pair);
    say(&pair, "GET / HTTP/1.1\r\nhost: x\r\nx-request-id: 1234567890\r\ncookie: none of ours\r\n");
    assert_int_equal(take(&pair), -1);
    say(&pair, "\r\nPUT");
    for (ssize_t n; (n = conn_read(&pair.conns, pair.conn, bytes, sizeof bytes)) > 0;)
        strncat(got, bytes, (size_t)n);
    assert_string_equal(got, "GET / HTTP/1.1\r\nx-request-id:1234567890\r\n\r\n");
    close_pair(&pair);
}

static void work_has_no_deadline(void **state)
{
    (void)state;
    struct pair pair;
    open_pair(&pair);
    say(&pair, "x");
    conn_begin_work(pair.conn);
    assert_false(is_shut_after(&pair, 100000));
    close_pair(&pair);
}

static void a_reply_must_move(void **state)
{
    (void)state;
    struct pair pair;
    static char reply[4 << 20];
    open_pair(&pair);
    records_step = sizeof reply;
    conn_begin_reply(pair.conn, pair.now_ns);
    while (wire_send(&pair.conn->wire, reply, sizeof reply) > 0) {
    }
    for (int i = 0; i < 10; i++) { /* as long as the client takes something */
        assert_true(peer_take(&pair.client, 1 << 20) > 0);
        wire_send(&pair.conn->wire, reply, sizeof reply);
        assert_false(is_shut_after(&pair, 15));
    }
    is_shut_after(&pair, 1); /* what was still on its way has arrived */
    assert_false(is_shut_after(&pair, 19));
    assert_true(is_shut_after(&pair, 25));
    assert_true(pair.conn->is_late);
    peer_take(&pair.client, SIZE_MAX);
    assert_int_equal(pair.client.has_last, !layer); /* what was cut off does not end well */
    records_step = 1;
    close_pair(&pair);
}

static void an_end_that_came_with_the_last_bytes_is_noticed(void **state)
{
    (void)state;
    struct pair pair;
    open_pair(&pair);
    say(&pair, "GET / HT");
    peer_end(&pair.client);
    assert_false(is_shut_after(&pair, 1)); /* they may be a request: unread still */
    take(&pair);
    assert_true(is_shut_after(&pair, 1));
    close_pair(&pair);
}

static void only_what_is_idle_is_shut_for_the_drain(void **state)
{
    (void)state;
    struct pair pair;
    open_pair(&pair);
    say(&pair, "G");
    conns_shut_idle(&pair.conns);
    assert_false(pair.conn->is_shut);
    take(&pair);
    conns_shut_idle(&pair.conns);
    assert_false(pair.conn->is_shut);
    say(&pair, "ET / HTTP/1.0\r\n\r\n");
    take(&pair);
    pass_request(&pair);
    conns_shut_idle(&pair.conns);
    assert_true(pair.conn->is_shut);
    close_pair(&pair);
}

static void what_is_cut_off_does_not_end_well(void **state)
{
    (void)state;
    struct pair pair;
    open_pair(&pair);
    say(&pair, "GET / HTTP/1.0\r\n\r\n");
    take(&pair);
    conn_begin_request(pair.conn, (struct request *)(void *)&pair, pair.now_ns);
    conn_begin_reply(pair.conn, pair.now_ns);
    assert_int_equal(wire_send(&pair.conn->wire, "half", 4), 4);
    assert_int_equal(conns_shut_all(&pair.conns), 1);
    assert_client_reads(&pair, "half");
    assert_true(pair.client.has_end);
    assert_int_equal(pair.client.has_last, !layer);
    close_pair(&pair);
}

static int plain(void **state)
{
    (void)state;
    layer = NULL;
    return 0;
}

static int layered(void **state)
{
    (void)state;
    layer = &records_layer;
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_byte_now_and_then_does_not_move_the_deadline),
        cmocka_unit_test(the_head_does_not_start_the_clock_anew),
        cmocka_unit_test(a_proxy_header_has_the_time_of_a_request),
        cmocka_unit_test(behind_a_proxy_header_a_client_may_be_silent),
        cmocka_unit_test(beyond_the_limit_a_request_has_a_second),
        cmocka_unit_test(beyond_the_limit_a_reply_has_five),
        cmocka_unit_test(silence_is_cut_off_by_idle_time_alone),
        cmocka_unit_test(bytes_behind_a_request_belong_to_the_next),
        cmocka_unit_test(line_ends_between_requests_are_no_request),
        cmocka_unit_test(what_is_no_request_is_refused_at_once),
        cmocka_unit_test(what_is_no_request_waits_for_the_answers_before_it),
        cmocka_unit_test(a_small_buffer_gets_everything_in_turn),
        cmocka_unit_test(work_has_no_deadline),
        cmocka_unit_test(a_reply_must_move),
        cmocka_unit_test(an_end_that_came_with_the_last_bytes_is_noticed),
        cmocka_unit_test(only_what_is_idle_is_shut_for_the_drain),
        cmocka_unit_test(what_is_cut_off_does_not_end_well),
    };
    struct err err;
    if (!networks_read(&proxies, "127.0.0.0/8", "trusted-proxies", &err)) return 1;
    const int failed = cmocka_run_group_tests_name("plain", tests, plain, NULL) +
                       cmocka_run_group_tests_name("through a layer", tests, layered, NULL);
    networks_clear(&proxies);
    return failed;
}
