/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json_write.h"
#include "tests/unit/handlers/ask.h"

/* A request with the id "me". */
static const struct exchange *post(struct ask *ask, const char *path, const char *body)
{
    ask_begin(ask)->request_id = "me";
    return ask_send(ask, METHOD_POST, path, body, strlen(body));
}

static void v2_gives_lists_by_type_and_float_where_none_is_named(void **state)
{
    static const char want[] =
        "{\"id\":\"me\",\"embeddings\":{\"float\":[[<1>,<2>],[<0>,<0>]]},\"texts\":[\"我\",\"\"],"
        "\"meta\":{\"api_version\":{\"version\":\"2\"},\"billed_units\":{\"input_tokens\":1}},"
        "\"response_type\":\"embeddings_by_type\"}";
    assert_reply(post(*state, "/v2/embed",
                      "{\"texts\":[\"我\",\"\"],\"model\":\"embed-v4.0\",\"input_type\":"
                      "\"search_document\",\"embedding_types\":[\"float\"]}"),
                 200, want);
    assert_reply(post(*state, "/v2/embed", "{\"texts\":[\"我\",\"\"],\"embedding_types\":null}"),
                 200, want);
}

static void v2_gives_every_type_that_is_named_once(void **state)
{
    assert_reply(
        post(*state, "/v2/embed",
             "{\"texts\":[\"你\",\"饭\"],\"embedding_types\":[\"base64\",\"ubinary\",\"binary\","
             "\"uint8\",\"int8\",\"float\",\"int8\"]}"),
        200,
        "{\"id\":\"me\",\"embeddings\":{\"float\":[[<2>,<0>],[<0>,<1>]],"
        "\"int8\":[[127,0],[0,127]],\"uint8\":[[255,128],[128,255]],"
        "\"binary\":[[0],[-64]],\"ubinary\":[[128],[64]],"
        "\"base64\":[\"AAAAQAAAAAA=\",\"AAAAAAAAgD8=\"]},\"texts\":[\"你\",\"饭\"],"
        "\"meta\":{\"api_version\":{\"version\":\"2\"},\"billed_units\":{\"input_tokens\":2}},"
        "\"response_type\":\"embeddings_by_type\"}");
}

static void v2_takes_texts_in_parts(void **state)
{
    assert_reply(
        post(*state, "/v2/embed",
             "{\"inputs\":[{\"content\":[{\"type\":\"text\",\"text\":\"我\"},{\"type\":\"text\","
             "\"text\":\"爱\"}]},{\"content\":[{\"type\":\"text\",\"text\":\"饭\"}]}]}"),
        200,
        "{\"id\":\"me\",\"embeddings\":{\"float\":[[<2>,<3>],[<0>,<1>]]},\"texts\":[\"我 爱\","
        "\"饭\"],\"meta\":{\"api_version\":{\"version\":\"2\"},\"billed_units\":{\"input_tokens\":"
        "3}},\"response_type\":\"embeddings_by_type\"}");
}

static void v1_gives_the_vectors_bare_unless_types_are_named(void **state)
{
    assert_reply(post(*state, "/v1/embed", "{\"texts\":[\"我\"]}"), 200,
                 "{\"id\":\"me\",\"embeddings\":[[<1>,<2>]],\"texts\":[\"我\"],\"meta\":"
                 "{\"api_version\":{\"version\":\"1\"},\"billed_units\":{\"input_tokens\":1}},"
                 "\"response_type\":\"embeddings_floats\"}");
    assert_reply(post(*state, "/v1/embed", "{\"texts\":[\"我\"],\"embedding_types\":[\"float\"]}"),
                 200,
                 "{\"id\":\"me\",\"embeddings\":{\"float\":[[<1>,<2>]]},\"texts\":[\"我\"],"
                 "\"meta\":{\"api_version\":{\"version\":\"1\"},\"billed_units\":{\"input_tokens\":"
                 "1}},\"response_type\":\"embeddings_by_type\"}");
}

static void the_id_is_the_one_of_the_header(void **state)
{
    const struct exchange *x = ask_post(*state, "/v1/embed", "{\"texts\":[\"我\"]}");
    const char *id = ask_header(x, "x-request-id");
    char head[64];
    assert_non_null(id);
    if (!id) return;
    snprintf(head, sizeof head, "{\"id\":\"%s\",", id);
    assert_int_equal(strlen(id), 32);
    assert_memory_equal(x->reply, head, strlen(head));
}

/* The vectors alone, of a reply of v1. */
static void assert_vectors(const struct exchange *x, const char *want)
{
    char expanded[256], got[2048];
    snprintf(got, sizeof got, "%.*s", (int)x->reply_bytes, x->reply);
    ask_expand(want, expanded, sizeof expanded);
    if (x->status != 200 || !strstr(got, expanded)) fail_msg("%u %s", x->status, got);
}

