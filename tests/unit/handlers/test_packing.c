/* SPDX-License-Identifier: Apache-2.0 */
/* Compressed bodies and replies, without HTTP. */
#include "base/compression.h"
#include "handlers/packing.h"
#include "tests/unit/handlers/ask.h"

static void a_client_gets_what_it_likes_best(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        enum compression coding;
        bool needs;
    } cases[] = {
        {NULL, COMPRESSION_NONE, false},
        {"", COMPRESSION_NONE, false},
        {"gzip", COMPRESSION_GZIP, false},
        {"GZip", COMPRESSION_GZIP, false},
        {"x-gzip", COMPRESSION_GZIP, false},
        {"gzip, deflate", COMPRESSION_GZIP, false},
        {"gzip, deflate, br, zstd", COMPRESSION_ZSTD, false},
        {"zstd;q=0.5, gzip", COMPRESSION_GZIP, false},
        {"zstd;q=0.5,gzip;q=0.5", COMPRESSION_ZSTD, false},
        {"zstd ; q=0.501 , gzip;Q=0.5", COMPRESSION_ZSTD, false},
        {"zstd;q=0, gzip;q=0.001", COMPRESSION_GZIP, false},
        {"gzip;q=0", COMPRESSION_NONE, false},
        {"br, deflate", COMPRESSION_NONE, false},
        {"*", COMPRESSION_ZSTD, false},
        {"*;q=0", COMPRESSION_NONE, false},
        {"zstd;q=0, *", COMPRESSION_GZIP, false},
        {"identity", COMPRESSION_NONE, false},
        {"identity, gzip", COMPRESSION_GZIP, false},
        {"identity, gzip;q=0.5", COMPRESSION_NONE, false},
        {"identity;q=0.5, gzip", COMPRESSION_GZIP, false},
        {"identity;q=0", COMPRESSION_NONE, false},
        {"identity;q=0, gzip", COMPRESSION_GZIP, true},
        {"gzip, *;q=0", COMPRESSION_GZIP, true},
        {"gzip, identity, *;q=0", COMPRESSION_GZIP, false},
        {",, gzip ,", COMPRESSION_GZIP, false},
        {"gzip;q=1.0000", COMPRESSION_NONE, false},
        {"gzip;q=2", COMPRESSION_NONE, false},
        {"gzip;q=1.1", COMPRESSION_NONE, false},
        {"gzip;q=", COMPRESSION_NONE, false},
        {"gzip;q=-1", COMPRESSION_NONE, false},
        {"gzip;level=9", COMPRESSION_NONE, false},
        {"gzip zstd", COMPRESSION_NONE, false},
        {"gzipped", COMPRESSION_NONE, false},
        {"gzi", COMPRESSION_NONE, false},
        {";q=1", COMPRESSION_NONE, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct packing_wish wish = packing_wish(cases[i].header);
        if (wish.coding != cases[i].coding || wish.needs != cases[i].needs)
            fail_msg("%s", cases[i].header);
    }
}

static void gzip_is_taken_by_whoever_does_not_refuse_it(void **state)
{
    (void)state;
    static const char *const taking[] = {"gzip", "zstd, gzip;q=0.1", "x-gzip", "*",
                                         "identity, gzip"};
    static const char *const refusing[] = {NULL,       "",      "zstd",
                                           "gzip;q=0", "*;q=0", "zstd, gzip;q=0, *"};
    for (size_t i = 0; i < sizeof taking / sizeof taking[0]; i++)
        assert_true(packing_takes_gzip(taking[i]));
    for (size_t i = 0; i < sizeof refusing / sizeof refusing[0]; i++)
        assert_false(packing_takes_gzip(refusing[i]));
}

/* ---- requests ---- */

#define BODY "{\"tokens\":[\"\xE6\x88\x91\",\"\xE7\x88\xB1\"]}"

static const struct exchange *send_packed(struct ask *ask, const char *path, const char *name,
                                          const char *body, size_t bytes)
{
    struct exchange *x = ask_begin(ask);
    x->body = body;
    x->body_bytes = bytes;
    if (handlers_find_route(x, METHOD_POST, path) && handlers_check_head(x, name, bytes))
        assert_true(handlers_dispatch(x));
    return x;
}

static size_t pack(enum compression how, const char *text, size_t bytes, char *out, size_t room)
{
    struct arena arena;
    arena_init(&arena, 64 << 20);
    size_t packed = compression_pack(how, &arena, text, bytes, out, room);
    assert_true(packed > 0);
    arena_clear(&arena);
    return packed;
}

