/* SPDX-License-Identifier: Apache-2.0 */
/* /v1/classify and /predict over the running example, W in numbers that can be checked by hand. */
#include "tests/unit/handlers/ask.h"

static void add_head(struct model *model, const char *name, const char *text)
{
    char folder[] = "/tmp/embedd-test-XXXXXX", path[512];
    struct err err = {0};
    assert_non_null(mkdtemp(folder));
    ask_write_file(folder, name, text, strlen(text));
    if (!model_add_heads(model, folder, &err)) fail_msg("%s", err.message);
    snprintf(path, sizeof path, "%s/%s", folder, name);
    unlink(path);
    rmdir(folder);
}

/* 我 is (1, 2), 你 (2, 0), 饭 (0, 1). */
static int open_with_heads(void **state)
{
    ask_open(state);
    struct ask *ask = *state;
    add_head(ask->model, "default.json",
             "{\"labels\":[\"x\",\"y\",\"z\"],\"weight\":[[1,0],[0,1],[1,0]],\"bias\":[0,0.5,0]}");
    add_head(ask->model, "mood.json",
             "{\"labels\":[\"bad\",\"good\"],\"weight\":[[1,-1]],\"bias\":[0]}");
    add_head(ask->model, "tags.csv", "a,1,0,0\nb,0,1,0\n");
    add_head(
        ask->model, "topics.json",
        "{\"labels\":[\"a\",\"b\",\"c\"],\"kind\":\"multi-label\",\"weight\":[[2,0],[0,2],[0,0]],"
        "\"bias\":[0,0,-9]}");
    return 0;
}

static void the_best_label_comes_first_and_equals_in_label_order(void **state)
{
    assert_reply(ask_post(*state, "/v1/classify", "{\"text\":\"你\",\"top_k\":2}"), 200,
                 "{\"data\":[{\"index\":0,\"label\":\"x\",\"labels\":[\"x\"],"
                 "\"scores\":{\"x\":<0.44981621765827412>,\"z\":<0.44981621765827412>},"
                 "\"logits\":{\"x\":<2>,\"z\":<2>}}],\"model\":\"example\"}");
}

static void texts_tokens_and_ids_say_the_same(void **state)
{
    static const char want[] = "{\"data\":[{\"index\":0,\"label\":\"y\",\"labels\":[\"y\"],"
                               "\"scores\":{\"y\":<0.69143845403622761>},"
                               "\"logits\":{\"y\":<2.5>}}],\"model\":\"example\"}";
    assert_reply(ask_post(*state, "/v1/classify", "{\"text\":\"我\",\"top_k\":1}"), 200, want);
    assert_reply(ask_post(*state, "/v1/classify", "{\"tokens\":[\"我\"],\"top_k\":1}"), 200, want);
    assert_reply(ask_post(*state, "/v1/classify", "{\"ids\":[1],\"top_k\":1}"), 200, want);
}

static void a_binary_head_obeys_its_threshold(void **state)
{
    assert_reply(
        ask_post(*state, "/v1/classify", "{\"text\":\"\",\"head\":\"mood\"}"), 200,
        "{\"data\":[{\"index\":0,\"label\":\"good\",\"labels\":[\"good\"],"
        "\"scores\":{\"bad\":<0.5>,\"good\":<0.5>},\"logits\":{\"bad\":<-0>,\"good\":<0>}}],"
        "\"model\":\"example\"}");
    assert_reply(
        ask_post(*state, "/v1/classify",
                 "{\"text\":\"你\",\"head\":\"mood\",\"threshold\":0.9,\"top_k\":1}"),
        200,
        "{\"data\":[{\"index\":0,\"label\":\"bad\",\"labels\":[\"bad\"],"
        "\"scores\":{\"good\":<0.88079708>},\"logits\":{\"good\":<2>}}],\"model\":\"example\"}");
}

static void a_multi_label_head_may_give_several_labels_or_none(void **state)
{
    assert_reply(
        ask_post(*state, "/v1/classify",
                 "{\"text\":[\"我\",\"\"],\"head\":\"topics\",\"top_k\":1,\"threshold\":0.8}"),
        200,
        "{\"data\":[{\"index\":0,\"label\":\"b\",\"labels\":[\"b\",\"a\"],"
        "\"scores\":{\"b\":<0.98201379003790845>},\"logits\":{\"b\":<4>}},"
        "{\"index\":1,\"label\":null,\"labels\":[],"
        "\"scores\":{\"a\":<0.5>},\"logits\":{\"a\":<0>}}],\"model\":\"example\"}");
}

