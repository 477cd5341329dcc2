/* SPDX-License-Identifier: Apache-2.0 */
#include "handlers/actions.h"
#include "tests/unit/handlers/ask.h"

/* What the server would do. */
struct server {
    size_t n_asked;
    bool is_busy, has_failed;
};

static bool pretend_reload(void *user, struct reload_report *report, struct err *err)
{
    struct server *server = user;
    server->n_asked++;
    if (server->is_busy) return err_set(err, ERR_CONFLICT, NULL, "a reload is under way");
    const struct model_change change = {.fate = MODEL_RELOADED,
                                        .name = (char[]){"a\"b"},
                                        .version = (char[]){"2"},
                                        .old_number = 1,
                                        .number = 3};
    const struct model_change failed = {
        .fate = MODEL_FAILED, .name = (char[]){"c"}, .error = (char[]){"no"}};
    assert_true(model_changes_add(&report->models, &change));
    if (server->has_failed) assert_true(model_changes_add(&report->models, &failed));
    report->n_parts = 1;
    report->duration_ns = 1500000000;
    report->parts[0].name = "models";
    report->parts[0].is_done = !server->has_failed;
    if (server->has_failed) strcpy(report->parts[0].error, "one was refused");
    return true;
}

static void a_reload_is_done_elsewhere_and_tells_what_became_of_each(void **state)
{
    struct ask *ask = *state;
    struct server server = {0};
    const struct service_actions actions = {pretend_reload, &server};
    ask->service.actions = &actions;
    ask->service.is_loopback_only = true;
    ask_begin(ask)->work_max = SIZE_MAX; /* on a loop's thread */
    assert_reply(ask_send(ask, METHOD_POST, "/admin/reload", "", 0), 200,
                 "{\"status\":\"ok\",\"duration_s\":1.500000,\"models\":[{\"name\":\"a\\\"b\","
                 "\"status\":\"reloaded\",\"version\":\"2\",\"number\":3,\"previous_number\":1}],"
                 "\"parts\":[{\"name\":\"models\",\"status\":\"ok\"}]}");
    assert_int_equal(server.n_asked, 1); /* not on that thread */
    server.has_failed = true;
    assert_reply(ask_post(ask, "/admin/reload", "not JSON"), 422,
                 "{\"status\":\"partial\",\"duration_s\":1.500000,\"models\":[{\"name\":\"a\\\"b\","
                 "\"status\":\"reloaded\",\"version\":\"2\",\"number\":3,\"previous_number\":1},"
                 "{\"name\":\"c\",\"status\":\"failed\",\"error\":\"no\"}],\"parts\":[{\"name\":"
                 "\"models\",\"status\":\"failed\",\"error\":\"one was refused\"}]}");
    server.is_busy = true;
    assert_int_equal(ask_post(ask, "/admin/reload", "")->status, 409);
}

static void a_server_that_stops_reloads_nothing(void **state)
{
    struct ask *ask = *state;
    struct server server = {0};
    const struct service_actions actions = {pretend_reload, &server};
    const atomic_bool is_draining = true;
    ask->service.is_loopback_only = true;
    ask->service.actions = NULL;
    assert_int_equal(ask_post(ask, "/admin/reload", "")->status, 503);
    ask->service.actions = &actions;
    ask->service.is_draining = &is_draining;
    assert_int_equal(ask_post(ask, "/admin/reload", "")->status, 503);
    ask->service.is_draining = NULL;
    assert_int_equal(server.n_asked, 0);
}

static void strangers_are_told_nothing(void **state)
{
    struct ask *ask = *state;
    struct server server = {0};
    const struct service_actions actions = {pretend_reload, &server};
    ask->service.actions = &actions;
    ask->service.is_loopback_only = false;
    assert_int_equal(ask_post(ask, "/admin/reload", "")->status, 403);
    assert_int_equal(ask_get(ask, "/admin/models")->status, 403);
    assert_int_equal(server.n_asked, 0);
    assert_null(memchr(ask->x.reply, '/', ask->x.reply_bytes)); /* no path */
}

static void models_are_listed_with_what_operators_ask(void **state)
{
    struct ask *ask = *state;
    ask->service.is_loopback_only = true;
    const struct exchange *x = ask_get(ask, "/admin/models");
    assert_int_equal(x->status, 200);
    static const char *const parts[] = {
        "{\"models\":[{\"name\":\"example\",\"state\":\"served\",\"version\":\"1\",\"path\":\"/tmp/"
        "embedd-test-",
        "\"number\":1,\"loaded_at\":", "\"vocab_size\":6,\"dim\":2,\"heads\":[]}]}"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!memmem(x->reply, x->reply_bytes, parts[i], strlen(parts[i])))
            fail_msg("no %s in %.*s", parts[i], (int)x->reply_bytes, x->reply);
}

/* Also fails the default model for good: the last test. */
static void a_model_that_can_no_longer_be_read_is_shown(void **state)
{
    struct ask *ask = *state;
    struct metrics *metrics = metrics_new(1, handlers_route_names(), handlers_route_count());
    struct arena arena;
    struct buf out;
    assert_non_null(metrics);
    arena_init(&arena, 1 << 20);
    metrics_watch_models(metrics, ask->registry);
    ask->service.is_loopback_only = true;
    for (int is_broken = 0; is_broken <= 1; is_broken++) {
        const struct exchange *x = ask_get(ask, "/admin/models");
        const char *part = is_broken ? "\"state\":\"unreadable\"" : "\"state\":\"served\"";
        assert_non_null(memmem(x->reply, x->reply_bytes, part, strlen(part)));
        buf_init(&out, &arena);
        metrics_write(metrics, true, &out);
        part = is_broken ? "\nembedd_model_readable{model=\"example\"} 0\n"
                         : "\nembedd_model_readable{model=\"example\"} 1\n";
        assert_non_null(memmem(out.data, out.bytes, part, strlen(part)));
        registry_fail(ask->registry, ask->x.snapshot);
    }
    arena_clear(&arena);
    metrics_free(metrics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reload_is_done_elsewhere_and_tells_what_became_of_each),
        cmocka_unit_test(a_server_that_stops_reloads_nothing),
        cmocka_unit_test(strangers_are_told_nothing),
        cmocka_unit_test(models_are_listed_with_what_operators_ask),
        cmocka_unit_test(a_model_that_can_no_longer_be_read_is_shown),
    };
    return cmocka_run_group_tests(tests, ask_open, ask_close);
}
