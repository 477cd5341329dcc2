/* SPDX-License-Identifier: Apache-2.0 */
#include "handlers/dialect.h"
#include "model/text/openai/openai_ids.h"
#include "tests/unit/handlers/ask.h"

#define ITEM(i, vector) "{\"object\":\"embedding\",\"index\":" #i ",\"embedding\":" vector "}"
#define REPLY(items, model, n)                                                                     \
    "{\"object\":\"list\",\"data\":[" items "],\"model\":\"" model                                 \
    "\",\"usage\":{\"prompt_tokens\":" #n ",\"total_tokens\":" #n "}}"

static void a_text_becomes_the_mean_of_its_rows(void **state)
{
    const struct exchange *x = ask_post(*state, "/v1/embeddings", "{\"input\":\"我爱吃饭\"}");
    assert_reply(x, 200, REPLY(ITEM(0, "[<0.9375>,<1.9375>]"), "example", 4));
    assert_string_equal(ask_header(x, "x-embedd-model"), "example/1");
    assert_null(ask_header(x, "x-embedd-unknown"));
    assert_null(ask_header(x, "x-embedd-ids"));
    assert_null(ask_header(x, "server-timing"));
    assert_int_equal(x->n_headers, 2);
}

static void the_model_asked_for_is_echoed(void **state)
{
    const struct exchange *x =
        ask_post(*state, "/v1/embeddings",
                 "{\"model\":\"text-embedding-3-small\",\"input\":[\"我\",\"\"],\"user\":\"u\"}");
    assert_reply(x, 200,
                 REPLY(ITEM(0, "[<1>,<2>]") "," ITEM(1, "[<0>,<0>]"), "text-embedding-3-small", 1));
    assert_string_equal(ask_header(x, "x-embedd-model"), "example/1");
    assert_null(ask_header(x, "x-embedd-ignored-fields"));
}

static void ids_are_the_models_own_and_the_reply_says_so(void **state)
{
    const struct exchange *x = ask_post(*state, "/v1/embeddings", "{\"input\":[1,2]}");
    assert_reply(x, 200, REPLY(ITEM(0, "[<2>,<3>]"), "example", 2));
    assert_string_equal(ask_header(x, "x-embedd-ids"), "model");
    x = ask_post(*state, "/v1/embeddings", "{\"input\":[[1,2],[5]]}");
    assert_reply(x, 200, REPLY(ITEM(0, "[<2>,<3>]") "," ITEM(1, "[<0>,<1>]"), "example", 3));
}

/* 我爱吃饭, whose characters lie across tokens but for the first. */
#define CHAIN_CL100K "37046,76207,109,7305,225,165,98,255"

static void openais_ids_are_read_as_the_text_they_stand_for(void **state)
{
    struct ask *ask = *state;
    ask->service.openai_ids = &openai_cl100k;
    const struct exchange *x = ask_post(ask, "/v1/embeddings", "{\"input\":[" CHAIN_CL100K "]}");
    assert_reply(x, 200, REPLY(ITEM(0, "[<0.9375>,<1.9375>]"), "example", 4));
    assert_string_equal(ask_header(x, "x-embedd-ids"), "cl100k");
    x = ask_post(ask, "/embeddings", "{\"input\":[[37046],[" CHAIN_CL100K "]]}");
    assert_reply(x, 200,
                 REPLY(ITEM(0, "[<1>,<2>]") "," ITEM(1, "[<0.9375>,<1.9375>]"), "example", 5));
    assert_null(ask_header(ask_post(ask, "/v1/embeddings", "{\"input\":\"我\"}"), "x-embedd-ids"));
    ask->service.openai_ids = &openai_o200k;
    x = ask_post(ask, "/v1/embeddings", "{\"input\":[7522,6414,39276,109922]}");
    assert_reply(x, 200, REPLY(ITEM(0, "[<0.9375>,<1.9375>]"), "example", 4));
    assert_string_equal(ask_header(x, "x-embedd-ids"), "o200k");
    ask->service.openai_ids = NULL;
}