static void packed_bodies_are_unpacked_before_the_handler(void **state)
{
    static const struct {
        const char *name;
        enum compression how;
    } cases[] = {{"gzip", COMPRESSION_GZIP},
                 {"X-GZip", COMPRESSION_GZIP},
                 {"zstd", COMPRESSION_ZSTD},
                 {"ZSTD", COMPRESSION_ZSTD}};
    char want[4096], packed[256];
    const struct exchange *x = ask_post(*state, "/v1/ids", BODY);
    size_t want_bytes = x->reply_bytes;
    assert_int_equal(x->status, 200);
    memcpy(want, x->reply, want_bytes);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t bytes = pack(cases[i].how, BODY, strlen(BODY), packed, sizeof packed);
        x = send_packed(*state, "/v1/ids", cases[i].name, packed, bytes);
        assert_int_equal(x->status, 200);
        assert_int_equal(x->reply_bytes, want_bytes);
        assert_memory_equal(x->reply, want, want_bytes);
    }
}

static void what_is_no_packed_body_is_a_400_in_the_routes_shape(void **state)
{
    char packed[256];
    for (int how = COMPRESSION_GZIP; how < COMPRESSION_COUNT; how++) {
        const char *name = compression_names[how];
        const struct exchange *x = send_packed(*state, "/v1/ids", name, BODY, strlen(BODY));
        assert_int_equal(x->status, 400);
        assert_non_null(strstr(x->reply, "\"message\":\"the body is not whole "));
        assert_non_null(strstr(x->reply, "damaged"));
        assert_int_equal(x->sample.reject, REJECT_BAD_JSON);
        x = send_packed(*state, "/embed", name, BODY, strlen(BODY));
        assert_int_equal(x->status, 400);
        assert_string_equal(x->reply_type, TYPE_TEXT);
    }
    size_t bytes = pack(COMPRESSION_GZIP, BODY, strlen(BODY), packed, sizeof packed);
    const struct exchange *x = send_packed(*state, "/v1/ids", "gzip", packed, bytes - 1);
    assert_non_null(strstr(x->reply, "its end is missing"));
    packed[bytes] = 'x';
    packed[bytes + 1] = 'y';
    x = send_packed(*state, "/v1/ids", "gzip", packed, bytes + 2);
    assert_non_null(strstr(x->reply, "something else follows it"));
    assert_int_equal(x->status, 400);
    x = send_packed(*state, "/v1/ids", "zstd", "\x28\xB5\x2F\xFD\x00\x70\x01\x00", 8);
    assert_int_equal(x->status, 400);
    assert_non_null(strstr(x->reply, "a window of more than 8388608 bytes"));
}

static void what_unpacks_to_too_much_is_a_413(void **state)
{
    struct ask *ask = *state;
    size_t bytes = ask->service.body_bytes_max + 1;
    char *text = calloc(bytes, 1), *packed = malloc(bytes);
    for (int i = 0; i < 2; i++) {
        size_t n = pack(i ? COMPRESSION_ZSTD : COMPRESSION_GZIP, text, bytes, packed, bytes);
        const struct exchange *x =
            send_packed(ask, "/v1/embeddings", i ? "zstd" : "gzip", packed, n);
        assert_int_equal(x->status, 413);
        assert_int_equal(x->sample.reject, REJECT_BODY_TOO_LARGE);
        assert_non_null(strstr(x->reply, "unpacked, has more than max-body-bytes, 1048576 bytes"));
        arena_clear(&ask->arena);
        arena_init(&ask->arena, 300 << 10);
        x = send_packed(ask, "/v1/embeddings", i ? "zstd" : "gzip", packed, n);
        assert_int_equal(x->status, 413);
        assert_int_equal(x->sample.reject, REJECT_MEMORY);
        arena_clear(&ask->arena);
        arena_init(&ask->arena, 16 << 20);
    }
    free(text);
    free(packed);
}

static void other_codings_are_a_415_that_names_ours(void **state)
{
    static const char *const names[] = {"br", "gzip, gzip", "identity, gzip", "gzipped",
                                        "(several)"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const struct exchange *x = send_packed(*state, "/v1/ids", names[i], BODY, strlen(BODY));
        assert_int_equal(x->status, 415);
        assert_non_null(strstr(x->reply, "gzip, deflate, zstd"));
        assert_string_equal(ask_header(x, "accept-encoding"), "gzip, deflate, zstd");
    }
    assert_int_equal(send_packed(*state, "/v1/ids", "Identity", BODY, strlen(BODY))->status, 200);
    assert_int_equal(send_packed(*state, "/v1/ids", "", BODY, strlen(BODY))->status, 200);
}

/* ---- replies ---- */

