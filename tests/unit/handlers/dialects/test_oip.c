/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/handlers/ask.h"

#define INFER "/v2/models/example/infer"
#define TEXTS(n, data)                                                                             \
    "{\"inputs\":[{\"name\":\"text\",\"datatype\":\"BYTES\",\"shape\":[" n "],\"data\":" data "}]" \
    "}"
#define IDS(type, shape, data)                                                                     \
    "{\"inputs\":[{\"name\":\"ids\",\"datatype\":\"" type "\",\"shape\":[" shape                   \
    "],\"data\":" data "}]}"
#define REPLY(n, data)                                                                             \
    "{\"model_name\":\"example\",\"model_version\":\"1\",\"outputs\":[{\"name\":\"embedding\","    \
    "\"datatype\":\"FP32\",\"shape\":[" n ",2],\"data\":[" data "]}]}"

static void texts_become_one_tensor(void **state)
{
    assert_reply(ask_post(*state, INFER, TEXTS("1", "[\"我爱吃饭\"]")), 200,
                 REPLY("1", "<0.9375>,<1.9375>"));
    assert_reply(ask_post(*state, INFER, TEXTS("3", "[\"我\",\"\",\"爱\"]")), 200,
                 REPLY("3", "<1>,<2>,<0>,<0>,<3>,<4>"));
    assert_reply(ask_post(*state, INFER, TEXTS("2,1", "[[\"我\"],[\"爱\"]]")), 200,
                 REPLY("2", "<1>,<2>,<3>,<4>"));
    assert_reply(ask_post(*state, INFER, TEXTS("2,1", "[\"我\",\"爱\"]")), 200,
                 REPLY("2", "<1>,<2>,<3>,<4>"));
}

static void ids_are_rows_with_padding(void **state)
{
    assert_reply(ask_post(*state, INFER, IDS("INT64", "2", "[1,2]")), 200, REPLY("1", "<2>,<3>"));
    static const char *const data[] = {"[1,2,5,-1]", "[[1,2],[5,-1]]", "[[1,2],[-1,5]]"};
    char body[256];
    for (size_t i = 0; i < 3; i++) {
        snprintf(body, sizeof body, IDS("INT32", "2,2", "%s"), data[i]);
        assert_reply(ask_post(*state, INFER, body), 200, REPLY("2", "<2>,<3>,<0>,<1>"));
    }
    assert_reply(ask_post(*state, INFER, IDS("INT64", "2,1", "[-1,4]")), 200,
                 REPLY("2", "<0>,<0>,<2>,<0>"));
}

static void what_names_the_request_comes_back(void **state)
{
    assert_reply(
        ask_post(*state, "/v2/models/any/infer",
                 "{\"id\":\"7\\n\",\"inputs\":[{\"name\":\"x\",\"datatype\":\"BYTES\","
                 "\"shape\":[1],\"data\":[\"你\"]}],\"outputs\":[{\"name\":\"embedding\"}]}"),
        200,
        "{\"model_name\":\"any\",\"model_version\":\"1\",\"id\":\"7\\n\",\"outputs\":[{"
        "\"name\":\"embedding\",\"datatype\":\"FP32\",\"shape\":[1,2],\"data\":[<2>,<0>]"
        "}]}");
}

static void parameters_cut_and_normalize(void **state)
{
    assert_reply(ask_post(*state, INFER,
                          "{\"inputs\":[{\"name\":\"x\",\"datatype\":\"BYTES\",\"shape\":[1],"
                          "\"data\":[\"爱\"]}],\"parameters\":{\"dimensions\":1,\"normalize\":true,"
                          "\"binary_data_output\":false}}"),
                 200,
                 "{\"model_name\":\"example\",\"model_version\":\"1\",\"outputs\":[{\"name\":"
                 "\"embedding\",\"datatype\":\"FP32\",\"shape\":[1,1],\"data\":[<1>]}]}");
}

/* -- binary tensors -- */

struct request {
    char bytes[1024];
    size_t json_bytes, n;
};

static void begin(struct request *request, const char *json)
{
    request->json_bytes = request->n = strlen(json);
    memcpy(request->bytes, json, request->n);
}

static void add(struct request *request, const void *data, size_t bytes)
{
    memcpy(request->bytes + request->n, data, bytes);
    request->n += bytes;
}

static void add_text(struct request *request, const char *text)
{
    const uint32_t bytes = (uint32_t)strlen(text);
    add(request, &bytes, sizeof bytes);
    add(request, text, bytes);
}

static const struct exchange *send_as(struct ask *ask, const struct request *request,
                                      const char *length)
{
    struct exchange *x = ask_begin(ask);
    x->inference_header_length = length;
    x->content_type = "application/octet-stream";
    return ask_send(ask, METHOD_POST, INFER, request->bytes, request->n);
}

