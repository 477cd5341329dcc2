/* SPDX-License-Identifier: Apache-2.0 */
/* What passes of a connection's bytes, whole and in pieces, and what is a fault. */
#include "server/framing.h"
#include "tests/test.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD_MAX 4096
#define HOST "Host: x\r\n"

struct result {
    char *out;
    size_t bytes;
    enum framing_fault fault;
    uint64_t n_begun;
};

/* What passes beside what always does. */
static unsigned passing = UINT_MAX;

/* Feeds `n` bytes in pieces of `piece`, taking at most `room` at once. */
static struct result feed(const char *bytes, size_t n, size_t piece, size_t room)
{
    struct framing framing;
    struct result result = {.out = malloc(n + 1)};
    char *buffer = malloc(room);
    framing_init(&framing, HEAD_MAX, passing);
    for (size_t at = 0; at < n;) {
        size_t now = n - at < piece ? n - at : piece;
        if (now > room) now = room;
        memcpy(buffer, bytes + at, now);
        at += now;
        size_t got = framing_take(&framing, buffer, now, room);
        do {
            memcpy(result.out + result.bytes, buffer, got);
            result.bytes += got;
            got = framing_take(&framing, buffer, 0, room);
        } while (got > 0);
    }
    result.out[result.bytes] = '\0';
    result.fault = framing.fault;
    result.n_begun = framing.n_begun;
    framing_clear(&framing);
    free(buffer);
    return result;
}

static void assert_passes_n(const char *in, size_t n, const char *out, enum framing_fault fault)
{
    static const size_t pieces[] = {1, 2, 3, 7, 64, 100000};
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        for (size_t room = 1; room < 100000; room = room * 5 + 3) {
            struct result result = feed(in, n, pieces[i], room);
            assert_int_equal(result.fault, fault);
            assert_string_equal(result.out, out);
            free(result.out);
        }
    }
}

static void assert_passes(const char *in, const char *out)
{
    assert_passes_n(in, strlen(in), out, FRAMING_SOUND);
}

#define GET "GET /a HTTP/1.1\r\n"
#define POST "POST /a HTTP/1.1\r\n"

static void only_lines_that_are_read_pass(void **state)
{
    (void)state;
    assert_passes(GET HOST "\r\n", GET "\r\n");
    assert_passes(GET HOST
                  "Cookie: a=b; c=d\r\nUser-Agent: me (\xC3\xA9)\r\naccept:  */* \t\r\n\r\n",
                  GET "accept:*/*\r\n\r\n");
    assert_passes(GET "X:\r\nHost:\r\nX-Request-Id: 1 2\r\nContent-Lengthy: 4\r\n\r\n",
                  GET "X-Request-Id:1 2\r\n\r\n");
    assert_passes("\r\n\r\n" GET HOST "\r\n\r\n\n" GET HOST "\r\n", GET "\r\n" GET "\r\n");
}

static void what_nearly_everyone_sends_passes_where_it_is_read(void **state)
{
    (void)state;
    for (unsigned optional = 0;
         optional <= (FRAMING_ACCEPT_ENCODING | FRAMING_ORIGIN | FRAMING_KEYS); optional++) {
        struct framing framing;
        char bytes[256] = GET HOST "Accept-Encoding: a\r\nOrigin: b\r\n"
                                   "Access-Control-Request-Method: c\r\nAccept: d\r\n"
                                   "Authorization: Bearer e\r\nAPI-Key: f\r\nx-api-key: g\r\n"
                                   "X-Goog-Api-Key: h\r\n\r\n";
        char want[256] = GET;
        if (optional & FRAMING_ACCEPT_ENCODING) strcat(want, "Accept-Encoding:a\r\n");
        if (optional & FRAMING_ORIGIN)
            strcat(want, "Origin:b\r\nAccess-Control-Request-Method:c\r\n");
        strcat(want, "Accept:d\r\n");
        if (optional & FRAMING_KEYS)
            strcat(want, "Authorization:Bearer e\r\nAPI-Key:f\r\nx-api-key:g\r\n"
                         "X-Goog-Api-Key:h\r\n");
        strcat(want, "\r\n");
        framing_init(&framing, HEAD_MAX, optional);
        size_t n = framing_take(&framing, bytes, strlen(bytes), sizeof bytes);
        bytes[n] = '\0';
        assert_string_equal(bytes, want);
        framing_clear(&framing);
    }
}

