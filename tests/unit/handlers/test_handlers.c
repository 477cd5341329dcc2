/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/handlers/ask.h"

#include <sched.h>
#include <sys/syscall.h>
#include <time.h>

static void a_wrong_path_is_404(void **state)
{
    const struct exchange *x = ask_get(*state, "/v1/embedding");
    assert_int_equal(x->status, 404);
    assert_int_equal(x->sample.route, 0);
    assert_int_equal(x->sample.reject, REJECT_NOT_FOUND);
    assert_reply(x, 404,
                 "{\"error\":{\"message\":\"there is no route /v1/embedding; did you mean "
                 "/v1/embeddings?\",\"type\":\"invalid_request_error\",\"param\":null,\"code\":"
                 "\"not_found\"}}");
    assert_reply(ask_get(*state, "/nowhere/at/all"), 404,
                 "{\"error\":{\"message\":\"there is no route /nowhere/at/all; GET /openapi.json "
                 "lists them\",\"type\":\"invalid_request_error\",\"param\":null,\"code\":"
                 "\"not_found\"}}");
    assert_reply(ask_get(*state, "/tokenise"), 404,
                 "{\"error\":\"there is no route /tokenise; did you mean /tokenize?\","
                 "\"error_type\":\"Validation\"}");
    /* Cut between characters. */
    static const char *const heads[] = {"/", "/a", "/v1/models/", "/v1/models/a"};
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        char path[1024];
        size_t bytes = (size_t)snprintf(path, sizeof path, "%s", heads[i]);
        while (bytes + 3 < sizeof path)
            bytes += (size_t)snprintf(path + bytes, sizeof path - bytes, "é");
        x = ask_get(*state, path);
        assert_int_equal(x->status, 404);
        assert_null(memmem(x->reply, x->reply_bytes, "\xEF\xBF\xBD", 3));
    }
    /* Several APIs begin with /v1/. */
    assert_reply(ask_get(*state, "/v1/rerankk"), 404,
                 "{\"message\":\"there is no route /v1/rerankk; did you mean /v1/rerank?\","
                 "\"detail\":\"there is no route /v1/rerankk; did you mean /v1/rerank?\"}");
    assert_reply(ask_get(*state, "/v2/modelz/a/infer"), 404,
                 "{\"error\":\"there is no route /v2/modelz/a/infer; did you mean "
                 "/v2/models/{model}/infer?\"}");
}

static void a_wrong_method_is_405_with_allow(void **state)
{
    const struct exchange *x = ask_get(*state, "/v1/embeddings");
    assert_int_equal(x->status, 405);
    assert_int_equal(x->sample.reject, REJECT_METHOD);
    assert_string_equal(ask_header(x, "allow"), "POST, OPTIONS");
    x = ask_post(*state, "/health", "{}");
    assert_int_equal(x->status, 405);
    assert_string_equal(ask_header(x, "allow"), "GET, HEAD, OPTIONS");
}

static void options_and_head_are_answered_everywhere_they_belong(void **state)
{
    ask_begin(*state);
    const struct exchange *x = ask_send(*state, METHOD_OPTIONS, "/embed", "", 0);
    assert_reply(x, 204, "");
    assert_string_equal(ask_header(x, "allow"), "POST, OPTIONS");
    ask_begin(*state);
    assert_reply(ask_send(*state, METHOD_HEAD, "/", "", 0), 200, "embedd is running");
    ask_begin(*state);
    assert_int_equal(ask_send(*state, METHOD_HEAD, "/embed", "", 0)->status, 405);
    ask_begin(*state);
    assert_int_equal(ask_send(*state, METHOD_OTHER, "/", "", 0)->status, 405);
}

static void a_path_with_a_row_a_method_allows_both(void **state)
{
    const struct exchange *x = ask_post(*state, "/", "{\"inputs\":\"饭\"}");
    const unsigned route = x->sample.route;
    assert_reply(x, 200, "[[0.0,1]]");
    assert_string_equal(handlers_route_names()[route], "/");
    ask_begin(*state);
    x = ask_send(*state, METHOD_OPTIONS, "/", "", 0);
    assert_reply(x, 204, "");
    assert_string_equal(ask_header(x, "allow"), "GET, HEAD, POST, OPTIONS");
    ask_begin(*state);
    x = ask_send(*state, METHOD_OTHER, "/", "", 0);
    assert_int_equal(x->status, 405);
    assert_string_equal(ask_header(x, "allow"), "GET, HEAD, POST, OPTIONS");
    x = ask_get(*state, "/");
    assert_reply(x, 200, "embedd is running");
    /* One route in the metrics: its series would come twice otherwise. */
    assert_int_equal(x->sample.route, route);
}

