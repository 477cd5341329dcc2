/* SPDX-License-Identifier: Apache-2.0 */
#include "handlers/reply.h"
#include "tests/unit/handlers/ask.h"

#define TOKENS "[\"我\",\"爱\",\"吃\",\"饭\"]"

static void a_sentence_becomes_dictionary_ids(void **state)
{
    const struct exchange *x = ask_post(*state, "/v1/ids", "{\"text\":\"我爱吃饭\"}");
    assert_reply(x, 200,
                 "{\"data\":[{\"index\":0,\"tokens\":" TOKENS ",\"ids\":[1,2,3,5],\"unknown\":0}],"
                 "\"model\":\"example\",\"vocab_size\":6}");
    assert_string_equal(x->reply_type, "application/json");
    assert_int_equal(x->sample.tokens, 4);
    assert_int_equal(x->sample.inputs, 1);
}

static void three_sentences_give_their_ids_in_order(void **state)
{
    const struct exchange *x =
        ask_post(*state, "/v1/ids",
                 "{\"text\":[\"我爱吃饭\",\"他爱吃饭\",\"你爱吃饭\"],\"model\":\"mine\"}");
    assert_reply(x, 200,
                 "{\"data\":[{\"index\":0,\"tokens\":" TOKENS ",\"ids\":[1,2,3,5],\"unknown\":0},"
                 "{\"index\":1,\"tokens\":[\"他\",\"爱\",\"吃\",\"饭\"],\"ids\":[0,2,3,5],"
                 "\"unknown\":0},"
                 "{\"index\":2,\"tokens\":[\"你\",\"爱\",\"吃\",\"饭\"],\"ids\":[4,2,3,5],"
                 "\"unknown\":0}],\"model\":\"mine\",\"vocab_size\":6}");
}

static void tokens_and_ids_are_taken_as_one_sequence_or_many(void **state)
{
    static const char one[] = "{\"data\":[{\"index\":0,\"tokens\":" TOKENS
                              ",\"ids\":[1,2,3,5],\"unknown\":0}],\"model\":\"example\","
                              "\"vocab_size\":6}";
    static const char two[] = "{\"data\":[{\"index\":0,\"tokens\":[\"我\"],\"ids\":[1],\"unknown\":"
                              "0},{\"index\":1,\"tokens\":[\"饭\",\"我\"],\"ids\":[5,1],"
                              "\"unknown\":0}],\"model\":\"example\",\"vocab_size\":6}";
    assert_reply(ask_post(*state, "/v1/ids", "{\"tokens\":" TOKENS "}"), 200, one);
    assert_reply(ask_post(*state, "/v1/ids", "{\"ids\":[1,2,3,5]}"), 200, one);
    assert_reply(ask_post(*state, "/v1/ids", "{\"tokens\":[[\"我\"],[\"饭\",\"我\"]]}"), 200, two);
    assert_reply(ask_post(*state, "/v1/ids", "{\"ids\":[[1],[5,1]]}"), 200, two);
}

static void an_empty_text_has_no_tokens(void **state)
{
    assert_reply(ask_post(*state, "/v1/ids", "{\"text\":\"\"}"), 200,
                 "{\"data\":[{\"index\":0,\"tokens\":[],\"ids\":[],\"unknown\":0}],"
                 "\"model\":\"example\",\"vocab_size\":6}");
    assert_reply(ask_post(*state, "/v1/lookup", "{\"text\":\"\"}"), 200,
                 "{\"data\":[{\"index\":0,\"tokens\":[],\"ids\":[],\"shape\":[0,2],\"rows\":[]}],"
                 "\"model\":\"example\"}");
    assert_reply(ask_post(*state, "/v1/onehot", "{\"text\":\"\"}"), 200,
                 "{\"data\":[{\"index\":0,\"tokens\":[],\"shape\":[0,6],\"zeros\":0,\"rows\":[]}],"
                 "\"model\":\"example\"}");
}

static void an_unknown_token_is_named_with_its_place(void **state)
{
    const struct exchange *x = ask_post(*state, "/v1/ids", "{\"text\":[\"我\",\"我吃猫\"]}");
    assert_int_equal(x->status, 422);
    assert_int_equal(x->sample.reject, REJECT_UNKNOWN_TOKEN);
    assert_non_null(strstr(x->reply, "token 2 of input 1, \\\"猫\\\""));
    x = ask_post(*state, "/v1/ids", "{\"tokens\":[\"我\",\"狗\"]}");
    assert_int_equal(x->status, 422);
    assert_non_null(strstr(x->reply, "token 1 of input 0, \\\"狗\\\""));
}

