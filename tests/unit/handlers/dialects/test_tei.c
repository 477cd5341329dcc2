/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/handlers/ask.h"

static void embed_gives_bare_lists_normalized_by_default(void **state)
{
    assert_reply(ask_post(*state, "/embed", "{\"inputs\":\"你\"}"), 200, "[[<1>,<0>]]");
    assert_reply(ask_post(*state, "/embed", "{\"inputs\":[\"你\",\"饭\"]}"), 200,
                 "[[<1>,<0>],[<0>,<1>]]");
    assert_reply(ask_post(*state, "/embed", "{\"inputs\":\"我爱吃饭\",\"normalize\":false}"), 200,
                 "[[<0.9375>,<1.9375>]]");
}

static void embed_takes_ids_and_mixed_batches(void **state)
{
    assert_reply(ask_post(*state, "/embed", "{\"inputs\":[1,2],\"normalize\":false}"), 200,
                 "[[<2>,<3>]]");
    const struct exchange *x =
        ask_post(*state, "/embed", "{\"inputs\":[\"我\",[1,2],\"\"],\"normalize\":false}");
    assert_reply(x, 200, "[[<1>,<2>],[<2>,<3>],[<0>,<0>]]");
    assert_null(ask_header(x, "x-embedd-ids"));
}

static void embed_cuts_dimensions_before_it_normalizes(void **state)
{
    assert_reply(ask_post(*state, "/embed", "{\"inputs\":\"爱\",\"dimensions\":1}"), 200,
                 "[[<1>]]");
}

static void the_request_says_how_to_truncate(void **state)
{
    struct ask *ask = *state;
    ask->service.input_tokens_max = 1;
    assert_reply(ask_post(ask, "/embed", "{\"inputs\":\"我爱\",\"normalize\":false}"), 200,
                 "[[<1>,<2>]]");
    assert_reply(ask_post(ask, "/embed",
                          "{\"inputs\":\"我爱\",\"normalize\":false,\"truncation_direction\":"
                          "\"Left\"}"),
                 200, "[[<3>,<4>]]");
    ask->service.truncate = TRUNCATE_ERROR;
    assert_reply(ask_post(ask, "/embed", "{\"inputs\":\"我爱\"}"), 422,
                 "{\"error\":\"Input validation error: `inputs` must have less than 1 tokens. "
                 "Given: 2\",\"error_type\":\"Validation\"}");
    assert_reply(ask_post(ask, "/embed",
                          "{\"inputs\":\"我爱\",\"normalize\":false,\"truncate\":true,"
                          "\"truncation_direction\":\"left\"}"),
                 200, "[[<3>,<4>]]");
    ask->service.truncate = TRUNCATE_LEFT;
    assert_reply(ask_post(ask, "/embed", "{\"inputs\":\"我爱\",\"truncate\":false}"), 422,
                 "{\"error\":\"Input validation error: `inputs` must have less than 1 tokens. "
                 "Given: 2\",\"error_type\":\"Validation\"}");
    assert_reply(ask_post(ask, "/embed", "{\"inputs\":\"我爱\",\"normalize\":false}"), 200,
                 "[[<3>,<4>]]");
    assert_reply(
        ask_post(ask, "/embed", "{\"inputs\":\"我爱\",\"normalize\":false,\"truncate\":true}"), 200,
        "[[<1>,<2>]]");
    ask->service.truncate = TRUNCATE_RIGHT;
    ask->service.input_tokens_max = 0;
}

static void errors_have_teis_shape_and_words(void **state)
{
    assert_reply(ask_post(*state, "/embed", "{\"inputs\":[]}"), 400,
                 "{\"error\":\"`inputs` cannot be empty\",\"error_type\":\"Empty\"}");
    assert_reply(ask_post(*state, "/embed", "{\"inputs\":[\"\",\"\",\"\",\"\",\"\"]}"), 422,
                 "{\"error\":\"batch size 5 > maximum allowed batch size 4\",\"error_type\":"
                 "\"Validation\"}");
    assert_reply(
        ask_post(*state, "/embed", "{\"inputs\":\"我\",\"prompt_name\":\"query\"}"), 422,
        "{\"error\":\"Input validation error: `default-prompt-name` is set to `query` but "
        "no prompts were found in the Sentence Transformers configuration\",\"error_type\":"
        "\"Validation\"}");
    assert_reply(ask_post(*state, "/embed", "{\"inputs\":\"我\",\"dimensions\":3}"), 422,
                 "{\"error\":\"Input validation error: dimensions must be a whole number from 1 to "
                 "2, not 3\",\"error_type\":\"Validation\"}");
    const struct exchange *x = ask_post(*state, "/embed", "{\"inputs\":");
    assert_int_equal(x->status, 400);
    assert_string_equal(x->reply_type, "text/plain; charset=utf-8");
    assert_int_equal(x->sample.reject, REJECT_BAD_JSON);
    assert_memory_equal(x->reply, "Failed to parse the request body as JSON: ", 42);
}

