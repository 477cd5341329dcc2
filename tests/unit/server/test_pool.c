/* SPDX-License-Identifier: Apache-2.0 */
#include "server/pool.h"

#include "tests/test.h"

#include <stdatomic.h>
#include <string.h>
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

#define WAIT_MS 10000

static void on_late(uv_timer_t *timer)
{
    (void)timer;
    fail_msg("a job is done, and its loop has not been woken");
}

/* Waits for the n-th job to be done; whoever is not woken in time fails. */
static void wait_until_done(size_t n)
{
    uv_timer_t late;
    uv_timer_init(&scene.loop, &late);
    uv_timer_start(&late, on_late, WAIT_MS, 0);
    while (scene.n_done < n)
        uv_run(&scene.loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&late, NULL);
    uv_run(&scene.loop, UV_RUN_NOWAIT);
}

static void let_go(size_t n)
{
    const size_t due = scene.n_done + n;
    for (size_t i = 0; i < n; i++)
        uv_sem_post(&scene.gate);
    wait_until_done(due);
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

/* ---- hearing of what is done ---- */

#define ROUNDS 20000
#define JOBS 3

static bool do_at_once(struct pool_job *job, uint64_t waited_ns)
{
    (void)job;
    (void)waited_ns;
    return false;
}

static void count(struct pool_job *job, bool was_run)
{
    (void)job;
    (void)was_run;
    scene.n_done++;
}

static void submit_at_once(struct pool_job *job, struct exchange *x,
                           void (*done)(struct pool_job *job, bool was_run))
{
    *job = (struct pool_job){.item = {.client = 1, .cost = 1}, .is_wanted = do_at_once};
    pool_submit(&scene.seat, job, x, done);
}

static void count_and_submit_again(struct pool_job *job, bool was_run)
{
    count(job, was_run);
    if (scene.n_done + JOBS <= JOBS * ROUNDS)
        submit_at_once(job, job->exchange, count_and_submit_again);
}

/* Which is done while the loop takes another: one that was not heard of never is. */
static void a_loop_hears_of_every_job_whatever_it_is_doing(void **state)
{
    (void)state;
    struct pool_job jobs[JOBS];
    struct exchange exchanges[JOBS] = {0};
    for (size_t i = 0; i < JOBS; i++)
        submit_at_once(&jobs[i], &exchanges[i], count_and_submit_again);
    wait_until_done((size_t)JOBS * ROUNDS);
}

static void a_loop_hears_of_a_job_that_it_has_given_up(void **state)
{
    (void)state;
    struct pool_job jobs[2];
    struct exchange exchanges[2] = {0};
    submit(&jobs[0], &exchanges[0], 1);
    submit_at_once(&jobs[1], &exchanges[1], count);
    pool_cancel(&jobs[1]);
    assert_int_equal(scene.n_done, 0); /* not in the middle of what its loop is doing */
    wait_until_done(1);
    assert_false(jobs[1].was_run);
    let_go(1);
}

static void a_seat_may_be_left_as_soon_as_its_last_job_is_done(void **state)
{
    (void)state;
    struct pool_job job;
    struct exchange x = {0};
    for (size_t round = 0; round < ROUNDS; round++) {
        submit_at_once(&job, &x, count);
        wait_until_done(round + 1);
        pool_stand(&scene.seat);
        uv_run(&scene.loop, UV_RUN_NOWAIT);
        memset(&scene.seat, 0xFF, sizeof scene.seat);
        assert_true(pool_sit(scene.pool, &scene.seat, &scene.loop));
    }
}

/* Its end is the loop's to tell, like that of others. */
static void what_a_disk_takes_long_for_keeps_no_worker(void **state)
{
    (void)state;
    struct pool_job aside = {.is_wanted = wait_for_gate, .is_aside = true}, job;
    struct exchange exchanges[2] = {0};
    pool_submit(&scene.seat, &aside, &exchanges[0], on_done);
    while (scene.n_begun < 1)
        uv_sleep(1);
    assert_true(has_room(1, 1));
    assert_int_equal(pool_wait_ms(scene.pool), 0);
    submit(&job, &exchanges[1], COST_A_SECOND / 2);
    while (scene.n_begun < 2)
        uv_sleep(1);
    let_go(2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_burst_may_wait_for_long_and_what_stands_for_a_short_time,
                                        scene_begin, scene_end),
        cmocka_unit_test_setup_teardown(what_costs_too_much_does_not_wait_whoever_asks, scene_begin,
                                        scene_end),
        cmocka_unit_test_setup_teardown(a_loop_hears_of_every_job_whatever_it_is_doing, scene_begin,
                                        scene_end),
        cmocka_unit_test_setup_teardown(a_loop_hears_of_a_job_that_it_has_given_up, scene_begin,
                                        scene_end),
        cmocka_unit_test_setup_teardown(a_seat_may_be_left_as_soon_as_its_last_job_is_done,
                                        scene_begin, scene_end),
        cmocka_unit_test_setup_teardown(what_a_disk_takes_long_for_keeps_no_worker, scene_begin,
                                        scene_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
