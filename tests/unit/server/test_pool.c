/* SPDX-License-Identifier: Apache-2.0 */
#include "server/pool.h"

#include "tests/test.h"

#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* A pool of one worker, whose work waits until it is let go, and a clock that is put forward. */
static struct scene {
    uv_loop_t loop;
    struct pool *pool;
    struct pool_seat seat;
    uv_sem_t gate;
    atomic_size_t n_begun;
    size_t n_done;
} scene;

static atomic_long seconds_ahead;

/* Instead of the C library's. */
int clock_gettime(clockid_t clock, struct timespec *now)
{
    const int failure = (int)syscall(SYS_clock_gettime, clock, now);
    now->tv_sec += seconds_ahead;
    return failure;
}

static int scene_begin(void **state)
{
    (void)state;
    size_t workers = 1;
    scene = (struct scene){0};
    assert_int_equal(uv_loop_init(&scene.loop), 0);
    assert_int_equal(uv_sem_init(&scene.gate, 0), 0);
    scene.pool = pool_new(&scene.loop, &workers);
    assert_non_null(scene.pool);
    assert_true(pool_sit(scene.pool, &scene.seat, &scene.loop));
    return 0;
}

static int scene_end(void **state)
{
    (void)state;
    pool_stand(&scene.seat);
    pool_stop(scene.pool);
    uv_run(&scene.loop, UV_RUN_DEFAULT);
    pool_free(scene.pool);
    assert_int_equal(uv_loop_close(&scene.loop), 0);
    uv_sem_destroy(&scene.gate);
    return 0;
}

/* The work, all of it. */
static bool wait_for_gate(struct pool_job *job, uint64_t waited_ns)
{
    (void)job;
    (void)waited_ns;
    scene.n_begun++;
    uv_sem_wait(&scene.gate);
    return false;
}

static void on_done(struct pool_job *job, bool was_run)
{
    assert_true(was_run);
    (void)job;
    scene.n_done++;
}

static void submit(struct pool_job *job, struct exchange *x, uint64_t cost)
{
    *job = (struct pool_job){.item = {.client = 1, .cost = cost}, .is_wanted = wait_for_gate};
    pool_submit(&scene.seat, job, x, on_done);
}

static void let_go(size_t n)
{
    const size_t due = scene.n_done + n;
    for (size_t i = 0; i < n; i++)
        uv_sem_post(&scene.gate);
    while (scene.n_done < due)
        uv_run(&scene.loop, UV_RUN_ONCE);
}

static bool has_room_for(uint64_t client, uint64_t cost)
{
    const struct fair_item item = {.client = client, .cost = cost};
    return pool_has_room(scene.pool, &item, &(struct pool_limits){.wait_ns = 1000000000});
}

static bool has_room(uint64_t cost_max, uint64_t wait_s)
{
    const struct fair_item item = {.client = 1, .cost = 1};
    return pool_has_room(scene.pool, &item, &(struct pool_limits){cost_max, wait_s * 1000000000});
}

/* A pool that has done nothing yet is believed to do so much a second. */
#define COST_A_SECOND ((uint64_t)5 << 20)

static void a_burst_may_wait_for_long_and_what_stands_for_a_short_time(void **state)
{
    (void)state;
    struct pool_job jobs[3];
    struct exchange exchanges[3] = {0};
    assert_true(has_room(1, 1)); /* a worker can begin with it */
    submit(&jobs[0], &exchanges[0], 1);
    assert_true(has_room(0, 1));
    submit(&jobs[1], &exchanges[1], COST_A_SECOND / 2);
    assert_true(has_room(0, 1));
    seconds_ahead = 2; /* and nothing was done: half a second waits, where .04 may */
    assert_false(has_room(0, 1));
    assert_true(has_room_for(2, COST_A_SECOND / 3)); /* who has nothing there has his share */
    assert_false(has_room_for(2, COST_A_SECOND));
    assert_true(has_room(0, 3)); /* to whom may wait for three it is a burst */
    assert_true(has_room(0, 0)); /* no limit */
    let_go(1);
    assert_true(has_room(0, 1)); /* the worker's next */
    submit(&jobs[2], &exchanges[2], COST_A_SECOND / 2);
    assert_false(has_room(0, 1));
    let_go(2);
    submit(&jobs[0], &exchanges[0], 1); /* there was a moment with nothing to do: a new burst */
    submit(&jobs[1], &exchanges[1], COST_A_SECOND / 2);
    assert_true(has_room(0, 1));
    let_go(2);
    assert_int_equal(scene.n_begun, 5);
}

static void what_costs_too_much_does_not_wait_whoever_asks(void **state)
{
    (void)state;
    struct pool_job jobs[2];
    struct exchange exchanges[2] = {0};
    submit(&jobs[0], &exchanges[0], 10);
    assert_true(has_room(11, 0));
    assert_false(has_room(10, 0));
    submit(&jobs[1], &exchanges[1], 5);
    assert_true(has_room(16, 0));
    assert_false(has_room(15, 0));
    let_go(2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_burst_may_wait_for_long_and_what_stands_for_a_short_time,
                                        scene_begin, scene_end),
        cmocka_unit_test_setup_teardown(what_costs_too_much_does_not_wait_whoever_asks, scene_begin,
                                        scene_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