/* 你饭: the mean of (2, 0) and (0, 1) is (1, 0.5). */
static void bias_and_shares_are_the_logit(void **state)
{
    assert_reply(
        ask_post(*state, "/v1/classify", "{\"text\":\"你饭\",\"top_k\":1,\"explain\":true}"), 200,
        "{\"data\":[{\"index\":0,\"label\":\"x\",\"labels\":[\"x\"],"
        "\"scores\":{\"x\":<0.333333343>},\"logits\":{\"x\":<1>},"
        "\"explanation\":{\"label\":\"x\",\"bias\":<0>,\"tokens\":["
        "{\"token\":\"你\",\"start\":0,\"end\":1,\"share\":<1>},"
        "{\"token\":\"饭\",\"start\":1,\"end\":2,\"share\":<0>}]}}],\"model\":\"example\"}");
    assert_reply(
        ask_post(*state, "/v1/classify",
                 "{\"ids\":[5],\"head\":\"mood\",\"top_k\":1,\"explain\":true}"),
        200,
        "{\"data\":[{\"index\":0,\"label\":\"bad\",\"labels\":[\"bad\"],"
        "\"scores\":{\"bad\":<0.731058598>},\"logits\":{\"bad\":<1>},"
        "\"explanation\":{\"label\":\"bad\",\"bias\":<-0>,\"tokens\":["
        "{\"token\":\"饭\",\"start\":null,\"end\":null,\"share\":<1>}]}}],\"model\":\"example\"}");
}

static void of_a_text_cut_in_front_the_tokens_that_are_left_are_explained(void **state)
{
    struct ask *ask = *state;
    ask->service.input_tokens_max = 2;
    ask->service.truncate = TRUNCATE_LEFT;
    const struct exchange *x =
        ask_post(ask, "/v1/classify", "{\"text\":\"我爱你饭\",\"top_k\":1,\"explain\":true}");
    assert_int_equal(x->status, 200);
    assert_non_null(strstr(x->reply, "\"tokens\":[{\"token\":\"你\",\"start\":2,\"end\":3,"));
    assert_non_null(strstr(x->reply, "},{\"token\":\"饭\",\"start\":3,\"end\":4,"));
}

static void refuse(struct ask *ask, const char *body, unsigned status, const char *why)
{
    const struct exchange *x = ask_post(ask, "/v1/classify", body);
    char reply[2048];
    snprintf(reply, sizeof reply, "%.*s", (int)x->reply_bytes, x->reply);
    assert_int_equal(x->status, status);
    if (!strstr(reply, why)) fail_msg("%s does not say %s", reply, why);
}

static void what_is_wrong_is_named(void **state)
{
    refuse(*state, "{\"text\":\"我\",\"head\":\"none\"}", 404,
           "there is no head \\\"none\\\"; heads of this model: default, mood, tags, topics");
    refuse(*state, "{\"text\":\"我\",\"top_k\":0}", 400,
           "top_k must be a whole number from 1 to 3");
    refuse(*state, "{\"text\":\"我\",\"top_k\":4}", 400, "not 4");
    refuse(*state, "{\"text\":\"我\",\"head\":\"mood\",\"threshold\":-0.1}", 400,
           "threshold must be a number from 0 to 1");
    refuse(*state, "{\"text\":\"我\",\"head\":\"mood\",\"threshold\":\"x\"}", 400, "threshold");
    refuse(*state, "{\"text\":\"我\",\"threshold\":0.5}", 400, "takes no threshold");
    refuse(*state, "{\"text\":\"我\",\"explain\":1}", 400, "explain");
    refuse(*state, "{\"head\":\"mood\"}", 400, "exactly one of text, tokens and ids");
}

