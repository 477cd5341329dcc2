/* SPDX-License-Identifier: Apache-2.0 */
/* Which labels are suspicious, by logits that are written down. */
#include "model/train/suspects.h"
#include "tests/unit/model/train/world.h"

static struct err err;
static const char *const names[] = {"a", "b", "c"};

static struct head_info info_of(enum head_kind kind)
{
    return (struct head_info){.kind = kind,
                              .n_labels = kind == HEAD_BINARY ? 2 : 3,
                              .labels = names,
                              .temperature = 1,
                              .rows = kind == HEAD_BINARY ? 1 : 3};
}

static void expect(const struct head_info *info, struct world *world, float *logits,
                   size_t n_judged, const size_t *at, size_t n)
{
    uint32_t rows[10];
    struct suspects suspects;
    for (uint32_t i = 0; i < world->examples.n; i++)
        rows[i] = i;
    const struct held_out held = {rows, logits, world->examples.n};
    assert_true(suspects_find(&suspects, info, &world->examples, &held, &err));
    assert_int_equal(suspects.n_judged, n_judged);
    assert_int_equal(suspects.n, n);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(suspects.items[i].at, at[i]);
    for (size_t i = 1; i < n; i++)
        assert_true(suspects.items[i].p >= suspects.items[i - 1].p);
    suspects_clear(&suspects);
    assert_null(suspects.items);
}

static void the_worst_come_first_and_what_is_likely_never(void **state)
{
    (void)state;
    struct world world;
    const struct head_info info = info_of(HEAD_MULTI_CLASS);
    /* Denied; right; denied more; wrong, but not by much; a tie. */
    float logits[] = {0, 4, 0, 9, 0, 0, 0, 0, 8, 0, 1, 0, 2, 2, 2};
    world_open(&world);
    world_add(&world, "the food", "0");
    world_add(&world, "is good", "0");
    world_add(&world, "eats the food", "1");
    world_add(&world, "the", "0");
    world_add(&world, "food", "2");
    expect(&info, &world, logits, 5, (size_t[]){2, 0}, 2);
    world_close(&world);
}

static void the_temperature_counts(void **state)
{
    (void)state;
    struct world world;
    struct head_info info = info_of(HEAD_BINARY);
    float logits[] = {3, -3};
    world_open(&world);
    world_add(&world, "the food", "0");
    world_add(&world, "is good", "1");
    expect(&info, &world, logits, 2, (size_t[]){0, 1}, 2);
    info.temperature = 2;
    expect(&info, &world, logits, 2, NULL, 0);
    world_close(&world);
}

static void of_several_labels_the_worst_decides(void **state)
{
    (void)state;
    struct world world;
    const struct head_info info = info_of(HEAD_MULTI_LABEL);
    /* One that it lacks; none, and none is said; one too many. */
    float logits[] = {5, 5, -5, -5, -5, -5, 5, -7, -5};
    world_open(&world);
    world_add(&world, "the food", "0");
    world_add(&world, "is good", "");
    world_add(&world, "eats", "01");
    expect(&info, &world, logits, 3, (size_t[]){2, 0}, 2);
    world_close(&world);
}

static void rows_whose_label_nobody_knows_are_not_judged(void **state)
{
    (void)state;
    struct world world;
    const struct head_info info = info_of(HEAD_MULTI_CLASS);
    float logits[] = {0, 9, 0, 0, 9, 0};
    const uint32_t unknown = EXAMPLES_NO_LABEL, id = 0;
    world_open(&world);
    world_add(&world, "the food", "0");
    assert_true(examples_add(&world.examples, &id, 1, &unknown, 1, &err));
    expect(&info, &world, logits, 1, (size_t[]){0}, 1);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_worst_come_first_and_what_is_likely_never),
        cmocka_unit_test(the_temperature_counts),
        cmocka_unit_test(of_several_labels_the_worst_decides),
        cmocka_unit_test(rows_whose_label_nobody_knows_are_not_judged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
