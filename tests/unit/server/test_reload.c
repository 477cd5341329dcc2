/* SPDX-License-Identifier: Apache-2.0 */
#include "server/reload.h"

#include "handlers/handlers.h"
#include "handlers/metrics.h"
#include "tests/test.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Two parts; what they do is said here. */
static struct scene {
    uv_loop_t loop;
    struct metrics *metrics;
    struct reload reload;
    struct reload_part parts[2];
    size_t n_ends;
    atomic_size_t n_runs;
    bool first_fails;
    bool waits; /* the first part, for the gate */
    uv_sem_t gate, is_in;
} scene;

static bool run_first(void *user, struct err *err)
{
    struct scene *of = user;
    of->n_runs++;
    if (of->waits) {
        uv_sem_post(&of->is_in);
        uv_sem_wait(&of->gate);
    }
    return !of->first_fails || err_set(err, ERR_FORMAT, "x", "the first is bad");
}

static bool run_second(void *user, struct err *err)
{
    struct scene *of = user;
    (void)err;
    char name[] = "m", version[] = "1";
    const struct model_change change = {
        .fate = MODEL_ADDED, .name = name, .version = version, .number = 7};
    of->n_runs++;
    return model_changes_add(&of->reload.models, &change);
}

static void on_end(void *user)
{
    struct scene *of = user;
    of->n_ends++;
}

static int begin(void **state)
{
    (void)state;
    scene = (struct scene){.parts = {{"first", run_first, &scene}, {"second", run_second, &scene}}};
    scene.metrics = metrics_new(1, handlers_route_names(), handlers_route_count());
    assert_non_null(scene.metrics);
    assert_int_equal(uv_loop_init(&scene.loop), 0);
    assert_int_equal(uv_sem_init(&scene.gate, 0) | uv_sem_init(&scene.is_in, 0), 0);
    assert_true(
        reload_init(&scene.reload, &scene.loop, scene.parts, 2, scene.metrics, on_end, &scene));
    return 0;
}

static int end(void **state)
{
    (void)state;
    reload_close(&scene.reload);
    uv_run(&scene.loop, UV_RUN_DEFAULT);
    assert_false(scene.reload.has_thread);
    assert_int_equal(uv_loop_close(&scene.loop), 0);
    uv_sem_destroy(&scene.gate);
    uv_sem_destroy(&scene.is_in);
    metrics_free(scene.metrics);
    return 0;
}

#define IN_SCENE(test) cmocka_unit_test_setup_teardown(test, begin, end)

/* Until no thread of a reload is left, and so many have ended. */
static void turn_until(size_t n_ends)
{
    while (scene.n_ends < n_ends || scene.reload.has_thread)
        uv_run(&scene.loop, UV_RUN_ONCE);
}

static void all_parts_are_run_in_their_order_and_reported(void **state)
{
    (void)state;
    struct reload_report report = {0};
    struct err err;
    assert_true(reload_now(&scene.reload, &report, &err));
    assert_int_equal(scene.n_runs, 2);
    assert_int_equal(report.n_parts, 2);
    assert_string_equal(report.parts[0].name, "first");
    assert_true(report.parts[0].is_done && report.parts[1].is_done);
    assert_string_equal(report.parts[0].error, "");
    assert_int_equal(report.models.n, 1);
    assert_string_equal(report.models.list[0].name, "m");
    assert_int_equal(scene.reload.models.n, 0); /* handed over */
    reload_report_clear(&report);
    turn_until(1);
    assert_int_equal(scene.n_ends, 1);
}

static void what_is_bad_is_refused_and_the_next_is_run(void **state)
{
    (void)state;
    struct reload_report report = {0};
    struct err err;
    scene.first_fails = true;
    assert_true(reload_now(&scene.reload, &report, &err));
    assert_int_equal(scene.n_runs, 2);
    assert_false(report.parts[0].is_done);
    assert_string_equal(report.parts[0].error, "the first is bad");
    assert_true(report.parts[1].is_done);
    reload_report_clear(&report);
}

