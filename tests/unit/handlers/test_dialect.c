/* SPDX-License-Identifier: Apache-2.0 */
/* What a dialect decides, and what every dialect must keep to. */
#include "handlers/dialect.h"
#include "handlers/endpoint.h"
#include "handlers/input.h"
#include "handlers/routes.h"
#include "handlers/serving.h"
#include "handlers/write.h"
#include "tests/unit/handlers/ask.h"

static const enum err_code codes[] = {ERR_INVALID,       ERR_RANGE,       ERR_NOT_FOUND,
                                      ERR_METHOD,        ERR_TOO_LARGE,   ERR_MEDIA_TYPE,
                                      ERR_UNPROCESSABLE, ERR_UNAVAILABLE, ERR_OVERLOADED,
                                      ERR_RATE_LIMIT,    ERR_DEADLINE,    ERR_INTERNAL};
#define N_CODES (sizeof codes / sizeof codes[0])

static struct exchange *begin(struct ask *ask, const struct dialect *dialect)
{
    struct exchange *x = ask_begin(ask);
    serving_begin(x);
    x->dialect = dialect;
    return x;
}

static void fail_with(struct exchange *x, enum err_code code, const char *message)
{
    struct err err;
    err_set(&err, code, NULL, "%s", message);
    handlers_fail(x, &err);
}

static void every_dialect_words_every_error(void **state)
{
    for (size_t i = 0; i < n_routes; i++) {
        for (size_t j = 0; j < N_CODES; j++) {
            struct exchange *x = begin(*state, routes[i].dialect);
            fail_with(x, codes[j], "it is \"so\"");
            assert_true(x->status >= 400 && x->status < 600);
            assert_int_equal(x->sample.status, x->status);
            const bool is_for_later = codes[j] == ERR_OVERLOADED || codes[j] == ERR_RATE_LIMIT;
            assert_int_equal(x->status == 429, is_for_later);
            assert_int_equal(ask_header(x, "retry-after") != NULL, is_for_later);
            assert_int_equal(ask_header(x, "retry-after-ms") != NULL, is_for_later);
            char reply[512];
            snprintf(reply, sizeof reply, "%.*s", (int)x->reply_bytes, x->reply);
            const bool is_json = strcmp(x->reply_type, TYPE_JSON) == 0;
            if (!strstr(reply, is_json ? "it is \\\"so\\\"" : "it is \"so\""))
                fail_msg("%s: %s", routes[i].dialect->name, reply);
            if (!is_json) continue;
            struct err err;
            json_t *root = json_read(x->reply, x->reply_bytes, &err);
            assert_true(json_is_object(root));
            json_decref(root);
        }
    }
}

static void what_is_sent_without_memory_is_what_would_be_with_it(void **state)
{
    for (size_t i = 0; i < n_routes; i++) {
        const struct dialect *dialect = routes[i].dialect;
        struct exchange *x = begin(*state, dialect);
        fail_with(x, ERR_TOO_LARGE, NO_MEMORY_TEXT);
        assert_reply(x, 413, dialect->too_large);
        x = begin(*state, dialect);
        fail_with(x, ERR_OVERLOADED, OVERLOADED_TEXT);
        assert_reply(x, 429, dialect->overloaded);
    }
}

