/* SPDX-License-Identifier: Apache-2.0 */
/* Who is let in, by what key, to which routes; and how each API is told that it is not. */
#include "handlers/access.h"
#include "handlers/key_counts.h"
#include "handlers/keys.h"
#include "handlers/metrics.h"
#include "handlers/routes.h"
#include "tests/unit/handlers/ask.h"

#include <pthread.h>

#define EMBED "embed-key-0123456789"
#define CLASSIFY "classify-key-0123456789"
#define METRICS "metrics-key-0123456789"
#define ADMIN "admin-key-0123456789"
#define OLD "old-key-0123456789"

struct guarded {
    struct ask ask; /* first: what ask_open made */
    struct metrics *metrics;
    struct keys *keys;
    struct keys_reader reader;
    char path[64];
};

static void add_line(FILE *file, const char *name, const char *text, unsigned scopes,
                     int64_t expires_s)
{
    struct keyfile_key key = {.scopes = scopes, .expires_s = expires_s};
    char line[KEY_LINE_BYTES];
    strcpy(key.name, name);
    key_digest(text, strlen(text), key.digest);
    key_write_line(&key, line, sizeof line);
    fprintf(file, "%s\n", line);
}

static void write_keys(const struct guarded *guarded, bool has_embed)
{
    FILE *file = fopen(guarded->path, "w");
    assert_non_null(file);
    fprintf(file, "# keys\n");
    if (has_embed) add_line(file, "web", EMBED, KEY_EMBED, KEY_NEVER);
    add_line(file, "labels", CLASSIFY, KEY_CLASSIFY, KEY_NEVER);
    add_line(file, "prometheus", METRICS, KEY_METRICS, KEY_NEVER);
    add_line(file, "ops", ADMIN, KEY_ADMIN, KEY_NEVER);
    add_line(file, "old", OLD, KEY_EMBED, 1000000000);
    assert_int_equal(fclose(file), 0);
}

static int open_guarded(void **state)
{
    static const char *const names[] = {"other"};
    struct guarded *guarded = calloc(1, sizeof *guarded);
    struct ask *ask;
    struct err err;
    ask_open((void **)&ask);
    guarded->ask = *ask;
    free(ask);
    strcpy(guarded->path, "/tmp/embedd-test-access-XXXXXX");
    close(mkstemp(guarded->path));
    write_keys(guarded, true);
    guarded->metrics = metrics_new(1, names, 1);
    guarded->keys = keys_open(guarded->path, guarded->metrics, &err);
    if (!guarded->keys) fail_msg("%s", err.message);
    guarded->ask.service.keys = guarded->keys;
    *state = guarded;
    return 0;
}

static int close_guarded(void **state)
{
    struct guarded *guarded = *state;
    ask_end(&guarded->ask);
    keys_reader_clear(guarded->keys, &guarded->reader);
    keys_close(guarded->keys);
    metrics_free(guarded->metrics);
    unlink(guarded->path);
    free(guarded);
    return 0;
}

static struct exchange *begin(struct guarded *guarded)
{
    struct exchange *x = ask_begin(&guarded->ask);
    x->keys_reader = &guarded->reader;
    return x;
}

/* Asks with a header; NULL: none. */
static const struct exchange *ask_with(struct guarded *guarded, enum method method,
                                       const char *path, bool is_authorization, const char *value)
{
    struct exchange *x = begin(guarded);
    if (value) access_note(x, is_authorization, value);
    if (handlers_find_route(x, method, path)) x->status = 0;
    return x;
}

static unsigned status_of(struct guarded *guarded, bool is_authorization, const char *value)
{
    return ask_with(guarded, METHOD_POST, "/v1/embeddings", is_authorization, value)->status;
}