static void ids_on_other_routes_are_the_models_own(void **state)
{
    struct ask *ask = *state;
    ask->service.openai_ids = &openai_cl100k;
    assert_reply(ask_post(ask, "/embed", "{\"inputs\":[1,2],\"normalize\":false}"), 200,
                 "[[<2>,<3>]]");
    const struct exchange *x = ask_post(ask, "/v1/lookup", "{\"ids\":[6]}");
    assert_int_equal(x->status, 400);
    assert_non_null(strstr(x->reply, "this model's vocabulary has 6 tokens"));
    assert_null(ask_header(x, "x-embedd-ids"));
    ask->service.openai_ids = NULL;
}

/* 109 is the last byte of 爱, 76207 the others: only together, and only in one input, are they it.
 */
static void a_character_is_whole_within_one_input_alone(void **state)
{
    struct ask *ask = *state;
    ask->service.openai_ids = &openai_cl100k;
    const struct exchange *x =
        ask_post(ask, "/v1/embeddings", "{\"input\":[[76207,109],[76207],[109]]}");
    assert_reply(x, 200,
                 REPLY(ITEM(0, "[<3>,<4>]") "," ITEM(1, "[<0>,<0>]") "," ITEM(2, "[<0>,<0>]"),
                       "example", 3));
    assert_string_equal(ask_header(x, "x-embedd-unknown"), "2");
    ask->service.openai_ids = NULL;
}

static void an_id_that_stands_for_no_text_is_named_with_its_place(void **state)
{
    static const struct {
        const struct openai_ids *ids;
        const char *input, *says;
    } cases[] = {
        {&openai_cl100k, "[[1],[1,2,3,100257]]",
         "input[1][3] is 100257, the special token <|endoftext|> of cl100k_base, which stands for "
         "no "
         "text; leave it out"},
        {&openai_cl100k, "[100276]", "input[0] is 100276, the special token <|endofprompt|>"},
        {&openai_o200k, "[1,199999]",
         "input[1] is 199999, the special token <|endoftext|> of o200k"},
        {&openai_cl100k, "[100256]",
         "input[0] is 100256, but the ids of cl100k_base that stand for text are 0 to 100255; send "
         "those, or set openai-ids to the vocabulary that the client uses"},
        {&openai_o200k, "[[-1]]",
         "input[0][0] is -1, but the ids of o200k_base that stand for text"},
        {&openai_o200k, "[9223372036854775807]", "input[0] is 9223372036854775807, but"},
    };
    struct ask *ask = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char body[128];
        ask->service.openai_ids = cases[i].ids;
        snprintf(body, sizeof body, "{\"input\":%s}", cases[i].input);
        const struct exchange *x = ask_post(ask, "/v1/embeddings", body);
        assert_int_equal(x->status, 400);
        assert_non_null(memmem(x->reply, x->reply_bytes, cases[i].says, strlen(cases[i].says)));
        assert_non_null(memmem(x->reply, x->reply_bytes, "\"param\":\"input\"", 15));
    }
    ask->service.openai_ids = NULL;
}

static void texts_and_openais_ids_do_not_mix(void **state)
{
    struct ask *ask = *state;
    ask->service.openai_ids = &openai_cl100k;
    const struct exchange *x = ask_post(ask, "/v1/embeddings", "{\"input\":[\"我\",[37046]]}");
    assert_int_equal(x->status, 400);
    assert_non_null(strstr(x->reply, "input mixes texts and token ids (item 1 differs"));
    ask->service.openai_ids = NULL;
}

/* An id of six bytes may stand for 128: what it costs to read them is what counts, here (how much
   is done at once) and below (how much is taken at all). */
static void many_bytes_of_text_from_few_ids_are_work_for_elsewhere(void **state)
{
    struct ask *ask = *state;
    ask->service.openai_ids = &openai_cl100k;
    for (int i = 0; i < 2; i++) {
        struct exchange *x = ask_begin(ask);
        static const char *const bodies[] = {"{\"input\":[37046]}", "{\"input\":[58040,37046]}"};
        x->body = bodies[i];
        x->body_bytes = strlen(bodies[i]);
        x->work_max = 100 * 128; /* as where offload-bytes is 100 */
        assert_true(handlers_find_route(x, METHOD_POST, "/v1/embeddings"));
        assert_int_equal(handlers_dispatch(x), i == 0);
        x->work_max = 0;
        if (i == 1) assert_true(handlers_dispatch(x));
        assert_reply(x, 200, REPLY(ITEM(0, "[<1>,<2>]"), "example", 1));
    }
    ask->service.openai_ids = NULL;
}