/* A browser that asks for the page. */
static void whoever_asks_for_the_root_says_how_they_would_have_it(void **state)
{
    (void)state;
    static const char *const asking[] = {"GET / HTTP/1.1", "HEAD / HTTP/1.1", "GET /?a HTTP/1.1"};
    static const char *const others[] = {"POST / HTTP/1.1", "GET /x HTTP/1.1", "GET // HTTP/1.1"};
    for (size_t i = 0; i < 6; i++) {
        char in[256];
        snprintf(in, sizeof in, "%s\r\n" HOST "Accept-Encoding: a\r\nIf-None-Match: b\r\n\r\n",
                 i < 3 ? asking[i] : others[i - 3]);
        struct result result = feed(in, strlen(in), 10000, 10000);
        assert_int_equal(result.fault, FRAMING_SOUND);
        assert_int_equal(strstr(result.out, "If-None-Match:b\r\n") != NULL, i < 3);
        free(result.out);
    }
}

/* Of x-forwarded-for what the nearest proxies have added passes, whatever clients made of the rest.
 */
static void of_long_lists_of_proxies_the_end_passes(void **state)
{
    (void)state;
    for (size_t n = 240; n < 400; n++) {
        char in[1024], filler[400], value[420];
        memset(filler, 'x', n);
        filler[n] = '\0';
        snprintf(value, sizeof value, "a,%s,b,1.2.3.4", filler);
        snprintf(in, sizeof in, GET HOST "X-Forwarded-For: %s\r\nForwarded: for=%s\r\n\r\n", value,
                 filler);
        struct result result = feed(in, strlen(in), 10000, 10000);
        assert_int_equal(result.fault, FRAMING_SOUND);
        assert_non_null(strstr(result.out, "b,1.2.3.4\r\n"));
        assert_int_equal(strstr(result.out, "a,x") != NULL, strlen(value) <= 256);
        assert_int_equal(strstr(result.out, "x,b,") != NULL, n + 1 + 9 <= 256);
        assert_int_equal(strstr(result.out, "for=") != NULL, n + 4 <= 256);
        free(result.out);
    }
}

/* So that it is seen that there was one; no key has as many bytes. */
static void a_key_that_is_too_long_passes_cut(void **state)
{
    (void)state;
    char key[3001], in[4096], out[4096];
    memset(key, 'k', sizeof key - 1);
    key[sizeof key - 1] = '\0';
    snprintf(in, sizeof in, GET HOST "x-api-key: %s\r\nAccept: b\r\n\r\n", key);
    snprintf(out, sizeof out, GET "x-api-key:%.257s\r\nAccept:b\r\n\r\n", key);
    assert_passes(in, out);
}

static void what_comes_whole_needs_no_memory(void **state)
{
    (void)state;
    struct framing framing;
    char bytes[256] = POST HOST "Cookie: a=b\r\nContent-Length: 3\r\n\r\nabc" GET HOST "\r\n";
    framing_init(&framing, HEAD_MAX, UINT_MAX);
    for (int i = 0; i < 3; i++) {
        char copy[256];
        strcpy(copy, bytes);
        size_t n = framing_take(&framing, copy, strlen(copy), sizeof copy);
        assert_memory_equal(copy, POST "Content-Length:3\r\n\r\nabc" GET "\r\n", n);
        assert_null(framing.held);
    }
    strcpy(bytes, GET "Hos");
    assert_int_equal(framing_take(&framing, bytes, strlen(bytes), sizeof bytes), 0);
    assert_non_null(framing.held);
    strcpy(bytes, "t: x\r\n\r\n");
    size_t n = framing_take(&framing, bytes, strlen(bytes), sizeof bytes);
    assert_memory_equal(bytes, GET "\r\n", n);
    assert_null(framing.held);
}