static void a_key_comes_in_any_of_the_forms_that_clients_send(void **state)
{
    assert_int_equal(status_of(*state, true, "Bearer " EMBED), 0);
    assert_int_equal(status_of(*state, true, "bearer " EMBED), 0);
    assert_int_equal(status_of(*state, true, "BEARER \t " EMBED), 0);
    assert_int_equal(status_of(*state, true, EMBED), 0);
    assert_int_equal(status_of(*state, false, EMBED), 0);
    assert_int_equal(status_of(*state, false, "  " EMBED), 0);
}

static void what_is_no_key_is_told_why(void **state)
{
    char longer[300];
    memset(longer, 'k', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    const struct {
        bool is_authorization;
        const char *value, *why;
    } wrong[] = {
        {true, NULL, "requires an API key"},
        {true, "", "requires an API key"},
        {true, "Bearer", "requires an API key"},
        {true, "Bearer ", "requires an API key"},
        {false, "", "requires an API key"},
        {true, "Bearer " EMBED "x", "unknown API key"},
        {true, "Bearer embed-key-012345678", "unknown API key"},
        {true, "Bearer Embed-key-0123456789", "unknown API key"},
        {false, "Bearer", "unknown API key"},
        {false, "Bearer " EMBED, "has blanks in it"},
        {true, "Bearer " EMBED " x", "has blanks in it"},
        {true, "Basic dXNlcjpwYXNz", "Basic is not supported"},
        {true, "basic", "Basic is not supported"},
        {true, "Digest username=x", "must be Bearer"},
        {true, "Token " EMBED, "must be Bearer"},
        {true, longer, "longer than any"},
        {true, "Bearer " OLD, "has expired"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        const struct exchange *x = ask_with(*state, METHOD_POST, "/v1/embeddings",
                                            wrong[i].is_authorization, wrong[i].value);
        if (x->status != 401) fail_msg("%s: %u", wrong[i].value, x->status);
        if (!memmem(x->reply, x->reply_bytes, wrong[i].why, strlen(wrong[i].why)))
            fail_msg("%s: %.*s", wrong[i].value, (int)x->reply_bytes, x->reply);
        assert_non_null(memmem(x->reply, x->reply_bytes, "\"invalid_api_key\"", 17));
        assert_memory_equal(ask_header(x, "www-authenticate"), "Bearer realm=\"embedd\"", 21);
        assert_null(ask_header(x, "x-embedd-model"));
        assert_int_equal(x->sample.reject, REJECT_AUTH);
        assert_null(x->sample.served);
    }
}

static void several_headers_with_one_key_are_one(void **state)
{
    struct exchange *x = begin(*state);
    access_note(x, true, "Bearer " EMBED);
    access_note(x, false, EMBED);
    access_note(x, false, "");
    assert_non_null(handlers_find_route(x, METHOD_POST, "/v1/embeddings"));
    x = begin(*state);
    access_note(x, true, "Bearer " EMBED);
    access_note(x, false, CLASSIFY);
    assert_null(handlers_find_route(x, METHOD_POST, "/v1/embeddings"));
    assert_int_equal(x->status, 401);
    assert_non_null(memmem(x->reply, x->reply_bytes, "different API keys", 18));
    x = begin(*state);
    access_note(x, false, EMBED);
    access_note(x, true, "Basic dXNlcjpwYXNz");
    assert_null(handlers_find_route(x, METHOD_POST, "/v1/embeddings"));
    assert_non_null(memmem(x->reply, x->reply_bytes, "Basic is not supported", 22));
}

/* Every row of the table, by every key there is. */
static void a_route_takes_keys_of_its_scope_alone(void **state)
{
    static const struct {
        const char *key;
        enum scope scope;
    } keys[] = {{EMBED, SCOPE_EMBED},
                {CLASSIFY, SCOPE_CLASSIFY},
                {METRICS, SCOPE_METRICS},
                {ADMIN, SCOPE_ADMIN},
                {OLD, SCOPE_UNSTATED},
                {NULL, SCOPE_UNSTATED},
                {"nobody's-key-at-all", SCOPE_UNSTATED}};
    for (size_t route = 0; route < n_routes; route++) {
        const enum method method = (enum method)routes[route].methods;
        for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
            const enum scope scope = routes[route].scope;
            const unsigned want = scope == SCOPE_OPEN || scope == keys[i].scope ? 0
                                  : keys[i].scope == SCOPE_UNSTATED             ? 401
                                                                                : 403;
            const struct exchange *x =
                ask_with(*state, method, routes[route].path, false, keys[i].key);
            if (x->status != want)
                fail_msg("%s with %s: %u, not %u", routes[route].path, keys[i].key, x->status,
                         want);
        }
    }
}

static void each_api_says_no_in_its_own_shape(void **state)
{
    static const struct {
        const char *path, *unauthorized, *forbidden;
    } shapes[] = {
        {"/v1/embeddings", "\"code\":\"invalid_api_key\"", "\"code\":\"missing_scope\""},
        {"/v1/ids", "\"type\":\"invalid_request_error\"", "it lacks the scope embed"},
        {"/embed", NULL, "\"error_type\":\"Validation\""},
        {"/api/embed", "{\"error\":\"this server", "{\"error\":\"the API key"},
        {"/v2/embed", "{\"message\":\"this server", "{\"message\":\"the API key"},
        {"/v1/rerank", "\"detail\":\"this server", "\"detail\":\"the API key"},
        {"/v1beta/models/m:embedContent", "{\"error\":{\"code\":401,\"message\":\"this server",
         "\"status\":\"PERMISSION_DENIED\""},
        {"/v2/models/m/infer", "{\"error\":\"this server", "{\"error\":\"the API key"},
        {"/vectors", "{\"error\":\"this server", "{\"error\":\"the API key"},
    };
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        const struct exchange *x = ask_with(*state, METHOD_POST, shapes[i].path, false, NULL);
        assert_int_equal(x->status, 401);
        if (!shapes[i].unauthorized)
            assert_int_equal(x->reply_bytes, 0);
        else if (!memmem(x->reply, x->reply_bytes, shapes[i].unauthorized,
                         strlen(shapes[i].unauthorized)))
            fail_msg("%s: %.*s", shapes[i].path, (int)x->reply_bytes, x->reply);
        x = ask_with(*state, METHOD_POST, shapes[i].path, false, METRICS);
        assert_int_equal(x->status, 403);
        if (!memmem(x->reply, x->reply_bytes, shapes[i].forbidden, strlen(shapes[i].forbidden)))
            fail_msg("%s: %.*s", shapes[i].path, (int)x->reply_bytes, x->reply);
        assert_string_equal(
            ask_header(x, "www-authenticate"),
            "Bearer realm=\"embedd\", error=\"insufficient_scope\", scope=\"embed\"");
    }
}