static void ids_stand_for_no_more_text_than_a_body_may_have(void **state)
{
    struct ask *ask = *state;
    const size_t max = ask->service.body_bytes_max;
    ask->service.openai_ids = &openai_cl100k;
    ask->service.body_bytes_max = 300;
    static const struct {
        const char *input;
        unsigned status;
    } cases[] = {
        {"[58040,58040,37046]", 200},         {"[[58040,37046],[58040]]", 200},
        {"[58040,58040,58040,37046]", 413},   {"[[58040,58040],[58040]]", 413},
        {"[[58040],[58040],[58040,0]]", 413},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char body[128];
        snprintf(body, sizeof body, "{\"input\":%s}", cases[i].input);
        const struct exchange *x = ask_post(ask, "/v1/embeddings", body);
        assert_int_equal(x->status, cases[i].status);
        if (x->status == 200) continue;
        assert_int_equal(x->sample.reject, REJECT_BODY_TOO_LARGE);
        assert_non_null(strstr(x->reply,
                               "the ids in input stand for more text than max-body-bytes, "
                               "300 bytes; send fewer in one request"));
    }
    ask->service.body_bytes_max = max;
    ask->service.openai_ids = NULL;
}

static void texts_of_ids_beyond_the_requests_memory_are_refused(void **state)
{
    struct ask *ask = *state;
    const size_t cap = ask->arena.cap_bytes;
    char body[1 << 13] = "{\"input\":[58040";
    for (int i = 0; i < 1000; i++)
        strcat(body, ",58040");
    strcat(body, "]}");
    ask->service.openai_ids = &openai_cl100k;
    ask_begin(ask);
    arena_clear(&ask->arena);
    arena_init(&ask->arena, 100000);
    const struct exchange *x = ask_post(ask, "/v1/embeddings", body);
    assert_int_equal(x->status, 413);
    assert_int_equal(x->sample.reject, REJECT_MEMORY);
    ask_begin(ask);
    arena_clear(&ask->arena);
    arena_init(&ask->arena, cap);
    ask->service.openai_ids = NULL;
}

static void base64_is_little_endian_float32(void **state)
{
    float vector[] = {0.9375f, 1.9375f};
    char base64[32], want[512];
    base64[numtext_base64(base64, vector, sizeof vector)] = '\0';
    snprintf(want, sizeof want, REPLY(ITEM(0, "\"%s\""), "example", 4), base64);
    assert_reply(ask_post(*state, "/v1/embeddings",
                          "{\"input\":\"我爱吃饭\",\"encoding_format\":\"base64\"}"),
                 200, want);
}

static void pooling_dimensions_and_normalize_can_be_chosen(void **state)
{
    assert_reply(ask_post(*state, "/v1/embeddings", "{\"input\":\"我爱\",\"pooling\":\"sum\"}"),
                 200, REPLY(ITEM(0, "[<4>,<6>]"), "example", 2));
    assert_reply(ask_post(*state, "/v1/embeddings", "{\"input\":\"我吃\",\"pooling\":\"max\"}"),
                 200, REPLY(ITEM(0, "[<1>,<2>]"), "example", 2));
    assert_reply(ask_post(*state, "/v1/embeddings", "{\"input\":\"爱\",\"dimensions\":1}"), 200,
                 REPLY(ITEM(0, "[<3>]"), "example", 1));
    assert_reply(ask_post(*state, "/v1/embeddings", "{\"input\":\"你\",\"normalize\":true}"), 200,
                 REPLY(ITEM(0, "[<1>,<0>]"), "example", 1));
    assert_reply(
        ask_post(*state, "/v1/embeddings",
                 "{\"input\":\"爱\",\"dimensions\":1,\"normalize\":true,\"pooling\":null}"),
        200, REPLY(ITEM(0, "[<1>]"), "example", 1));
}

static void ignored_fields_are_counted(void **state)
{
    const struct exchange *x =
        ask_post(*state, "/v1/embeddings",
                 "{\"input\":\"我\",\"input_type\":\"query\",\"x\":{\"y\":[1.5]}}");
    assert_int_equal(x->status, 200);
    assert_string_equal(ask_header(x, "x-embedd-ignored-fields"), "2");
    assert_int_equal(x->sample.ignored_fields, 2);
}

