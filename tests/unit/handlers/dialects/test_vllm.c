/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json_write.h"
#include "tests/unit/handlers/ask.h"

/* A request with the id "me". */
static const struct exchange *post(struct ask *ask, const char *path, const char *body)
{
    ask_begin(ask)->request_id = "me";
    return ask_send(ask, METHOD_POST, path, body, strlen(body));
}

#define TAIL(tokens)                                                                               \
    "],\"id\":\"me\",\"created\":1700000000,\"model\":\"example\",\"usage\":{\"prompt_"            \
    "tokens\":" tokens ",\"total_tokens\":" tokens "}}"

static void one_text_is_compared_with_each_of_many(void **state)
{
    static const char want[] = "{\"object\":\"list\",\"data\":["
                               "{\"index\":0,\"object\":\"score\",\"score\":0.0},"
                               "{\"index\":1,\"object\":\"score\",\"score\":1.0},"
                               "{\"index\":2,\"object\":\"score\",\"score\":0.0}" TAIL("3");
    static const char *const names[][2] = {
        {"text_1", "text_2"}, {"queries", "documents"}, {"queries", "items"}, {"data_1", "data_2"}};
    for (size_t i = 0; i < 4; i++) {
        char body[128];
        snprintf(body, sizeof body, "{\"%s\":\"饭\",\"%s\":[\"你\",\"饭\",\"\"]}", names[i][0],
                 names[i][1]);
        assert_reply(post(*state, i % 2 ? "/v1/score" : "/score", body), 200, want);
    }
}

static void as_many_texts_are_compared_pair_by_pair(void **state)
{
    assert_reply(post(*state, "/score", "{\"text_1\":[\"你\",\"饭\"],\"text_2\":[\"你\",\"你\"]}"),
                 200,
                 "{\"object\":\"list\",\"data\":[{\"index\":0,\"object\":\"score\",\"score\":1.0},"
                 "{\"index\":1,\"object\":\"score\",\"score\":0.0}" TAIL("4"));
    assert_reply(
        post(*state, "/score", "{\"text_1\":[\"你\"],\"text_2\":\"饭\"}"), 200,
        "{\"object\":\"list\",\"data\":[{\"index\":0,\"object\":\"score\",\"score\":0.0}" TAIL(
            "2"));
}

static void long_texts_are_refused_or_cut(void **state)
{
    struct ask *ask = *state;
    const enum truncate before = ask->service.truncate;
    ask->service.truncate = TRUNCATE_AUTO;
    ask->service.input_tokens_max = 1;
    assert_int_equal(post(ask, "/score", "{\"text_1\":\"饭\",\"text_2\":\"饭你\"}")->status, 400);
    assert_reply(
        post(ask, "/score", "{\"text_1\":\"饭\",\"text_2\":\"饭你\",\"truncate\":true}"), 200,
        "{\"object\":\"list\",\"data\":[{\"index\":0,\"object\":\"score\",\"score\":1.0}" TAIL(
            "2"));
    ask->service.truncate = before;
    ask->service.input_tokens_max = 0;
}

static void wrong_sides_are_named(void **state)
{
    static const struct {
        const char *body, *param, *message;
    } cases[] = {
        {"{}", "text_1", "send exactly one of text_1, queries and data_1; none was given"},
        {"{\"text_1\":\"a\",\"queries\":\"b\",\"text_2\":\"c\"}", "text_1",
         "send exactly one of text_1, queries and data_1; more than one was given"},
        {"{\"text_1\":\"a\"}", "text_2",
         "text_2 is missing; it must be a string or a list of strings"},
        {"{\"queries\":\"a\",\"text_2\":\"b\"}", "documents",
         "documents is missing; it must be a string or a list of strings"},
        {"{\"text_1\":\"a\",\"text_2\":[]}", "text_2",
         "text_2 is an empty list; send at least one item"},
        {"{\"text_1\":[\"a\",1],\"text_2\":\"b\"}", "text_1",
         "text_1[1] must be a string, not a number"},
        {"{\"text_1\":[\"a\",\"b\"],\"text_2\":[\"c\",\"d\",\"e\"]}", "text_1",
         "text_1 holds 2 texts and text_2 3; send one and any number, or as many in both"},
        {"{\"text_1\":[\"a\",\"b\"],\"text_2\":\"c\"}", "text_1",
         "text_1 holds 2 texts and text_2 1; send one and any number, or as many in both"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf want;
        const struct exchange *x = ask_post(*state, "/score", cases[i].body);
        buf_init(&want, x->arena);
        buf_add_str(&want, "{\"error\":{\"message\":");
        json_write_string(&want, cases[i].message, strlen(cases[i].message));
        buf_printf(&want, ",\"type\":\"invalid_request_error\",\"param\":\"%s\",\"code\":null}}",
                   cases[i].param);
        buf_add_char(&want, '\0');
        assert_reply(x, 400, want.data);
    }
    assert_int_equal(
        ask_post(*state, "/score", "{\"text_1\":\"\",\"text_2\":[\"\",\"\",\"\",\"\",\"\"]}")
            ->status,
        413);
}

static void pooling_gives_vectors_under_data(void **state)
{
    assert_reply(post(*state, "/pooling", "{\"input\":[\"我\",\"\"]}"), 200,
                 "{\"object\":\"list\",\"data\":["
                 "{\"object\":\"pooling\",\"index\":0,\"data\":[<1>,<2>]},"
                 "{\"object\":\"pooling\",\"index\":1,\"data\":[<0>,<0>]}" TAIL("1"));
    assert_reply(post(*state, "/pooling", "{\"input\":\"饭\",\"encoding_format\":\"base64\"}"), 200,
                 "{\"object\":\"list\",\"data\":["
                 "{\"object\":\"pooling\",\"index\":0,\"data\":\"AAAAAAAAgD8=\"}" TAIL("1"));
    const struct exchange *x = post(*state, "/pooling", "{\"input\":[1,2]}");
    assert_reply(x, 200,
                 "{\"object\":\"list\",\"data\":["
                 "{\"object\":\"pooling\",\"index\":0,\"data\":[<2>,<3>]}" TAIL("2"));
    assert_null(ask_header(x, "x-embedd-ids"));
}

static void pooling_gives_bytes_where_they_are_asked_for(void **state)
{
    const struct exchange *x =
        post(*state, "/pooling", "{\"input\":\"饭\",\"encoding_format\":\"bytes\"}");
    assert_int_equal(x->reply_bytes, 8);
    assert_memory_equal(x->reply, "\0\0\0\0\0\0\x80?", 8);
    assert_non_null(ask_header(x, "metadata"));
    assert_reply(post(*state, "/pooling", "{}"), 400,
                 "{\"error\":{\"message\":\"input is missing; it must be a string, a list of "
                 "strings, a list of token ids, or a list of such lists\",\"type\":"
                 "\"invalid_request_error\",\"param\":\"input\",\"code\":null}}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_text_is_compared_with_each_of_many),
        cmocka_unit_test(as_many_texts_are_compared_pair_by_pair),
        cmocka_unit_test(long_texts_are_refused_or_cut),
        cmocka_unit_test(wrong_sides_are_named),
        cmocka_unit_test(pooling_gives_vectors_under_data),
        cmocka_unit_test(pooling_gives_bytes_where_they_are_asked_for),
    };
    return cmocka_run_group_tests(tests, ask_open, ask_close);
}
