/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/handlers/ask.h"

/* assert_reply, but for the duration, which differs each time and is checked to be there. */
static void assert_embedded(const struct exchange *x, const char *want)
{
    char got[4096];
    assert_int_equal(x->status, 200);
    assert_true(x->reply_bytes < sizeof got);
    memcpy(got, x->reply, x->reply_bytes);
    got[x->reply_bytes] = '\0';
    char *duration = strstr(got, ",\"total_duration\":");
    assert_non_null(duration);
    char *end;
    assert_true(strtoull(duration + 18, &end, 10) > 0);
    memmove(duration, end, strlen(end) + 1);
    char expanded[4096];
    ask_expand(want, expanded, sizeof expanded);
    assert_string_equal(got, expanded);
}

static void texts_become_vectors_of_length_1(void **state)
{
    assert_embedded(ask_post(*state, "/api/embed", "{\"model\":\"example\",\"input\":\"你\"}"),
                    "{\"embeddings\":[[<1>,<0>]],\"model\":\"example\",\"prompt_eval_count\":1}");
    assert_embedded(
        ask_post(*state, "/api/embed", "{\"model\":\"m:latest\",\"input\":[\"你\",\"\",\"饭饭\"]}"),
        "{\"embeddings\":[[<1>,<0>],[<0>,<0>],[<0>,<1>]],\"model\":\"m:latest\","
        "\"prompt_eval_count\":3}");
}

static void what_holds_nothing_gets_no_vectors(void **state)
{
    static const char *const bodies[] = {
        "{\"model\":\"m\"}", "{\"model\":\"m\",\"input\":null}", "{\"model\":\"m\",\"input\":\"\"}",
        "{\"model\":\"m\",\"input\":[]}", "{\"model\":\"m\",\"keep_alive\":0}"};
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        assert_reply(ask_post(*state, "/api/embed", bodies[i]), 200,
                     "{\"embeddings\":[],\"model\":\"m\"}");
        if (i < 2)
            assert_reply(ask_post(*state, "/api/embeddings", bodies[i]), 200, "{\"embedding\":[]}");
    }
    assert_reply(ask_post(*state, "/api/embeddings", "{\"model\":\"m\",\"prompt\":\"\"}"), 200,
                 "{\"embedding\":[]}");
}

static void a_prompt_becomes_a_vector_as_it_is(void **state)
{
    assert_reply(ask_post(*state, "/api/embeddings", "{\"model\":\"m\",\"prompt\":\"我爱吃饭\"}"),
                 200, "{\"embedding\":[<0.9375>,<1.9375>]}");
}

static void dimensions_are_taken_where_there_are_more(void **state)
{
    static const char *const all[] = {"0", "-1", "2", "4096", "null"};
    char body[256];
    for (size_t i = 0; i < 5; i++) {
        snprintf(body, sizeof body, "{\"model\":\"m\",\"input\":\"饭\",\"dimensions\":%s}", all[i]);
        assert_embedded(ask_post(*state, "/api/embed", body),
                        "{\"embeddings\":[[<0>,<1>]],\"model\":\"m\",\"prompt_eval_count\":1}");
    }
    assert_embedded(
        ask_post(*state, "/api/embed", "{\"model\":\"m\",\"input\":\"爱\",\"dimensions\":1}"),
        "{\"embeddings\":[[<1>]],\"model\":\"m\",\"prompt_eval_count\":1}");
}

static void what_clients_send_besides_does_no_harm(void **state)
{
    const struct exchange *x =
        ask_post(*state, "/api/embed",
                 "{\"model\":\"m\",\"input\":[\"你\"],\"options\":{\"num_ctx\":null,\"stop\":null,"
                 "\"top_p\":0.5},\"keep_alive\":\"5m\",\"truncate\":null}");
    assert_embedded(x, "{\"embeddings\":[[<1>,<0>]],\"model\":\"m\",\"prompt_eval_count\":1}");
    assert_null(ask_header(x, "x-embedd-ignored-fields"));
    x = ask_post(*state, "/api/embed", "{\"model\":\"m\",\"input\":\"你\",\"prompt\":\"x\"}");
    assert_string_equal(ask_header(x, "x-embedd-ignored-fields"), "1");
}