static void targets_become_paths(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"/", "/"},
        {"/a?b=c", "/a"},
        {"/a?&&&&", "/a"},
        {"/%41?%00", "/%41"},
        {"http://host:80/a/b?c", "/a/b"},
        {"HTTPS://host", "/"},
        {"http://host?c", "/"},
        {"/http://host", "/http://host"},
        {"/\xE6\x88\x91", "/\xE6\x88\x91"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char in[128], out[128];
        snprintf(in, sizeof in, "GET %s HTTP/1.1\r\n" HOST "\r\n", cases[i][0]);
        snprintf(out, sizeof out, "GET %s HTTP/1.1\r\n\r\n", cases[i][1]);
        passing = ~(unsigned)FRAMING_QUERY;
        assert_passes(in, out);
        passing = UINT_MAX;
    }
    assert_passes("OPTIONS * HTTP/1.1\r\n" HOST "\r\n", "OPTIONS * HTTP/1.1\r\n\r\n");
    assert_passes("GET / HTTP/1.0\r\n\r\n", "GET / HTTP/1.0\r\n\r\n");
    assert_passes("GET / HTTP/1.7\r\n" HOST "\r\n", "GET / HTTP/1.1\r\n\r\n");
}

static void short_and_plain_queries_pass_where_they_are_asked_for(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"/a?after=ftjob-0_1&limit=2", "/a?after=ftjob-0_1&limit=2"},
        {"http://host:80/a/b?c", "/a/b?c"},
        {"/a?", "/a?"},
        {"/a?b=%41", "/a"},
        {"/a?b=\xE6", "/a"},
        {"/a?b=c#d", "/a"},
        {"http://host?c", "/"},
    };
    char in[512], query[300];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char out[128];
        snprintf(in, sizeof in, "GET %s HTTP/1.1\r\n" HOST "\r\n", cases[i][0]);
        snprintf(out, sizeof out, "GET %s HTTP/1.1\r\n\r\n", cases[i][1]);
        assert_passes(in, out);
    }
    memset(query, 'a', sizeof query);
    snprintf(in, sizeof in, "GET /?%.*s HTTP/1.1\r\n" HOST "\r\n", 256, query);
    assert_passes(in, "GET / HTTP/1.1\r\n\r\n");
}

static void bodies_end_where_they_say(void **state)
{
    (void)state;
    assert_passes(POST HOST "Content-Length: 3\r\n\r\nabc" GET HOST "\r\n",
                  POST "Content-Length:3\r\n\r\nabc" GET "\r\n");
    assert_passes(POST HOST "Content-Length: 3\r\ncontent-length: 3 \r\n\r\nGET",
                  POST "Content-Length:3\r\n\r\nGET");
    assert_passes(POST HOST "Content-Length: 0\r\n\r\n" GET HOST "\r\n",
                  POST "Content-Length:0\r\n\r\n" GET "\r\n");
}

static void chunks_lose_what_is_no_data(void **state)
{
    (void)state;
#define CHUNKED "transfer-encoding: Chunked\r\n\r\n"
    const char plain[] = POST "transfer-encoding:Chunked\r\n\r\n";
    char out[256];
    snprintf(out, sizeof out, "%s5\r\nhello\r\n00\r\n\r\n" GET "\r\n", plain);
    assert_passes(POST HOST CHUNKED "5\r\nhello\r\n00\r\n\r\n" GET HOST "\r\n", out);
    assert_passes(
        POST HOST CHUNKED "5;name=\"va;lue\"\r\nhello\r\n00 \t; x\r\n\r\n" GET HOST "\r\n", out);
    assert_passes(POST HOST CHUNKED "5;\r\nhello\r\n00\r\nTrailer: x\r\nX:\r\n\r\n" GET HOST "\r\n",
                  out);
    snprintf(out, sizeof out, "%s00A\r\n\r\n3\r\n\r\n0\r\n\r\n0\r\n\r\n", plain);
    assert_passes(POST HOST CHUNKED "00A\r\n\r\n3\r\n\r\n0\r\n\r\n0\r\n\r\n", out);
}