static const struct exchange *send_binary(struct ask *ask, const struct request *request)
{
    char length[32];
    snprintf(length, sizeof length, "%zu", request->json_bytes);
    return send_as(ask, request, length);
}

#define BINARY(type, shape, bytes, more)                                                           \
    "{\"inputs\":[{\"name\":\"x\",\"datatype\":\"" type "\",\"shape\":[" shape                     \
    "],\"parameters\":{\"binary_data_size\":" bytes "}}]" more "}"

static void texts_may_be_binary(void **state)
{
    struct request request;
    begin(&request, BINARY("BYTES", "3", "18", ""));
    add_text(&request, "我");
    add_text(&request, "");
    add_text(&request, "爱");
    assert_reply(send_binary(*state, &request), 200, REPLY("3", "<1>,<2>,<0>,<0>,<3>,<4>"));
}

static void ids_may_be_binary(void **state)
{
    static const int64_t wide[] = {1, 2, 5, -1};
    static const int32_t narrow[] = {1, 2, 5, -1};
    struct request request;
    begin(&request, BINARY("INT64", "2,2", "32", ""));
    add(&request, wide, sizeof wide);
    assert_reply(send_binary(*state, &request), 200, REPLY("2", "<2>,<3>,<0>,<1>"));
    begin(&request, BINARY("INT32", "2,2", "16", ""));
    add(&request, narrow, sizeof narrow);
    assert_reply(send_binary(*state, &request), 200, REPLY("2", "<2>,<3>,<0>,<1>"));
}

static void a_reply_may_be_binary(void **state)
{
    static const char head[] =
        "{\"model_name\":\"example\",\"model_version\":\"1\",\"outputs\":[{\"name\":\"embedding\","
        "\"datatype\":\"FP32\",\"shape\":[2,2],\"parameters\":{\"binary_data_size\":16}}]}";
    static const float vectors[] = {1, 2, 3, 4};
    static const char *const wishes[] = {
        ",\"parameters\":{\"binary_data_output\":true}",
        ",\"outputs\":[{\"name\":\"embedding\",\"parameters\":{\"binary_data\":true}}]",
        ",\"parameters\":{\"binary_data_output\":false},\"outputs\":[{\"name\":\"embedding\","
        "\"parameters\":{\"binary_data\":true}}]"};
    for (size_t i = 0; i < 3; i++) {
        char json[512], length[32];
        snprintf(json, sizeof json, BINARY("BYTES", "2", "14", "%s"), wishes[i]);
        struct request request;
        begin(&request, json);
        add_text(&request, "我");
        add_text(&request, "爱");
        const struct exchange *x = send_binary(*state, &request);
        assert_int_equal(x->status, 200);
        assert_string_equal(x->reply_type, "application/octet-stream");
        snprintf(length, sizeof length, "%zu", sizeof head - 1);
        assert_string_equal(ask_header(x, "Inference-Header-Content-Length"), length);
        assert_int_equal(x->reply_bytes, sizeof head - 1 + sizeof vectors);
        assert_memory_equal(x->reply, head, sizeof head - 1);
        assert_memory_equal(x->reply + sizeof head - 1, vectors, sizeof vectors);
    }
}

static void an_output_may_refuse_to_be_binary(void **state)
{
    assert_reply(ask_post(*state, INFER,
                          "{\"inputs\":[{\"name\":\"x\",\"datatype\":\"BYTES\",\"shape\":[1],"
                          "\"data\":[\"我\"]}],\"parameters\":{\"binary_data_output\":true},"
                          "\"outputs\":[{\"name\":\"embedding\",\"parameters\":{\"binary_data\":"
                          "false}}]}"),
                 200, REPLY("1", "<1>,<2>"));
}