static void unknown_tokens_can_be_skipped(void **state)
{
    const struct exchange *x =
        ask_post(*state, "/v1/ids", "{\"text\":\"我猫吃狗\",\"unknown\":\"skip\"}");
    assert_reply(x, 200,
                 "{\"data\":[{\"index\":0,\"tokens\":[\"我\",\"吃\"],\"ids\":[1,3],\"unknown\":2}],"
                 "\"model\":\"example\",\"vocab_size\":6}");
    assert_string_equal(ask_header(x, "x-embedd-unknown"), "2");
    assert_int_equal(x->sample.unknown_tokens, 2);
}

/* The unknown token is the same unknown token however it came to be. */
static void the_unknown_token_written_in_a_text_is_unknown(void **state)
{
    (void)state;
    static const float rows[3] = {0};
    struct ask ask;
    ask_open_model(&ask, ask_make_model("[UNK]\na\nb\n", rows, 3, 1, "{\"name\":\"m\"}"));
    const struct exchange *x = ask_post(&ask, "/v1/ids", "{\"text\":\"a [UNK] x\"}");
    assert_reply(x, 200,
                 "{\"data\":[{\"index\":0,\"tokens\":[\"a\",\"[UNK]\",\"[UNK]\"],"
                 "\"ids\":[1,0,0],\"unknown\":2}],\"model\":\"m\",\"vocab_size\":3}");
    assert_string_equal(ask_header(x, "x-embedd-unknown"), "2");
    x = ask_post(&ask, "/v1/ids", "{\"text\":\"a [UNK] b\",\"unknown\":\"skip\"}");
    assert_non_null(strstr(x->reply, "\"ids\":[1,2],\"unknown\":1"));
    x = ask_post(&ask, "/v1/ids", "{\"text\":\"a [UNK]\",\"unknown\":\"error\"}");
    assert_int_equal(x->status, 422);
    assert_non_null(strstr(x->reply, "token 1 of input 0, \\\"[UNK]\\\""));
    x = ask_post(&ask, "/v1/onehot", "{\"text\":\"a [UNK] x\",\"vocabulary\":\"input\"}");
    assert_int_equal(x->status, 200);
    assert_non_null(strstr(x->reply, "\"tokens\":[\"a\",\"[UNK]\",\"x\"],\"shape\":[3,3]"));
    x = ask_post(&ask, "/v1/onehot", "{\"text\":\"[UNK]\",\"vocabulary\":\"input\"}");
    assert_non_null(strstr(x->reply, "\"tokens\":[\"[UNK]\"],\"shape\":[1,1]"));
    ask.service.input_tokens_max = 2;
    x = ask_post(&ask, "/v1/ids", "{\"text\":\"a [UNK] x\"}");
    assert_string_equal(ask_header(x, "x-embedd-unknown"), "1");
    x = ask_post(&ask, "/tokenize", "{\"inputs\":\"a [UNK]\"}");
    assert_int_equal(x->sample.unknown_tokens, 1);
    ask_end(&ask);
}

static void a_table_without_unknown_row_has_no_unk(void **state)
{
    const struct exchange *x = ask_post(*state, "/v1/ids", "{\"text\":\"我\",\"unknown\":\"unk\"}");
    assert_int_equal(x->status, 400);
    assert_non_null(strstr(x->reply, "\"param\":\"unknown\""));
}

static void one_hot_rows_over_the_dictionary(void **state)
{
    assert_reply(ask_post(*state, "/v1/onehot", "{\"text\":\"我爱吃饭\"}"), 200,
                 "{\"data\":[{\"index\":0,\"tokens\":" TOKENS
                 ",\"shape\":[4,6],\"zeros\":0.8333333333333334,\"rows\":[[0,1,0,0,0,0],"
                 "[0,0,1,0,0,0],[0,0,0,1,0,0],[0,0,0,0,0,1]]}],\"model\":\"example\"}");
    assert_reply(ask_post(*state, "/v1/onehot", "{\"text\":\"我爱吃饭\",\"format\":\"sparse\"}"),
                 200,
                 "{\"data\":[{\"index\":0,\"tokens\":" TOKENS ",\"shape\":[4,6],\"zeros\":"
                 "0.8333333333333334,\"columns\":[1,2,3,5]}],\"model\":\"example\"}");
}