static void when_to_ask_again_is_rounded_up_to_a_second(void **state)
{
    static const struct {
        uint64_t ms;
        const char *after, *after_ms;
    } cases[] = {{0, "1", "1000"}, {20, "1", "20"}, {1000, "1", "1000"}, {1001, "2", "1001"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct exchange *x = begin(*state, routes[0].dialect);
        x->retry_ms = cases[i].ms;
        fail_with(x, ERR_RATE_LIMIT, "no");
        assert_string_equal(ask_header(x, "retry-after"), cases[i].after);
        assert_string_equal(ask_header(x, "retry-after-ms"), cases[i].after_ms);
    }
}

/* A dialect of a few lines. */
static void write_plain_error(struct exchange *x, struct failure *failure, struct buf *out)
{
    reply_add_header(x, "x-error", failure->code ? failure->code : "none");
    if (failure->status == 422) failure->status = 400;
    buf_add_str(out, "{\"error\":");
    write_text(out, (struct text){failure->err->message, strlen(failure->err->message)});
    buf_add_char(out, '}');
}

static const struct dialect plain = {
    .name = "plain",
    .write_error = write_plain_error,
    .too_large = "{\"error\":\"" NO_MEMORY_TEXT "\"}",
    .overloaded = "{\"error\":\"" OVERLOADED_TEXT "\"}",
    .truncate = TRUNCATE_RIGHT,
};

static void a_dialect_has_its_own_shape_statuses_and_headers(void **state)
{
    struct exchange *x = begin(*state, &plain);
    fail_with(x, ERR_UNPROCESSABLE, "no");
    assert_reply(x, 400, "{\"error\":\"no\"}");
    assert_string_equal(ask_header(x, "x-error"), "none");
    x = begin(*state, &plain);
    fail_with(x, ERR_NOT_FOUND, "nowhere");
    assert_reply(x, 404, "{\"error\":\"nowhere\"}");
    assert_string_equal(ask_header(x, "x-error"), "not_found");
}

static void a_request_without_memory_is_told_of_the_limit_that_it_met(void **state)
{
    struct ask *ask = *state;
    struct exchange *x = begin(ask, &plain);
    struct err err;
    err_out_of_memory(&err);
    handlers_fail(x, &err);
    assert_reply(x, 413,
                 "{\"error\":\"the request needs more memory than max-request-memory allows; send "
                 "fewer or shorter inputs, or raise max-request-memory\"}");
    x = begin(ask, &plain);
    ask->arena.is_starved = true;
    handlers_fail(x, &err);
    assert_reply(x, 429,
                 "{\"error\":\"other requests have the memory that max-memory allows for all of "
                 "them; send the request again later\"}");
    ask->arena.is_starved = false;
}

static void a_dialect_without_memory_sends_its_constant_text(void **state)
{
    struct ask *ask = *state;
    struct exchange *x = begin(ask, &plain);
    arena_clear(&ask->arena);
    arena_init(&ask->arena, 0);
    fail_with(x, ERR_INVALID, "no");
    assert_reply(x, 413, plain.too_large);
    x = begin(ask, &plain);
    ask->arena.is_starved = true;
    fail_with(x, ERR_INVALID, "no");
    assert_reply(x, 429, plain.overloaded);
    arena_clear(&ask->arena);
    arena_init(&ask->arena, 16 << 20);
}

static bool read_texts(struct exchange *x, const char *body, struct batch *batch, struct err *err)
{
    static const struct field fields[] = {FIELD("texts", SCHEMA_STRINGS, "texts")};
    static const struct endpoint endpoint = {FIELDS(fields)};
    struct value value;
    x->endpoint = &endpoint;
    x->body = body;
    x->body_bytes = strlen(body);
    return exchange_read_fields(x, &value, err) &&
           batch_read(x, &value, "texts", INPUT_TEXT, false, batch, err);
}

static void a_dialect_decides_what_becomes_of_inputs_that_are_too_long(void **state)
{
    struct ask *ask = *state;
    struct err err;
    struct batch batch;
    ask->service.input_tokens_max = 2;
    ask->service.truncate = TRUNCATE_AUTO;
    struct exchange *x = begin(ask, &plain);
    struct length_limit limit = length_limit_of(x);
    assert_false(limit.is_asked);
    assert_true(read_texts(x, "{\"texts\":[\"我爱吃\"]}", &batch, &err));
    assert_true(batch_tokenize(x, &batch, &limit, &err));
    assert_int_equal(batch.items[0].n, 2);
    assert_int_equal(batch.truncated, 1);
    ask->service.truncate = TRUNCATE_ERROR; /* unless the service says */
    x = begin(ask, &plain);
    limit = length_limit_of(x);
    assert_true(limit.is_asked);
    assert_true(read_texts(x, "{\"texts\":[\"我\",\"我爱吃\"]}", &batch, &err));
    assert_false(batch_tokenize(x, &batch, &limit, &err));
    assert_string_equal(err.param, "texts");
    assert_string_equal(err.message,
                        "input 1 has 3 tokens, but max-input-tokens is 2; send shorter "
                        "inputs, or start with truncate=right");
    ask->service.input_tokens_max = 0;
    ask->service.truncate = TRUNCATE_AUTO;
}

static bool too_many(const char *field, size_t n, size_t max, struct err *err)
{
    return err_set(err, ERR_UNPROCESSABLE, field, "%s: %zu of %zu", field, n, max);
}

static bool too_long(const char *field, size_t index, uint32_t n, size_t max, struct err *err)
{
    return err_set(err, ERR_UNPROCESSABLE, field, "%s[%zu]: %u of %zu", field, index, n, max);
}

static void a_dialect_has_its_own_words_for_counts_and_lengths(void **state)
{
    struct ask *ask = *state;
    struct err err;
    struct batch batch;
    struct dialect wordy = plain;
    wordy.refuse_count = too_many;
    wordy.refuse_length = too_long;
    struct exchange *x = begin(ask, &wordy);
    assert_false(read_texts(x, "{\"texts\":[\"\",\"\",\"\",\"\",\"\"]}", &batch, &err));
    assert_string_equal(err.message, "texts: 5 of 4");
    assert_int_equal(x->sample.reject, REJECT_TOO_MANY_INPUTS);
    x = begin(ask, &wordy);
    const struct length_limit limit = {.tokens_max = 1, .truncate = TRUNCATE_ERROR};
    assert_true(read_texts(x, "{\"texts\":[\"我\",\"我爱\"]}", &batch, &err));
    assert_false(batch_tokenize(x, &batch, &limit, &err));
    assert_string_equal(err.message, "texts[1]: 2 of 1");
    assert_int_equal(x->sample.reject, REJECT_TOO_MANY_TOKENS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_dialect_words_every_error),
        cmocka_unit_test(what_is_sent_without_memory_is_what_would_be_with_it),
        cmocka_unit_test(when_to_ask_again_is_rounded_up_to_a_second),
        cmocka_unit_test(a_dialect_has_its_own_shape_statuses_and_headers),
        cmocka_unit_test(a_request_without_memory_is_told_of_the_limit_that_it_met),
        cmocka_unit_test(a_dialect_without_memory_sends_its_constant_text),
        cmocka_unit_test(a_dialect_decides_what_becomes_of_inputs_that_are_too_long),
        cmocka_unit_test(a_dialect_has_its_own_words_for_counts_and_lengths),
    };
    return cmocka_run_group_tests(tests, ask_open, ask_close);
}