static void texts_are_cut_at_the_end_unless_told_otherwise(void **state)
{
    struct ask *ask = *state;
    const enum truncate before = ask->service.truncate;
    ask->service.truncate = TRUNCATE_AUTO;
    ask->service.input_tokens_max = 2;
    assert_vectors(post(ask, "/v1/embed", "{\"texts\":[\"我爱饭\"]}"), "[[<2>,<3>]]");
    assert_vectors(post(ask, "/v1/embed", "{\"texts\":[\"我爱饭\"],\"truncate\":\"END\"}"),
                   "[[<2>,<3>]]");
    assert_vectors(post(ask, "/v1/embed", "{\"texts\":[\"我爱饭\"],\"truncate\":\"START\"}"),
                   "[[<1.5>,<2.5>]]");
    assert_vectors(post(ask, "/v1/embed", "{\"texts\":[\"我爱饭\"],\"max_tokens\":1}"),
                   "[[<1>,<2>]]");
    assert_vectors(post(ask, "/v1/embed", "{\"texts\":[\"我爱饭\"],\"max_tokens\":3}"),
                   "[[<2>,<3>]]");
    assert_reply(post(ask, "/v1/embed", "{\"texts\":[\"我\",\"我爱饭\"],\"truncate\":\"NONE\"}"),
                 400,
                 "{\"message\":\"text 1 has 3 tokens, more than 2; send a shorter one, or "
                 "truncate: \\\"END\\\" or \\\"START\\\"\"}");
    ask->service.truncate = TRUNCATE_ERROR;
    assert_int_equal(post(ask, "/v1/embed", "{\"texts\":[\"我爱饭\"]}")->status, 400);
    ask->service.truncate = before;
    ask->service.input_tokens_max = 0;
    assert_vectors(post(ask, "/v1/embed", "{\"texts\":[\"我爱\"],\"output_dimension\":1}"),
                   "[[<2>]]");
}

static void wrong_values_are_named(void **state)
{
    static const struct {
        const char *body, *message;
    } cases[] = {
        {"{}", "send either texts or inputs; neither was given, and images are not embedded here"},
        {"{\"texts\":[\"a\"],\"inputs\":[]}", "send either texts or inputs; both were given"},
        {"{\"texts\":[]}", "texts is an empty list; send at least one item"},
        {"{\"texts\":[\"a\",7]}", "texts[1] must be a string, not a number"},
        {"{\"texts\":[1]}", "texts[0] must be a string, not a number"},
        {"{\"inputs\":[]}", "inputs is an empty list; send at least one item"},
        {"{\"inputs\":{}}", "inputs must be a list of objects with content, not an object"},
        {"{\"inputs\":[\"a\"]}",
         "inputs[0].content must be a list of parts, each an object with a text; it is missing"},
        {"{\"inputs\":[{\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"x\"}}]}]}",
         "inputs[0].content[0] has no text; send texts alone, nothing else is embedded here"},
        {"{\"texts\":[\"a\"],\"embedding_types\":[]}",
         "embedding_types must be a list of one or more of \"float\", \"int8\", \"uint8\", "
         "\"binary\", \"ubinary\" and \"base64\"; it is empty"},
        {"{\"texts\":[\"a\"],\"embedding_types\":\"float\"}",
         "embedding_types must be a list of one or more of \"float\", \"int8\", \"uint8\", "
         "\"binary\", \"ubinary\" and \"base64\"; it is a string"},
        {"{\"texts\":[\"a\"],\"embedding_types\":[\"float\",\"int4\"]}",
         "embedding_types must be \"float\", \"int8\", \"uint8\", \"binary\", \"ubinary\" or "
         "\"base64\", not \"int4\" (a string)"},
        {"{\"texts\":[\"a\"],\"embedding_types\":[null]}",
         "embedding_types[0] must be a string, not null"},
        {"{\"texts\":[\"a\"],\"input_type\":\"image\"}",
         "input_type must be \"search_document\", \"search_query\", \"classification\" or "
         "\"clustering\", not \"image\" (a string)"},
        {"{\"texts\":[\"a\"],\"truncate\":\"RIGHT\"}",
         "truncate must be \"NONE\", \"END\" or \"START\", not \"RIGHT\" (a string)"},
        {"{\"texts\":[\"a\"],\"max_tokens\":0}",
         "max_tokens must be a whole number from 1 to 2147483647, not 0"},
        {"{\"texts\":[\"a\"],\"output_dimension\":3}",
         "output_dimension must be a whole number from 1 to 2, not 3"},
        {"{\"texts\":[\"a\"],\"model\":7}", "model must be a string, not 7"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf want;
        const struct exchange *x = ask_post(*state, "/v2/embed", cases[i].body);
        buf_init(&want, x->arena);
        buf_add_str(&want, "{\"message\":");
        json_write_string(&want, cases[i].message, strlen(cases[i].message));
        buf_add(&want, "}", 2);
        assert_reply(x, 400, want.data);
    }
}

static void errors_have_the_usual_statuses(void **state)
{
    const struct exchange *x =
        ask_post(*state, "/v2/embed", "{\"texts\":[\"\",\"\",\"\",\"\",\"\"]}");
    assert_int_equal(x->status, 413);
    assert_memory_equal(x->reply, "{\"message\":\"texts holds 5 inputs", 31);
    x = ask_post(*state, "/v2/embed", "{\"texts\":");
    assert_int_equal(x->status, 400);
    assert_int_equal(x->sample.reject, REJECT_BAD_JSON);
    assert_memory_equal(x->reply, "{\"message\":", 11);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(v2_gives_lists_by_type_and_float_where_none_is_named),
        cmocka_unit_test(v2_gives_every_type_that_is_named_once),
        cmocka_unit_test(v2_takes_texts_in_parts),
        cmocka_unit_test(v1_gives_the_vectors_bare_unless_types_are_named),
        cmocka_unit_test(the_id_is_the_one_of_the_header),
        cmocka_unit_test(texts_are_cut_at_the_end_unless_told_otherwise),
        cmocka_unit_test(wrong_values_are_named),
        cmocka_unit_test(errors_have_the_usual_statuses),
    };
    return cmocka_run_group_tests(tests, ask_open, ask_close);
}
