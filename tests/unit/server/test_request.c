/* SPDX-License-Identifier: Apache-2.0 */
#include "server/request.h"
#include "tests/test.h"

#include <string.h>

#define MEMORY_MAX ((size_t)4 << 20)

static void a_claimed_length_takes_no_memory_before_it_comes(void **state)
{
    (void)state;
    struct requests requests = {.memory_max = MEMORY_MAX};
    struct request *request = requests_get(&requests);
    request->declared_bytes = MEMORY_MAX * 100;
    assert_true(request_keep_body(request, "hello", 5));
    assert_int_equal(request->x.body_bytes, 5);
    assert_true(request->arena.used_bytes < MEMORY_MAX / 8);
    requests_put(&requests, request);
    requests_clear(&requests);
}

static void collect(struct request *request, size_t bytes, size_t step)
{
    char piece[4096];
    for (size_t at = 0; at < bytes; at += step) {
        for (size_t i = 0; i < step; i++)
            piece[i] = (char)((at + i) * 31);
        assert_true(request_keep_body(request, piece, step));
    }
    assert_int_equal(request->x.body_bytes, bytes);
    for (size_t i = 0; i < bytes; i++)
        assert_int_equal(request->x.body[i], (char)(i * 31));
}

static void pieces_add_up_whatever_was_declared(void **state)
{
    (void)state;
    struct requests requests = {.memory_max = MEMORY_MAX};
    for (int is_chunked = 0; is_chunked < 2; is_chunked++) {
        struct request *request = requests_get(&requests);
        request->is_chunked = is_chunked;
        request->declared_bytes = is_chunked ? 0 : 1 << 20;
        collect(request, 1 << 20, is_chunked ? 1024 : 4096);
        requests_put(&requests, request);
    }
    requests_clear(&requests);
}

static void a_small_declared_body_gets_just_its_room(void **state)
{
    (void)state;
    struct requests requests = {.memory_max = MEMORY_MAX};
    struct request *request = requests_get(&requests);
    request->declared_bytes = 100;
    collect(request, 100, 1);
    assert_int_equal(request->body_room, 100);
    requests_put(&requests, request);
    requests_clear(&requests);
}

static void the_memory_cap_refuses_and_keeps_what_there_was(void **state)
{
    (void)state;
    static char piece[1 << 20];
    struct requests requests = {.memory_max = MEMORY_MAX};
    struct request *request = requests_get(&requests);
    size_t kept = 0;
    while (request_keep_body(request, piece, sizeof piece))
        kept += sizeof piece;
    assert_true(kept >= sizeof piece && kept < MEMORY_MAX);
    assert_int_equal(request->x.body_bytes, kept);
    assert_true(request->arena.used_bytes <= MEMORY_MAX);
    requests_put(&requests, request);
    requests_clear(&requests);
}

static void a_request_comes_back_blank_with_its_memory(void **state)
{
    (void)state;
    struct requests requests = {.memory_max = MEMORY_MAX};
    struct request *first = requests_get(&requests);
    first->declared_bytes = 5;
    assert_true(request_keep_body(first, "hello", 5));
    const char *body = first->x.body;
    first->state = REQUEST_REPLYING;
    first->x.status = 200;
    requests_put(&requests, first);
    struct request *second = requests_get(&requests);
    assert_ptr_equal(second, first);
    assert_int_equal(second->state, REQUEST_NEW);
    assert_int_equal(second->x.status, 0);
    assert_null(second->x.body);
    second->declared_bytes = 5;
    assert_true(request_keep_body(second, "again", 5));
    assert_ptr_equal(second->x.body, body);
    requests_put(&requests, second);
    requests_clear(&requests);
}

static void a_burst_is_kept_for_the_next_one_and_not_for_ever(void **state)
{
    (void)state;
    static struct request *burst[1000];
    struct requests requests = {.memory_max = MEMORY_MAX};
    for (size_t round = 0; round < 3; round++) {
        for (size_t i = 0; i < 1000; i++)
            burst[i] = requests_get(&requests);
        assert_int_equal(requests.n_free, 0);
        for (size_t i = 0; i < 1000; i++)
            requests_put(&requests, burst[i]);
        assert_int_equal(requests.n_free, 1000);
        requests_sweep(&requests);
        assert_int_equal(requests.n_free, 1000);
    }
    requests_sweep(&requests);
    assert_in_range(requests.n_free, 1, 100);
    burst[0] = requests_get(&requests);
    requests_sweep(&requests);
    requests_put(&requests, burst[0]);
    assert_in_range(requests.n_free, 1, 100);
    requests_clear(&requests);
    assert_int_equal(requests.n_free, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_claimed_length_takes_no_memory_before_it_comes),
        cmocka_unit_test(pieces_add_up_whatever_was_declared),
        cmocka_unit_test(a_small_declared_body_gets_just_its_room),
        cmocka_unit_test(the_memory_cap_refuses_and_keeps_what_there_was),
        cmocka_unit_test(a_request_comes_back_blank_with_its_memory),
        cmocka_unit_test(a_burst_is_kept_for_the_next_one_and_not_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