/* A request whose reply has ten thousand bytes or so, and is no vectors. */
static const char *long_body(struct ask *ask, const char *head, const char *word, size_t n)
{
    char *body = arena_alloc(&ask->arena, 100 + n * (strlen(word) + 3)), *at = body;
    at += sprintf(at, "%s[", head);
    for (size_t i = 0; i < n; i++)
        at += sprintf(at, "%s\"%s\"", i ? "," : "", word);
    strcpy(at, "]}");
    return body;
}

static const struct exchange *ask_long(struct ask *ask, const char *path, size_t n,
                                       const char *accept_encoding, size_t work_max)
{
    struct exchange *x = ask_begin(ask);
    const char *body = long_body(ask, "{\"tokens\":", "\xE6\x88\x91", n);
    x->accept_encoding = accept_encoding;
    x->work_max = work_max;
    return ask_send(ask, METHOD_POST, path, body, strlen(body));
}

static void assert_packed(const struct exchange *x, enum compression how, const char *want,
                          size_t bytes)
{
    struct arena arena;
    struct buf out;
    arena_init(&arena, 64 << 20);
    buf_init(&out, &arena);
    assert_int_equal(x->status, 200);
    assert_string_equal(ask_header(x, "content-encoding"), compression_names[how]);
    assert_int_equal(compression_unpack(how, x->reply, x->reply_bytes, bytes, &out), UNPACKED);
    assert_int_equal(out.bytes, bytes);
    assert_memory_equal(out.data, want, bytes);
    arena_clear(&arena);
}

static char *copy_reply(const struct exchange *x)
{
    char *copy = malloc(x->reply_bytes);
    memcpy(copy, x->reply, x->reply_bytes);
    return copy;
}

static void replies_are_packed_where_asked_and_worth_it(void **state)
{
    struct ask *ask = *state;
    const struct exchange *x = ask_long(ask, "/v1/ids", 1000, "gzip", 0);
    size_t bytes = x->reply_bytes;
    char *want = copy_reply(x);
    assert_null(ask_header(x, "content-encoding")); /* it is off */
    assert_null(ask_header(x, "vary"));
    ask->service.compress = COMPRESS_BUT_VECTORS;
    ask->service.compress_bytes_min = bytes;
    ask->service.vary = "accept-encoding";
    assert_packed(ask_long(ask, "/v1/ids", 1000, "gzip", 0), COMPRESSION_GZIP, want, bytes);
    x = ask_long(ask, "/v1/ids", 1000, "gzip, zstd", 0);
    assert_packed(x, COMPRESSION_ZSTD, want, bytes);
    assert_true(x->reply_bytes < bytes / 4);
    assert_string_equal(ask_header(x, "vary"), "accept-encoding");
    x = ask_long(ask, "/v1/ids", 1000, NULL, 0);
    assert_int_equal(x->reply_bytes, bytes);
    assert_string_equal(ask_header(x, "vary"), "accept-encoding");
    ask->service.compress_bytes_min = bytes + 1;
    assert_null(ask_header(ask_long(ask, "/v1/ids", 1000, "gzip", 0), "content-encoding"));
    assert_packed(ask_long(ask, "/v1/ids", 1000, "gzip, identity;q=0", 0), COMPRESSION_GZIP, want,
                  bytes);
    free(want);
}

static void a_long_reply_is_packed_elsewhere(void **state)
{
    struct ask *ask = *state;
    ask->service.compress = COMPRESS_BUT_VECTORS;
    const struct exchange *x = ask_long(ask, "/v1/ids", 1000, NULL, 0);
    size_t bytes = x->reply_bytes;
    char *want = copy_reply(x);
    for (size_t work_max = 8 * bytes - 8; work_max <= 8 * bytes; work_max += 8) {
        struct exchange *y = ask_begin(ask);
        const char *body = long_body(ask, "{\"tokens\":", "\xE6\x88\x91", 1000);
        y->accept_encoding = "zstd";
        y->work_max = work_max;
        y->body = body;
        y->body_bytes = strlen(body);
        assert_non_null(handlers_find_route(y, METHOD_POST, "/v1/ids"));
        bool is_done = handlers_dispatch(y);
        assert_int_equal(is_done, work_max == 8 * bytes);
        if (!is_done) {
            assert_int_equal(y->n_headers, 0);
            y->work_max = 0;
            assert_true(handlers_dispatch(y));
        }
        assert_packed(y, COMPRESSION_ZSTD, want, bytes);
    }
    free(want);
}

