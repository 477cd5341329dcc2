/* SPDX-License-Identifier: Apache-2.0 */
/* What TLS asks of its files, and of the clock. What it says to clients: test_wire.c, and
   tests/http/test_tls.py. */
#include "base/clock.h"
#include "server/conn.h"
#include "tests/unit/server/tunnel.h"

#define SECOND 1000000000ull

static void a_certificate_that_has_expired_is_served_but_not_taken_up(void **state)
{
    (void)state;
    static const int days[][2] = {{-9, -2}, {2, 9}};
    for (size_t i = 0; i < 2; i++) {
        struct made made;
        struct err err;
        make_certificate(&made, days[i][0], days[i][1]);
        const struct tls_files files = {.cert = made.cert, .key = made.key};
        struct tls *tls = tls_new(&files, &err);
        assert_non_null(tls);
        int64_t expires = tls_counts(tls)->expires_unix_s;
        assert_true(llabs(expires - (time(NULL) + days[i][1] * 86400)) < 60);
        assert_false(tls_reload(tls, &err));
        assert_int_equal(err.code, ERR_FORMAT);
        assert_non_null(strstr(err.message, made.cert));
        tls_free(tls);
        remove_certificate(&made);
    }
}

static void files_are_read_anew_together_or_not_at_all(void **state)
{
    (void)state;
    struct made first, second;
    struct err err;
    make_certificate(&first, -1, 30);
    make_certificate(&second, -1, 60);
    const struct tls_files files = {.cert = first.cert, .key = first.key};
    struct tls *tls = tls_new(&files, &err);
    assert_non_null(tls);
    int64_t expires = tls_counts(tls)->expires_unix_s;
    assert_int_equal(rename(second.cert, first.cert), 0);
    assert_false(tls_reload(tls, &err)); /* not of this key */
    assert_string_equal(err.param, "tls-key");
    assert_int_equal(tls_counts(tls)->expires_unix_s, expires);
    assert_int_equal(rename(second.key, first.key), 0);
    assert_true(tls_reload(tls, &err));
    assert_true(tls_counts(tls)->expires_unix_s > expires);
    remove_certificate(&first);
    assert_false(tls_reload(tls, &err));
    assert_int_equal(err.code, ERR_IO);
    tls_free(tls);
}

static void a_file_without_its_partner_is_wrong_use(void **state)
{
    (void)state;
    static const struct tls_files alone[] = {{.cert = "c"}, {.key = "k"}, {.client_ca = "a"}};
    for (size_t i = 0; i < 3; i++) {
        struct err err;
        assert_null(tls_new(&alone[i], &err));
        assert_int_equal(err.code, ERR_USAGE);
        assert_non_null(strstr(err.message, "tls-cert"));
        assert_non_null(strstr(err.message, "tls-key"));
    }
}

/* With a clock of our own. A byte now and then does not move the deadline. */
static void a_handshake_has_the_time_of_a_request(void **state)
{
    (void)state;
    const struct conn_limits limits = {.request_ns = 10 * SECOND,
                                       .idle_ns = 100 * SECOND,
                                       .write_ns = 20 * SECOND,
                                       .head_bytes = 4096};
    struct tls *tls = make_tls();
    for (int says = 0; says < 2; says++) {
        struct peer client;
        struct conns conns;
        char bytes[64];
        int fd = peer_connect(&client, NULL);
        conns_init(&conns, &limits);
        const struct door door = {.layer = tls_layer(tls)};
        const struct arrival arrival = {.fd = fd, .door = &door};
        struct conn *conn = conns_add(&conns, &arrival);
        assert_non_null(conn);
        for (uint64_t s = 1; s < 10; s++) {
            if (says)
                assert_int_equal(send(client.fd, &"\x16\3\1\0\x80\1\0\0\x7C"[s - 1], 1, 0), 1);
            assert_int_equal(conn_read(&conns, conn, bytes, sizeof bytes), -1);
            conns_sweep(&conns, conn->since_ns + s * SECOND);
            assert_false(conn->is_shut);
        }
        conns_sweep(&conns, conn->since_ns + 11 * SECOND);
        assert_true(conn->is_shut);
        conns_remove(&conns, conn);
        conns_clear(&conns);
        assert_int_equal(tls_counts(tls)->failures, says);
        peer_close(&client);
        close(fd);
    }
    tls_free(tls);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_certificate_that_has_expired_is_served_but_not_taken_up),
        cmocka_unit_test(files_are_read_anew_together_or_not_at_all),
        cmocka_unit_test(a_file_without_its_partner_is_wrong_use),
        cmocka_unit_test(a_handshake_has_the_time_of_a_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