static void route_names_match_their_routes(void **state)
{
    const char *const *names = handlers_route_names();
    assert_string_equal(names[0], "other");
    const struct exchange *x = ask_get(*state, "/v1/models/example");
    assert_string_equal(names[x->sample.route], "/v1/models/{id}");
    for (size_t i = 1; i < handlers_route_count(); i++)
        assert_non_null(names[i]);
}

static void body_types_other_than_json_are_415(void **state)
{
    static const struct {
        const char *type;
        unsigned status;
    } cases[] = {
        {NULL, 200},
        {"", 200},
        {"application/json", 200},
        {"Application/JSON; charset=utf-8", 200},
        {"application/vnd.api+json", 200},
        {"text/plain", 200},
        {"application/x-www-form-urlencoded", 200},
        {"text/html", 415},
        {"application/jsonx", 415},
        {"multipart/form-data; boundary=x", 415},
        {"application/octet-streams", 415},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ask_begin(*state)->content_type = cases[i].type;
        const struct exchange *x =
            ask_send(*state, METHOD_POST, "/v1/embeddings", "{\"input\":\"\"}", 12);
        assert_int_equal(x->status, cases[i].status);
        if (cases[i].status == 200) continue;
        assert_int_equal(x->sample.reject, REJECT_MEDIA_TYPE);
        assert_non_null(strstr(x->reply, "send JSON"));
    }
}

static void what_the_head_tells_is_refused_before_the_body(void **state)
{
    struct exchange *x = ask_begin(*state);
    assert_non_null(handlers_find_route(x, METHOD_POST, "/v1/embeddings"));
    assert_false(handlers_check_head(x, "br", 10));
    assert_int_equal(x->status, 415);
    assert_non_null(strstr(x->reply, "uncompressed"));
    x = ask_begin(*state);
    assert_non_null(handlers_find_route(x, METHOD_POST, "/v1/embeddings"));
    assert_false(handlers_check_head(x, NULL, (1 << 20) + 1));
    assert_int_equal(x->status, 413);
    assert_int_equal(x->sample.reject, REJECT_BODY_TOO_LARGE);
    assert_non_null(strstr(x->reply, "more than max-body-bytes, 1048576 bytes"));
    x = ask_begin(*state);
    assert_non_null(handlers_find_route(x, METHOD_POST, "/v1/embeddings"));
    assert_true(handlers_check_head(x, "identity", 1 << 20));
}

static void a_request_id_is_echoed_when_it_is_sane(void **state)
{
    char long_id[130];
    memset(long_id, 'x', 129);
    long_id[129] = '\0';
    static const char *const insane[] = {"", "tab\tbed", "line\nbreak", "caf\xC3\xA9"};
    ask_begin(*state)->request_id = long_id + 1;
    const struct exchange *x = ask_send(*state, METHOD_GET, "/live", "", 0);
    assert_string_equal(ask_header(x, "x-request-id"), long_id + 1);
    ask_begin(*state)->request_id = long_id;
    x = ask_send(*state, METHOD_GET, "/live", "", 0);
    assert_string_not_equal(ask_header(x, "x-request-id"), long_id);
    for (size_t i = 0; i < 4; i++) {
        ask_begin(*state)->request_id = insane[i];
        x = ask_send(*state, METHOD_GET, "/live", "", 0);
        assert_string_not_equal(ask_header(x, "x-request-id"), insane[i]);
    }
}

static void new_request_ids_differ(void **state)
{
    char ids[100][33];
    for (int i = 0; i < 100; i++) {
        const char *id = ask_header(ask_get(*state, "/live"), "x-request-id");
        assert_int_equal(strlen(id), 32);
        strcpy(ids[i], id);
        for (int j = 0; j < i; j++)
            assert_string_not_equal(ids[i], ids[j]);
    }
}

