/* SPDX-License-Identifier: Apache-2.0 */
#include "handlers/dialects/ranks.h"

#include "base/json_write.h"
#include "tests/unit/handlers/ask.h"

/* A request with the id "me". */
static const struct exchange *post(struct ask *ask, const char *path, const char *body)
{
    ask_begin(ask)->request_id = "me";
    return ask_send(ask, METHOD_POST, path, body, strlen(body));
}

#define TAIL(version, tokens)                                                                      \
    "],\"model\":\"example\",\"usage\":{\"prompt_tokens\":" tokens ",\"total_tokens\":" tokens     \
    "},\"meta\":{\"api_version\":{\"version\":\"" version                                          \
    "\"},\"billed_units\":{\"search_units\":1}}}"

/* 你 (2,0) and 饭 (0,1) are at right angles, 我 (1,2) is at 1/√5 and 2/√5 to them. */
static void documents_come_the_nearest_first(void **state)
{
    assert_reply(
        post(*state, "/v1/rerank", "{\"query\":\"饭\",\"documents\":[\"你\",\"饭\",\"我\",\"\"]}"),
        200,
        "{\"id\":\"me\",\"results\":["
        "{\"index\":1,\"relevance_score\":1.0,\"document\":{\"text\":\"饭\"}},"
        "{\"index\":2,\"relevance_score\":<0.894427181>,\"document\":{\"text\":\"我\"}},"
        "{\"index\":0,\"relevance_score\":0.0,\"document\":{\"text\":\"你\"}},"
        "{\"index\":3,\"relevance_score\":0.0,\"document\":{\"text\":\"\"}}" TAIL("1", "4"));
}

static void documents_may_be_objects_and_results_fewer(void **state)
{
    assert_reply(
        post(*state, "/v1/rerank",
             "{\"query\":\"饭\",\"documents\":[{\"text\":\"你\"},{\"text\":\"饭\"},\"我\"],"
             "\"top_n\":1}"),
        200,
        "{\"id\":\"me\",\"results\":[{\"index\":1,\"relevance_score\":1.0,\"document\":"
        "{\"text\":\"饭\"}}" TAIL("1", "4"));
    static const char all[] =
        "{\"id\":\"me\",\"results\":[{\"index\":1,\"relevance_score\":1.0},{\"index\":0,"
        "\"relevance_score\":0.0}" TAIL("1", "3");
    assert_reply(post(*state, "/v1/rerank",
                      "{\"query\":\"饭\",\"documents\":[\"你\",\"饭\"],\"top_n\":0,"
                      "\"return_documents\":false}"),
                 200, all);
    assert_reply(post(*state, "/v1/rerank",
                      "{\"query\":\"饭\",\"documents\":[\"你\",\"饭\"],\"top_n\":9,"
                      "\"return_documents\":false}"),
                 200, all);
}

static void v2_sends_documents_back_only_when_asked(void **state)
{
    assert_reply(
        post(*state, "/v2/rerank", "{\"query\":\"饭\",\"documents\":[\"饭\"]}"), 200,
        "{\"id\":\"me\",\"results\":[{\"index\":0,\"relevance_score\":1.0}" TAIL("2", "2"));
    assert_reply(post(*state, "/v2/rerank",
                      "{\"query\":\"饭\",\"documents\":[\"饭\"],\"return_documents\":true}"),
                 200,
                 "{\"id\":\"me\",\"results\":[{\"index\":0,\"relevance_score\":1.0,\"document\":"
                 "{\"text\":\"饭\"}}" TAIL("2", "2"));
}

static void rank_fields_say_which_texts_of_an_object_count(void **state)
{
    assert_reply(
        post(*state, "/v1/rerank",
             "{\"query\":\"饭\",\"rank_fields\":[\"title\",\"body\",\"year\"],\"documents\":"
             "[{\"title\":\"你\",\"text\":\"饭\",\"year\":7},{\"body\":\"爱\",\"title\":"
             "\"我\"},\"饭\"],\"top_n\":2}"),
        200,
        "{\"id\":\"me\",\"results\":[{\"index\":2,\"relevance_score\":1.0,\"document\":"
        "{\"text\":\"饭\"}},{\"index\":1,\"relevance_score\":<0.83205032>,\"document\":"
        "{\"text\":\"我 爱\"}}" TAIL("1", "5"));
}