static void a_thread_does_it_beside_and_is_awaited(void **state)
{
    (void)state;
    scene.waits = true;
    reload_start(&scene.reload);
    uv_sem_wait(&scene.is_in);
    assert_true(reload_is_awaited(&scene.reload));
    scene.reload.is_late = true;
    assert_false(reload_is_awaited(&scene.reload));
    assert_int_equal(scene.n_ends, 0);
    uv_sem_post(&scene.gate);
    turn_until(1);
    assert_int_equal(scene.n_runs, 2);
    assert_false(reload_is_awaited(&scene.reload));
}

/* A signal may be heard before the end of the last one is. */
static void one_that_ended_unheard_is_no_other(void **state)
{
    (void)state;
    bool is_over = false;
    reload_start(&scene.reload);
    while (!is_over) {
        uv_mutex_lock(&scene.reload.mutex);
        is_over = scene.reload.is_thread_over;
        uv_mutex_unlock(&scene.reload.mutex);
    }
    scene.waits = true;
    reload_start(&scene.reload);
    uv_sem_wait(&scene.is_in);
    uv_run(&scene.loop, UV_RUN_NOWAIT); /* waits for nobody */
    assert_true(reload_is_awaited(&scene.reload));
    assert_false(reload_is_of_request(&scene.reload));
    uv_sem_post(&scene.gate);
    turn_until(1);
    assert_int_equal(scene.n_runs, 4);
}

static void one_at_a_time_and_once_more_however_often_it_was_asked(void **state)
{
    (void)state;
    struct reload_report report = {0};
    struct err err;
    scene.waits = true;
    reload_start(&scene.reload);
    uv_sem_wait(&scene.is_in);
    assert_false(reload_now(&scene.reload, &report, &err));
    assert_int_equal(err.code, ERR_CONFLICT);
    for (int i = 0; i < 5; i++)
        reload_start(&scene.reload);
    assert_int_equal(scene.n_runs, 1);
    scene.waits = false; /* the thread has looked */
    uv_sem_post(&scene.gate);
    turn_until(2);
    assert_int_equal(scene.n_runs, 4);
    assert_true(reload_now(&scene.reload, &report, &err));
    reload_report_clear(&report);
}

static void what_is_forgotten_is_not_begun(void **state)
{
    (void)state;
    scene.waits = true;
    reload_start(&scene.reload);
    uv_sem_wait(&scene.is_in);
    reload_start(&scene.reload);
    reload_forget(&scene.reload);
    uv_sem_post(&scene.gate);
    turn_until(1);
    uv_run(&scene.loop, UV_RUN_NOWAIT);
    assert_int_equal(scene.n_runs, 2);
    assert_int_equal(scene.n_ends, 1);
}

static struct err refused;

static void ask_while_it_runs(void *user)
{
    struct reload_report report = {0};
    (void)user;
    assert_true(reload_now(&scene.reload, &report, &refused));
    reload_report_clear(&report);
}

/* As SIGHUP does while POST /admin/reload is under way. */
static void a_start_while_another_thread_reloads_comes_after_it(void **state)
{
    (void)state;
    uv_thread_t thread;
    scene.waits = true;
    assert_int_equal(uv_thread_create(&thread, ask_while_it_runs, NULL), 0);
    uv_sem_wait(&scene.is_in);
    reload_start(&scene.reload);
    assert_false(scene.reload.has_thread);
    assert_false(reload_is_awaited(&scene.reload));
    scene.waits = false;
    uv_sem_post(&scene.gate);
    assert_int_equal(uv_thread_join(&thread), 0);
    turn_until(2);
    assert_int_equal(scene.n_runs, 4);
}

static void a_wake_is_no_reload(void **state)
{
    (void)state;
    reload_wake(&scene.reload);
    turn_until(1);
    assert_int_equal(scene.n_runs, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SCENE(all_parts_are_run_in_their_order_and_reported),
        IN_SCENE(what_is_bad_is_refused_and_the_next_is_run),
        IN_SCENE(a_thread_does_it_beside_and_is_awaited),
        IN_SCENE(one_that_ended_unheard_is_no_other),
        IN_SCENE(one_at_a_time_and_once_more_however_often_it_was_asked),
        IN_SCENE(what_is_forgotten_is_not_begun),
        IN_SCENE(a_start_while_another_thread_reloads_comes_after_it),
        IN_SCENE(a_wake_is_no_reload),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