static void one_hot_over_the_input_is_the_identity(void **state)
{
    assert_reply(ask_post(*state, "/v1/onehot", "{\"text\":\"我爱吃饭\",\"vocabulary\":\"input\"}"),
                 200,
                 "{\"data\":[{\"index\":0,\"tokens\":" TOKENS ",\"shape\":[4,4],\"zeros\":0.75,"
                 "\"rows\":[[1,0,0,0],[0,1,0,0],[0,0,1,0],[0,0,0,1]]}],\"model\":\"example\"}");
    /* Repeated and unknown tokens: one column each. */
    assert_reply(ask_post(*state, "/v1/onehot", "{\"text\":\"猫我猫狗\",\"vocabulary\":\"input\"}"),
                 200,
                 "{\"data\":[{\"index\":0,\"tokens\":[\"猫\",\"我\",\"猫\",\"狗\"],\"shape\":[4,3],"
                 "\"zeros\":0.6666666666666666,\"rows\":[[1,0,0],[0,1,0],[1,0,0],[0,0,1]]}],"
                 "\"model\":\"example\"}");
}

static void a_large_one_hot_is_sparse_unless_asked_for(void **state)
{
    /* 6 columns: dense up to 10,922 tokens. */
    static char body[64 << 10];
    struct ask *ask = *state;
    for (int n = 10922; n <= 10923; n++) {
        char *at = body + sprintf(body, "{\"ids\":[0");
        for (int i = 1; i < n; i++)
            at += sprintf(at, ",%d", i % 6);
        strcpy(at, "]}");
        const struct exchange *x = ask_post(ask, "/v1/onehot", body);
        assert_int_equal(x->status, 200);
        bool is_sparse = memmem(x->reply, x->reply_bytes, "\"columns\":", 10) != NULL;
        assert_int_equal(is_sparse, n == 10923);
    }
}

/* A request of `n` different tokens, whose own vocabulary they are. */
static const char *tokens_of_their_own(int n)
{
    static char body[64 << 10];
    char *at =
        body + sprintf(body, "{\"vocabulary\":\"input\",\"format\":\"dense\",\"tokens\":[\"0\"");
    for (int i = 1; i < n; i++)
        at += sprintf(at, ",\"%d\"", i);
    strcpy(at, "]}");
    return body;
}

static void a_dense_one_hot_beyond_its_limit_is_413(void **state)
{
    struct ask *ask = *state;
    assert_int_equal(ask_post(ask, "/v1/onehot", tokens_of_their_own(1024))->status, 200);
    const struct exchange *x = ask_post(ask, "/v1/onehot", tokens_of_their_own(1025));
    assert_int_equal(x->status, 413);
    assert_int_equal(x->sample.reject, REJECT_REPLY_TOO_LARGE);
    assert_non_null(memmem(x->reply, x->reply_bytes, "max-dense-cells is 1048576", 26));
    assert_non_null(memmem(x->reply, x->reply_bytes, "1050625 cells", 13));
    assert_non_null(memmem(x->reply, x->reply_bytes, "sparse", 6));
    assert_true(ask->arena.used_bytes < 512 << 10); /* refused before it was built */
}

static void a_large_dense_one_hot_comes_in_pieces(void **state)
{
    struct ask *ask = *state;
    const struct exchange *x = ask_post(ask, "/v1/onehot", tokens_of_their_own(1000));
    assert_int_equal(x->status, 200);
    assert_true(ask->n_pieces > 20 && ask->piece_bytes_max < PIECE_BYTES + 4096);
    assert_true(ask->arena.used_bytes < 512 << 10);
    struct err err;
    json_t *root = json_read(x->reply, x->reply_bytes, &err);
    json_t *rows = json_object_get(json_array_get(json_object_get(root, "data"), 0), "rows");
    assert_int_equal(json_array_size(rows), 1000);
    for (size_t i = 0; i < 1000; i++)
        for (size_t j = 0; j < 1000; j++)
            assert_int_equal(json_integer_value(json_array_get(json_array_get(rows, i), j)),
                             i == j);
    json_decref(root);
}