/* So that what is asked for is little work for its length. */
static void rank_fields_are_few(void **state)
{
    char body[1024];
    for (int n = 64; n <= 65; n++) {
        int bytes = snprintf(body, sizeof body,
                             "{\"query\":\"a\",\"documents\":[{\"text\":\"a\"}],\"rank_fields\":[");
        for (int i = 1; i < n; i++)
            bytes += snprintf(body + bytes, sizeof body - (size_t)bytes, "\"other\",");
        snprintf(body + bytes, sizeof body - (size_t)bytes, "\"text\"]}");
        assert_int_equal(ask_post(*state, "/v1/rerank", body)->status, n == 64 ? 200 : 400);
    }
}

static void long_documents_are_cut(void **state)
{
    struct ask *ask = *state;
    assert_reply(
        post(ask, "/v2/rerank",
             "{\"query\":\"饭\",\"documents\":[\"饭你\"],\"max_tokens_per_doc\":1}"),
        200, "{\"id\":\"me\",\"results\":[{\"index\":0,\"relevance_score\":1.0}" TAIL("2", "2"));
    ask->service.input_tokens_max = 1;
    const enum truncate before = ask->service.truncate;
    ask->service.truncate = TRUNCATE_AUTO;
    assert_reply(
        post(ask, "/v1/rerank",
             "{\"query\":\"饭\",\"documents\":[\"饭你\"],\"return_documents\":false}"),
        200, "{\"id\":\"me\",\"results\":[{\"index\":0,\"relevance_score\":1.0}" TAIL("1", "2"));
    ask->service.input_tokens_max = 0;
    ask->service.truncate = before;
}

