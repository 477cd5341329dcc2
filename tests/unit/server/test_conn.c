/* SPDX-License-Identifier: Apache-2.0 */
/* Deadlines with a clock of our own: no test waits for time to pass. */
#include "base/clock.h"
#include "server/conn.h"
#include "tests/test.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SECOND 1000000000u

static const struct conn_limits limits = {
    .request_ns = 10ull * SECOND, .idle_ns = 100ull * SECOND, .write_ns = 20ull * SECOND};

/* A connection, and the client at its other end. */
struct pair {
    struct conns conns;
    struct conn *conn;
    int client, server;
    uint64_t now_ns;
};

static void open_pair(struct pair *pair)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof at;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(listener, 1), 0);
    getsockname(listener, (struct sockaddr *)&at, &bytes);
    pair->client = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(pair->client, (struct sockaddr *)&at, sizeof at), 0);
    pair->server = accept(listener, NULL, NULL);
    close(listener);
    conns_init(&pair->conns, &limits);
    pair->conn = conns_add(&pair->conns, pair->server);
    assert_non_null(pair->conn);
    pair->now_ns = clock_now_ns();
}

static void close_pair(struct pair *pair)
{
    pair->conn->request = NULL;
    conns_remove(&pair->conns, pair->conn);
    assert_int_equal(pair->conns.n, 0);
    close(pair->client);
    close(pair->server);
}

static void say(struct pair *pair, const char *text)
{
    assert_int_equal(send(pair->client, text, strlen(text), 0), (ssize_t)strlen(text));
}

/* As libmicrohttpd does. */
static void take(struct pair *pair)
{
    char waste[4096];
    assert_true(recv(pair->server, waste, sizeof waste, MSG_DONTWAIT) > 0);
}

static bool is_shut_after(struct pair *pair, uint64_t seconds)
{
    pair->now_ns += seconds * SECOND;
    conns_sweep(&pair->conns, pair->now_ns);
    return pair->conn->is_shut;
}

static void assert_client_reads(struct pair *pair, const char *start)
{
    char text[256] = "";
    assert_true(recv(pair->client, text, sizeof text - 1, MSG_DONTWAIT) >= 0);
    assert_memory_equal(text, start, strlen(start));
}

static void a_byte_now_and_then_does_not_move_the_deadline(void **state)
{
    (void)state;
    struct pair pair;
    open_pair(&pair);
    assert_false(is_shut_after(&pair, 50)); /* silent: idle */
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

static void the_first_line_does_not_start_the_clock_anew(void **state)
{
    (void)state;
    struct pair pair;
    struct request *request = (struct request *)(void *)&pair; /* never looked into */
    open_pair(&pair);
    say(&pair, "GET / ");
    take(&pair);
    assert_false(is_shut_after(&pair, 1));
    assert_false(is_shut_after(&pair, 8));
    conn_begin_request(pair.conn, request, pair.now_ns);
    assert_true(is_shut_after(&pair, 3));
    assert_int_equal(pair.conns.timeouts, 0); /* the request itself is counted */
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

/* A whole request of `bytes`, as far as the connection is concerned. */
static void pass_request(struct pair *pair, uint64_t bytes)
{
    struct request *request = (struct request *)(void *)pair;
    conn_begin_request(pair->conn, request, pair->now_ns);
    conn_begin_work(pair->conn);
    conn_begin_reply(pair->conn, pair->now_ns);
    conn_end_request(pair->conn, bytes, pair->now_ns);
}

static void bytes_behind_a_request_belong_to_the_next(void **state)
{
    (void)state;
    for (int is_exact = 0; is_exact < 2; is_exact++) {
        struct pair pair;
        open_pair(&pair);
        say(&pair, "0123456789GET");
        take(&pair);
        /* A chunked body hides its end: then only what comes after the next sweep is sure. */
        pass_request(&pair, is_exact ? 10 : 0);
        assert_false(is_shut_after(&pair, 1));
        assert_int_equal(pair.conn->phase, is_exact ? CONN_RECEIVING : CONN_IDLE);
        say(&pair, " ");
        take(&pair);
        assert_false(is_shut_after(&pair, 1));
        assert_int_equal(pair.conn->phase, CONN_RECEIVING);
        assert_true(is_shut_after(&pair, 11));
        close_pair(&pair);
    }
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
    char some[65536];
    open_pair(&pair);
    conn_begin_reply(pair.conn, pair.now_ns);
    while (send(pair.server, reply, sizeof reply, MSG_DONTWAIT) > 0) {
    }
    for (int i = 0; i < 10; i++) { /* as long as the client takes something */
        for (int n = 0; n < 16; n++)
            assert_true(recv(pair.client, some, sizeof some, 0) > 0);
        send(pair.server, reply, sizeof reply, MSG_DONTWAIT);
        assert_false(is_shut_after(&pair, 15));
    }
    is_shut_after(&pair, 1); /* what was still on its way has arrived */
    assert_false(is_shut_after(&pair, 19));
    assert_true(is_shut_after(&pair, 25));
    close_pair(&pair);
}

static void an_end_that_came_with_the_last_bytes_is_noticed(void **state)
{
    (void)state;
    struct pair pair;
    open_pair(&pair);
    say(&pair, "GET / HT");
    shutdown(pair.client, SHUT_WR);
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
    pass_request(&pair, 1);
    conns_shut_idle(&pair.conns);
    assert_true(pair.conn->is_shut);
    close_pair(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_byte_now_and_then_does_not_move_the_deadline),
        cmocka_unit_test(the_first_line_does_not_start_the_clock_anew),
        cmocka_unit_test(silence_is_cut_off_by_idle_time_alone),
        cmocka_unit_test(bytes_behind_a_request_belong_to_the_next),
        cmocka_unit_test(work_has_no_deadline),
        cmocka_unit_test(a_reply_must_move),
        cmocka_unit_test(an_end_that_came_with_the_last_bytes_is_noticed),
        cmocka_unit_test(only_what_is_idle_is_shut_for_the_drain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
