/* SPDX-License-Identifier: Apache-2.0 */
/* Which settings name origins, and what pages of them are told. */
#include "handlers/cors.h"
#include "tests/unit/handlers/ask.h"

static void origins_are_taken_as_browsers_send_them(void **state)
{
    (void)state;
    static const struct {
        const char *origins;
        bool is_taken;
    } cases[] = {
        {"*", true},
        {"https://example.org", true},
        {"http://localhost:3000\nhttps://a-b.example.org:8443", true},
        {"http://127.0.0.1:1", true},
        {"http://[::1]:65535", true},
        {"http://[2001:db8::1]", true},
        {"chrome-extension://abcdefghijklmnop", true},
        {"capacitor://localhost", true},
        {"http://xn--fiq228c.example", true},
        {"http://a_b", true},
        {"", false},
        {"null", false},
        {"example.org", false},
        {"https://", false},
        {"://example.org", false},
        {"https:/example.org", false},
        {"https://example.org/", false},
        {"https://example.org/app", false},
        {"https://example.org?a", false},
        {"https://me@example.org", false},
        {"HTTPS://example.org", false},
        {"https://Example.org", false},
        {"https://*.example.org", false},
        {"https://example.org:443", false},
        {"http://example.org:80", false},
        {"http://example.org:443", true},
        {"https://example.org:", false},
        {"https://example.org:0", false},
        {"https://example.org:08", false},
        {"https://example.org:65536", false},
        {"https://example.org:100000", false},
        {"https://example.org:8x", false},
        {"http://[::1", false},
        {"http://[]", false},
        {"http://[::1]x", false},
        {"https://a\xC3\xA9", false},
        {" https://a", false},
        {"https://a,https://b", false},
        {"https://a\n*", false},
        {"https://a\n\nhttps://b", false},
        {"https://a\n", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct cors cors;
        struct err err = {0};
        if (cors_read(&cors, cases[i].origins, &err) != cases[i].is_taken)
            fail_msg("%s", cases[i].origins);
        if (cases[i].is_taken) continue;
        assert_int_equal(err.code, ERR_USAGE);
        assert_string_equal(err.param, "cors-origins");
    }
    char text[300] = "https://";
    for (size_t bytes = 256; bytes <= 257; bytes++) {
        memset(text + 8, 'a', bytes - 8);
        text[bytes] = '\0';
        assert_int_equal(cors_read(&(struct cors){0}, text, NULL), bytes == 256);
    }
}

static const struct exchange *get(struct ask *ask, const char *origin)
{
    ask_begin(ask)->origin = origin;
    return ask_send(ask, METHOD_GET, "/v1/models", "", 0);
}

static void only_pages_of_these_origins_may_read(void **state)
{
    struct ask *ask = *state;
    const struct cors cors = {.origins = "https://a.example\nhttp://b.example:8080"};
    assert_null(ask_header(get(ask, "https://a.example"), "access-control-allow-origin"));
    ask->service.cors = &cors;
    static const char *const allowed[] = {"https://a.example", "http://b.example:8080"};
    for (size_t i = 0; i < 2; i++) {
        const struct exchange *x = get(ask, allowed[i]);
        assert_string_equal(ask_header(x, "access-control-allow-origin"), allowed[i]);
        assert_string_equal(ask_header(x, "access-control-expose-headers"), "*");
        assert_null(ask_header(x, "access-control-allow-credentials"));
    }
    static const char *const others[] = {
        NULL,
        "",
        "null",
        "*",
        "https://a.exampl",
        "https://a.example.evil",
        "http://a.example",
        "https://a.example:444",
        "HTTPS://A.EXAMPLE",
        "http://b.example",
        "https://a.example\nhttp://b.example:8080",
        "b.example:8080",
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        const struct exchange *x = get(ask, others[i]);
        assert_int_equal(x->status, 200);
        assert_null(ask_header(x, "access-control-allow-origin"));
        assert_null(ask_header(x, "access-control-expose-headers"));
    }
    ask->service.cors = &(struct cors){.origins = NULL};
    assert_string_equal(ask_header(get(ask, "null"), "access-control-allow-origin"), "*");
    assert_null(ask_header(get(ask, NULL), "access-control-allow-origin"));
}

static const struct exchange *preflight(struct ask *ask, const char *origin, const char *method,
                                        const char *headers)
{
    struct exchange *x = ask_begin(ask);
    x->origin = origin;
    x->preflight.method = method;
    x->preflight.headers = headers;
    assert_null(handlers_find_route(x, METHOD_OPTIONS, "/v1/embeddings"));
    assert_int_equal(x->status, 204);
    assert_string_equal(ask_header(x, "allow"), "POST, OPTIONS");
    return x;
}

static void a_preflight_is_told_what_may_be_sent(void **state)
{
    struct ask *ask = *state;
    static const char *const names = "authorization,content-type, X-Stainless-OS";
    static const char *const none[] = {NULL, "", "a:b", "a\xC3\xA9", "a\tb", "<script>"};
    ask->service.cors = &(struct cors){.origins = "https://a.example"};
    const struct exchange *x = preflight(ask, "https://a.example", "POST", names);
    assert_string_equal(ask_header(x, "access-control-allow-origin"), "https://a.example");
    assert_string_equal(ask_header(x, "access-control-allow-methods"), "POST, OPTIONS");
    assert_string_equal(ask_header(x, "access-control-allow-headers"), names);
    assert_string_equal(ask_header(x, "access-control-max-age"), "7200");
    assert_null(ask_header(x, "access-control-allow-private-network"));
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        x = preflight(ask, "https://a.example", "POST", none[i]);
        assert_string_equal(ask_header(x, "access-control-allow-headers"), "authorization, *");
    }
    x = preflight(ask, "https://b.example", "POST", names);
    assert_null(ask_header(x, "access-control-allow-methods"));
    x = preflight(ask, "https://a.example", NULL, names);
    assert_null(ask_header(x, "access-control-allow-methods"));
    assert_string_equal(ask_header(x, "access-control-allow-origin"), "https://a.example");
}

static void every_reply_has_room_for_all_headers(void **state)
{
    struct ask *ask = *state;
    ask->service.cors = &(struct cors){.origins = NULL};
    ask->service.vary = "accept-encoding, origin";
    ask->service.timing_always = true;
    struct exchange *x = ask_begin(ask);
    x->origin = "https://a.example";
    x->preflight.method = "POST";
    x->preflight.is_private = true;
    assert_null(handlers_find_route(x, METHOD_OPTIONS, "/v1/embeddings"));
    assert_string_equal(ask_header(x, "access-control-allow-private-network"), "true");
    assert_true(x->n_headers < REPLY_HEADERS_MAX / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(origins_are_taken_as_browsers_send_them),
        cmocka_unit_test_setup_teardown(only_pages_of_these_origins_may_read, ask_open, ask_close),
        cmocka_unit_test_setup_teardown(a_preflight_is_told_what_may_be_sent, ask_open, ask_close),
        cmocka_unit_test_setup_teardown(every_reply_has_room_for_all_headers, ask_open, ask_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