static void wrong_values_are_named(void **state)
{
    static const struct {
        const char *body, *message;
    } cases[] = {
        {"{\"documents\":[\"a\"]}", "query is missing; it must be a string"},
        {"{\"query\":null,\"documents\":[\"a\"]}", "query is missing; it must be a string"},
        {"{\"query\":7,\"documents\":[\"a\"]}", "query must be a string, not 7"},
        {"{\"query\":\"a\"}", "documents is missing; it must be a string or a list of strings"},
        {"{\"query\":\"a\",\"documents\":[]}",
         "documents is an empty list; send at least one item"},
        {"{\"query\":\"a\",\"documents\":[\"a\",7]}",
         "documents[1] must be a string, not a number"},
        {"{\"query\":\"a\",\"documents\":[{\"title\":\"a\"}]}",
         "documents[0].text must be a string, but is missing"},
        {"{\"query\":\"a\",\"documents\":[\"a\"],\"top_n\":-1}",
         "top_n must be a whole number from 0 to 2147483647, not -1"},
        {"{\"query\":\"a\",\"documents\":[\"a\"],\"return_documents\":1}",
         "return_documents must be true or false, not 1"},
        {"{\"query\":\"a\",\"documents\":[\"a\"],\"max_tokens_per_doc\":0}",
         "max_tokens_per_doc must be a whole number from 1 to 2147483647, not 0"},
        {"{\"query\":\"a\",\"documents\":[\"a\"],\"rank_fields\":[]}",
         "rank_fields must be a list of 1 to 64 names of fields, such as [\"title\", \"text\"]"},
        {"{\"query\":\"a\",\"documents\":[\"a\"],\"rank_fields\":\"text\"}",
         "rank_fields must be a list of 1 to 64 names of fields, such as [\"title\", \"text\"]"},
        {"{\"query\":\"a\",\"documents\":[\"a\"],\"rank_fields\":[\"text\",null]}",
         "rank_fields must be a list of 1 to 64 names of fields, such as [\"title\", \"text\"]"},
        {"{\"query\":\"a\",\"documents\":[\"a\",{\"text\":\"b\"}],\"rank_fields\":[\"title\"]}",
         "documents[1] has no text under any of rank_fields"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf want;
        const struct exchange *x = ask_post(*state, "/v1/rerank", cases[i].body);
        buf_init(&want, x->arena);
        buf_add_str(&want, "{\"message\":");
        json_write_string(&want, cases[i].message, strlen(cases[i].message));
        buf_add_str(&want, ",\"detail\":");
        json_write_string(&want, cases[i].message, strlen(cases[i].message));
        buf_add(&want, "}", 2);
        assert_reply(x, 400, want.data);
    }
}

static void v2_has_the_errors_of_cohere(void **state)
{
    assert_reply(ask_post(*state, "/v2/rerank", "{\"query\":\"a\",\"documents\":[]}"), 400,
                 "{\"message\":\"documents is an empty list; send at least one item\"}");
    const struct exchange *x = ask_post(
        *state, "/v2/rerank", "{\"query\":\"a\",\"documents\":[\"\",\"\",\"\",\"\",\"\"]}");
    assert_int_equal(x->status, 413);
}

/* As the handler of another route would. */
static bool take(struct ask *ask, const char *body)
{
    struct exchange *x = ask_begin(ask);
    x->request_id = "me";
    x->body = body;
    x->body_bytes = body ? strlen(body) : 0;
    assert_non_null(handlers_find_route(x, METHOD_POST, "/embed"));
    return ranks_take(x);
}

static void a_request_with_documents_is_taken_and_no_other(void **state)
{
    struct ask *ask = *state;
    assert_true(take(ask, "{\"query\":\"饭\",\"documents\":[\"饭\"]}"));
    assert_reply(&ask->x, 200,
                 "{\"id\":\"me\",\"results\":[{\"index\":0,\"relevance_score\":1.0,\"document\":"
                 "{\"text\":\"饭\"}}" TAIL("1", "2"));
    assert_true(take(ask, "{\"documents\":[]}"));
    assert_reply(&ask->x, 400,
                 "{\"message\":\"query is missing; it must be a string\",\"detail\":\"query is "
                 "missing; it must be a string\"}");
    assert_false(take(ask, "{\"query\":\"饭\",\"texts\":[\"饭\"]}"));
    assert_false(take(ask, "{\"query\":\"饭\",\"texts\":[\"饭\"],\"documents\":null}"));
    assert_false(take(ask, "{\"documents\":"));
    assert_false(take(ask, NULL));
    assert_false(take(ask, "{\"query\":\"documents\",\"texts\":[\"\\\"documents\\\"\"]}"));
    assert_int_equal(ask->x.status, 0);
}

static void the_path_of_two_owners_goes_by_what_is_to_be_ranked(void **state)
{
    assert_reply(post(*state, "/rerank", "{\"query\":\"饭\",\"documents\":[\"饭\"],\"top_n\":1}"),
                 200,
                 "{\"id\":\"me\",\"results\":[{\"index\":0,\"relevance_score\":1.0,\"document\":"
                 "{\"text\":\"饭\"}}" TAIL("1", "2"));
    assert_reply(post(*state, "/rerank", "{\"query\":\"饭\",\"texts\":[\"饭\"]}"), 200,
                 "[{\"index\":0,\"score\":1.0}]");
    assert_reply(post(*state, "/", "{\"query\":\"饭\",\"texts\":[\"饭\"],\"documents\":[\"饭\"]}"),
                 200, "[{\"index\":0,\"score\":1.0}]");
    const struct exchange *x = post(*state, "/rerank", "{\"query\":\"饭\"}");
    assert_int_equal(x->status, 422);
    x = post(*state, "/rerank", "{\"query\":\"饭\",\"documents\":[]}");
    assert_reply(x, 400,
                 "{\"message\":\"documents is an empty list; send at least one item\",\"detail\":"
                 "\"documents is an empty list; send at least one item\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents_come_the_nearest_first),
        cmocka_unit_test(documents_may_be_objects_and_results_fewer),
        cmocka_unit_test(v2_sends_documents_back_only_when_asked),
        cmocka_unit_test(rank_fields_say_which_texts_of_an_object_count),
        cmocka_unit_test(rank_fields_are_few),
        cmocka_unit_test(long_documents_are_cut),
        cmocka_unit_test(wrong_values_are_named),
        cmocka_unit_test(v2_has_the_errors_of_cohere),
        cmocka_unit_test(a_request_with_documents_is_taken_and_no_other),
        cmocka_unit_test(the_path_of_two_owners_goes_by_what_is_to_be_ranked),
    };
    return cmocka_run_group_tests(tests, ask_open, ask_close);
}
