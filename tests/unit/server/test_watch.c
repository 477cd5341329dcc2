/* SPDX-License-Identifier: Apache-2.0 */
#include "server/watch.h"

#include "base/links.h"
#include "tests/folder.h"

#include <stdatomic.h>
#include <time.h>

/* A loop that is turned until something has happened: no time is measured. */
static struct scene {
    uv_loop_t loop;
    struct watch watch;
    atomic_size_t n_looks;
    size_t n_changes;
    uv_sem_t gate;
    bool is_ended;
    void (*during_look)(void);
} scene;

static void on_look(void *user)
{
    struct scene *of = user;
    if (of->during_look) of->during_look();
    of->during_look = NULL;
    of->n_looks++;
}

static void on_change(void *user)
{
    struct scene *of = user;
    of->n_changes++;
}

static int scene_begin(void **state)
{
    scene = (struct scene){0};
    assert_int_equal(uv_loop_init(&scene.loop), 0);
    assert_int_equal(uv_sem_init(&scene.gate, 0), 0);
    watch_init(&scene.watch, &scene.loop, on_look, on_change, &scene);
    return folder_begin(state);
}

static int scene_end(void **state)
{
    if (!scene.is_ended) watch_end(&scene.watch);
    uv_run(&scene.loop, UV_RUN_DEFAULT);
    watch_clear(&scene.watch);
    assert_int_equal(uv_loop_close(&scene.loop), 0);
    uv_sem_destroy(&scene.gate);
    return folder_end(state);
}

#define IN_SCENE(test) cmocka_unit_test_setup_teardown(test, scene_begin, scene_end)

static void turn_until(size_t n_looks)
{
    while (scene.n_looks < n_looks || scene.watch.is_looking)
        uv_run(&scene.loop, UV_RUN_ONCE);
}

/* So many looks and no more, each of them with what follows. */
static void look(size_t n)
{
    for (size_t i = 0; i < n; i++) {
        watch_every(&scene.watch, 1);
        scene.watch.every_ms = 0; /* that once */
        turn_until(scene.n_looks + 1);
    }
}

static void wait_for_gate(void)
{
    uv_sem_wait(&scene.gate);
}

/* A worker looks until end_look. */
static void begin_look(void)
{
    scene.during_look = wait_for_gate;
    watch_every(&scene.watch, 1);
    scene.watch.every_ms = 0;
    while (!scene.watch.is_looking)
        uv_run(&scene.loop, UV_RUN_NOWAIT);
}

static void end_look(void)
{
    uv_sem_post(&scene.gate);
}

static char **list(const char *a, const char *b)
{
    char **links = calloc(2, sizeof *links);
    assert_non_null(links);
    links[0] = strdup(a);
    if (b) links[1] = strdup(b);
    return links;
}

/* As they lead now. */
static void set(const char *a, const char *b)
{
    char **links = list(a, b);
    const size_t n = b ? 2 : 1;
    watch_set(&scene.watch, links, n, links_hash(links, n));
}

static void it_looks_as_often_as_it_is_told(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++)
        uv_run(&scene.loop, UV_RUN_NOWAIT);
    assert_int_equal(scene.n_looks, 0);
    watch_every(&scene.watch, 1);
    turn_until(3); /* without a link, too */
    watch_every(&scene.watch, 0);
    const size_t n = scene.n_looks;
    assert_false(uv_is_active((uv_handle_t *)&scene.watch.timer));
    uv_run(&scene.loop, UV_RUN_NOWAIT);
    assert_int_equal(scene.n_looks, n);
    watch_every(&scene.watch, 1);
    turn_until(n + 1);
    assert_int_equal(scene.n_changes, 0);
}

static void a_change_is_told_once_when_it_has_settled(void **state)
{
    (void)state;
    set(make_link("a", "v1"), make_link("b", "v1"));
    look(3);
    assert_int_equal(scene.n_changes, 0);
    make_link("b", "v2");
    look(1);
    assert_int_equal(scene.n_changes, 0); /* it may be changing */
    look(1);
    assert_int_equal(scene.n_changes, 1);
    look(3);
    assert_int_equal(scene.n_changes, 1);
    make_link("b", "v3"); /* what it led to was refused, say */
    look(2);
    assert_int_equal(scene.n_changes, 2);
}

