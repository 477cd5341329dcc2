/* SPDX-License-Identifier: Apache-2.0 */
#include "handlers/reply.h"
#include "tests/unit/handlers/ask.h"

/* ---- plans ---- */

static bool plan(struct ask *ask, uint64_t work_max, struct plan plan, struct err *err)
{
    ask_begin(ask)->work_max = work_max;
    return reply_plan(&ask->x, &plan, err);
}

static void work_is_done_here_up_to_its_share_and_elsewhere_beyond(void **state)
{
    struct ask *ask = *state;
    static const struct {
        struct plan plan;
        bool here;
    } cases[] = {
        {{.reply_bytes = 100}, true},
        {{.reply_bytes = 101}, false},
        {{.reply_bytes = 50, .read_bytes = 50 * 8}, true},
        {{.reply_bytes = 50, .read_bytes = 51 * 8}, false},
        {{.text_bytes = 1}, false},
        {{.text_bytes = 0, .reply_bytes = 100}, true},
        /* What is made in pieces later is no work now. */
        {{.reply_bytes = 5000, .piece_bytes = 10, .read_bytes = 100 * 8}, true},
        {{.reply_bytes = 5000, .piece_bytes = 10, .read_bytes = 101 * 8}, false},
    };
    struct err err;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(plan(ask, 100, cases[i].plan, &err), cases[i].here);
        assert_int_equal(ask->x.is_deferred, !cases[i].here);
        assert_true(plan(ask, 0, cases[i].plan, &err));
        assert_false(ask->x.is_deferred);
    }
}

static void a_reply_beyond_the_requests_memory_is_refused_before_it_is_made(void **state)
{
    struct ask *ask = *state;
    const size_t cap = ask->arena.cap_bytes;
    struct err err;
    arena_clear(&ask->arena);
    arena_init(&ask->arena, 1 << 20);
    assert_true(plan(ask, 0, (struct plan){.reply_bytes = 1 << 20}, &err));
    assert_false(plan(ask, 0, (struct plan){.reply_bytes = (1 << 20) + 1}, &err));
    assert_int_equal(err.code, ERR_TOO_LARGE);
    assert_int_equal(ask->x.sample.reject, REJECT_MEMORY);
    /* In pieces it takes little at once, and is refused all the same. */
    assert_false(
        plan(ask, 0, (struct plan){.reply_bytes = (1 << 20) + 1, .piece_bytes = 10}, &err));
    ask_begin(ask);
    assert_non_null(arena_alloc(&ask->arena, 1000));
    /* It would fit, if nothing else had been taken. */
    assert_false(reply_plan(&ask->x, &(struct plan){.reply_bytes = 1 << 20}, &err));
    assert_int_equal(err.code, ERR_MEMORY);
    assert_true(
        reply_plan(&ask->x, &(struct plan){.reply_bytes = 1 << 20, .piece_bytes = 10}, &err));
    arena_clear(&ask->arena);
    arena_init(&ask->arena, cap);
}

static void a_reply_of_more_than_a_megabyte_is_made_in_pieces(void **state)
{
    (void)state;
    struct plan whole = {.reply_bytes = 1 << 20}, pieces = {.reply_bytes = (1 << 20) + 1};
    plan_pieces(&whole, 1000);
    plan_pieces(&pieces, 1000);
    assert_int_equal(whole.piece_bytes, 0);
    assert_int_equal(pieces.piece_bytes, 2 * (PIECE_BYTES + 1000));
}

/* ---- headers ---- */

static void check_counts(const struct exchange *x, const char *unknown, const char *truncated,
                         const char *ignored)
{
    static const char *const names[] = {"x-embedd-unknown", "x-embedd-truncated",
                                        "x-embedd-ignored-fields"};
    const char *const wanted[] = {unknown, truncated, ignored};
    for (size_t i = 0; i < 3; i++) {
        const char *got = ask_header(x, names[i]);
        assert_int_equal(got != NULL, wanted[i] != NULL);
        if (got) assert_string_equal(got, wanted[i]);
    }
}