static void strangers_do_not_learn_what_there_is(void **state)
{
    assert_int_equal(ask_with(*state, METHOD_GET, "/nowhere", false, NULL)->status, 401);
    assert_int_equal(ask_with(*state, METHOD_GET, "/nowhere", false, METRICS)->status, 404);
    assert_int_equal(ask_with(*state, METHOD_GET, "/v1/embeddings", false, NULL)->status, 401);
    assert_int_equal(ask_with(*state, METHOD_GET, "/v1/embeddings", false, METRICS)->status, 403);
    assert_int_equal(ask_with(*state, METHOD_GET, "/v1/embeddings", false, EMBED)->status, 405);
    assert_int_equal(ask_with(*state, METHOD_POST, "/live", false, NULL)->status, 405);
    assert_int_equal(ask_with(*state, METHOD_OPTIONS, "/v1/embeddings", false, NULL)->status, 204);
    assert_int_equal(ask_with(*state, METHOD_OPTIONS, "*", false, NULL)->status, 204);
    assert_int_equal(ask_with(*state, METHOD_HEAD, "/metrics", false, NULL)->status, 401);
}

static void without_keys_nobody_is_asked(void **state)
{
    struct guarded *guarded = *state;
    guarded->ask.service.keys = NULL;
    const struct exchange *x = ask_with(guarded, METHOD_GET, "/metrics", true, "Basic x");
    assert_int_equal(x->status, 0);
    assert_int_equal(x->scopes, ~0u);
    guarded->ask.service.keys = guarded->keys;
}