/* Three items, the last of more than a megabyte in whatever form. */
static const char *many_ids(const char *more)
{
    static char body[256 << 10];
    char *at = body + sprintf(body, "{%s\"ids\":[[1,2],[3],[0", more);
    for (int i = 1; i < 60001; i++)
        at += sprintf(at, ",%d", i * 7 % 6);
    strcpy(at, "]]}");
    return body;
}

static void a_large_look_up_comes_in_pieces(void **state)
{
    struct ask *ask = *state;
    struct err err;
    const struct exchange *x = ask_post(ask, "/v1/lookup", many_ids(""));
    assert_int_equal(x->status, 200);
    assert_true(ask->n_pieces > 5);
    json_t *root = json_read(x->reply, x->reply_bytes, &err), *data = json_object_get(root, "data");
    assert_int_equal(json_array_size(data), 3);
    json_t *rows = json_object_get(json_array_get(data, 2), "rows");
    assert_int_equal(json_array_size(rows), 60001);
    for (size_t i = 0; i < 60001; i++)
        for (size_t j = 0; j < 2; j++)
            assert_true(json_number_value(json_array_get(json_array_get(rows, i), j)) ==
                        (double)example_rows[i * 7 % 6 * 2 + j]);
    json_decref(root);

    x = ask_post(ask, "/v1/lookup", many_ids("\"encoding_format\":\"base64\","));
    assert_true(ask->n_pieces > 5);
    root = json_read(x->reply, x->reply_bytes, &err);
    const char *text = json_string_value(
        json_object_get(json_array_get(json_object_get(root, "data"), 2), "rows"));
    unsigned char *bytes = malloc(strlen(text));
    size_t n;
    assert_true(numtext_base64_read(text, strlen(text), bytes, &n));
    assert_int_equal(n, 60001 * 2 * sizeof(float));
    for (size_t i = 0; i < 60001; i++)
        assert_memory_equal(bytes + i * 8, example_rows + i * 7 % 6 * 2, 8);
    free(bytes);
    json_decref(root);
}

/* Nothing of a piece is as long as the request, whatever is long in it. */
static void every_part_of_a_reply_comes_in_pieces(void **state)
{
    struct ask *ask = *state;
    static char body[512 << 10];
    char *at = body + sprintf(body, "{\"format\":\"sparse\",\"dimensions\":1,\"ids\":[[1],[0");
    for (int i = 1; i < 100001; i++)
        at += sprintf(at, ",%d", i % 6);
    strcpy(at, "]]}");
    static const char *const paths[] = {"/v1/onehot", "/v1/lookup"};
    for (size_t i = 0; i < 2; i++) {
        const struct exchange *x = ask_post(ask, paths[i], body);
        assert_int_equal(x->status, 200);
        assert_true(ask->n_pieces > 10 && ask->piece_bytes_max < PIECE_BYTES + 256);
        struct err err;
        json_t *root = json_read(x->reply, x->reply_bytes, &err);
        json_t *item = json_array_get(json_object_get(root, "data"), 1);
        assert_int_equal(json_array_size(json_object_get(item, "tokens")), 100001);
        const char *list = i ? "ids" : "columns";
        for (size_t k = 0; k < 100001; k++)
            assert_int_equal(json_integer_value(json_array_get(json_object_get(item, list), k)),
                             k % 6);
        json_decref(root);
    }
}