static void counts_come_with_answers_and_not_with_errors(void **state)
{
    struct ask *ask = *state;
    ask->service.input_tokens_max = 2;
    ask->service.truncate = TRUNCATE_RIGHT;
    check_counts(ask_post(ask, "/v1/embeddings", "{\"input\":[\"猫\",\"我爱吃\"],\"x\":1,\"y\":2}"),
                 "1", "1", "2");
    check_counts(ask_post(ask, "/v1/embeddings", "{\"input\":\"我\"}"), NULL, NULL, NULL);
    const struct exchange *x =
        ask_post(ask, "/v1/embeddings", "{\"input\":[\"猫\",\"我爱吃\"],\"x\":1,\"dimensions\":0}");
    assert_int_equal(x->status, 400);
    assert_true(x->sample.ignored_fields > 0);
    check_counts(x, NULL, NULL, NULL);
    ask->service.input_tokens_max = 0;
    ask->service.truncate = TRUNCATE_AUTO;
}

static void a_made_request_id_is_32_hexadecimal_digits(void **state)
{
    for (int i = 0; i < 20; i++) {
        const char *id = ask_header(ask_get(*state, "/live"), "x-request-id");
        assert_int_equal(strspn(id, "0123456789abcdef"), 32);
        assert_int_equal(strlen(id), 32);
    }
}

static void request_ids_are_of_printable_characters(void **state)
{
    static const char *const taken[] = {" ", "~", "a b~!"}, *const refused[] = {"\x1F", "\x7F"};
    for (size_t i = 0; i < 3; i++) {
        ask_begin(*state)->request_id = taken[i];
        const struct exchange *x = ask_send(*state, METHOD_GET, "/live", "", 0);
        assert_string_equal(ask_header(x, "x-request-id"), taken[i]);
    }
    for (size_t i = 0; i < 2; i++) {
        ask_begin(*state)->request_id = refused[i];
        const struct exchange *x = ask_send(*state, METHOD_GET, "/live", "", 0);
        assert_int_equal(strlen(ask_header(x, "x-request-id")), 32);
    }
}

static void stages_are_told_in_milliseconds(void **state)
{
    struct exchange *x = ask_begin(*state);
    x->wants_timing = true;
    x->sample.stage_ns[STAGE_PARSE] = 3600000000000; /* an hour, beside which all else is nothing */
    static const char body[] = "{\"input\":\"我\"}";
    ask_send(*state, METHOD_POST, "/v1/embeddings", body, sizeof body - 1);
    double parse;
    assert_int_equal(sscanf(ask_header(x, "server-timing"), "parse;dur=%lf", &parse), 1);
    assert_true(parse >= 3600000 && parse < 2 * 3600000);
}

/* ---- vectors ---- */

/* They are pooled some at a time: more of them than that, and not a multiple of it. */
static void many_vectors_are_parted_and_numbered_through(void **state)
{
    static const char *const ids[] = {"5", "4", "1"};
    static const char *const vectors[] = {"[<0>,<1>]", "[<2>,<0>]", "[<1>,<2>]"};
    struct ask *ask = *state;
    char want[2048], body[256], *at = want, *end = body;
    ask->service.inputs_max = 20;
    at += sprintf(at, "{\"object\":\"list\",\"data\":[");
    end += sprintf(end, "{\"input\":[");
    for (unsigned i = 0; i < 19; i++) {
        at += sprintf(at, "%s{\"object\":\"embedding\",\"index\":%u,\"embedding\":%s}",
                      i ? "," : "", i, vectors[i % 3]);
        end += sprintf(end, "%s[%s]", i ? "," : "", ids[i % 3]);
    }
    sprintf(at, "],\"model\":\"example\",\"usage\":{\"prompt_tokens\":19,\"total_tokens\":19}}");
    strcpy(end, "]}");
    assert_reply(ask_post(ask, "/v1/embeddings", body), 200, want);
    ask->service.inputs_max = 4;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(work_is_done_here_up_to_its_share_and_elsewhere_beyond),
        cmocka_unit_test(a_reply_beyond_the_requests_memory_is_refused_before_it_is_made),
        cmocka_unit_test(a_reply_of_more_than_a_megabyte_is_made_in_pieces),
        cmocka_unit_test(counts_come_with_answers_and_not_with_errors),
        cmocka_unit_test(a_made_request_id_is_32_hexadecimal_digits),
        cmocka_unit_test(request_ids_are_of_printable_characters),
        cmocka_unit_test(stages_are_told_in_milliseconds),
        cmocka_unit_test(many_vectors_are_parted_and_numbered_through),
    };
    return cmocka_run_group_tests(tests, ask_open, ask_close);
}
