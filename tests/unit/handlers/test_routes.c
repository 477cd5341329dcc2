/* SPDX-License-Identifier: Apache-2.0 */
/* The table of routes, row by row. */
#include "handlers/dialect.h"
#include "handlers/endpoint.h"
#include "handlers/routes.h"
#include "tests/unit/handlers/ask.h"

static void every_row_says_who_answers_how_and_to_whom(void **state)
{
    (void)state;
    assert_true(n_routes > 0 && n_routes <= ROUTES_MAX);
    assert_non_null(dialect_without_route);
    for (size_t i = 0; i < n_routes; i++) {
        const struct route *route = &routes[i];
        if (route->scope == SCOPE_UNSTATED) fail_msg("%s states no scope", route->path);
        assert_int_equal(route->path[0], '/');
        assert_non_null(route->dialect);
        assert_non_null(route->dialect->error_schema);
        const struct endpoint *endpoint = route->endpoint;
        assert_non_null(endpoint);
        assert_non_null(endpoint->handle);
        assert_non_null(endpoint->summary);
        /* What an operator has the service do says it all by its path. */
        const bool may_have = route->methods == METHOD_POST;
        const bool must_have = may_have && route->scope != SCOPE_ADMIN;
        assert_true(endpoint->n_fields > 0 ? may_have : !must_have);
        for (size_t field = 0; field < endpoint->n_fields; field++) {
            if (!endpoint->fields[field].name.data || !endpoint->fields[field].schema ||
                !endpoint->fields[field].help)
                fail_msg("%s: field %zu is not described", route->path, field);
        }
        assert_true(route->methods == METHOD_GET || route->methods == METHOD_POST ||
                    route->methods == METHOD_DELETE);
    }
}

static void no_method_of_a_path_has_two_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_routes; i++)
        for (size_t j = 0; j < i; j++)
            assert_false(strcmp(routes[i].path, routes[j].path) == 0 &&
                         routes[i].methods & routes[j].methods);
}

/* What an orchestrator asks must never need a key, nor what says how to ask; everything else must
   be able to. */
static void open_are_the_routes_that_say_whether_the_service_is_well_and_what_it_takes(void **state)
{
    (void)state;
    static const char *const open[] = {"/",
                                       "/docs",
                                       "/health",
                                       "/live",
                                       "/ping",
                                       "/ready",
                                       "/openapi.json",
                                       "/.well-known/live",
                                       "/.well-known/ready",
                                       "/v2/health/live",
                                       "/v2/health/ready"};
    const size_t n = sizeof open / sizeof open[0];
    size_t n_open = 0;
    for (size_t i = 0; i < n_routes; i++) {
        if (routes[i].scope != SCOPE_OPEN) continue;
        n_open++;
        size_t at = 0;
        while (at < n && strcmp(open[at], routes[i].path) != 0)
            at++;
        if (at == n) fail_msg("%s is open", routes[i].path);
        assert_int_equal(routes[i].methods, METHOD_GET);
    }
    assert_int_equal(n_open, n);
}

/* The rows of the table as the dispatcher sees them. */
static void every_row_is_found_and_counted_by_its_path(void **state)
{
    for (size_t i = 0; i < n_routes; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s", routes[i].path);
        const enum method method = (enum method)routes[i].methods;
        struct exchange *x = ask_begin(*state);
        assert_ptr_equal(handlers_find_route(x, method, path), &routes[i]);
        assert_ptr_equal(x->dialect, routes[i].dialect);
        assert_ptr_equal(x->model, ((struct ask *)*state)->model);
        assert_string_equal(handlers_route_names()[x->sample.route], routes[i].path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_says_who_answers_how_and_to_whom),
        cmocka_unit_test(no_method_of_a_path_has_two_rows),
        cmocka_unit_test(
            open_are_the_routes_that_say_whether_the_service_is_well_and_what_it_takes),
        cmocka_unit_test(every_row_is_found_and_counted_by_its_path),
    };
    return cmocka_run_group_tests(tests, ask_open, ask_close);
}
