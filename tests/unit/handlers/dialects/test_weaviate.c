/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/handlers/ask.h"

static void a_text_gets_its_vector_and_comes_back(void **state)
{
    static const char *const paths[] = {"/vectors", "/vectors/"};
    for (size_t i = 0; i < 2; i++)
        assert_reply(ask_post(*state, paths[i], "{\"text\":\"我爱吃饭\"}"), 200,
                     "{\"vector\":[<0.9375>,<1.9375>],\"text\":\"我爱吃饭\",\"dim\":2}");
    assert_reply(ask_post(*state, "/vectors", "{\"text\":\"\"}"), 200,
                 "{\"vector\":[<0>,<0>],\"text\":\"\",\"dim\":2}");
}

static void several_texts_get_a_list(void **state)
{
    assert_reply(ask_post(*state, "/vectors", "{\"texts\":[\"我\",\"\",\"爱\"]}"), 200,
                 "{\"vectors\":[[<1>,<2>],[<0>,<0>],[<3>,<4>]],\"dims\":2}");
    assert_reply(ask_post(*state, "/vectors", "{\"texts\":[\"我\"]}"), 200,
                 "{\"vectors\":[[<1>,<2>]],\"dims\":2}");
}

static void a_request_of_weaviates_client_leaves_nothing_unread(void **state)
{
    const struct exchange *x =
        ask_post(*state, "/vectors",
                 "{\"text\":\"爱\",\"dims\":0,\"vector\":null,\"error\":\"\",\"config\":"
                 "{\"pooling_strategy\":\"masked_mean\",\"task_type\":\"passage\"}}");
    assert_reply(x, 200, "{\"vector\":[<3>,<4>],\"text\":\"爱\",\"dim\":2}");
    assert_null(ask_header(x, "x-embedd-ignored-fields"));
}

static void dimensions_stand_in_the_configuration(void **state)
{
    assert_reply(ask_post(*state, "/vectors", "{\"text\":\"爱\",\"config\":{\"dimensions\":1}}"),
                 200, "{\"vector\":[<3>],\"text\":\"爱\",\"dim\":1}");
    assert_reply(
        ask_post(*state, "/vectors", "{\"texts\":[\"爱\"],\"config\":{\"dimensions\":null}}"), 200,
        "{\"vectors\":[[<3>,<4>]],\"dims\":2}");
    assert_reply(ask_post(*state, "/vectors", "{\"text\":\"爱\",\"config\":null}"), 200,
                 "{\"vector\":[<3>,<4>],\"text\":\"爱\",\"dim\":2}");
}

static void errors_are_one_string(void **state)
{
    static const char *const cases[][2] = {
        {"{}", "send either text or texts; none was given"},
        {"{\"text\":null}", "send either text or texts; none was given"},
        {"{\"text\":\"a\",\"texts\":[\"a\"]}",
         "send either text or texts; more than one was given"},
        {"{\"text\":[\"a\"]}", "text must be a string, not a list"},
        {"{\"text\":3}", "text must be a string, not 3"},
        {"{\"texts\":[]}", "texts is an empty list; send at least one item"},
        {"{\"texts\":[\"a\",null]}", "texts[1] must be a string, not null"},
        {"{\"text\":\"a\",\"config\":[]}", "config must be an object, not a list"},
        {"{\"text\":\"a\",\"config\":{\"dimensions\":3}}",
         "config.dimensions must be a whole number from 1 to 2, not 3"},
        {"{\"text\":\"a\",\"config\":{\"dimensions\":\"1\"}}",
         "config.dimensions must be a whole number from 1 to 2, not \\\"1\\\" (a string)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char want[512];
        snprintf(want, sizeof want, "{\"error\":\"%s\"}", cases[i][1]);
        assert_reply(ask_post(*state, "/vectors", cases[i][0]), 400, want);
    }
}

static void meta_is_an_object(void **state)
{
    assert_reply(ask_get(*state, "/meta"), 200,
                 "{\"model_name\":\"example\",\"model_version\":\"1\",\"model_type\":\"static\","
                 "\"hidden_size\":2,\"vocab_size\":6,\"embedd_version\":\"0.0.0\"}");
}

static void it_is_alive_until_its_end_and_ready_until_it_drains(void **state)
{
    struct ask *ask = *state;
    assert_reply(ask_get(ask, "/.well-known/live"), 204, "");
    assert_reply(ask_get(ask, "/.well-known/ready"), 204, "");
    const atomic_bool is_draining = true;
    ask->service.is_draining = &is_draining;
    assert_reply(ask_get(ask, "/.well-known/live"), 204, "");
    assert_reply(ask_get(ask, "/.well-known/ready"), 503,
                 "{\"error\":\"the service is shutting down\"}");
    ask->service.is_draining = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_gets_its_vector_and_comes_back),
        cmocka_unit_test(several_texts_get_a_list),
        cmocka_unit_test(a_request_of_weaviates_client_leaves_nothing_unread),
        cmocka_unit_test(dimensions_stand_in_the_configuration),
        cmocka_unit_test(errors_are_one_string),
        cmocka_unit_test(meta_is_an_object),
        cmocka_unit_test(it_is_alive_until_its_end_and_ready_until_it_drains),
    };
    return cmocka_run_group_tests(tests, ask_open, ask_close);
}