static void a_model_name_is_escaped_where_json_needs_it(void **state)
{
    (void)state;
    static const float rows[1] = {0};
    struct ask ask;
    ask_open_model(&ask, ask_make_model("a\n", rows, 1, 1,
                                        "{\"name\":\"a\\\"b\",\"tokenizer\":\"dictionary\"}"));
    const struct exchange *x = ask_post(&ask, "/v1/embeddings", "{\"input\":\"a\"}");
    assert_string_equal(ask_header(x, "x-embedd-model"), "a\"b");
    assert_reply(x, 200,
                 "{\"object\":\"list\",\"data\":[{\"object\":\"embedding\",\"index\":0,"
                 "\"embedding\":[<0>]}],\"model\":\"a\\\"b\",\"usage\":{\"prompt_tokens\":1,"
                 "\"total_tokens\":1}}");
    ask_end(&ask);
}

static void what_tells_how_the_service_is_is_vital(void **state)
{
    (void)state;
    static const char *const vital[] = {"/live", "/ready",          "/health",
                                        "/ping", "/v2/health/live", "/.well-known/ready",
                                        "/",     "/metrics"};
    static const char *const others[] = {"/v1/models", "/info", "/admin/models", "/nowhere", "*"};
    for (size_t i = 0; i < sizeof vital / sizeof *vital; i++) {
        assert_true(handlers_is_vital(METHOD_GET, vital[i]));
        assert_true(handlers_is_vital(METHOD_HEAD, vital[i]));
        assert_false(handlers_is_vital(METHOD_POST, vital[i])); /* POST / asks for vectors */
        assert_false(handlers_is_vital(METHOD_OPTIONS, vital[i]));
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_false(handlers_is_vital(METHOD_GET, others[i]));
    assert_false(handlers_is_vital(METHOD_POST, "/admin/reload"));
}

static void a_model_that_cannot_be_read_answers_nobody(void **state)
{
    struct ask *ask = *state;
    struct registry *own = ask->service.registry;
    struct err err;
    ask->service.registry = registry_new();
    struct model *model = ask_make_model(EXAMPLE_VOCAB, example_rows, EXAMPLE_V, EXAMPLE_D, "{}");
    assert_true(registry_put(ask->service.registry, "gone", model, NULL, &err));
    const struct snapshot *snapshot = registry_borrow_default(ask->service.registry);
    assert_int_equal(ask_post(ask, "/embed", "{\"inputs\":\"我\"}")->status, 200);
    registry_fail(ask->service.registry, snapshot);
    registry_give_back(ask->service.registry, snapshot);
    assert_reply(ask_post(ask, "/v1/embeddings", "{\"input\":\"我\"}"), 503,
                 "{\"error\":{\"message\":\"model 'gone' can no longer be read: its file was cut "
                 "short or its disk fails; it is served again after a reload\",\"type\":"
                 "\"server_error\",\"param\":null,\"code\":\"unavailable\"}}");
    assert_int_equal(ask->x.sample.reject, REJECT_MODEL_UNREADABLE);
    assert_int_equal(ask_post(ask, "/decode", "{\"ids\":[1]}")->status, 503);
    assert_int_equal(ask_post(ask, "/v1/embeddings", "{")->status, 400);
    assert_reply(ask_get(ask, "/ready"), 503, "{\"status\":\"model_unreadable\"}");
    assert_int_equal(ask_get(ask, "/v1/models")->status, 200);
    assert_int_equal(ask_get(ask, "/live")->status, 200);
    handlers_end(&ask->x);
    registry_free(ask->service.registry);
    ask->service.registry = own;
}

static void ready_says_when_the_service_drains_and_live_stays_what_it_is(void **state)
{
    struct ask *ask = *state;
    assert_reply(ask_get(ask, "/live"), 200, "{\"status\":\"ok\"}");
    assert_reply(ask_get(ask, "/ready"), 200, "{\"status\":\"ok\"}");
    const atomic_bool is_draining = true;
    ask->service.is_draining = &is_draining;
    assert_reply(ask_get(ask, "/live"), 200, "{\"status\":\"ok\"}");
    assert_reply(ask_get(ask, "/ready"), 503, "{\"status\":\"draining\"}");
    ask->service.is_draining = NULL;
}

static unsigned status_on(struct ask *ask, bool is_admin, enum method method, const char *path)
{
    ask_begin(ask)->is_admin = is_admin;
    return ask_send(ask, method, path, "{\"input\":\"a\"}", 13)->status;
}

static void an_admin_listener_has_its_routes_and_the_others_theirs(void **state)
{
    struct ask *ask = *state;
    static const struct {
        enum method method;
        const char *path;
        unsigned admin, other;
    } cases[] = {{METHOD_GET, "/metrics", 200, 404},        {METHOD_HEAD, "/metrics", 200, 404},
                 {METHOD_OPTIONS, "/metrics", 204, 404},    {METHOD_POST, "/metrics", 405, 404},
                 {METHOD_POST, "/v1/embeddings", 404, 200}, {METHOD_GET, "/v1/models", 404, 200},
                 {METHOD_POST, "/predict", 404, 424},       {METHOD_GET, "/live", 200, 200},
                 {METHOD_GET, "/ready", 200, 200},          {METHOD_GET, "/health", 200, 200},
                 {METHOD_GET, "/nowhere", 404, 404},        {METHOD_OPTIONS, "*", 204, 204}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const enum method method = cases[i].method;
        ask->service.has_admin = true;
        assert_int_equal(status_on(ask, true, method, cases[i].path), cases[i].admin);
        assert_int_equal(status_on(ask, false, method, cases[i].path), cases[i].other);
        ask->service.has_admin = false;
        const unsigned both = cases[i].other == 404 ? cases[i].admin : cases[i].other;
        assert_int_equal(status_on(ask, false, method, cases[i].path), both);
    }
}

static void metrics_speak_the_format_the_scraper_accepts(void **state)
{
    const struct exchange *x = ask_get(*state, "/metrics");
    assert_int_equal(x->status, 200);
    assert_string_equal(x->reply_type, metrics_content_type(false));
    ask_begin(*state)->accept = "application/openmetrics-text;version=1.0.0,text/plain;q=0.5";
    x = ask_send(*state, METHOD_GET, "/metrics", "", 0);
    assert_string_equal(x->reply_type, metrics_content_type(true));
}

static void server_timing_comes_when_it_is_asked_for(void **state)
{
    struct ask *ask = *state;
    ask_begin(ask)->wants_timing = true;
    const struct exchange *x =
        ask_send(ask, METHOD_POST, "/v1/embeddings", "{\"input\":\"\\u6211\"}", 18);
    assert_int_equal(x->status, 200);
    const char *timing = ask_header(x, "server-timing");
    assert_non_null(timing);
    double parse, tokenize, lookup, write;
    assert_int_equal(sscanf(timing,
                            "parse;dur=%lf, tokenize;dur=%lf, lookup;dur=%lf, write;dur=%lf",
                            &parse, &tokenize, &lookup, &write),
                     4);
    ask->service.timing_always = true;
    assert_non_null(ask_header(ask_post(ask, "/embed", "{\"inputs\":\"\"}"), "server-timing"));
    ask->service.timing_always = false;
    assert_null(ask_header(ask_post(ask, "/embed", "{\"inputs\":\"\"}"), "server-timing"));
}

/* Every way a value can be wrong: the status, the field it names, and a piece of what it says. */
static void wrong_values_are_named_with_limit_and_remedy(void **state)
{
#define E "/v1/embeddings"
#define I "/v1/ids"
    static const struct {
        const char *path, *body;
        unsigned status;
        const char *param, *says;
    } cases[] = {
        {E, "", 400, "null", "the body is empty; send a JSON object"},
        {E, "   ", 400, "null", "invalid JSON"},
        {E, "{\"input\":\"a\"", 400, "null", "invalid JSON"},
        {E, "{\"input\":\"a\"}x", 400, "null", "invalid JSON"},
        {E, "{\"input\":\"a\",\"input\":\"b\"}", 400, "null", "duplicate"},
        {E, "{\"x\":1,\"x\":2,\"input\":\"a\"}", 400, "null", "duplicate"},
        {E, "{\"input\":\"\xFF\"}", 400, "null", "invalid JSON"},
        {E, "{\"input\":\"\xC0\xAF\"}", 400, "null", "invalid JSON"},
        {E, "{\"input\":\"\\ud800\"}", 400, "null", "invalid JSON"},
        {E, "{\"input\":\"a\nb\"}", 400, "null", "invalid JSON"},
        {E, "{\"input\":\"a\",}", 400, "null", "invalid JSON"},
        {E, "{'input':'a'}", 400, "null", "invalid JSON"},
        {E, "[\"a\"]", 400, "null", "the body must be a JSON object"},
        {E, "\"a\"", 400, "null", "the body must be a JSON object"},
        {E, "{}", 400, "\"input\"", "input is missing; it must be a string, a list of strings"},
        {E, "{\"input\":null}", 400, "\"input\"", "input must be a string"},
        {E, "{\"input\":5}", 400, "\"input\"", "not a number"},
        {E, "{\"input\":{\"a\":1}}", 400, "\"input\"", "not an object"},
        {E, "{\"input\":[]}", 400, "\"input\"", "input is an empty list; send at least one"},
        {E, "{\"input\":[[]]}", 400, "\"input\"", "input[0] is an empty list"},
        {E, "{\"input\":[\"a\",null]}", 400, "\"input\"", "input[1] must be a string"},
        {E, "{\"input\":[\"a\",[1]]}", 400, "\"input\"", "input mixes texts and token ids"},
        {E, "{\"input\":[1.0]}", 400, "\"input\"", "input[0] must be a whole number, not 1.0"},
        {E, "{\"input\":\"a\",\"dimensions\":2e0}", 400, "\"dimensions\"", "to 2, not 2.0"},
        {E, "{\"input\":[1,1.5]}", 400, "\"input\"", "input[1] must be a whole number, not 1.5"},
        {E, "{\"input\":[1,\"a\"]}", 400, "\"input\"", "input[1] must be a whole number"},
        {E, "{\"input\":[1,-1]}", 400, "\"input\"", "input[1] is -1, but this model's vocabulary"},
        {E, "{\"input\":[6]}", 400, "\"input\"", "has 6 tokens; send ids from 0 to 5"},
        {E, "{\"input\":[[0],[1,6]]}", 400, "\"input\"", "input[1][1] is 6"},
        {E, "{\"input\":[9223372036854775807]}", 400, "\"input\"", "is 9223372036854775807"},
        {E, "{\"input\":[9223372036854775808]}", 400, "\"input\"",
         "input holds 9223372036854775808"},
        {E, "{\"input\":[1e999]}", 400, "\"input\"", "input holds 1e999, a number that is too"},
        {I, "{\"model\":\"1e9999\",\"x\":[{\"a\":1}],\"ids\":[1,-1e400]}", 400, "\"ids\"",
         "-1e400"},
        /* A number is to blame by the error's code, not by words that may be quoted in it. */
        {E, "{\"input\":1 \"too large\",\"dimensions\":1e999}", 400, "null",
         "invalid JSON at line 1"},
        {E, "{\"input\":[[[1]]]}", 400, "\"input\"",
         "input[0][0] must be a whole number, not a list"},
        {E, "{\"input\":{\"text\":\"a\"}}", 400, "\"input\"", "not an object"},
        {E, "{\"model\":[[[[[[[[[1]]]]]]]]],\"input\":\"a\"}", 400, "\"model\"", "not a list"},
        {E, "{\"input\":[\"\",\"\",\"\",\"\",\"\"]}", 413, "\"input\"", "max-inputs is 4"},
        {E, "{\"input\":\"\",\"dimensions\":0}", 400, "\"dimensions\"", "from 1 to 2, not 0"},
        {E, "{\"input\":\"\",\"dimensions\":-1}", 400, "\"dimensions\"", "from 1 to 2, not -1"},
        {E, "{\"input\":\"\",\"dimensions\":3}", 400, "\"dimensions\"", "from 1 to 2, not 3"},
        {E, "{\"input\":\"\",\"dimensions\":1.0}", 400, "\"dimensions\"", "a whole number"},
        {E, "{\"input\":\"\",\"dimensions\":\"12\"}", 400, "\"dimensions\"",
         "\\\"12\\\" (a string)"},
        {E, "{\"input\":\"\",\"encoding_format\":5}", 400, "\"encoding_format\"",
         "a string, not 5"},
        {E, "{\"input\":\"\",\"pooling\":\"cls\"}", 400, "\"pooling\"",
         "\\\"max\\\" or \\\"unit\\\""},
        {E, "{\"input\":\"\",\"pooling\":\"weighted\"}", 400, "\"pooling\"", "token weights"},
        {E, "{\"input\":\"\",\"normalize\":\"yes\"}", 400, "\"normalize\"", "true or false"},
        {E, "{\"input\":\"\",\"model\":5}", 400, "\"model\"", "model must be a string, not 5"},
        {I, "{}", 400, "\"text\"", "exactly one of text, tokens and ids; none was given"},
        {I, "{\"text\":\"a\",\"ids\":[1]}", 400, "\"ids\"", "more than one was given"},
        {I, "{\"tokens\":[\"我\",5]}", 400, "\"tokens\"",
         "tokens[1] must be a string, not a number"},
        {I, "{\"tokens\":[[\"我\"],[\"爱\",null]]}", 400, "\"tokens\"", "tokens[1][1] must be"},
        {I, "{\"tokens\":\"我\"}", 400, "\"tokens\"", "tokens must be a list of strings"},
        {I, "{\"tokens\":[]}", 400, "\"tokens\"", "tokens is an empty list"},
        {I, "{\"ids\":[]}", 400, "\"ids\"", "ids is an empty list"},
        {I, "{\"ids\":[\"1\"]}", 400, "\"ids\"", "ids[0] must be a list of token ids"},
        {I, "{\"ids\":1}", 400, "\"ids\"", "ids must be a list of token ids"},
        {I, "{\"ids\":[6]}", 400, "\"ids\"", "ids[0] is 6"},
        {I, "{\"text\":[1]}", 400, "\"text\"", "text[0] must be a string"},
        {I, "{\"text\":[]}", 400, "\"text\"", "text is an empty list"},
        {I, "{\"text\":[\"\",\"\",\"\",\"\",\"\"]}", 413, "\"text\"", "max-inputs is 4"},
        {I, "{\"text\":\"\",\"unknown\":\"drop\"}", 400, "\"unknown\"", "\\\"skip\\\""},
        {"/v1/onehot", "{\"text\":\"\",\"format\":\"csv\"}", 400, "\"format\"", "\\\"dense\\\""},
        {"/v1/onehot", "{\"text\":\"\",\"vocabulary\":1}", 400, "\"vocabulary\"", "\\\"model\\\""},
        {"/v1/onehot", "{\"text\":\"猫\"}", 422, "\"unknown\"", "is not in the dictionary"},
        {"/v1/lookup", "{\"text\":\"\",\"dimensions\":9}", 400, "\"dimensions\"", "from 1 to 2"},
        {"/v1/lookup", "{\"text\":\"\",\"encoding_format\":\"md5\"}", 400, "\"encoding_format\"",
         "\\\"float\\\" or \\\"base64\\\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct exchange *x = ask_post(*state, cases[i].path, cases[i].body);
        char reply[2048], param[64];
        snprintf(reply, sizeof reply, "%.*s", (int)x->reply_bytes, x->reply);
        snprintf(param, sizeof param, "\"param\":%s,\"code\":", cases[i].param);
        if (x->status != cases[i].status || !strstr(reply, param) || !strstr(reply, cases[i].says))
            fail_msg("%s: %u %s (wanted %u, %s, %s)", cases[i].body, x->status, reply,
                     cases[i].status, param, cases[i].says);
        struct err err;
        json_t *root = json_read(x->reply, x->reply_bytes, &err);
        assert_int_equal(json_object_size(json_object_get(root, "error")), 4);
        json_decref(root);
        assert_int_not_equal(x->sample.reject, REJECT_NONE);
    }
}

static void unusual_but_legal_bodies_are_taken(void **state)
{
    static const char *const bodies[] = {
        "\xEF\xBB\xBF{\"input\":\"\"}",
        " \t\r\n{ \"input\" : [ \"a\" , \"b\" ] } \n",
        "{\"input\":\"\\u0000\"}",
        "{\"in\\u0070ut\":\"a\"}",
        "{\"input\":\"\\ud83d\\ude00\"}",
        "{\"input\":\"a\",\"model\":null,\"dimensions\":null,\"encoding_format\":null}",
        "{\"input\":[ -0 ]}",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++)
        assert_int_equal(ask_post(*state, "/v1/embeddings", bodies[i])->status, 200);
}

static void nesting_a_hundred_thousand_deep_is_an_error(void **state)
{
    enum { DEEP = 100000 };
    char *body = malloc(2 * DEEP + 64);
    size_t bytes = (size_t)sprintf(body, "{\"input\":");
    memset(body + bytes, '[', DEEP);
    memset(body + bytes + DEEP, ']', DEEP);
    bytes += 2 * DEEP;
    body[bytes++] = '}';
    ask_begin(*state);
    const struct exchange *x = ask_send(*state, METHOD_POST, "/v1/embeddings", body, bytes);
    assert_int_equal(x->status, 400);
    assert_int_equal(x->sample.reject, REJECT_BAD_JSON);
    free(body);
}

static void memory_at_its_cap_is_413_whenever_it_comes(void **state)
{
    struct ask *ask = *state;
    static const char body[] = "{\"input\":[\"我爱\\u5403饭\",\"他\",[]]}";
    static const char good[] = "{\"input\":[\"我爱\\u5403饭\",\"他\"],\"model\":\"m\"}";
    const char *const bodies[] = {body, good};
    unsigned seen_413 = 0, seen_other = 0;
    arena_clear(&ask->arena);
    for (size_t cap = 512; cap < 16384; cap += 192) {
        for (size_t i = 0; i < 2; i++) {
            arena_init(&ask->arena, cap);
            const struct exchange *x = ask_post(ask, "/v1/embeddings", bodies[i]);
            assert_true(x->status == 413 || x->status == (i == 0 ? 400 : 200));
            seen_413 += x->status == 413;
            seen_other += x->status != 413;
            assert_true(ask->arena.used_bytes <= cap);
            arena_clear(&ask->arena);
        }
    }
    arena_init(&ask->arena, 16 << 20);
    assert_true(seen_413 > 0 && seen_other > 0);
}

/* ---- who goes first ---- */

static unsigned n_yields;
static bool is_slow; /* each look at the clock finds a turn over */

/* These two instead of the C library's. */
int sched_yield(void)
{
    n_yields++;
    return 0;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    static time_t second = 1;
    if (!is_slow) return (int)syscall(SYS_clock_gettime, clock, now);
    *now = (struct timespec){.tv_sec = second++};
    return 0;
}

static void long_work_lets_others_go_first_on_a_worker_alone(void **state)
{
    struct ask *ask = *state;
    static const char *const requests[][2] = {
        {"/embed", "{\"inputs\":["},
        {"/tokenize", "{\"inputs\":["},
        {"/rerank", "{\"query\":\"他\",\"texts\":["},
    };
    static char body[1 << 16];
    is_slow = true;
    ask->service.inputs_max = 2048;
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        size_t n = (size_t)snprintf(body, sizeof body, "%s\"他\"", requests[i][1]);
        for (int k = 1; k < 2000; k++)
            n += (size_t)snprintf(body + n, sizeof body - n, ",\"我爱吃饭\"");
        snprintf(body + n, sizeof body - n, "]}");
        n_yields = 0;
        assert_int_equal(ask_post(ask, requests[i][0], body)->status, 200);
        assert_in_range(n_yields, 2000 / 16, 2 * 2000);
        n_yields = 0;
        ask_begin(ask)->work_max = SIZE_MAX;
        assert_int_equal(ask_send(ask, METHOD_POST, requests[i][0], body, strlen(body))->status,
                         200);
        assert_int_equal(n_yields, 0);
    }
    is_slow = false;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wrong_path_is_404),
        cmocka_unit_test(a_wrong_method_is_405_with_allow),
        cmocka_unit_test(options_and_head_are_answered_everywhere_they_belong),
        cmocka_unit_test(a_path_with_a_row_a_method_allows_both),
        cmocka_unit_test(route_names_match_their_routes),
        cmocka_unit_test(body_types_other_than_json_are_415),
        cmocka_unit_test(what_the_head_tells_is_refused_before_the_body),
        cmocka_unit_test(a_request_id_is_echoed_when_it_is_sane),
        cmocka_unit_test(new_request_ids_differ),
        cmocka_unit_test(a_model_name_is_escaped_where_json_needs_it),
        cmocka_unit_test(what_tells_how_the_service_is_is_vital),
        cmocka_unit_test(a_model_that_cannot_be_read_answers_nobody),
        cmocka_unit_test(ready_says_when_the_service_drains_and_live_stays_what_it_is),
        cmocka_unit_test(metrics_speak_the_format_the_scraper_accepts),
        cmocka_unit_test(server_timing_comes_when_it_is_asked_for),
        cmocka_unit_test(wrong_values_are_named_with_limit_and_remedy),
        cmocka_unit_test(unusual_but_legal_bodies_are_taken),
        cmocka_unit_test(an_admin_listener_has_its_routes_and_the_others_theirs),
        cmocka_unit_test(nesting_a_hundred_thousand_deep_is_an_error),
        cmocka_unit_test(memory_at_its_cap_is_413_whenever_it_comes),
        cmocka_unit_test(long_work_lets_others_go_first_on_a_worker_alone),
    };
    return cmocka_run_group_tests(tests, ask_open, ask_close);
}