static void truncation_is_never_silent(void **state)
{
    struct ask *ask = *state;
    ask->service.input_tokens_max = 2;
    const struct exchange *x = ask_post(ask, "/v1/embeddings", "{\"input\":[\"我\",\"我爱吃饭\"]}");
    assert_int_equal(x->status, 400); /* as OpenAI does */
    assert_int_equal(x->sample.reject, REJECT_TOO_MANY_TOKENS);
    assert_non_null(strstr(x->reply, "maximum context length is 2 tokens, but input 1 has 4"));
    x = ask_post(ask, "/v1/embeddings", "{\"input\":[\"我爱吃饭\",\"我\"],\"truncate\":\"right\"}");
    assert_reply(x, 200, REPLY(ITEM(0, "[<2>,<3>]") "," ITEM(1, "[<1>,<2>]"), "example", 3));
    assert_string_equal(ask_header(x, "x-embedd-truncated"), "1");
    assert_int_equal(x->sample.truncated_inputs, 1);
    x = ask_post(ask, "/v1/embeddings", "{\"input\":\"我爱\"}"); /* just as many */
    assert_null(ask_header(x, "x-embedd-truncated"));
    ask->service.truncate = TRUNCATE_LEFT;
    x = ask_post(ask, "/v1/embeddings", "{\"input\":[0,1,3,5]}");
    assert_reply(x, 200, REPLY(ITEM(0, "[<-0.125>,<0.875>]"), "example", 2));
    ask->service.input_tokens_max = 0;
    ask->service.truncate = TRUNCATE_AUTO;
}

/* 我 爱 | 吃 饭 你: (2,3) and (1.75/3, 1.75/3) */
static void in_windows_nothing_is_cut(void **state)
{
    struct ask *ask = *state;
    ask->service.input_tokens_max = 3;
    const struct exchange *x = ask_post(
        ask, "/v1/embeddings", "{\"input\":[\"我爱你饭饭\",\"我\"],\"truncate\":\"window\"}");
    assert_reply(x, 200,
                 REPLY(ITEM(0, "[1.33333337,1.83333337]") "," ITEM(1, "[<1>,<2>]"), "example", 6));
    assert_null(ask_header(x, "x-embedd-truncated"));
    ask->service.truncate = TRUNCATE_WINDOW;
    x = ask_post(ask, "/v1/lookup", "{\"text\":\"我爱吃饭\"}");
    assert_non_null(strstr(x->reply, "\"shape\":[4,2]"));
    ask->service.input_tokens_max = 0;
    ask->service.truncate = TRUNCATE_AUTO;
}

static void an_empty_text_in_a_list_is_a_zero_vector_and_counted(void **state)
{
    const struct exchange *x =
        ask_post(*state, "/v1/embeddings", "{\"input\":[\"我\",\"\",\" \"]}");
    assert_reply(x, 200,
                 REPLY(ITEM(0, "[<1>,<2>]") "," ITEM(1, "[<0>,<0>]") "," ITEM(2, "[<0>,<0>]"),
                       "example", 1));
    assert_int_equal(x->sample.empty_inputs, 2);
}

static void unknown_tokens_are_left_out_and_counted(void **state)
{
    const struct exchange *x = ask_post(*state, "/v1/embeddings", "{\"input\":[\"我猫\",\"狗\"]}");
    assert_reply(x, 200, REPLY(ITEM(0, "[<1>,<2>]") "," ITEM(1, "[<0>,<0>]"), "example", 3));
    assert_string_equal(ask_header(x, "x-embedd-unknown"), "2");
}

static void strict_model_knows_one_name(void **state)
{
    struct ask *ask = *state;
    ask->service.strict_model = true;
    const struct exchange *x =
        ask_post(ask, "/v1/embeddings", "{\"input\":\"我\",\"model\":\"gpt-4\"}");
    assert_int_equal(x->status, 404);
    assert_int_equal(x->sample.reject, REJECT_NOT_FOUND);
    assert_non_null(strstr(x->reply, "\"param\":\"model\",\"code\":\"model_not_found\""));
    x = ask_post(ask, "/v1/embeddings", "{\"input\":\"我\",\"model\":\"exam\"}");
    assert_int_equal(x->status, 404);
    x = ask_post(ask, "/v1/embeddings", "{\"input\":\"我\",\"model\":\"example\"}");
    assert_int_equal(x->status, 200);
    x = ask_post(ask, "/v1/embeddings", "{\"input\":\"我\"}");
    assert_int_equal(x->status, 200);
    ask->service.strict_model = false;
}

