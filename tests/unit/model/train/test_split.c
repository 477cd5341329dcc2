/* SPDX-License-Identifier: Apache-2.0 */
#include "model/train/split.h"
#include "tests/unit/model/train/world.h"

#define LABELS 5

/* Of each label so many rows, one after the other in turn; the last group has none. */
static const size_t counts[LABELS + 1] = {100, 33, 5, 4, 1, 20};
#define ROWS (100 + 33 + 5 + 4 + 1 + 20)

static struct world world;
static size_t labels[ROWS]; /* LABELS: without one */

static int start(void **state)
{
    (void)state;
    size_t left[LABELS + 1], n = 0;
    static const char *const names[LABELS] = {"a", "b", "c", "d", "e"};
    world_open(&world);
    memcpy(left, counts, sizeof left);
    for (size_t k = 0; k < LABELS; k++)
        world_name(&world, names[k]);
    for (size_t i = 0; n < ROWS; i++) {
        const size_t label = i % (LABELS + 1);
        /* The first of several labels decides. */
        const char digits[3] = {(char)('0' + label), n % 7 == 0 ? '4' : '\0', '\0'};
        if (left[label] == 0) continue;
        left[label]--;
        labels[n++] = label;
        world_add(&world, "food", label < LABELS ? digits : "");
    }
    return 0;
}

static int stop(void **state)
{
    (void)state;
    world_close(&world);
    return 0;
}

static struct split make(double share, uint64_t seed)
{
    struct split split;
    struct err err;
    const struct split_options options = {.share = share, .n_folds = 1, .seed = seed};
    if (!split_make(&split, &world.examples, ROWS, &options, &err)) fail_msg("%s", err.message);
    return split;
}

static void check_held(double share, const size_t *wanted)
{
    size_t held[LABELS + 1] = {0}, n = 0;
    struct split split = make(share, 1);
    for (size_t i = 0; i < ROWS; i++) {
        assert_true(split.fold[i] <= 1);
        held[labels[i]] += split.fold[i];
        n += split.fold[i];
    }
    for (size_t k = 0; k <= LABELS; k++)
        assert_int_equal(held[k], wanted[k]);
    assert_int_equal(split.n_folds, n > 0);
    assert_int_equal(split_count(&split, 1), n);
    assert_int_equal(split_count(&split, 0), ROWS - n);
    split_clear(&split);
}

static void of_each_label_its_share_is_held_out(void **state)
{
    (void)state;
    check_held(0.1, (const size_t[]){10, 3, 1, 0, 0, 2});
    check_held(0.25, (const size_t[]){25, 8, 1, 0, 0, 5});
    check_held(0.5, (const size_t[]){50, 17, 3, 0, 0, 10});
    check_held(0.001, (const size_t[]){1, 1, 1, 0, 0, 1});
    check_held(0, (const size_t[]){0, 0, 0, 0, 0, 0});
}

static void a_seed_gives_the_same_rows_again(void **state)
{
    (void)state;
    struct split once = make(0.1, 7), again = make(0.1, 7), other = make(0.1, 8);
    assert_memory_equal(once.fold, again.fold, ROWS);
    assert_int_equal(split_count(&once, 1), split_count(&other, 1));
    assert_memory_not_equal(once.fold, other.fold, ROWS);
    split_clear(&once);
    split_clear(&again);
    split_clear(&other);
    split_clear(&other);
}

/* Any of a label with enough rows, the first and the last too. */
static void every_row_may_be_held_out(void **state)
{
    (void)state;
    size_t held[ROWS] = {0};
    for (uint64_t seed = 0; seed < 60; seed++) {
        struct split split = make(0.5, seed);
        for (size_t i = 0; i < ROWS; i++)
            held[i] += split.fold[i];
        split_clear(&split);
    }
    for (size_t i = 0; i < ROWS; i++) {
        const bool has_few = counts[labels[i]] < 5;
        if (has_few ? held[i] > 0 : held[i] < 10 || held[i] > 50)
            fail_msg("row %zu was held out %zu times of 60", i, held[i]);
    }
}

/* ---- groups and folds ---- */

/* Three rows, one after the other, are a group, whatever their labels. */
static struct split make_of_threes(uint32_t n_folds, double share, uint32_t *group)
{
    struct split split;
    struct err err;
    const struct split_options options = {
        .group = group, .share = share, .n_folds = n_folds, .seed = 3};
    for (uint32_t i = 0; i < ROWS; i++)
        group[i] = i / 3 * 3;
    if (!split_make(&split, &world.examples, ROWS, &options, &err)) fail_msg("%s", err.message);
    for (uint32_t i = 0; i < ROWS; i++)
        assert_int_equal(split.fold[i], split.fold[group[i]]);
    return split;
}

static void a_group_stays_on_one_side(void **state)
{
    (void)state;
    uint32_t group[ROWS];
    struct split split = make_of_threes(1, 0.2, group);
    const size_t held = split_count(&split, 1);
    assert_true(held >= ROWS / 10 && held <= ROWS * 3 / 10);
    split_clear(&split);
}

static void a_label_whose_groups_are_all_large_has_one_held_out(void **state)
{
    (void)state;
    uint32_t group[ROWS];
    struct split split = make_of_threes(1, 0.001, group);
    assert_true(split_count(&split, 1) >= 3);
    split_clear(&split);
}

/* Folds are of like size, for each label too; a label of one row is in none. */
static void every_row_is_in_a_fold(void **state)
{
    (void)state;
    struct split split;
    struct err err;
    const struct split_options options = {.n_folds = 5, .seed = 1};
    size_t held[LABELS + 1][6] = {{0}};
    assert_true(split_make(&split, &world.examples, ROWS, &options, &err));
    assert_int_equal(split.n_folds, 5);
    for (size_t i = 0; i < ROWS; i++)
        held[labels[i]][split.fold[i]]++;
    for (size_t k = 0; k <= LABELS; k++) {
        assert_int_equal(held[k][0], counts[k] == 1 ? 1 : 0);
        for (int fold = 1; fold <= 5 && counts[k] > 1; fold++)
            assert_true(held[k][fold] >= counts[k] / 5 && held[k][fold] <= (counts[k] + 4) / 5);
    }
    split_clear(&split);
}

static void folds_keep_groups_together(void **state)
{
    (void)state;
    uint32_t group[ROWS];
    struct split split = make_of_threes(4, 0, group);
    for (uint32_t fold = 1; fold <= 4; fold++)
        assert_true(split_count(&split, fold) > ROWS / 8);
    split_clear(&split);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_each_label_its_share_is_held_out),
        cmocka_unit_test(a_seed_gives_the_same_rows_again),
        cmocka_unit_test(every_row_may_be_held_out),
        cmocka_unit_test(a_group_stays_on_one_side),
        cmocka_unit_test(a_label_whose_groups_are_all_large_has_one_held_out),
        cmocka_unit_test(every_row_is_in_a_fold),
        cmocka_unit_test(folds_keep_groups_together),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