static void tokenize_shows_each_token_at_its_bytes(void **state)
{
    assert_reply(ask_post(*state, "/tokenize", "{\"inputs\":\"我 爱猫\"}"), 200,
                 "[[{\"id\":1,\"text\":\"我\",\"special\":false,\"start\":0,\"stop\":3},"
                 "{\"id\":2,\"text\":\"爱\",\"special\":false,\"start\":4,\"stop\":7},"
                 "{\"id\":null,\"text\":\"猫\",\"special\":false,\"start\":7,\"stop\":10}]]");
    assert_reply(ask_post(*state, "/tokenize", "{\"inputs\":[\"\",\"饭\"]}"), 200,
                 "[[],[{\"id\":5,\"text\":\"饭\",\"special\":false,\"start\":0,\"stop\":3}]]");
}

static void tokenize_adds_special_tokens_unless_told_not_to(void **state)
{
    (void)state;
    static const float rows[5] = {0};
    struct ask ask;
    ask_open_model(&ask, ask_make_model("[UNK]\n[CLS]\n[SEP]\nlove\neat\n", rows, 5, 1,
                                        "{\"name\":\"embedd\",\"tokenizer\":\"wordpiece\"}"));
    assert_reply(ask_post(&ask, "/tokenize", "{\"inputs\":\"Love X\"}"), 200,
                 "[[{\"id\":1,\"text\":\"[CLS]\",\"special\":true,\"start\":null,\"stop\":null},"
                 "{\"id\":3,\"text\":\"Love\",\"special\":false,\"start\":0,\"stop\":4},"
                 "{\"id\":0,\"text\":\"X\",\"special\":false,\"start\":5,\"stop\":6},"
                 "{\"id\":2,\"text\":\"[SEP]\",\"special\":true,\"start\":null,\"stop\":null}]]");
    assert_reply(ask_post(&ask, "/tokenize", "{\"inputs\":\"eat\",\"add_special_tokens\":false}"),
                 200, "[[{\"id\":4,\"text\":\"eat\",\"special\":false,\"start\":0,\"stop\":3}]]");
    assert_reply(ask_post(&ask, "/decode", "{\"ids\":[1,3,4,2]}"), 200, "[\"love eat\"]");
    assert_reply(ask_post(&ask, "/decode", "{\"ids\":[[3],[4]]}"), 200, "[\"love\",\"eat\"]");
    const struct exchange *x = ask_post(&ask, "/v1/ids", "{\"text\":\"love x\"}");
    assert_reply(x, 200,
                 "{\"data\":[{\"index\":0,\"tokens\":[\"love\",\"[UNK]\"],\"ids\":[3,0],"
                 "\"unknown\":1}],\"model\":\"embedd\",\"vocab_size\":5}");
    ask_end(&ask);
}

static void decode_names_an_id_that_is_too_large(void **state)
{
    assert_reply(
        ask_post(*state, "/decode", "{\"ids\":[1,6]}"), 422,
        "{\"error\":\"Input validation error: ids[1] is 6, but this model's vocabulary has "
        "6 tokens; send ids from 0 to 5\",\"error_type\":\"Validation\"}");
}

static void info_has_every_key(void **state)
{
    assert_reply(
        ask_get(*state, "/info"), 200,
        "{\"model_id\":\"example\",\"model_sha\":\"1\",\"model_dtype\":\"float32\","
        "\"served_model_name\":\"example\",\"model_type\":{\"embedding\":{\"pooling\":"
        "\"mean\"}},\"max_concurrent_requests\":100,\"max_input_length\":1048576,"
        "\"max_batch_tokens\":1048576,\"max_batch_requests\":null,"
        "\"max_client_batch_size\":4,\"auto_truncate\":true,\"tokenization_workers\":2,"
        "\"version\":\"0.0.0\",\"sha\":null,\"docker_label\":null,\"embedd\":{\"format\":"
        "\"safetensors\",\"compat\":\"embedd\",\"normalize\":false,\"unknown\":\"left "
        "out\",\"max_length\":null,\"truncation_side\":\"right\",\"max_characters\":null}}");
}

static void health_is_empty_until_the_service_drains(void **state)
{
    struct ask *ask = *state;
    assert_reply(ask_get(ask, "/health"), 200, "");
    assert_reply(ask_get(ask, "/ping"), 200, "");
    atomic_store(&ask->service.is_draining, true);
    assert_reply(ask_get(ask, "/health"), 503,
                 "{\"error\":\"unhealthy\",\"error_type\":\"Unhealthy\"}");
    atomic_store(&ask->service.is_draining, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(embed_gives_bare_lists_normalized_by_default),
        cmocka_unit_test(embed_takes_ids_and_mixed_batches),
        cmocka_unit_test(embed_cuts_dimensions_before_it_normalizes),
        cmocka_unit_test(the_request_says_how_to_truncate),
        cmocka_unit_test(errors_have_teis_shape_and_words),
        cmocka_unit_test(tokenize_shows_each_token_at_its_bytes),
        cmocka_unit_test(tokenize_adds_special_tokens_unless_told_not_to),
        cmocka_unit_test(decode_names_an_id_that_is_too_large),
        cmocka_unit_test(info_has_every_key),
        cmocka_unit_test(health_is_empty_until_the_service_drains),
    };
    return cmocka_run_group_tests(tests, ask_open, ask_close);
}