static void broken_binary_data_is_refused(void **state)
{
    static const char *const lengths[] = {"",     "-1", "1e2", "99999999999999999999999999",
                                          "1025", "0",  "5"};
    struct request request;
    begin(&request, BINARY("BYTES", "1", "7", ""));
    add_text(&request, "我");
    assert_int_equal(send_binary(*state, &request)->status, 200);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
        assert_int_equal(send_as(*state, &request, lengths[i])->status, 400);
    assert_int_equal(send_as(*state, &request, NULL)->status, 415);
    static const char *const wrong[] = {
        BINARY("BYTES", "1", "6", ""),
        BINARY("BYTES", "1", "8", ""),
        BINARY("BYTES", "2", "7", ""),
        BINARY("INT64", "1", "7", ""),
        BINARY("INT32", "1", "7", ""),
        BINARY("BYTES", "1", "-7", ""),
        BINARY("BYTES", "1", "\"7\"", ""),
        TEXTS("1", "[\"a\"]"),
        "{\"inputs\":[{\"name\":\"x\",\"datatype\":\"BYTES\",\"shape\":[1]}]}"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        begin(&request, wrong[i]);
        add_text(&request, "我");
        const struct exchange *x = send_binary(*state, &request);
        assert_int_equal(x->status, 400);
        assert_memory_equal(x->reply, "{\"error\":\"", 10);
    }
    static const char *const texts[] = {"\x04\0\0\0abc", "\x02\0\0\0abc", "\x03\0\0\0\xff\xff\xff",
                                        "\xff\xff\xff\xff"
                                        "abc",
                                        "\x03\0\0\x80"
                                        "abc"};
    for (size_t i = 0; i < 5; i++) {
        begin(&request, BINARY("BYTES", "1", "7", ""));
        add(&request, texts[i], 7);
        assert_int_equal(send_binary(*state, &request)->status, 400);
    }
}

/* -- errors, and what there is -- */

static void errors_are_one_string(void **state)
{
    static const char *const cases[][2] = {
        {"{}",
         "inputs must be a list of one tensor, an object with name, datatype, shape and data"},
        {"{\"inputs\":[{},{}]}",
         "inputs must be a list of one tensor, an object with name, datatype, shape and data"},
        {"{\"inputs\":[{}]}", "inputs[0].datatype is missing; it must be BYTES (texts), INT64 or "
                              "INT32 (token ids)"},
        {TEXTS("1", "[1]"), "inputs[0].data must hold the 1 elements of its shape, each a string"},
        {TEXTS("2", "[\"a\"]"),
         "inputs[0].data must hold the 2 elements of its shape, each a string"},
        {TEXTS("1", "[\"a\",\"b\"]"),
         "inputs[0].data must hold the 1 elements of its shape, each a string"},
        {TEXTS("2", "[\"a\",null]"), "inputs[0].data[1] must be a string, not null"},
        {TEXTS("1", "\"a\""),
         "inputs[0].data must hold the 1 elements of its shape, each a string"},
        {IDS("INT64", "2", "[1,\"a\"]"),
         "inputs[0].data must hold the 2 elements of its shape, each a whole number"},
        {IDS("INT64", "2,2", "[[1,2],[3]]"),
         "inputs[0].data must hold the 4 elements of its shape, each a whole number"},
        {IDS("INT64", "1,2", "[1,6]"), "inputs[0].data[0][1] is 6, but this model's vocabulary has "
                                       "6 tokens; send ids from 0 to 5"},
        {IDS("INT64", "1,2", "[1,-2]"), "inputs[0].data[0][1] is -2, but this model's vocabulary "
                                        "has 6 tokens; send ids from 0 to 5"},
        {"{\"inputs\":[{\"name\":\"x\",\"datatype\":\"BYTES\",\"shape\":[1],\"data\":[\"a\"]}],"
         "\"outputs\":[{\"name\":\"scores\"}]}",
         "unexpected inference output 'scores' for model 'example'; it has one, 'embedding'"},
        {"{\"inputs\":[{\"name\":\"x\",\"datatype\":\"BYTES\",\"shape\":[1],\"data\":[\"a\"]}],"
         "\"outputs\":3}",
         "outputs must be a list of objects, not a number"},
        {"{\"inputs\":[{\"name\":\"x\",\"datatype\":\"BYTES\",\"shape\":[1],\"data\":[\"a\"]}],"
         "\"parameters\":{\"dimensions\":3}}",
         "parameters.dimensions must be a whole number from 1 to 2, not 3"},
        {"{\"inputs\":[{\"name\":\"x\",\"datatype\":\"BYTES\",\"shape\":[1],\"data\":[\"a\"]}],"
         "\"parameters\":3}",
         "parameters must be an object, not a number"},
        {"{\"inputs\":[{\"name\":\"x\",\"datatype\":\"BYTES\",\"shape\":[1],\"data\":[\"a\"],"
         "\"parameters\":true}]}",
         "inputs[0].parameters must be an object, not true"},
        {"{\"inputs\":[{\"name\":\"x\",\"datatype\":\"BYTES\",\"shape\":[1],\"data\":[\"a\"]}],"
         "\"outputs\":[{\"name\":\"embedding\",\"parameters\":\"binary_data\"}]}",
         "outputs.parameters must be an object, not a string"},
        {"{\"id\":7,\"inputs\":[]}", "id must be a string, not 7"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char want[512];
        snprintf(want, sizeof want, "{\"error\":\"%s\"}", cases[i][1]);
        assert_reply(ask_post(*state, INFER, cases[i][0]), 400, want);
    }
    static const char *const shapes[] = {
        "", "0", "-1", "1,2", "2,0", "\"1\"", "1.0", "1,1,1", "null", "1e9", "9223372036854775807"};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        char body[256];
        snprintf(body, sizeof body, TEXTS("%s", "[\"a\"]"), shapes[i]);
        const struct exchange *x = ask_post(*state, INFER, body);
        assert_int_equal(x->status, 400);
        assert_memory_equal(x->reply, "{\"error\":\"inputs[0].shape must be", 31);
    }
    assert_int_equal(ask_post(*state, INFER, "{\"inputs\":")->status, 400);
    assert_int_equal(ask_post(*state, INFER, TEXTS("5", "[\"\",\"\",\"\",\"\",\"\"]"))->status,
                     413);
}

