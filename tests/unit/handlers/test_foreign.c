/* SPDX-License-Identifier: Apache-2.0 */
/* Texts in scripts that the model does not know: counted and named in every dialect. */
#include "tests/unit/handlers/ask.h"

#define KNOWS "\"scripts\":[\"Latn\",\"Hani\"],"
#define CONFIG(scripts)                                                                            \
    "{" scripts "\"name\":\"example\",\"tokenizer\":\"dictionary\",\"normalize\":false}"

static int open_with(void **state, const char *config)
{
    json_init();
    struct ask *ask = malloc(sizeof *ask);
    ask_open_model(ask, ask_make_model(EXAMPLE_VOCAB, example_rows, EXAMPLE_V, EXAMPLE_D, config));
    *state = ask;
    return 0;
}

static int open_knowing(void **state)
{
    return open_with(state, CONFIG(KNOWS));
}

static int open_without(void **state)
{
    return open_with(state, CONFIG(""));
}

static void check_text(const char *got, const char *want)
{
    assert_int_equal(got != NULL, want != NULL);
    if (got) assert_string_equal(got, want);
}

static void check(struct ask *ask, const char *path, const char *body, const char *count,
                  const char *scripts)
{
    const struct exchange *x = ask_post(ask, path, body);
    if (x->status != 200) fail_msg("%s: %.*s", path, (int)x->reply_bytes, x->reply);
    check_text(ask_header(x, "x-embedd-foreign"), count);
    check_text(ask_header(x, "x-embedd-foreign-scripts"), scripts);
    assert_int_equal(x->sample.foreign_texts, count ? strtoull(count, NULL, 10) : 0);
}

#define TWO_OF_THREE "[\"Привет\",\"我爱\",\"مرحبا\"]"

static void every_dialect_counts_and_names(void **state)
{
    static const char *const asked[][2] = {
        {"/v1/embeddings", "{\"input\":" TWO_OF_THREE "}"},
        {"/embeddings", "{\"input\":" TWO_OF_THREE "}"},
        {"/openai/v1/embeddings", "{\"input\":" TWO_OF_THREE "}"},
        {"/openai/deployments/example/embeddings", "{\"input\":" TWO_OF_THREE "}"},
        {"/pooling", "{\"input\":" TWO_OF_THREE "}"},
        {"/score", "{\"text_1\":\"Привет\",\"text_2\":[\"我爱\",\"مرحبا\"]}"},
        {"/embed", "{\"inputs\":" TWO_OF_THREE "}"},
        {"/embed_all", "{\"inputs\":" TWO_OF_THREE "}"},
        {"/similarity",
         "{\"inputs\":{\"source_sentence\":\"Привет\",\"sentences\":[\"我爱\",\"مرحبا\"]}}"},
        {"/rerank", "{\"query\":\"Привет\",\"texts\":[\"我爱\",\"مرحبا\"]}"},
        {"/tokenize", "{\"inputs\":" TWO_OF_THREE "}"},
        {"/", "{\"inputs\":" TWO_OF_THREE "}"},
        {"/invocations", "{\"inputs\":" TWO_OF_THREE "}"},
        {"/vertex", "{\"instances\":[{\"inputs\":[\"Привет\",\"我爱\"]},{\"inputs\":\"مرحبا\"}]}"},
        {"/v1/ids", "{\"text\":" TWO_OF_THREE ",\"unknown\":\"skip\"}"},
        {"/v1/lookup", "{\"text\":" TWO_OF_THREE ",\"unknown\":\"skip\"}"},
        {"/v1/embed", "{\"texts\":" TWO_OF_THREE ",\"model\":\"example\"}"},
        {"/v2/embed", "{\"texts\":" TWO_OF_THREE ",\"model\":\"example\",\"input_type\":"
                      "\"search_query\",\"embedding_types\":[\"float\"]}"},
        {"/v1/rerank", "{\"query\":\"Привет\",\"documents\":[\"我爱\",\"مرحبا\"]}"},
        {"/v2/rerank", "{\"query\":\"Привет\",\"documents\":[\"我爱\",\"مرحبا\"]}"},
        {"/api/embed", "{\"model\":\"example\",\"input\":" TWO_OF_THREE "}"},
        {"/v1beta/models/example:batchEmbedContents",
         "{\"requests\":[{\"content\":{\"parts\":[{\"text\":\"Привет\"}]}},{\"content\":{\"parts\":"
         "[{\"text\":\"我爱\"}]}},{\"content\":{\"parts\":[{\"text\":\"مرحبا\"}]}}]}"},
        {"/v2/models/example/infer", "{\"inputs\":[{\"name\":\"text\",\"shape\":[3],\"datatype\":"
                                     "\"BYTES\",\"data\":" TWO_OF_THREE "}]}"},
    };
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++)
        check(*state, asked[i][0], asked[i][1], "2", "Cyrl, Arab");
    check(*state, "/api/embeddings", "{\"model\":\"example\",\"prompt\":\"Привет\"}", "1", "Cyrl");
    check(*state, "/vectors", "{\"text\":\"Привет\"}", "1", "Cyrl");
    check(*state, "/v1beta/models/example:embedContent",
          "{\"content\":{\"parts\":[{\"text\":\"Привет\"}]}}", "1", "Cyrl");
}