static void a_file_that_is_read_anew_lets_in_whom_it_names(void **state)
{
    struct guarded *guarded = *state;
    struct err err;
    assert_int_equal(status_of(guarded, false, EMBED), 0);
    write_keys(guarded, false);
    assert_int_equal(status_of(guarded, false, EMBED), 0); /* not yet */
    assert_true(keys_reload(guarded->keys, &err));
    assert_int_equal(status_of(guarded, false, EMBED), 401);
    assert_int_equal(status_of(guarded, false, CLASSIFY), 403);
    assert_int_equal(truncate(guarded->path, 100), 0);
    assert_false(keys_reload(guarded->keys, &err)); /* nor does a bad one change anything */
    assert_int_equal(status_of(guarded, false, CLASSIFY), 403);
    write_keys(guarded, true);
    assert_true(keys_reload(guarded->keys, &err));
    assert_int_equal(status_of(guarded, false, EMBED), 0);
}

static void use_is_counted_by_name_whatever_is_reloaded(void **state)
{
    struct guarded *guarded = *state;
    struct err err;
    struct arena arena;
    struct buf out;
    for (int round = 0; round < 2; round++) {
        struct exchange *x = (struct exchange *)(uintptr_t)ask_with(guarded, METHOD_POST,
                                                                    "/v1/embeddings", false, EMBED);
        x->sample.route = 0;
        x->sample.inputs = 2;
        x->sample.tokens = 5;
        metrics_add(metrics_slot(guarded->metrics, 0), &x->sample);
        assert_true(keys_reload(guarded->keys, &err));
    }
    arena_init(&arena, 1 << 20);
    buf_init(&out, &arena);
    metrics_write(guarded->metrics, false, &out);
    buf_add_char(&out, '\0');
    assert_false(out.failed);
    assert_non_null(strstr(out.data, "embedd_key_requests_total{key=\"web\"} 2\n"));
    assert_non_null(strstr(out.data, "embedd_key_inputs_total{key=\"web\"} 4\n"));
    assert_non_null(strstr(out.data, "embedd_key_tokens_total{key=\"web\"} 10\n"));
    assert_null(strstr(out.data, "key=\"ops\"")); /* nobody came */
    arena_clear(&arena);
}

/* Names that nobody has seen are made all the time. */
static void counters_of_names_stay_where_they_are(void **state)
{
    (void)state;
    struct key_counts *counts = key_counts_new(3);
    const struct key_usage *first[100], *later[100];
    char names[100][16];
    const char *list[100];
    for (int round = 0; round < 30; round++) {
        for (int i = 0; i < 100; i++) {
            snprintf(names[i], sizeof names[i], "%d", i < 10 ? i : i * 1000 + round);
            list[i] = names[i];
        }
        assert_true(key_counts_take(counts, list, 100, round == 0 ? first : later));
        for (int i = 0; i < 10 && round > 0; i++)
            assert_ptr_equal(first[i], later[i]);
        const struct metrics_sample sample = {.key = first[3], .tokens = 7};
        key_counts_add((size_t)round % 3, &sample);
    }
    struct arena arena;
    struct buf out;
    arena_init(&arena, 1 << 20);
    buf_init(&out, &arena);
    key_counts_write(counts, true, &out);
    buf_add_char(&out, '\0');
    assert_non_null(strstr(out.data, "# TYPE embedd_key_tokens counter\n"
                                     "embedd_key_tokens_total{key=\"3\"} 210\n"));
    arena_clear(&arena);
    key_counts_free(counts);
}