static void expect_passes_where_a_body_follows(void **state)
{
    (void)state;
    assert_passes(POST HOST "Content-Length: 1\r\nExpect: 100-Continue\r\nX: y\r\n\r\nz",
                  POST "Content-Length:1\r\nExpect:100-continue\r\n\r\nz");
    assert_passes(POST HOST "Expect:100-continue\r\nContent-Length: 0\r\n\r\n",
                  POST "Content-Length:0\r\n\r\n");
    assert_passes(GET HOST "Expect:100-continue\r\n\r\n", GET "\r\n");
    assert_passes("GET /a HTTP/1.0\r\nExpect:100-continue\r\nContent-Length:1\r\n\r\nz",
                  "GET /a HTTP/1.0\r\nContent-Length:1\r\nExpect:100-continue\r\n\r\nz");
    assert_passes(POST HOST "Expect: tea\r\nContent-Length: 1\r\n\r\nz",
                  POST "Content-Length:1\r\n\r\nz");
}

static void what_closes_ends_the_bytes_that_count(void **state)
{
    (void)state;
    assert_passes(GET HOST "Connection: close\r\n\r\n" GET "bad", GET "Connection:close\r\n\r\n");
    assert_passes(GET HOST "connection: x, Close ,y\r\n\r\nGET", GET "Connection:close\r\n\r\n");
    assert_passes(GET HOST "Connection: closed, keep-alive\r\n\r\n" GET HOST "\r\n",
                  GET "\r\n" GET "\r\n");
    assert_passes("GET / HTTP/1.0\r\n\r\nGET", "GET / HTTP/1.0\r\n\r\n");
    assert_passes("GET / HTTP/1.0\r\nConnection:keep-alive\r\n\r\nGET / HTTP/1.0\r\n\r\n",
                  "GET / HTTP/1.0\r\nConnection:keep-alive\r\n\r\nGET / HTTP/1.0\r\n\r\n");
    assert_passes(POST HOST "Connection:close\r\nContent-Length:1\r\n\r\nab",
                  POST "Content-Length:1\r\nConnection:close\r\n\r\na");
}

static void blanks_take_no_room(void **state)
{
    (void)state;
    char in[4096], out[256];
    snprintf(in, sizeof in, GET HOST "Accept:%3000sx%*s\r\n\r\n", "", 500, "");
    snprintf(out, sizeof out, GET "Accept:x\r\n\r\n");
    struct result result = feed(in, strlen(in), 10000, 10000);
    assert_string_equal(result.out, out);
    free(result.out);
}