static void the_format_error_is_openais_own(void **state)
{
    const struct exchange *x =
        ask_post(*state, "/v1/embeddings", "{\"input\":\"我\",\"encoding_format\":\"md5\"}");
    assert_reply(x, 400,
                 "{\"error\":{\"message\":\"Invalid value for 'encoding_format' = md5. Supported "
                 "values: ['float', 'base64'].\",\"type\":\"invalid_request_error\",\"param\":"
                 "\"encoding_format\",\"code\":null}}");
}

static void a_long_value_is_quoted_in_part_and_in_whole_characters(void **state)
{
    char body[512] = "{\"input\":\"\",\"encoding_format\":\"x", want[256] = " = x";
    for (int i = 0; i < 40; i++) {
        strcat(body, "爱");
        if (i < 19) strcat(want, "爱"); /* 1 + 57 of 60 bytes */
    }
    strcat(body, "\"}");
    strcat(want, ". Supported values");
    const struct exchange *x = ask_post(*state, "/v1/embeddings", body);
    assert_int_equal(x->status, 400);
    assert_non_null(strstr(x->reply, want));
}

static void a_vector_that_is_not_finite_is_never_sent(void **state)
{
    (void)state;
    static const float rows[] = {3e38f, 1, 3e38f, 1};
    struct ask ask;
    ask_open_model(&ask, ask_make_model("a\nb\n", rows, 2, 2,
                                        "{\"tokenizer\":\"dictionary\",\"pooling\":\"sum\"}"));
    const struct exchange *x = ask_post(&ask, "/v1/embeddings", "{\"input\":[[0],[0,1]]}");
    assert_int_equal(x->status, 500);
    assert_non_null(strstr(x->reply, "input 1 is not finite"));
    assert_non_null(strstr(x->reply, "\"type\":\"server_error\""));
    assert_string_equal(ask_header(x, "x-should-retry"), "false");
    ask_end(&ask);
}

static void models_lists_the_one_that_is_served(void **state)
{
    static const char model[] =
        "{\"id\":\"example\",\"object\":\"model\",\"created\":1700000000,"
        "\"owned_by\":\"embedd\",\"embedd\":{\"version\":\"1\",\"vocab_size\":"
        "6,\"dim\":2,\"tokenizer\":\"dictionary\",\"pooling\":\"mean\","
        "\"normalize\":false,\"heads\":[]}}";
    char list[512];
    snprintf(list, sizeof list, "{\"object\":\"list\",\"data\":[%s]}", model);
    assert_reply(ask_get(*state, "/v1/models"), 200, list);
    assert_reply(ask_get(*state, "/v1/models/example"), 200, model);
    assert_int_equal(ask_get(*state, "/v1/models/other")->status, 404);
    assert_int_equal(ask_get(*state, "/v1/models/")->status, 404);
}

static void a_batch_gives_the_same_bytes_as_each_text_alone(void **state)
{
    struct ask *ask = *state;
    static const char *const texts[] = {"我爱吃饭", "他", "", "你你爱"};
    char body[256], want[1024], alone[256];
    size_t used = (size_t)sprintf(want, "{\"object\":\"list\",\"data\":[");
    for (int i = 0; i < 4; i++) {
        snprintf(body, sizeof body, "{\"input\":\"%s\",\"normalize\":true}", texts[i]);
        const struct exchange *x = ask_post(ask, "/v1/embeddings", body);
        const char *from = memmem(x->reply, x->reply_bytes, "\"embedding\":[", 13);
        assert_non_null(from);
        const char *to = memchr(from, ']', x->reply_bytes - (size_t)(from - x->reply));
        snprintf(alone, sizeof alone, "%.*s", (int)(to + 1 - from), from);
        used += (size_t)sprintf(want + used, "%s{\"object\":\"embedding\",\"index\":%d,%s}",
                                i ? "," : "", i, alone);
    }
    const struct exchange *x =
        ask_post(ask, "/v1/embeddings",
                 "{\"input\":[\"我爱吃饭\",\"他\",\"\",\"你你爱\"],\"normalize\":true}");
    assert_int_equal(x->status, 200);
    assert_memory_equal(x->reply, want, used);
}

#define VOYAGE "\"truncation\":true,\"output_dtype\":null,\"output_dimension\":"