static void other_texts_have_no_header(void **state)
{
    check(*state, "/v1/embeddings",
          "{\"input\":[\"我爱\",\"I love\",\"我 love 北京\",\"abc абв\"]}", NULL, NULL);
    check(*state, "/v1/embeddings", "{\"input\":[\"\",\"😀\",\"123 ?!\",\"\\u0301\"]}", NULL, NULL);
    check(*state, "/v1/embeddings",
          "{\"input\":[\"https://пример.example.org/a?b=c\",\"f(x) = αx + b; // sum of x\"]}", NULL,
          NULL);
    check(*state, "/v1/embeddings", "{\"input\":\"абвг abc\"}", "1", "Cyrl");
}

static void a_script_is_named_once_in_the_order_of_the_texts(void **state)
{
    check(*state, "/embed", "{\"inputs\":[\"สวัสดี\",\"abc\",\"Привет\",\"ไทย\"]}", "3",
          "Thai, Cyrl");
}

static void of_tokens_and_ids_no_script_is_looked_at(void **state)
{
    check(*state, "/v1/ids", "{\"tokens\":[\"Привет\",\"мир\"],\"unknown\":\"skip\"}", NULL, NULL);
    check(*state, "/v1/lookup", "{\"ids\":[0,1]}", NULL, NULL);
    check(*state, "/v1/embeddings", "{\"input\":[[0,1],[2]]}", NULL, NULL);
}

static void what_was_cut_off_counts_as_it_was_sent(void **state)
{
    struct ask *ask = *state;
    ask->service.input_tokens_max = 2;
    ask->service.truncate = TRUNCATE_RIGHT;
    check(ask, "/v1/embeddings", "{\"input\":\"我 爱 абвгд\"}", "1", "Cyrl");
    assert_string_equal(ask_header(&ask->x, "x-embedd-truncated"), "1");
}

static void errors_say_nothing_of_it(void **state)
{
    const struct exchange *x =
        ask_post(*state, "/v1/embeddings", "{\"input\":\"Привет\",\"dimensions\":99}");
    assert_int_equal(x->status, 400);
    assert_null(ask_header(x, "x-embedd-foreign"));
    assert_null(ask_header(x, "x-embedd-foreign-scripts"));
}

static void a_model_that_does_not_say_what_it_knows_calls_nothing_foreign(void **state)
{
    check(*state, "/v1/embeddings", "{\"input\":" TWO_OF_THREE "}", NULL, NULL);
    check(*state, "/tokenize", "{\"inputs\":" TWO_OF_THREE "}", NULL, NULL);
}

#define KNOWING(test) cmocka_unit_test_setup_teardown(test, open_knowing, ask_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        KNOWING(every_dialect_counts_and_names),
        KNOWING(other_texts_have_no_header),
        KNOWING(a_script_is_named_once_in_the_order_of_the_texts),
        KNOWING(of_tokens_and_ids_no_script_is_looked_at),
        KNOWING(what_was_cut_off_counts_as_it_was_sent),
        KNOWING(errors_say_nothing_of_it),
        cmocka_unit_test_setup_teardown(
            a_model_that_does_not_say_what_it_knows_calls_nothing_foreign, open_without, ask_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