static void a_long_text_is_cut_unless_the_request_says_otherwise(void **state)
{
    struct ask *ask = *state;
    ask->service.input_tokens_max = 1;
    const struct exchange *x =
        ask_post(ask, "/api/embed", "{\"model\":\"m\",\"input\":[\"饭我\",\"你\"]}");
    assert_embedded(
        x, "{\"embeddings\":[[<0>,<1>],[<1>,<0>]],\"model\":\"m\",\"prompt_eval_count\":2}");
    assert_string_equal(ask_header(x, "x-embedd-truncated"), "1");
    x = ask_post(ask, "/api/embed", "{\"model\":\"m\",\"input\":\"饭我\",\"truncate\":false}");
    assert_reply(x, 400, "{\"error\":\"the input length exceeds the context length\"}");
    assert_int_equal(x->sample.reject, REJECT_TOO_MANY_TOKENS);
    ask->service.input_tokens_max = 0;
}

static void errors_are_one_string(void **state)
{
    static const char *const cases[][3] = {
        {"/api/embed", "", "missing request body"},
        {"/api/embed", "{\"input\":\"a\"}", "model is required"},
        {"/api/embed", "{\"model\":\"\",\"input\":\"a\"}", "model is required"},
        {"/api/embed", "{\"model\":3,\"input\":\"a\"}", "model must be a string, not 3"},
        {"/api/embed", "{\"model\":\"m\",\"input\":3}",
         "invalid input type: input must be a string or a list of strings, not a number"},
        {"/api/embed", "{\"model\":\"m\",\"input\":[\"a\",3]}",
         "invalid input type: input[1] must be a string, not a number"},
        {"/api/embed", "{\"model\":\"m\",\"input\":[1,2]}",
         "invalid input type: input[0] must be a string, not a number"},
        {"/api/embed", "{\"model\":\"m\",\"input\":\"a\",\"dimensions\":\"1\"}",
         "dimensions must be a whole number from -9223372036854775808 to 9223372036854775807, not "
         "\\\"1\\\" (a string)"},
        {"/api/embed", "{\"model\":\"m\",\"input\":\"a\",\"truncate\":3}",
         "truncate must be \\\"error\\\", \\\"right\\\", \\\"left\\\" or \\\"window\\\", not 3"},
        {"/api/embeddings", "{\"prompt\":\"a\"}", "model is required"},
        {"/api/embeddings", "{\"model\":\"m\",\"prompt\":[\"a\"]}",
         "prompt must be a string, not a list"},
        {"/api/show", "{}", "model is required"},
        {"/api/show", "{\"name\":[]}", "name must be a string, not a list"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char want[512];
        snprintf(want, sizeof want, "{\"error\":\"%s\"}", cases[i][2]);
        assert_reply(ask_post(*state, cases[i][0], cases[i][1]), 400, want);
    }
    const struct exchange *x = ask_post(*state, "/api/embed", "{\"model\":");
    assert_int_equal(x->status, 400);
    assert_int_equal(x->sample.reject, REJECT_BAD_JSON);
    assert_memory_equal(x->reply, "{\"error\":\"", 10);
    x = ask_post(*state, "/api/embed", "{\"model\":\"m\",\"input\":[\"\",\"\",\"\",\"\",\"\"]}");
    assert_int_equal(x->status, 413);
    assert_memory_equal(x->reply, "{\"error\":\"input holds 5 inputs", 30);
}

/* A second model, of one dimension. */
static void add_model(struct ask *ask, const char *name)
{
    static const float row[] = {2};
    assert_true(registry_put(ask->registry, name,
                             ask_make_model("我\n", row, 1, 1,
                                            "{\"name\":\"one\",\"tokenizer\":\"dictionary\","
                                            "\"pooling\":\"mean\",\"normalize\":false}"),
                             NULL, NULL));
}

static void a_name_is_found_with_its_tag_or_without(void **state)
{
    (void)state;
    struct ask ask;
    static const float row[] = {3};
    ask_open_model(&ask, ask_make_model("我\n", row, 1, 1,
                                        "{\"name\":\"three\",\"tokenizer\":\"dictionary\","
                                        "\"pooling\":\"mean\",\"normalize\":false}"));
    add_model(&ask, "two");
    static const char *const names[][2] = {
        {"three", "3"}, {"two", "2"}, {"two:latest", "2"}, {"three:latest", "3"}};
    char body[128], want[64];
    for (size_t i = 0; i < 4; i++) {
        snprintf(body, sizeof body, "{\"model\":\"%s\",\"prompt\":\"我\"}", names[i][0]);
        snprintf(want, sizeof want, "{\"embedding\":[<%s>]}", names[i][1]);
        assert_reply(ask_post(&ask, "/api/embeddings", body), 200, want);
    }
    static const char *const unknown[] = {"four", "two:7b", ":latest", "latest"};
    for (size_t i = 0; i < 4; i++) {
        snprintf(body, sizeof body, "{\"model\":\"%s\"}", unknown[i]);
        snprintf(want, sizeof want, "{\"error\":\"model '%s' not found\"}", unknown[i]);
        assert_reply(ask_post(&ask, "/api/embed", body), 404, want);
        assert_reply(ask_post(&ask, "/api/show", body), 404, want);
    }
    ask_end(&ask);
}

static void a_name_that_has_the_tag_itself_goes_first(void **state)
{
    (void)state;
    struct ask ask;
    static const float row[] = {3};
    ask_open_model(&ask, ask_make_model("我\n", row, 1, 1,
                                        "{\"name\":\"m\",\"tokenizer\":\"dictionary\","
                                        "\"pooling\":\"mean\",\"normalize\":false}"));
    add_model(&ask, "m:latest");
    assert_reply(ask_post(&ask, "/api/embeddings", "{\"model\":\"m:latest\",\"prompt\":\"我\"}"),
                 200, "{\"embedding\":[<2>]}");
    ask_end(&ask);
}

#define DETAILS                                                                                    \
    "\"details\":{\"parent_model\":\"\",\"format\":\"safetensors\",\"family\":\"static\","         \
    "\"families\":[\"static\"],\"parameter_size\":\"12\",\"quantization_level\":\"F32\"}"

static void lists_have_every_key_and_the_same_digest_each_time(void **state)
{
    const struct exchange *x = ask_get(*state, "/api/tags");
    assert_int_equal(x->status, 200);
    static const char head[] = "{\"models\":[{\"name\":\"example:latest\",\"model\":"
                               "\"example:latest\",\"size\":";
    assert_memory_equal(x->reply, head, sizeof head - 1);
    char digest[2][65] = {""}, tags[1024];
    memcpy(tags, x->reply, x->reply_bytes);
    tags[x->reply_bytes] = '\0';
    const char *at = strstr(tags, "\"digest\":\"");
    assert_non_null(at);
    memcpy(digest[0], at + 10, 64);
    assert_int_equal(strspn(digest[0], "0123456789abcdef"), 64);
    assert_string_equal(at + 10 + 64, "\"," DETAILS ",\"modified_at\":\"2023-11-14T22:13:20Z\"}]}");
    x = ask_get(*state, "/api/ps");
    memcpy(tags, x->reply, x->reply_bytes);
    tags[x->reply_bytes] = '\0';
    at = strstr(tags, "\"digest\":\"");
    assert_non_null(at);
    memcpy(digest[1], at + 10, 64);
    assert_string_equal(digest[0], digest[1]);
    assert_string_equal(at + 10 + 64,
                        "\"," DETAILS ",\"expires_at\":\"9999-12-31T23:59:59Z\",\"size_vram\":0,"
                        "\"context_length\":1048576}]}");
}

static void show_says_what_a_model_is(void **state)
{
    static const char *const bodies[] = {"{\"model\":\"example\"}",
                                         "{\"name\":\"example:latest\"}"};
    for (size_t i = 0; i < 2; i++)
        assert_reply(
            ask_post(*state, "/api/show", bodies[i]), 200,
            "{\"license\":\"\",\"modelfile\":\"\",\"parameters\":\"\",\"template\":\"{{ .Prompt }}"
            "\"," DETAILS ",\"model_info\":{\"general.architecture\":\"static\",\"general."
            "parameter_count\":12,\"static.context_length\":1048576,\"static.embedding_length\":2,"
            "\"tokenizer.ggml.model\":\"dictionary\"},\"capabilities\":[\"embedding\"],"
            "\"modified_at\":\"2023-11-14T22:13:20Z\"}");
}

static void version_is_the_programs(void **state)
{
    assert_reply(ask_get(*state, "/api/version"), 200, "{\"version\":\"0.0.0\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_become_vectors_of_length_1),
        cmocka_unit_test(what_holds_nothing_gets_no_vectors),
        cmocka_unit_test(a_prompt_becomes_a_vector_as_it_is),
        cmocka_unit_test(dimensions_are_taken_where_there_are_more),
        cmocka_unit_test(what_clients_send_besides_does_no_harm),
        cmocka_unit_test(a_long_text_is_cut_unless_the_request_says_otherwise),
        cmocka_unit_test(errors_are_one_string),
        cmocka_unit_test(a_name_is_found_with_its_tag_or_without),
        cmocka_unit_test(a_name_that_has_the_tag_itself_goes_first),
        cmocka_unit_test(lists_have_every_key_and_the_same_digest_each_time),
        cmocka_unit_test(show_says_what_a_model_is),
        cmocka_unit_test(version_is_the_programs),
    };
    return cmocka_run_group_tests(tests, ask_open, ask_close);
}