#define METADATA                                                                                   \
    "{\"name\":\"example\",\"versions\":[\"1\"],\"platform\":\"embedd\",\"inputs\":[{\"name\":"    \
    "\"text\",\"datatype\":\"BYTES\",\"shape\":[-1]}],\"outputs\":[{\"name\":\"embedding\","       \
    "\"datatype\":\"FP32\",\"shape\":[-1,2]}]}"

static void a_model_has_the_version_that_it_has(void **state)
{
    static const char *const good[] = {"example", "example/versions/1", "any"};
    static const char *const bad[] = {"example/versions/2", "example/versions/1/versions/2"};
    char path[128];
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "/v2/models/%s", good[i]);
        assert_reply(ask_get(*state, path), 200, METADATA);
        strcat(path, "/ready");
        assert_reply(ask_get(*state, path), 200, "{\"name\":\"example\",\"ready\":true}");
        snprintf(path, sizeof path, "/v2/models/%s/infer", good[i]);
        assert_int_equal(ask_post(*state, path, TEXTS("1", "[\"我\"]"))->status, 200);
    }
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "/v2/models/%s", bad[i]);
        assert_reply(ask_get(*state, path), 404,
                     "{\"error\":\"model \\\"example\\\" has version \\\"1\\\", not \\\"2\\\"\"}");
        strcat(path, "/infer");
        assert_int_equal(ask_post(*state, path, TEXTS("1", "[\"我\"]"))->status, 404);
    }
    assert_reply(ask_get(*state, "/v2/models/example/config"), 404,
                 "{\"error\":\"model \\\"example/config\\\" is not served here\"}");
    assert_int_equal(ask_get(*state, "/v2/models/example/stats/ready")->status, 404);
    ((struct ask *)*state)->service.strict_model = true;
    assert_int_equal(ask_get(*state, "/v2/models/any")->status, 404);
    assert_int_equal(ask_get(*state, "/v2/models/any/ready")->status, 404);
    assert_int_equal(ask_post(*state, "/v2/models/any/infer", TEXTS("1", "[\"我\"]"))->status, 404);
    ((struct ask *)*state)->service.strict_model = false;
}

static void the_server_says_what_it_is_and_how_it_is(void **state)
{
    struct ask *ask = *state;
    assert_reply(ask_get(ask, "/v2"), 200,
                 "{\"name\":\"embedd\",\"version\":\"0.0.0\",\"extensions\":["
                 "\"binary_tensor_data\"]}");
    assert_reply(ask_get(ask, "/v2/health/live"), 200, "{\"live\":true}");
    assert_reply(ask_get(ask, "/v2/health/ready"), 200, "{\"ready\":true}");
    const atomic_bool is_draining = true;
    ask->service.is_draining = &is_draining;
    assert_reply(ask_get(ask, "/v2/health/live"), 200, "{\"live\":true}");
    assert_reply(ask_get(ask, "/v2/health/ready"), 503, "{\"ready\":false}");
    ask->service.is_draining = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_become_one_tensor),
        cmocka_unit_test(ids_are_rows_with_padding),
        cmocka_unit_test(what_names_the_request_comes_back),
        cmocka_unit_test(parameters_cut_and_normalize),
        cmocka_unit_test(texts_may_be_binary),
        cmocka_unit_test(ids_may_be_binary),
        cmocka_unit_test(a_reply_may_be_binary),
        cmocka_unit_test(an_output_may_refuse_to_be_binary),
        cmocka_unit_test(broken_binary_data_is_refused),
        cmocka_unit_test(errors_are_one_string),
        cmocka_unit_test(a_model_has_the_version_that_it_has),
        cmocka_unit_test(the_server_says_what_it_is_and_how_it_is),
    };
    return cmocka_run_group_tests(tests, ask_open, ask_close);
}