static void too_much_work_is_left_to_others_before_it_is_done(void **state)
{
    struct ask *ask = *state;
    static const char *const cases[][2] = {
        {"/v1/embeddings", "{\"input\":[\"我爱吃饭\",\"你\"]}"},
        {"/embed", "{\"inputs\":[\"我爱吃饭\",\"你\"]}"},
        {"/v1/lookup", "{\"text\":[\"我爱吃饭\",\"你\"]}"},
        {"/v1/onehot", "{\"text\":[\"我爱吃饭\",\"你\"]}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *path = cases[i][0], *body = cases[i][1];
        struct exchange *x = ask_begin(ask);
        x->request_id = "a";
        ask_send(ask, METHOD_POST, path, body, strlen(body));
        char *want = malloc(x->reply_bytes);
        size_t bytes = x->reply_bytes, n_headers = x->n_headers;
        uint64_t tokens = x->sample.tokens;
        memcpy(want, x->reply, bytes);

        x = ask_begin(ask);
        x->request_id = "a";
        x->body = body;
        x->body_bytes = strlen(body);
        x->work_max = 10;
        assert_non_null(handlers_find_route(x, METHOD_POST, path));
        assert_false(handlers_dispatch(x));
        assert_int_equal(x->status, 0);
        assert_null(x->reply);
        x->work_max = 0;
        assert_true(handlers_dispatch(x));
        assert_int_equal(x->reply_bytes, bytes);
        assert_memory_equal(x->reply, want, bytes);
        assert_int_equal(x->n_headers, n_headers);
        assert_int_equal(x->sample.tokens, tokens);
        free(want);
    }
}

static void memory_that_others_have_is_429_with_retry_after(void **state)
{
    struct ask *ask = *state;
    for (int i = 0; i < 2; i++) {
        struct arena_budget budget = {.max_bytes = 300 << 10};
        arena_clear(&ask->arena);
        arena_share(&ask->arena, &budget);
        struct exchange *x = ask_begin(ask);
        const char *path = i ? "/embed" : "/v1/lookup";
        const char *body = i ? "{\"inputs\":\"我\"}" : many_ids("");
        /* What another request has. */
        if (i) atomic_fetch_add(&budget.used_bytes, (300 << 10) - (32 << 10) - 1);
        x->body = body;
        x->body_bytes = strlen(body);
        if (handlers_find_route(x, METHOD_POST, path) && handlers_check_head(x, NULL, 1))
            handlers_dispatch(x);
        assert_int_equal(x->status, i ? 200 : 429);
        if (!i) assert_string_equal(ask_header(x, "retry-after"), "1");
        if (!i) assert_int_equal(x->sample.reject, REJECT_OVERLOAD);
        arena_clear(&ask->arena);
        assert_true(atomic_load(&budget.used_bytes) < 300 << 10);
        ask->arena.budget = NULL;
    }
}

static void look_up_gives_the_rows_of_w(void **state)
{
    assert_reply(ask_post(*state, "/v1/lookup", "{\"text\":\"我爱吃饭\"}"), 200,
                 "{\"data\":[{\"index\":0,\"tokens\":" TOKENS
                 ",\"ids\":[1,2,3,5],\"shape\":[4,2],\"rows\":[[<1>,<2>],[<3>,<4>],[<-0.25>,<0.75>]"
                 ",[<0>,<1>]]}],\"model\":\"example\"}");
    assert_reply(ask_post(*state, "/v1/lookup", "{\"ids\":[[4],[3,0]],\"dimensions\":1}"), 200,
                 "{\"data\":[{\"index\":0,\"tokens\":[\"你\"],\"ids\":[4],\"shape\":[1,1],\"rows\":"
                 "[[<2>]]},{\"index\":1,\"tokens\":[\"吃\",\"他\"],\"ids\":[3,0],\"shape\":[2,1],"
                 "\"rows\":[[<-0.25>],[<0.5>]]}],\"model\":\"example\"}");
}

static void look_up_in_base64_is_one_string_of_all_rows(void **state)
{
    float rows[] = {1, 2, 0, 1};
    char base64[64];
    base64[numtext_base64(base64, rows, sizeof rows)] = '\0';
    char want[256];
    snprintf(want, sizeof want,
             "{\"data\":[{\"index\":0,\"tokens\":[\"我\",\"饭\"],\"ids\":[1,5],\"shape\":[2,2],"
             "\"rows\":\"%s\"}],\"model\":\"example\"}",
             base64);
    assert_reply(
        ask_post(*state, "/v1/lookup", "{\"text\":\"我饭\",\"encoding_format\":\"base64\"}"), 200,
        want);
}

static json_t *reply_item(const struct exchange *x, const char *key)
{
    struct err err;
    json_t *root = json_read(x->reply, x->reply_bytes, &err);
    assert_non_null(root);
    json_t *item =
        json_incref(json_object_get(json_array_get(json_object_get(root, "data"), 0), key));
    json_decref(root);
    return item;
}

/* The point of the product: X·W, with X one-hot, is a look-up of rows. */
static void one_hot_times_w_equals_the_look_up(void **state)
{
    struct ask *ask = *state;
    static const char *const texts[] = {"{\"text\":\"我爱吃饭\"}", "{\"text\":\"他爱吃饭\"}",
                                        "{\"text\":\"你你你\"}"};
    for (size_t t = 0; t < 3; t++) {
        json_t *onehot = reply_item(ask_post(ask, "/v1/onehot", texts[t]), "rows");
        json_t *lookup = reply_item(ask_post(ask, "/v1/lookup", texts[t]), "rows");
        assert_int_equal(json_array_size(onehot), json_array_size(lookup));
        assert_true(json_array_size(onehot) > 0);
        for (size_t i = 0; i < json_array_size(onehot); i++) {
            json_t *x = json_array_get(onehot, i), *y = json_array_get(lookup, i);
            for (size_t j = 0; j < EXAMPLE_D; j++) {
                double product = 0;
                for (size_t k = 0; k < EXAMPLE_V; k++)
                    product += json_number_value(json_array_get(x, k)) *
                               (double)example_rows[k * EXAMPLE_D + j];
                assert_true(product == json_number_value(json_array_get(y, j)));
            }
        }
        json_decref(onehot);
        json_decref(lookup);
    }
}

static void every_float_in_a_reply_reads_back_to_the_same_bits(void **state)
{
    struct ask *ask = *state;
    enum { V = 300, D = 8 };
    static float rows[V * D];
    static char vocab[V * 8], body[V * 8];
    char *v = vocab, *b = body + sprintf(body, "{\"ids\":[0");
    uint64_t random = 88172645463325252u;
    for (size_t i = 0; i < V * D; i++) {
        uint32_t bits;
        do {
            random ^= random << 13, random ^= random >> 7, random ^= random << 17;
            bits = (uint32_t)(random >> 16);
        } while ((bits & 0x7F800000) == 0x7F800000);
        memcpy(&rows[i], &bits, sizeof bits);
    }
    rows[0] = -0.0f;
    for (int i = 0; i < V; i++) {
        v += sprintf(v, "t%d\n", i);
        if (i > 0) b += sprintf(b, ",%d", i);
    }
    strcpy(b, "]}");
    struct ask other;
    ask_open_model(&other, ask_make_model(vocab, rows, V, D, "{\"tokenizer\":\"dictionary\"}"));
    other.service.version = ask->service.version;
    json_t *read = reply_item(ask_post(&other, "/v1/lookup", body), "rows");
    for (size_t i = 0; i < V * D; i++) {
        float back = (float)json_number_value(json_array_get(json_array_get(read, i / D), i % D));
        assert_memory_equal(&back, &rows[i], sizeof back);
    }
    json_decref(read);
    ask_end(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sentence_becomes_dictionary_ids),
        cmocka_unit_test(three_sentences_give_their_ids_in_order),
        cmocka_unit_test(tokens_and_ids_are_taken_as_one_sequence_or_many),
        cmocka_unit_test(an_empty_text_has_no_tokens),
        cmocka_unit_test(an_unknown_token_is_named_with_its_place),
        cmocka_unit_test(unknown_tokens_can_be_skipped),
        cmocka_unit_test(the_unknown_token_written_in_a_text_is_unknown),
        cmocka_unit_test(a_table_without_unknown_row_has_no_unk),
        cmocka_unit_test(one_hot_rows_over_the_dictionary),
        cmocka_unit_test(one_hot_over_the_input_is_the_identity),
        cmocka_unit_test(a_large_one_hot_is_sparse_unless_asked_for),
        cmocka_unit_test(a_dense_one_hot_beyond_its_limit_is_413),
        cmocka_unit_test(a_large_dense_one_hot_comes_in_pieces),
        cmocka_unit_test(a_large_look_up_comes_in_pieces),
        cmocka_unit_test(every_part_of_a_reply_comes_in_pieces),
        cmocka_unit_test(too_much_work_is_left_to_others_before_it_is_done),
        cmocka_unit_test(memory_that_others_have_is_429_with_retry_after),
        cmocka_unit_test(look_up_gives_the_rows_of_w),
        cmocka_unit_test(look_up_in_base64_is_one_string_of_all_rows),
        cmocka_unit_test(one_hot_times_w_equals_the_look_up),
        cmocka_unit_test(every_float_in_a_reply_reads_back_to_the_same_bits),
    };
    return cmocka_run_group_tests(tests, ask_open, ask_close);
}
