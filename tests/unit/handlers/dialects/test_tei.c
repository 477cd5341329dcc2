/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/handlers/ask.h"

static void embed_gives_bare_lists_normalized_by_default(void **state)
{
    assert_reply(ask_post(*state, "/embed", "{\"inputs\":\"你\"}"), 200, "[[<1>,<0>]]");
    assert_reply(ask_post(*state, "/embed", "{\"inputs\":[\"你\",\"饭\"]}"), 200,
                 "[[<1>,<0>],[0.0,<1>]]");
    assert_reply(ask_post(*state, "/embed", "{\"inputs\":\"我爱吃饭\",\"normalize\":false}"), 200,
                 "[[<0.9375>,<1.9375>]]");
}

static void embed_takes_ids_and_mixed_batches(void **state)
{
    assert_reply(ask_post(*state, "/embed", "{\"inputs\":[1,2],\"normalize\":false}"), 200,
                 "[[<2>,<3>]]");
    const struct exchange *x =
        ask_post(*state, "/embed", "{\"inputs\":[\"我\",[1,2],\"\"],\"normalize\":false}");
    assert_reply(x, 200, "[[<1>,<2>],[<2>,<3>],[0.0,<0>]]");
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

static void embed_all_gives_the_row_of_each_token_as_it_is(void **state)
{
    assert_reply(ask_post(*state, "/embed_all", "{\"inputs\":\"我爱\"}"), 200,
                 "[[[<1>,<2>],[<3>,<4>]]]");
    /* A token without a row keeps its place. */
    assert_reply(ask_post(*state, "/embed_all", "{\"inputs\":[\"你猫你\",\"\",[3],\"饭\"]}"), 200,
                 "[[[<2>,<0>],[<0>,<0>],[<2>,<0>]],[],[[<-0.25>,<0.75>]],[[<0>,<1>]]]");
}

static void embed_all_is_cut_as_embed_is(void **state)
{
    struct ask *ask = *state;
    ask->service.input_tokens_max = 1;
    assert_reply(
        ask_post(ask, "/embed_all", "{\"inputs\":\"我爱\",\"truncation_direction\":\"left\"}"), 200,
        "[[[<3>,<4>]]]");
    assert_reply(ask_post(ask, "/embed_sparse", "{\"inputs\":\"我爱\"}"), 200,
                 "[[{\"index\":1,\"value\":<1>}]]");
    assert_reply(ask_post(ask, "/embed_all", "{\"inputs\":\"我爱\",\"truncate\":false}"), 422,
                 "{\"error\":\"Input validation error: `inputs` must have less than 1 tokens. "
                 "Given: 2\",\"error_type\":\"Validation\"}");
    ask->service.input_tokens_max = 0;
}

static void embed_sparse_counts_tokens_by_id(void **state)
{
    assert_reply(ask_post(*state, "/embed_sparse", "{\"inputs\":\"饭我猫饭他\"}"), 200,
                 "[[{\"index\":0,\"value\":<1>},{\"index\":1,\"value\":<1>},"
                 "{\"index\":5,\"value\":<2>}]]");
    assert_reply(ask_post(*state, "/embed_sparse", "{\"inputs\":[\"\",[2,2,2]]}"), 200,
                 "[[],[{\"index\":2,\"value\":<3>}]]");
}

/* A text of so many times 我. */
static char *repeated(const char *before, size_t n, const char *after)
{
    char *body = malloc(strlen(before) + 3 * n + strlen(after) + 1), *at = stpcpy(body, before);
    for (size_t i = 0; i < n; i++)
        at = stpcpy(at, "我");
    strcpy(at, after);
    return body;
}

static void long_replies_come_in_pieces(void **state)
{
    struct ask *ask = *state;
    const size_t n = 100000;
    char *body = repeated("{\"inputs\":[\"饭\",\"", n, "\",\"饭\"]}");
    const struct exchange *x = ask_post(ask, "/embed_all", body);
    assert_int_equal(x->status, 200);
    assert_true(ask->n_pieces > 5);
    assert_true(ask->piece_bytes_max < (80 << 10));
    const char one[] = "[[[0,1]],[[1,2],", end[] = ",[1,2]],[[0,1]]]";
    assert_memory_equal(x->reply, one, strlen(one));
    assert_memory_equal(x->reply + x->reply_bytes - strlen(end), end, strlen(end));
    assert_int_equal(x->reply_bytes, strlen("[[[0,1]],[]],[[0,1]]]") - 1 + 6 * n - 1);
    free(body);
    /* Of a bag only as much comes as there are different tokens. */
    body = repeated("{\"inputs\":\"", n, "\"}");
    assert_reply(ask_post(ask, "/embed_sparse", body), 200, "[[{\"index\":1,\"value\":<100000>}]]");
    free(body);
}

static void a_bag_weighs_tokens_as_their_model_does(void **state)
{
    (void)state;
    static const float rows[4] = {1, 2, 3, 4};
    struct ask ask;
    ask_open_model(&ask, ask_make_model("[UNK]\nlove\neat\nfood\n", rows, 4, 1,
                                        "{\"name\":\"embedd\",\"tokenizer\":\"wordpiece\"}"));
    assert_reply(ask_post(&ask, "/embed_sparse", "{\"inputs\":\"eat x love eat\"}"), 200,
                 "[[{\"index\":1,\"value\":<1>},{\"index\":2,\"value\":<2>}]]");
    ask_end(&ask);
}

static void similarity_gives_cosines_with_the_source(void **state)
{
    assert_reply(
        ask_post(*state, "/similarity",
                 "{\"inputs\":{\"source_sentence\":\"你\",\"sentences\":[\"你\",\"饭\",\"\"]}}"),
        200, "[1.0,0.0,0.0]");
    struct ask *ask = *state;
    ask->service.input_tokens_max = 1;
    assert_reply(ask_post(ask, "/similarity",
                          "{\"inputs\":{\"source_sentence\":\"你\",\"sentences\":[\"饭你\"]},"
                          "\"parameters\":{\"truncation_direction\":\"left\"}}"),
                 200, "[1.0]");
    ask->service.input_tokens_max = 0;
}

static void similarity_says_what_is_wrong_with_its_members(void **state)
{
    static const char *const cases[][2] = {
        {"{\"inputs\":\"a\"}",
         "inputs must be an object with source_sentence and sentences, but is a string"},
        {"{\"inputs\":{\"sentences\":[\"a\"]}}",
         "inputs.source_sentence is missing; it must be a string"},
        {"{\"inputs\":{\"source_sentence\":3,\"sentences\":[\"a\"]}}",
         "inputs.source_sentence must be a string, not 3"},
        {"{\"inputs\":{\"source_sentence\":\"a\"}}",
         "inputs.sentences is missing; it must be a string or a list of strings"},
        {"{\"inputs\":{\"source_sentence\":\"a\",\"sentences\":[\"a\",null]}}",
         "inputs.sentences[1] must be a string, not null"},
        {"{\"inputs\":{\"source_sentence\":\"a\",\"sentences\":[\"a\"]},\"parameters\":[]}",
         "parameters must be an object, not a list"},
        {"{\"inputs\":{\"source_sentence\":\"a\",\"sentences\":[\"a\"]},\"parameters\":"
         "{\"truncate\":1}}",
         "truncate must be true or false, not 1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char want[512];
        snprintf(want, sizeof want,
                 "{\"error\":\"Input validation error: %s\",\"error_type\":\"Validation\"}",
                 cases[i][1]);
        assert_reply(ask_post(*state, "/similarity", cases[i][0]), 422, want);
    }
    assert_reply(ask_post(*state, "/similarity",
                          "{\"inputs\":{\"source_sentence\":\"a\",\"sentences\":[]}}"),
                 400,
                 "{\"error\":\"`inputs.sentences` cannot be empty\",\"error_type\":\"Empty\"}");
}

static void rerank_gives_the_nearest_first(void **state)
{
    assert_reply(ask_post(*state, "/rerank", "{\"query\":\"你\",\"texts\":[\"饭\",\"你你\",\"\"]}"),
                 200,
                 "[{\"index\":1,\"score\":1.0},{\"index\":0,\"score\":<0.5>},"
                 "{\"index\":2,\"score\":<0.5>}]");
    assert_reply(ask_post(*state, "/rerank",
                          "{\"query\":\"你\",\"texts\":[\"饭\",\"你\\n你\"],\"raw_scores\":true,"
                          "\"return_text\":true}"),
                 200,
                 "[{\"index\":1,\"text\":\"你\\n你\",\"score\":1.0},"
                 "{\"index\":0,\"text\":\"饭\",\"score\":0.0}]");
}

static void rerank_says_what_is_wrong_with_its_fields(void **state)
{
    assert_reply(ask_post(*state, "/rerank", "{\"query\":\"a\",\"texts\":[]}"), 400,
                 "{\"error\":\"`texts` cannot be empty\",\"error_type\":\"Empty\"}");
    assert_reply(ask_post(*state, "/rerank", "{\"texts\":[\"a\"]}"), 422,
                 "{\"error\":\"Input validation error: query is missing; it must be a string\","
                 "\"error_type\":\"Validation\"}");
    assert_reply(
        ask_post(*state, "/rerank", "{\"query\":\"a\",\"texts\":[\"\",\"\",\"\",\"\",\"\"]}"), 422,
        "{\"error\":\"batch size 5 > maximum allowed batch size 4\",\"error_type\":"
        "\"Validation\"}");
    assert_reply(
        ask_post(*state, "/rerank", "{\"query\":\"a\",\"texts\":[\"a\"],\"return_text\":2}"), 422,
        "{\"error\":\"Input validation error: return_text must be true or false, not 2\","
        "\"error_type\":\"Validation\"}");
}

static void the_root_answers_what_a_request_looks_like(void **state)
{
    static const struct {
        const char *path, *body;
    } cases[] = {
        {"/embed", "{\"inputs\":[\"你\",[1,2],\"\"],\"normalize\":false}"},
        {"/embed", "{\"inputs\":\"我爱\",\"dimensions\":1,\"parameters\":null}"},
        {"/embed", "{\"inputs\":[]}"},
        {"/embed", "{}"},
        {"/embed", "{\"query\":\"你\"}"},
        {"/similarity", "{\"inputs\":{\"source_sentence\":\"你\",\"sentences\":[\"饭\"]}}"},
        {"/similarity", "{\"inputs\":{\"source_sentence\":\"你\",\"sentences\":[\"饭\"]},"
                        "\"parameters\":{}}"},
        {"/similarity", "{\"inputs\":{\"sentences\":[\"饭\"]}}"},
        {"/rerank", "{\"query\":\"你\",\"texts\":[\"饭\",\"你\"],\"return_text\":true}"},
        {"/rerank", "{\"query\":\"你\",\"texts\":[3]}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char want[1024];
        const struct exchange *x = ask_post(*state, cases[i].path, cases[i].body);
        const unsigned status = x->status;
        snprintf(want, sizeof want, "%.*s", (int)x->reply_bytes, x->reply);
        const struct endpoint *endpoint = x->endpoint;
        x = ask_post(*state, "/", cases[i].body);
        assert_reply(x, status, want);
        assert_ptr_equal(x->endpoint, endpoint);
        assert_null(x->object);
        assert_reply(ask_post(*state, "/invocations", cases[i].body), status, want);
    }
}

static void keys_that_nobody_reads_are_counted_wherever_a_request_ends(void **state)
{
    const struct exchange *x =
        ask_post(*state, "/", "{\"inputs\":\"你\",\"parameters\":{},\"raw_scores\":true,\"a\":1}");
    assert_string_equal(ask_header(x, "x-embedd-ignored-fields"), "3");
    x = ask_post(
        *state, "/vertex",
        "{\"instances\":[{\"inputs\":\"你\",\"a\":1},{\"inputs\":\"你\",\"b\":1}],\"c\":1}");
    assert_string_equal(ask_header(x, "x-embedd-ignored-fields"), "3");
}

static void vertex_answers_each_instance(void **state)
{
    const struct exchange *x =
        ask_post(*state, "/vertex",
                 "{\"instances\":[{\"inputs\":\"你\"},{\"inputs\":[\"饭\",\"猫\"]},"
                 "{\"query\":\"你\",\"texts\":[\"饭\"],\"raw_scores\":true}]}");
    assert_reply(x, 200,
                 "{\"predictions\":[[[<1>,<0>]],[[0.0,<1>],[0.0,<0>]],"
                 "[{\"index\":0,\"score\":0.0}]]}");
    assert_int_equal(x->sample.inputs, 5);
    assert_int_equal(x->sample.tokens, 5);
    assert_int_equal(x->sample.unknown_tokens, 1);
    assert_reply(ask_post(*state, "/vertex", "{\"instances\":[]}"), 200, "{\"predictions\":[]}");
}

static void vertex_is_refused_as_a_whole(void **state)
{
    static const char *const cases[][2] = {
        {"{}", "instances must be a list of objects, but is missing"},
        {"{\"instances\":[{\"inputs\":\"你\"},3,\"a\"]}",
         "instances[1] must be an object, not a number"},
        {"{\"instances\":[1]}", "instances[0] must be an object, not a number"},
        {"{\"instances\":[{\"inputs\":\"你\"},{\"inputs\":[9]}]}",
         "inputs[0] is 9, but this model's vocabulary has 6 tokens; send ids from 0 to 5"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char want[512];
        snprintf(want, sizeof want,
                 "{\"error\":\"Input validation error: %s\",\"error_type\":\"Validation\"}",
                 cases[i][1]);
        assert_reply(ask_post(*state, "/vertex", cases[i][0]), 422, want);
    }
    assert_reply(ask_post(*state, "/vertex", "{\"instances\":[{},{},{},{},{}]}"), 422,
                 "{\"error\":\"batch size 5 > maximum allowed batch size 4\",\"error_type\":"
                 "\"Validation\"}");
}

/* Each part alone is done at once. */
static void much_work_in_instances_is_put_off(void **state)
{
    struct ask *ask = *state;
    const char one[] = "{\"instances\":[{\"inputs\":\"你\"}]}";
    struct exchange *x = ask_begin(ask);
    x->work_max = 150;
    assert_int_equal(ask_send(ask, METHOD_POST, "/vertex", one, strlen(one))->status, 200);
    assert_int_equal(x->work_max, 150);
    char body[1024] = "{\"instances\":[{\"inputs\":\"你\"}",
         want[512] = "{\"predictions\":[[[<1>,<0>]]";
    ask->service.inputs_max = 20;
    for (size_t i = 0; i < 19; i++) {
        strcat(body, ",{\"inputs\":\"你\"}");
        strcat(want, ",[[<1>,<0>]]");
    }
    strcat(body, "]}");
    strcat(want, "]}");
    x = ask_begin(ask);
    x->work_max = 150;
    assert_reply(ask_send(ask, METHOD_POST, "/vertex", body, strlen(body)), 200, want);
    assert_int_equal(x->work_max, 0);
    assert_int_equal(x->sample.inputs, 20);
    ask->service.inputs_max = 4;
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
    const atomic_bool is_draining = true;
    ask->service.is_draining = &is_draining;
    assert_reply(ask_get(ask, "/health"), 503,
                 "{\"error\":\"unhealthy\",\"error_type\":\"Unhealthy\"}");
    ask->service.is_draining = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(embed_gives_bare_lists_normalized_by_default),
        cmocka_unit_test(embed_takes_ids_and_mixed_batches),
        cmocka_unit_test(embed_cuts_dimensions_before_it_normalizes),
        cmocka_unit_test(the_request_says_how_to_truncate),
        cmocka_unit_test(embed_all_gives_the_row_of_each_token_as_it_is),
        cmocka_unit_test(embed_all_is_cut_as_embed_is),
        cmocka_unit_test(embed_sparse_counts_tokens_by_id),
        cmocka_unit_test(long_replies_come_in_pieces),
        cmocka_unit_test(a_bag_weighs_tokens_as_their_model_does),
        cmocka_unit_test(similarity_gives_cosines_with_the_source),
        cmocka_unit_test(similarity_says_what_is_wrong_with_its_members),
        cmocka_unit_test(rerank_gives_the_nearest_first),
        cmocka_unit_test(rerank_says_what_is_wrong_with_its_fields),
        cmocka_unit_test(the_root_answers_what_a_request_looks_like),
        cmocka_unit_test(keys_that_nobody_reads_are_counted_wherever_a_request_ends),
        cmocka_unit_test(vertex_answers_each_instance),
        cmocka_unit_test(vertex_is_refused_as_a_whole),
        cmocka_unit_test(much_work_in_instances_is_put_off),
        cmocka_unit_test(errors_have_teis_shape_and_words),
        cmocka_unit_test(tokenize_shows_each_token_at_its_bytes),
        cmocka_unit_test(tokenize_adds_special_tokens_unless_told_not_to),
        cmocka_unit_test(decode_names_an_id_that_is_too_large),
        cmocka_unit_test(info_has_every_key),
        cmocka_unit_test(health_is_empty_until_the_service_drains),
    };
    return cmocka_run_group_tests(tests, ask_open, ask_close);
}