static void a_request_with_voyages_fields_gets_voyages_errors(void **state)
{
    const struct exchange *x = ask_post(*state, "/v1/embeddings", "{\"input\":[]," VOYAGE "null}");
    assert_reply(x, 400, "{\"detail\":\"input is an empty list; send at least one item\"}");
    assert_string_equal(x->dialect->too_large, "{\"detail\":\"" NO_MEMORY_TEXT "\"}");
    assert_string_equal(x->dialect->overloaded, "{\"detail\":\"" OVERLOADED_TEXT "\"}");
    assert_reply(ask_post(*state, "/v1/embeddings", "{\"input\":\"我\"," VOYAGE "3}"), 400,
                 "{\"detail\":\"output_dimension must be a whole number from 1 to 2, not 3\"}");
}

static void a_request_with_some_of_voyages_fields_is_still_openais(void **state)
{
    static const char *const fields[] = {"\"user\":\"a\"", "\"truncation\":true",
                                         "\"truncation\":true,\"output_dtype\":\"float\"",
                                         "\"output_dtype\":null,\"output_dimension\":1"};
    for (size_t i = 0; i < 4; i++) {
        char body[128];
        snprintf(body, sizeof body, "{\"input\":[],%s}", fields[i]);
        assert_reply(ask_post(*state, "/v1/embeddings", body), 400,
                     "{\"error\":{\"message\":\"input is an empty list; send at least one item\","
                     "\"type\":\"invalid_request_error\",\"param\":\"input\",\"code\":null}}");
    }
}

static void a_model_that_is_not_served_is_told_to_voyages_client_in_its_words(void **state)
{
    struct ask *ask = *state;
    ask->service.strict_model = true;
    const struct exchange *x =
        ask_post(ask, "/v1/embeddings",
                 "{\"input\":[\"我\"],\"model\":\"voyage-3.5\",\"input_type\":\"document\","
                 "\"truncation\":true,\"output_dtype\":null,\"output_dimension\":null}");
    ask->service.strict_model = false;
    assert_reply(x, 404,
                 "{\"detail\":\"model \\\"voyage-3.5\\\" is not served here; send "
                 "\\\"example\\\", or start without strict-model\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_becomes_the_mean_of_its_rows),
        cmocka_unit_test(the_model_asked_for_is_echoed),
        cmocka_unit_test(ids_are_the_models_own_and_the_reply_says_so),
        cmocka_unit_test(openais_ids_are_read_as_the_text_they_stand_for),
        cmocka_unit_test(ids_on_other_routes_are_the_models_own),
        cmocka_unit_test(a_character_is_whole_within_one_input_alone),
        cmocka_unit_test(an_id_that_stands_for_no_text_is_named_with_its_place),
        cmocka_unit_test(texts_and_openais_ids_do_not_mix),
        cmocka_unit_test(many_bytes_of_text_from_few_ids_are_work_for_elsewhere),
        cmocka_unit_test(ids_stand_for_no_more_text_than_a_body_may_have),
        cmocka_unit_test(texts_of_ids_beyond_the_requests_memory_are_refused),
        cmocka_unit_test(base64_is_little_endian_float32),
        cmocka_unit_test(pooling_dimensions_and_normalize_can_be_chosen),
        cmocka_unit_test(ignored_fields_are_counted),
        cmocka_unit_test(truncation_is_never_silent),
        cmocka_unit_test(in_windows_nothing_is_cut),
        cmocka_unit_test(an_empty_text_in_a_list_is_a_zero_vector_and_counted),
        cmocka_unit_test(unknown_tokens_are_left_out_and_counted),
        cmocka_unit_test(strict_model_knows_one_name),
        cmocka_unit_test(the_format_error_is_openais_own),
        cmocka_unit_test(a_long_value_is_quoted_in_part_and_in_whole_characters),
        cmocka_unit_test(a_vector_that_is_not_finite_is_never_sent),
        cmocka_unit_test(models_lists_the_one_that_is_served),
        cmocka_unit_test(a_batch_gives_the_same_bytes_as_each_text_alone),
        cmocka_unit_test(a_request_with_voyages_fields_gets_voyages_errors),
        cmocka_unit_test(a_request_with_some_of_voyages_fields_is_still_openais),
        cmocka_unit_test(a_model_that_is_not_served_is_told_to_voyages_client_in_its_words),
    };
    return cmocka_run_group_tests(tests, ask_open, ask_close);
}
