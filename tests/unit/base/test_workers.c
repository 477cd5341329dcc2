/* SPDX-License-Identifier: Apache-2.0 */
#include "base/workers.h"
#include "tests/test.h"

#include <string.h>
#include <unistd.h>

#define MOST 5

/* Each worker counts its own calls, without a lock: only the end of a step makes them seen. */
struct count {
    unsigned n_workers;
    unsigned calls[MOST];
};

static void count_call(void *user, unsigned worker, unsigned n_workers)
{
    struct count *count = user;
    count->calls[worker]++;
    if (worker == 0) count->n_workers = n_workers;
}

static void count_slowly(void *user, unsigned worker, unsigned n_workers)
{
    usleep(worker % 2 ? 3000 : 0);
    count_call(user, worker, n_workers);
}

static void each_worker_does_each_step_once(void **state)
{
    (void)state;
    for (unsigned n = 1; n <= MOST; n++) {
        struct err err;
        struct workers *workers = workers_new(n, &err);
        assert_non_null(workers);
        assert_int_equal(workers_size(workers), n);
        struct count count = {0};
        for (unsigned step = 1; step <= 500; step++) {
            /* Now and then one that puts the others to sleep. */
            workers_run(workers, step % 100 == 0 ? count_slowly : count_call, &count);
            assert_int_equal(count.n_workers, n);
            for (unsigned worker = 0; worker < MOST; worker++)
                assert_int_equal(count.calls[worker], worker < n ? step : 0);
        }
        workers_free(workers);
    }
}

static void a_step_sees_what_all_did_in_the_one_before(void **state)
{
    (void)state;
    struct err err;
    struct workers *workers = workers_new(3, &err);
    struct count counts[2] = {{0}, {0}};
    for (unsigned step = 0; step < 100; step++) {
        workers_run(workers, count_call, &counts[step % 2]);
        const unsigned *calls = counts[step % 2].calls;
        assert_int_equal(calls[0] + calls[1] + calls[2], 3 * (step / 2 + 1));
    }
    workers_free(workers);
}

static void workers_may_end_without_work(void **state)
{
    (void)state;
    struct err err;
    for (int i = 0; i < 20; i++)
        workers_free(workers_new(MOST, &err));
    workers_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_worker_does_each_step_once),
        cmocka_unit_test(a_step_sees_what_all_did_in_the_one_before),
        cmocka_unit_test(workers_may_end_without_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