static void what_does_not_stay_is_no_change(void **state)
{
    (void)state;
    set(make_link("a", "v1"), NULL);
    look(1);
    for (int i = 0; i < 5; i++) {
        make_link("a", i % 2 ? "v1" : "v2");
        look(1);
        assert_int_equal(scene.n_changes, 0);
    }
    make_link("a", "v1"); /* as it is known to lead */
    look(3);
    assert_int_equal(scene.n_changes, 0);
    make_link("a", "v2");
    look(2);
    assert_int_equal(scene.n_changes, 1);
}

static void back_to_what_is_known_and_away_again_is_told_again(void **state)
{
    (void)state;
    set(make_link("a", "v1"), NULL);
    make_link("a", "v2");
    look(2);
    make_link("a", "v1");
    look(2);
    assert_int_equal(scene.n_changes, 1);
    make_link("a", "v2");
    look(2);
    assert_int_equal(scene.n_changes, 2);
}

static void a_change_before_it_is_set_is_told(void **state)
{
    (void)state;
    char **links = list(make_link("a", "v1"), NULL);
    const uint64_t known = links_hash(links, 1);
    make_link("a", "v2");
    watch_set(&scene.watch, links, 1, known);
    look(2);
    assert_int_equal(scene.n_changes, 1);
}

static void lose_folder(void)
{
    folder_remove(in_folder("m"));
}

static void a_folder_may_vanish_and_come_back(void **state)
{
    (void)state;
    make_folder("m");
    make_link("m/current", "v1");
    set(in_folder("m/current"), in_folder("*/current"));
    look(1);
    scene.during_look = lose_folder;
    look(3);
    assert_int_equal(scene.n_changes, 1);
    make_folder("m");
    make_link("m/current", "v1");
    look(2);
    assert_int_equal(scene.n_changes, 1); /* all is as it was known to be */
}

static void links_may_be_set_while_a_worker_looks(void **state)
{
    (void)state;
    set(make_link("a", "v1"), NULL);
    begin_look();
    set(make_link("b", "v1"), NULL); /* forgotten at once */
    set(make_link("c", "v1"), NULL);
    make_link("a", "v2");
    make_link("b", "v2");
    end_look();
    turn_until(1);
    look(3);
    assert_int_equal(scene.n_changes, 0);
    make_link("c", "v2");
    look(2);
    assert_int_equal(scene.n_changes, 1);
}

static void a_change_that_was_being_looked_at_when_others_were_set_is_not_told(void **state)
{
    (void)state;
    set(make_link("a", "v1"), NULL);
    make_link("a", "v2");
    look(1);
    begin_look(); /* settled */
    set(in_folder("a"), NULL);
    end_look();
    turn_until(2);
    assert_int_equal(scene.n_changes, 0);
}

static void after_its_end_nothing_is_told(void **state)
{
    (void)state;
    set(make_link("a", "v1"), NULL);
    make_link("a", "v2");
    look(1);
    begin_look();
    set(make_link("b", "v1"), NULL);
    watch_end(&scene.watch);
    end_look();
    turn_until(2);
    assert_int_equal(scene.n_changes, 0);
    scene.is_ended = true; /* what is left is scene_end's */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SCENE(it_looks_as_often_as_it_is_told),
        IN_SCENE(a_change_is_told_once_when_it_has_settled),
        IN_SCENE(what_does_not_stay_is_no_change),
        IN_SCENE(back_to_what_is_known_and_away_again_is_told_again),
        IN_SCENE(a_change_before_it_is_set_is_told),
        IN_SCENE(a_folder_may_vanish_and_come_back),
        IN_SCENE(links_may_be_set_while_a_worker_looks),
        IN_SCENE(a_change_that_was_being_looked_at_when_others_were_set_is_not_told),
        IN_SCENE(after_its_end_nothing_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
