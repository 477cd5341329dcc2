/* SPDX-License-Identifier: Apache-2.0 */
#include "handlers/turns.h"

#include "tests/test.h"

#include <sched.h>
#include <time.h>

#define US 1000u
#define MS 1000000u

static uint64_t now_ns = 1000 * (uint64_t)MS, others_ns;
static unsigned n_yields;

/* These two instead of the C library's. */
int sched_yield(void)
{
    n_yields++;
    now_ns += others_ns;
    return 0;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    (void)clock;
    now->tv_sec = (time_t)(now_ns / 1000000000);
    now->tv_nsec = (long)(now_ns % 1000000000);
    return 0;
}

/* How often a worker gives way that works for so long, in pieces of 10 µs. */
static unsigned yields_in(uint64_t work_ns)
{
    n_yields = 0;
    for (; work_ns > 0; work_ns -= 10 * US) {
        now_ns += 10 * US;
        turn_end(now_ns);
    }
    return n_yields;
}

static void a_turn_is_80_us_where_nobody_waits_for_long(void **state)
{
    (void)state;
    others_ns = 0;
    yields_in(80 * US);
    assert_int_equal(yields_in(70 * US) + yields_in(10 * US), 1);
    assert_int_equal(yields_in(8 * MS), 100);
    others_ns = 50 * US;
    assert_int_equal(yields_in(8 * MS), 100);
}

static void a_worker_among_those_that_never_rest_has_its_half(void **state)
{
    (void)state;
    others_ns = 4 * MS;
    yields_in(100 * MS);
    const uint64_t start_ns = now_ns;
    const unsigned n = yields_in(400 * MS);
    assert_in_range(n, 95, 105);
    assert_int_equal(now_ns - start_ns, 400 * MS + n * others_ns);
    others_ns = 0; /* what is lent comes back, and turns are short again */
    yields_in(10 * MS);
    assert_int_equal(yields_in(8 * MS), 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_turn_is_80_us_where_nobody_waits_for_long),
        cmocka_unit_test(a_worker_among_those_that_never_rest_has_its_half),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