static void vectors_are_packed_where_all_is(void **state)
{
    struct ask *ask = *state;
    ask->service.inputs_max = 5000;
    const char *const accept = "gzip";
    for (int how = COMPRESS_BUT_VECTORS; how <= COMPRESS_ALL; how++) {
        ask->service.compress = (enum compress)how;
        ask_begin(ask)->accept_encoding = accept;
        const char *body = long_body(ask, "{\"input\":", "\xE6\x88\x91", 100);
        const struct exchange *x = ask_send(ask, METHOD_POST, "/v1/embeddings", body, strlen(body));
        assert_int_equal(x->status, 200);
        assert_int_equal(ask_header(x, "content-encoding") != NULL, how == COMPRESS_ALL);
        ask_begin(ask)->accept_encoding = accept;
        body = long_body(ask, "{\"tokens\":", "\xE6\x88\x91", 100);
        x = ask_send(ask, METHOD_POST, "/v1/lookup", body, strlen(body));
        assert_int_equal(x->status, 200);
        assert_int_equal(ask_header(x, "content-encoding") != NULL, how == COMPRESS_ALL);
    }
}

static void replies_in_pieces_are_packed_in_pieces(void **state)
{
    struct ask *ask = *state;
    const struct exchange *x = ask_long(ask, "/v1/onehot", 40000, NULL, 0);
    size_t bytes = x->reply_bytes, n_pieces = ask->n_pieces;
    assert_true(n_pieces > 1);
    char *want = copy_reply(x);
    ask->service.compress = COMPRESS_BUT_VECTORS;
    ask->service.compress_bytes_min = 1 << 30; /* how long it is going to be nobody knows */
    assert_packed(ask_long(ask, "/v1/onehot", 40000, "gzip", 1), COMPRESSION_GZIP, want, bytes);
    assert_int_equal(ask->n_pieces, n_pieces);
    assert_packed(ask_long(ask, "/v1/onehot", 40000, "zstd", 1), COMPRESSION_ZSTD, want, bytes);
    assert_int_equal(ask->n_pieces, n_pieces);
    /* A client that goes away in the middle: everything is the arena's. */
    struct exchange *y = ask_begin(ask);
    const char *body = long_body(ask, "{\"tokens\":", "\xE6\x88\x91", 40000);
    y->accept_encoding = "zstd";
    y->body = body;
    y->body_bytes = strlen(body);
    assert_non_null(handlers_find_route(y, METHOD_POST, "/v1/onehot"));
    assert_true(handlers_dispatch(y) && handlers_next_piece(y));
    free(want);
}

static void where_there_is_no_memory_to_pack_the_reply_is_plain(void **state)
{
    struct ask *ask = *state;
    ask->service.compress = COMPRESS_BUT_VECTORS;
    const struct exchange *x = ask_long(ask, "/v1/ids", 1000, NULL, 0);
    size_t bytes = x->reply_bytes;
    bool was_packed = false;
    for (size_t cap = 200 << 10; cap < 2 << 20; cap += 20 << 10) {
        arena_clear(&ask->arena);
        arena_init(&ask->arena, cap);
        x = ask_long(ask, "/v1/ids", 1000, "gzip", 0);
        assert_int_equal(x->status, 200);
        was_packed = ask_header(x, "content-encoding") != NULL;
        assert_true(was_packed || x->reply_bytes == bytes);
        assert_true(was_packed || cap < 1 << 20);
    }
    assert_true(was_packed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_gets_what_it_likes_best),
        cmocka_unit_test(gzip_is_taken_by_whoever_does_not_refuse_it),
        cmocka_unit_test_setup_teardown(packed_bodies_are_unpacked_before_the_handler, ask_open,
                                        ask_close),
        cmocka_unit_test_setup_teardown(what_is_no_packed_body_is_a_400_in_the_routes_shape,
                                        ask_open, ask_close),
        cmocka_unit_test_setup_teardown(what_unpacks_to_too_much_is_a_413, ask_open, ask_close),
        cmocka_unit_test_setup_teardown(other_codings_are_a_415_that_names_ours, ask_open,
                                        ask_close),
        cmocka_unit_test_setup_teardown(replies_are_packed_where_asked_and_worth_it, ask_open,
                                        ask_close),
        cmocka_unit_test_setup_teardown(a_long_reply_is_packed_elsewhere, ask_open, ask_close),
        cmocka_unit_test_setup_teardown(vectors_are_packed_where_all_is, ask_open, ask_close),
        cmocka_unit_test_setup_teardown(replies_in_pieces_are_packed_in_pieces, ask_open,
                                        ask_close),
        cmocka_unit_test_setup_teardown(where_there_is_no_memory_to_pack_the_reply_is_plain,
                                        ask_open, ask_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
