/* SPDX-License-Identifier: Apache-2.0 */
#include "handlers/route.h"
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct route_index filled; /* too large for a stack */

static struct route_match find(enum method method, const char *path)
{
    struct route_match match;
    route_find(&filled, method, path, &match);
    return match;
}

static void assert_finds(enum method method, const char *path, const struct route *route)
{
    const struct route_match match = find(method, path);
    assert_true(match.is_taken);
    if (match.route != route)
        fail_msg("%s found %s instead of %s", path, match.route->path, route->path);
}

static void assert_tail(const struct route_match *match, const char *want)
{
    assert_int_equal(match->tail.bytes, strlen(want));
    assert_memory_equal(match->tail.data, want, match->tail.bytes);
}

static void fill(const struct route *rows, size_t n)
{
    memset(&filled, 0, sizeof filled);
    route_index_fill(&filled, rows, n);
}

#define FILL(rows) fill(rows, sizeof(rows) / sizeof(rows)[0])

/* Paths of every length, alike in their beginning, their end or both; every seventh a pattern. */
static void make_path(char path[64], size_t i)
{
    switch (i % 7) {
    case 0:
        snprintf(path, 64, "/v1/models/%zu/{id}", i);
        break;
    case 1:
        snprintf(path, 64, "/%zx", i);
        break;
    case 2:
        snprintf(path, 64, "/v1/a-long-beginning/%06zu/a-long-end", i);
        break;
    case 3:
        snprintf(path, 64, "/v1/%06zu", i);
        break;
    case 4:
        snprintf(path, 64, "/%06zu/embeddings", i);
        break;
    case 5:
        snprintf(path, 64, "/api/%.*s%zu", (int)(i % 24), "xxxxxxxxxxxxxxxxxxxxxxxx", i);
        break;
    default:
        snprintf(path, 64, "/v1/deployments/{m}/do%zu", i);
    }
}

static void check_table_of(size_t n)
{
    static char paths[ROUTES_MAX][64];
    static struct route rows[ROUTES_MAX];
    for (size_t i = 0; i < n; i++) {
        make_path(paths[i], i);
        rows[i] = (struct route){.path = paths[i], .methods = METHOD_POST};
    }
    fill(rows, n);
    for (size_t i = 0; i < n; i++) {
        char path[80], *open;
        snprintf(path, sizeof path, "%s", paths[i]);
        /* The placeholder is replaced by as many other bytes. */
        for (open = strchr(path, '{'); open && *open && *open != '/'; open++)
            *open = 'm';
        assert_finds(METHOD_POST, path, &rows[i]);
        assert_int_equal(find(METHOD_POST, path).number, i);
        assert_false(find(METHOD_GET, path).is_taken);
        assert_ptr_equal(find(METHOD_GET, path).route, &rows[i]);
        path[1] ^= 1;
        assert_null(find(METHOD_POST, path).route);
    }
    assert_null(find(METHOD_POST, "").route);
    assert_null(find(METHOD_POST, "/v1/deployments/m/do").route);
}

static void every_route_is_found_in_a_table_of_20_of_60_and_of_1000(void **state)
{
    (void)state;
    check_table_of(20);
    check_table_of(60);
    check_table_of(1000);
    check_table_of(ROUTES_MAX);
    check_table_of(0);
}

static void a_placeholder_stands_for_one_byte_or_more_slashes_too(void **state)
{
    (void)state;
    static const struct route rows[] = {{.path = "/v1/models/{id}", .methods = METHOD_GET}};
    FILL(rows);
    struct route_match match = find(METHOD_GET, "/v1/models/a");
    assert_tail(&match, "a");
    match = find(METHOD_HEAD, "/v1/models/a/b");
    assert_true(match.is_taken);
    assert_tail(&match, "a/b");
    match = find(METHOD_GET, "/v1/models/{id}");
    assert_tail(&match, "{id}");
    assert_null(find(METHOD_GET, "/v1/models/").route);
    assert_null(find(METHOD_GET, "/v1/models").route);
}