static void a_key_has_its_own_limits_where_its_line_says_them(void **state)
{
    struct guarded *guarded = *state;
    struct err err;
    FILE *file = fopen(guarded->path, "w");
    assert_non_null(file);
    add_line(file, "plain", EMBED, KEY_EMBED, KEY_NEVER);
    struct keyfile_key key = {.name = "own", .scopes = KEY_EMBED, .expires_s = KEY_NEVER};
    char line[KEY_LINE_BYTES];
    key.requests = (struct key_limit){true, 7};
    key_digest(METRICS, strlen(METRICS), key.digest);
    key_write_line(&key, line, sizeof line);
    fprintf(file, "%s\n", line);
    assert_int_equal(fclose(file), 0);
    assert_true(keys_reload(guarded->keys, &err));
    guarded->ask.service.rate_limits = (struct rate_limits){100, 2000};
    const struct exchange *x = ask_with(guarded, METHOD_POST, "/v1/embeddings", false, EMBED);
    assert_int_equal(x->status, 0);
    assert_int_equal(x->limits.requests, 100);
    assert_int_equal(x->limits.tokens, 2000);
    x = ask_with(guarded, METHOD_POST, "/v1/embeddings", false, METRICS);
    assert_int_equal(x->status, 0);
    assert_int_equal(x->limits.requests, 7);
    assert_int_equal(x->limits.tokens, 2000);
    guarded->ask.service.keys = NULL;
    x = ask_with(guarded, METHOD_POST, "/v1/embeddings", false, METRICS);
    assert_int_equal(x->limits.requests, 100);
    guarded->ask.service.keys = guarded->keys;
}

/* Threads that ask while others read the file anew. */
struct asker {
    pthread_t thread;
    const struct keys *keys;
    size_t n_found;
};

static void *ask_often(void *user)
{
    struct asker *asker = user;
    struct keys_reader reader = {0};
    struct key key;
    for (int i = 0; i < 2000; i++)
        asker->n_found += keys_find(asker->keys, &reader, EMBED, strlen(EMBED), &key);
    keys_reader_clear(asker->keys, &reader);
    return NULL;
}

static void keys_are_swapped_under_those_who_ask(void **state)
{
    struct guarded *guarded = *state;
    struct asker askers[3];
    struct err err;
    for (size_t i = 0; i < 3; i++) {
        askers[i] = (struct asker){.keys = guarded->keys};
        assert_int_equal(pthread_create(&askers[i].thread, NULL, ask_often, &askers[i]), 0);
    }
    for (int i = 0; i < 50; i++)
        assert_true(keys_reload(guarded->keys, &err));
    for (size_t i = 0; i < 3; i++) {
        pthread_join(askers[i].thread, NULL);
        assert_int_equal(askers[i].n_found, 2000);
    }
}

int main(void)
{
#define GUARDED(test) cmocka_unit_test_setup_teardown(test, open_guarded, close_guarded)
    const struct CMUnitTest tests[] = {
        GUARDED(a_key_comes_in_any_of_the_forms_that_clients_send),
        GUARDED(what_is_no_key_is_told_why),
        GUARDED(several_headers_with_one_key_are_one),
        GUARDED(a_route_takes_keys_of_its_scope_alone),
        GUARDED(each_api_says_no_in_its_own_shape),
        GUARDED(strangers_do_not_learn_what_there_is),
        GUARDED(without_keys_nobody_is_asked),
        GUARDED(a_file_that_is_read_anew_lets_in_whom_it_names),
        GUARDED(use_is_counted_by_name_whatever_is_reloaded),
        cmocka_unit_test(counters_of_names_stay_where_they_are),
        GUARDED(a_key_has_its_own_limits_where_its_line_says_them),
        GUARDED(keys_are_swapped_under_those_who_ask),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