static void predict_has_teis_shapes(void **state)
{
    assert_reply(
        ask_post(*state, "/predict", "{\"inputs\":\"我\",\"raw_scores\":true}"), 200,
        "[{\"score\":<2.5>,\"label\":\"y\"},{\"score\":<1>,\"label\":\"x\"},{\"score\":<1>,"
        "\"label\":\"z\"}]");
    assert_reply(
        ask_post(*state, "/predict", "{\"inputs\":[[\"我\"],[\"你\",\"饭\"]],\"raw_scores\":true}"),
        200,
        "[[{\"score\":<2.5>,\"label\":\"y\"},{\"score\":<1>,\"label\":\"x\"},{\"score\":<1>,"
        "\"label\":\"z\"}],[{\"score\":<1>,\"label\":\"x\"},{\"score\":<1>,\"label\":\"y\"},"
        "{\"score\":<1>,\"label\":\"z\"}]]");
    /* A list of two strings is a pair: one text. */
    assert_reply(ask_post(*state, "/predict", "{\"inputs\":[\"你\",\"饭\"]}"), 200,
                 "[{\"score\":<0.333333343>,\"label\":\"x\"},{\"score\":<0.333333343>,\"label\":"
                 "\"y\"},{\"score\":<0.333333343>,\"label\":\"z\"}]");
    assert_int_equal(ask_post(*state, "/predict", "{\"inputs\":[\"a\",\"b\",\"c\"]}")->status, 422);
    assert_int_equal(ask_post(*state, "/predict", "{\"inputs\":[[\"a\"],[1]]}")->status, 422);
    assert_int_equal(ask_post(*state, "/predict", "{\"inputs\":[]}")->status, 422);
    assert_int_equal(ask_post(*state, "/predict", "{}")->status, 422);
}

/* `want` of the head with index `head`, a number a label. */
static void assert_predicted(const struct exchange *x, size_t head, const uint32_t *want, size_t n)
{
    assert_int_equal(x->status, 200);
    assert_int_equal(x->sample.head, head);
    assert_non_null(x->sample.predicted);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(x->sample.predicted[i], want[i]);
}

#define ASSERT_PREDICTED(x, head, ...)                                                             \
    assert_predicted(x, head, (const uint32_t[]){__VA_ARGS__},                                     \
                     sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

static void each_sequence_counts_for_the_labels_it_is_given(void **state)
{
    ASSERT_PREDICTED(
        ask_post(*state, "/v1/classify", "{\"text\":[\"你\",\"我\",\"你\"],\"top_k\":1}"), 0, 2, 1,
        0);
    ASSERT_PREDICTED(
        ask_post(*state, "/v1/classify", "{\"text\":[\"你\",\"饭\",\"\"],\"head\":\"mood\"}"), 1, 1,
        2);
    ASSERT_PREDICTED(
        ask_post(*state, "/v1/classify",
                 "{\"text\":[\"你\",\"饭\",\"\"],\"head\":\"mood\",\"threshold\":0.9}"),
        1, 3, 0);
    ASSERT_PREDICTED(ask_post(*state, "/predict", "{\"inputs\":[[\"我\"],[\"你\",\"饭\"]]}"), 0, 1,
                     1, 0);
    ASSERT_PREDICTED(ask_post(*state, "/predict", "{\"inputs\":\"我\",\"raw_scores\":true}"), 0, 0,
                     1, 0);
}

static void a_multi_label_head_counts_every_label_that_passes(void **state)
{
    ASSERT_PREDICTED(
        ask_post(
            *state, "/v1/classify",
            "{\"text\":[\"我\",\"你\",\"\"],\"head\":\"topics\",\"top_k\":1,\"threshold\":0.8}"),
        3, 2, 1, 0);
    ASSERT_PREDICTED(
        ask_post(*state, "/v1/classify", "{\"text\":\"\",\"head\":\"topics\",\"threshold\":0.8}"),
        3, 0, 0, 0);
}

static void what_is_refused_predicts_nothing(void **state)
{
    static const char *const bodies[] = {"{\"text\":\"我\",\"top_k\":4}", "{\"ids\":[[1],[9]]}",
                                         "{\"text\":\"我\",\"head\":\"none\"}"};
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        const struct exchange *x = ask_post(*state, "/v1/classify", bodies[i]);
        assert_true(x->status >= 400);
        assert_null(x->sample.predicted);
    }
    assert_null(ask_post(*state, "/embed", "{\"inputs\":\"我\"}")->sample.predicted);
}