static void faults_are_told_apart(void **state)
{
    (void)state;
#define TEXT_(text) text, sizeof text - 1
    static const struct {
        const char *in;
        size_t bytes;
        enum framing_fault fault;
    } cases[] = {
        {TEXT_("\x16\x03\x01"), FRAMING_REQUEST_LINE},
        {TEXT_("GET"
               "\t/ HTTP/1.1\r\n"),
         FRAMING_REQUEST_LINE},
        {TEXT_("GET  / HTTP/1.1\r\n"), FRAMING_REQUEST_LINE},
        {TEXT_("GET / HTTP/1.1 \r\n"), FRAMING_REQUEST_LINE},
        {TEXT_("GET /\r\n"), FRAMING_REQUEST_LINE},
        {TEXT_(" GET / HTTP/1.1\r\n"), FRAMING_REQUEST_LINE},
        {TEXT_("GET / HTTP/1.1\n"), FRAMING_REQUEST_LINE},
        {TEXT_("GET / http/1.1\r\n"), FRAMING_REQUEST_LINE},
        {TEXT_("GET / HTTP/11.1\r\n"), FRAMING_REQUEST_LINE},
        {TEXT_("AAAAAAAAAABBBBBBBBBBCCCCCCCCCCDDDDDDDDDD / HTTP/1.1\r\n"), FRAMING_REQUEST_LINE},
        {TEXT_("PRI * HTTP/2.0\r\n"), FRAMING_VERSION},
        {TEXT_("GET / HTTP/0.9\r\n"), FRAMING_VERSION},
        {TEXT_("GET * HTTP/1.1\r\n"), FRAMING_TARGET},
        {TEXT_("GET a HTTP/1.1\r\n"), FRAMING_TARGET},
        {TEXT_("CONNECT host:443 HTTP/1.1\r\n"), FRAMING_TARGET},
        {TEXT_("GET http:///a HTTP/1.1\r\n"), FRAMING_TARGET},
        {TEXT_("GET ftp://a/ HTTP/1.1\r\n"), FRAMING_TARGET},
        {TEXT_("GET /a%00b HTTP/1.1\r\n"), FRAMING_TARGET},
        {TEXT_("GET /a\0b HTTP/1.1\r\n"), FRAMING_REQUEST_LINE},
        {TEXT_("GET /a?\x7F HTTP/1.1\r\n"), FRAMING_REQUEST_LINE},
        {TEXT_("GET /a\tb HTTP/1.1\r\n"), FRAMING_TARGET},
        {TEXT_("GET /a\rb HTTP/1.1\r\n"), FRAMING_REQUEST_LINE},
        {TEXT_(GET "Host : x\r\n"), FRAMING_HEADER},
        {TEXT_(GET "Content-Length\t: 1\r\n"), FRAMING_HEADER},
        {TEXT_(GET ": x\r\n"), FRAMING_HEADER},
        {TEXT_(GET "x\r\n"), FRAMING_HEADER},
        {TEXT_(GET "\xC3\xA9: x\r\n"), FRAMING_HEADER},
        {TEXT_(GET " x: y\r\n"), FRAMING_HEADER},
        {TEXT_(GET "X: y\r\n z\r\n"), FRAMING_HEADER},
        {TEXT_(GET "Transfer-\r\n Encoding: chunked\r\n"), FRAMING_HEADER},
        {TEXT_(GET "X: y\n"), FRAMING_HEADER},
        {TEXT_(GET "X: y\rz\r\n"), FRAMING_HEADER},
        {TEXT_(GET "X: y\0z\r\n"), FRAMING_HEADER},
        {TEXT_(GET "X: \x7F\r\n"), FRAMING_HEADER},
        {TEXT_(GET HOST "\n"), FRAMING_HEADER},
        {TEXT_(GET "\r\n"), FRAMING_HOST},
        {TEXT_(GET HOST HOST "\r\n"), FRAMING_HOST},
        {TEXT_(GET "Host: a, b\r\n\r\n"), FRAMING_HOST},
        {TEXT_(GET "Host: a b\r\n\r\n"), FRAMING_HOST},
        {TEXT_(POST HOST "Content-Length: \r\n"), FRAMING_AMBIGUOUS},
        {TEXT_(POST HOST "Content-Length: +1\r\n"), FRAMING_AMBIGUOUS},
        {TEXT_(POST HOST "Content-Length: 0x1\r\n"), FRAMING_AMBIGUOUS},
        {TEXT_(POST HOST "Content-Length: 1, 1\r\n"), FRAMING_AMBIGUOUS},
        {TEXT_(POST HOST "Content-Length: 1\r\nContent-Length: 2\r\n"), FRAMING_AMBIGUOUS},
        {TEXT_(POST HOST "Content-Length: 1000000000000000000\r\n"), FRAMING_LENGTH_LONG},
        {TEXT_(POST HOST "Content-Length: 41\0abc\r\n"), FRAMING_HEADER},
        {TEXT_(POST HOST "Transfer-Encoding: chunked\0x\r\n"), FRAMING_HEADER},
        {TEXT_(POST HOST "Transfer-Encoding: gzip\r\n"), FRAMING_AMBIGUOUS},
        {TEXT_(POST HOST "Transfer-Encoding: gzip, chunked\r\n"), FRAMING_AMBIGUOUS},
        {TEXT_(POST HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
         FRAMING_AMBIGUOUS},
        {TEXT_(POST HOST "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n"),
         FRAMING_AMBIGUOUS},
        {TEXT_("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), FRAMING_AMBIGUOUS},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_passes_n(cases[i].in, cases[i].bytes, "", cases[i].fault);
}

static void faults_in_chunks_let_pass_what_came_before(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
        enum framing_fault fault;
    } cases[] = {
        {"\r\n", "", FRAMING_CHUNK},
        {"g\r\n", "", FRAMING_CHUNK},
        {"-1\r\n", "", FRAMING_CHUNK},
        {"0x5\r\n", "0", FRAMING_CHUNK},
        {"5\n", "5", FRAMING_CHUNK},
        {"5 \r\n", "5", FRAMING_CHUNK},
        {"5\r5", "5\r", FRAMING_CHUNK},
        {"5;a\nhello", "5", FRAMING_CHUNK},
        {"2\r\nabc\r\n", "2\r\nab", FRAMING_CHUNK},
        {"2\r\nab\n", "2\r\nab", FRAMING_CHUNK},
        {"2\r\nab\r\r", "2\r\nab\r", FRAMING_CHUNK},
        {"0\r\n\n", "0\r\n", FRAMING_HEADER},
        {"0\r\n x: y\r\n", "0\r\n", FRAMING_HEADER},
        {"0\r\nx: y\n", "0\r\n", FRAMING_HEADER},
        {"0\r\nx y\r\n", "0\r\n", FRAMING_HEADER},
        {"00000000000000005\r\n", "0000000000000000", FRAMING_CHUNK_LONG},
        {"7fffffffffffffff\r\n", "7fffffffffffffff", FRAMING_CHUNK_LONG},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char in[256], out[256];
        snprintf(in, sizeof in, POST HOST "Transfer-Encoding:chunked\r\n\r\n%s", cases[i].in);
        snprintf(out, sizeof out, POST "Transfer-Encoding:chunked\r\n\r\n%s", cases[i].out);
        assert_passes_n(in, strlen(in), out, cases[i].fault);
    }
}

/* A request whose head has exactly `bytes`. */
static char *head_of(size_t bytes, const char *before, const char *after)
{
    char *head = malloc(bytes + 1);
    size_t n = strlen(before), m = strlen(after);
    memcpy(head, before, n);
    memset(head + n, 'x', bytes - n - m);
    memcpy(head + bytes - m, after, m + 1);
    return head;
}

static void heads_are_counted_to_the_byte(void **state)
{
    (void)state;
    static const struct {
        const char *before, *after;
        enum framing_fault fault;
    } shapes[] = {
        {GET HOST "Cookie: ", "\r\n\r\n", FRAMING_HEAD_LONG},
        {"GET /a?", " HTTP/1.1\r\n" HOST "\r\n", FRAMING_HEAD_LONG},
        {"GET /a?", " HTTP/1.1\r\n", FRAMING_TARGET_LONG},
        {"GET /a?", "", FRAMING_TARGET_LONG},
    };
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        for (size_t bytes = HEAD_MAX - 3; bytes <= HEAD_MAX + 3; bytes++) {
            char *in = head_of(bytes, shapes[i].before, shapes[i].after);
            enum framing_fault fault = bytes > HEAD_MAX ? shapes[i].fault : FRAMING_SOUND;
            for (size_t piece = 1; piece < 10000; piece *= 33) {
                struct result result = feed(in, bytes, piece, 10000);
                assert_int_equal(result.fault, fault);
                free(result.out);
            }
            free(in);
        }
    }
    for (size_t bytes = 1020; bytes < 1030; bytes++) {
        char *in = head_of(bytes + 22, "GET ", " HTTP/1.0\r\n\r\n");
        in[4] = '/';
        struct result result = feed(in, strlen(in), 10000, 10000);
        size_t path = strlen(in) - 4 - 13;
        assert_int_equal(result.fault, path > 1024 ? FRAMING_TARGET_LONG : FRAMING_SOUND);
        free(result.out);
        free(in);
    }
}

static void values_are_left_out_where_they_are_too_long_to_matter(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum framing_fault fault;
    } cases[] = {{"accept", FRAMING_SOUND},
                 {"accept-encoding", FRAMING_SOUND},
                 {"origin", FRAMING_SOUND},
                 {"access-control-request-headers", FRAMING_SOUND},
                 {"inference-header-content-length", FRAMING_VALUE_LONG},
                 {"x-request-id", FRAMING_SOUND},
                 {"cookie", FRAMING_SOUND},
                 {"content-type", FRAMING_VALUE_LONG},
                 {"content-encoding", FRAMING_VALUE_LONG}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (int n = 256; n <= 257; n++) {
            char in[1024], line[600];
            snprintf(line, sizeof line, "%s:%0*d\r\n", cases[i].name, n, 0);
            snprintf(in, sizeof in, GET HOST "%s\r\n", line);
            struct result result = feed(in, strlen(in), 10000, 10000);
            bool passes = n == 256 && strcmp(cases[i].name, "cookie") != 0;
            assert_int_equal(result.fault, n == 256 ? FRAMING_SOUND : cases[i].fault);
            assert_int_equal(strstr(result.out, line) != NULL, passes);
            free(result.out);
        }
    }
}

static void many_lines_that_pass_are_too_many(void **state)
{
    (void)state;
    char in[2048] = GET HOST;
    for (int i = 0; i < 4096 / (10 + 64); i++)
        strcat(in, "accept: a\r\n");
    struct result result = feed(in, strlen(in), 10000, 10000);
    assert_int_equal(result.fault, FRAMING_SOUND);
    free(result.out);
    strcat(in, "accept: a\r\n");
    result = feed(in, strlen(in), 10000, 10000);
    assert_int_equal(result.fault, FRAMING_HEADERS_LONG);
    free(result.out);
}

static void long_lines_that_pass_are_too_long_together(void **state)
{
    (void)state;
    for (int n = 12; n <= 13; n++) {
        char in[8192] = GET HOST;
        for (int i = 0; i < n; i++)
            sprintf(in + strlen(in), "accept-encoding:%0*d\r\n", 256, 0);
        strcat(in, "\r\n");
        struct result result = feed(in, strlen(in), 10000, 10000);
        assert_int_equal(result.fault, n == 12 ? FRAMING_SOUND : FRAMING_HEADERS_LONG);
        free(result.out);
    }
}

static void every_fault_has_a_whole_reply(void **state)
{
    (void)state;
    for (int fault = FRAMING_SOUND + 1; fault < FRAMING_FAULTS; fault++) {
        char reply[FRAMING_REPLY_BYTES], start[32];
        size_t bytes = framing_write_reply((enum framing_fault)fault, reply);
        assert_int_equal(bytes, strlen(reply));
        snprintf(start, sizeof start, "HTTP/1.1 %u ", framing_status((enum framing_fault)fault));
        assert_memory_equal(reply, start, strlen(start));
        const char *length = strstr(reply, "Content-Length: "), *body = strstr(reply, "\r\n\r\n");
        assert_int_equal(strlen(body + 4), strtoul(length + 16, NULL, 10));
        assert_non_null(strstr(reply, "Connection: close"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_lines_that_are_read_pass),
        cmocka_unit_test(what_nearly_everyone_sends_passes_where_it_is_read),
        cmocka_unit_test(whoever_asks_for_the_root_says_how_they_would_have_it),
        cmocka_unit_test(of_long_lists_of_proxies_the_end_passes),
        cmocka_unit_test(a_key_that_is_too_long_passes_cut),
        cmocka_unit_test(what_comes_whole_needs_no_memory),
        cmocka_unit_test(targets_become_paths),
        cmocka_unit_test(short_and_plain_queries_pass_where_they_are_asked_for),
        cmocka_unit_test(bodies_end_where_they_say),
        cmocka_unit_test(chunks_lose_what_is_no_data),
        cmocka_unit_test(expect_passes_where_a_body_follows),
        cmocka_unit_test(what_closes_ends_the_bytes_that_count),
        cmocka_unit_test(blanks_take_no_room),
        cmocka_unit_test(faults_are_told_apart),
        cmocka_unit_test(faults_in_chunks_let_pass_what_came_before),
        cmocka_unit_test(heads_are_counted_to_the_byte),
        cmocka_unit_test(values_are_left_out_where_they_are_too_long_to_matter),
        cmocka_unit_test(many_lines_that_pass_are_too_many),
        cmocka_unit_test(long_lines_that_pass_are_too_long_together),
        cmocka_unit_test(every_fault_has_a_whole_reply),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