static void what_is_behind_a_placeholder_must_be_there(void **state)
{
    (void)state;
    static const struct route rows[] = {
        {.path = "/v1beta/models/{m}:embedContent", .methods = METHOD_POST},
        {.path = "/v1beta/models/{m}:batchEmbedContents", .methods = METHOD_POST},
        {.path = "/openai/deployments/{m}/embeddings", .methods = METHOD_POST},
        {.path = "/v1beta/models/{m}", .methods = METHOD_GET},
    };
    FILL(rows);
    assert_finds(METHOD_POST, "/v1beta/models/m:embedContent", &rows[0]);
    assert_finds(METHOD_POST, "/v1beta/models/m:batchEmbedContents", &rows[1]);
    assert_finds(METHOD_POST, "/openai/deployments/a/b/embeddings", &rows[2]);
    assert_finds(METHOD_GET, "/v1beta/models/m", &rows[3]);
    struct route_match match = find(METHOD_POST, "/v1beta/models/a:b:embedContent");
    assert_tail(&match, "a:b");
    assert_null(find(METHOD_POST, "/openai/deployments//embeddings").route);
    assert_null(find(METHOD_POST, "/openai/deployments/embeddings").route);
    assert_null(find(METHOD_POST, "/openai/deployments/m/embedding").route);
    /* All rows that have the path count, whichever of them takes the method. */
    match = find(METHOD_OTHER, "/v1beta/models/m:embedContent");
    assert_false(match.is_taken);
    assert_int_equal(match.methods, METHOD_GET | METHOD_POST);
    match = find(METHOD_GET, "/v1beta/models/m:embedContent");
    assert_ptr_equal(match.route, &rows[3]);
    assert_tail(&match, "m:embedContent");
}

static void the_more_a_row_says_the_earlier_it_is_taken(void **state)
{
    (void)state;
    static const struct route rows[] = {
        {.path = "/{any}", .methods = METHOD_GET},   {.path = "/a/{b}", .methods = METHOD_GET},
        {.path = "/a/{b}/c", .methods = METHOD_GET}, {.path = "/a/b", .methods = METHOD_GET},
        {.path = "/a/", .methods = METHOD_GET},
    };
    FILL(rows);
    assert_finds(METHOD_GET, "/a/b", &rows[3]);
    assert_finds(METHOD_GET, "/a/", &rows[4]);
    assert_finds(METHOD_GET, "/a/x", &rows[1]);
    assert_finds(METHOD_GET, "/a/x/c", &rows[2]);
    assert_finds(METHOD_GET, "/a/b/c", &rows[2]);
    assert_finds(METHOD_GET, "/x", &rows[0]);
    assert_null(find(METHOD_GET, "/").route);
}

static void rows_of_one_path_are_one_route(void **state)
{
    (void)state;
    static const struct route rows[] = {
        {.path = "/x", .methods = METHOD_GET},       {.path = "/", .methods = METHOD_GET},
        {.path = "/m/{id}", .methods = METHOD_GET},  {.path = "/", .methods = METHOD_POST},
        {.path = "/m/{id}", .methods = METHOD_POST},
    };
    FILL(rows);
    assert_finds(METHOD_GET, "/", &rows[1]);
    assert_finds(METHOD_HEAD, "/", &rows[1]);
    assert_finds(METHOD_POST, "/", &rows[3]);
    assert_int_equal(find(METHOD_GET, "/").number, 1);
    assert_int_equal(find(METHOD_POST, "/").number, 1);
    assert_int_equal(find(METHOD_POST, "/m/1").number, 2);
    const struct route_match match = find(METHOD_OTHER, "/");
    assert_false(match.is_taken);
    assert_ptr_equal(match.route, &rows[3]);
    assert_int_equal(match.methods, METHOD_GET | METHOD_POST);
}

static void paths_that_differ_in_one_byte_are_not_taken_for_each_other(void **state)
{
    (void)state;
    static const char long_path[] = "/0123456789abcdefghijklmnopqrstuvwxyz";
    for (size_t bytes = 1; bytes < sizeof long_path; bytes++) {
        char path[sizeof long_path] = "", other[sizeof long_path + 1] = "";
        memcpy(path, long_path, bytes);
        const struct route rows[] = {{.path = path, .methods = METHOD_GET}};
        FILL(rows);
        for (size_t i = 0; i < bytes; i++) {
            memcpy(other, path, sizeof path);
            other[i] ^= 0x80;
            assert_null(find(METHOD_GET, other).route);
        }
        memcpy(other, path, sizeof path);
        assert_non_null(find(METHOD_GET, other).route);
        other[bytes] = 'x';
        assert_null(find(METHOD_GET, other).route);
        other[bytes - 1] = '\0';
        assert_null(find(METHOD_GET, other).route);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_route_is_found_in_a_table_of_20_of_60_and_of_1000),
        cmocka_unit_test(a_placeholder_stands_for_one_byte_or_more_slashes_too),
        cmocka_unit_test(what_is_behind_a_placeholder_must_be_there),
        cmocka_unit_test(the_more_a_row_says_the_earlier_it_is_taken),
        cmocka_unit_test(rows_of_one_path_are_one_route),
        cmocka_unit_test(paths_that_differ_in_one_byte_are_not_taken_for_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