/* Memory may end anywhere, also when all is answered and only the reply has no room. */
static void predictions_count_when_the_reply_is_whole(void **state)
{
    static const char *const requests[][2] = {
        {"/v1/classify", "{\"text\":[\"我\",\"你\",\"我\",\"你\"]}"},
        {"/predict", "{\"inputs\":[[\"我\"],[\"你\"],[\"我\"],[\"你\"]]}"}};
    struct ask *ask = *state;
    for (size_t i = 0; i < 2; i++) {
        size_t refused = 0, answered = 0;
        for (size_t cap = 256; answered < 8; cap += 64) {
            arena_clear(&ask->arena);
            arena_init(&ask->arena, cap);
            const struct exchange *x = ask_post(ask, requests[i][0], requests[i][1]);
            assert_true((x->status == 200) == (x->sample.predicted != NULL));
            refused += x->status == 413;
            answered += x->status == 200;
        }
        assert_true(refused > 0);
    }
}

static void info_lists_the_heads_beside_the_embedding(void **state)
{
    const struct exchange *x = ask_get(*state, "/info");
    char reply[2048];
    snprintf(reply, sizeof reply, "%.*s", (int)x->reply_bytes, x->reply);
    assert_non_null(strstr(reply, "\"model_type\":{\"embedding\":{\"pooling\":\"mean\"}},"));
    static const char heads[] = ",\"docker_label\":null,\"heads\":["
                                "{\"name\":\"default\",\"kind\":\"multi-class\",\"labels\":3},"
                                "{\"name\":\"mood\",\"kind\":\"binary\",\"labels\":2},"
                                "{\"name\":\"tags\",\"kind\":\"multi-class\",\"labels\":2},"
                                "{\"name\":\"topics\",\"kind\":\"multi-label\",\"labels\":3}],";
    const char *found = strstr(reply, ",\"docker_label\"");
    assert_non_null(found);
    assert_memory_equal(found, heads, strlen(heads));
}

static void a_model_without_heads_says_so(void **state)
{
    const struct exchange *x = ask_post(*state, "/predict", "{\"inputs\":\"我\"}");
    assert_reply(x, 424,
                 "{\"error\":\"Model is not a classifier model\",\"error_type\":\"Backend\"}");
    refuse(*state, "{\"text\":\"我\"}", 404, "has no classifier head");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_best_label_comes_first_and_equals_in_label_order,
                                        open_with_heads, ask_close),
        cmocka_unit_test_setup_teardown(texts_tokens_and_ids_say_the_same, open_with_heads,
                                        ask_close),
        cmocka_unit_test_setup_teardown(a_binary_head_obeys_its_threshold, open_with_heads,
                                        ask_close),
        cmocka_unit_test_setup_teardown(a_multi_label_head_may_give_several_labels_or_none,
                                        open_with_heads, ask_close),
        cmocka_unit_test_setup_teardown(bias_and_shares_are_the_logit, open_with_heads, ask_close),
        cmocka_unit_test_setup_teardown(
            of_a_text_cut_in_front_the_tokens_that_are_left_are_explained, open_with_heads,
            ask_close),
        cmocka_unit_test_setup_teardown(what_is_wrong_is_named, open_with_heads, ask_close),
        cmocka_unit_test_setup_teardown(predict_has_teis_shapes, open_with_heads, ask_close),
        cmocka_unit_test_setup_teardown(each_sequence_counts_for_the_labels_it_is_given,
                                        open_with_heads, ask_close),
        cmocka_unit_test_setup_teardown(a_multi_label_head_counts_every_label_that_passes,
                                        open_with_heads, ask_close),
        cmocka_unit_test_setup_teardown(what_is_refused_predicts_nothing, open_with_heads,
                                        ask_close),
        cmocka_unit_test_setup_teardown(predictions_count_when_the_reply_is_whole, open_with_heads,
                                        ask_close),
        cmocka_unit_test_setup_teardown(info_lists_the_heads_beside_the_embedding, open_with_heads,
                                        ask_close),
        cmocka_unit_test_setup_teardown(a_model_without_heads_says_so, ask_open, ask_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
