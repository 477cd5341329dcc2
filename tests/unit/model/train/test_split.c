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
    if (!split_make(&split, &world.examples, share, seed, &err)) fail_msg("%s", err.message);
    return split;
}

/* Each row once, each part ascending. */
static void check_rows(const struct split *split)
{
    bool is_there[ROWS] = {false};
    assert_int_equal(split->n_train + split->n_held, ROWS);
    for (size_t i = 0; i < ROWS; i++) {
        const uint32_t row = split->rows[i];
        assert_true(row < ROWS && !is_there[row]);
        is_there[row] = true;
        if (i > 0 && i != split->n_train) assert_true(split->rows[i - 1] < row);
    }
}

static void check_held(double share, const size_t *wanted)
{
    size_t held[LABELS + 1] = {0};
    struct split split = make(share, 1);
    check_rows(&split);
    for (size_t i = split.n_train; i < ROWS; i++)
        held[labels[split.rows[i]]]++;
    for (size_t k = 0; k <= LABELS; k++)
        assert_int_equal(held[k], wanted[k]);
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
    assert_memory_equal(once.rows, again.rows, ROWS * sizeof *once.rows);
    assert_int_equal(once.n_held, again.n_held);
    assert_int_equal(once.n_held, other.n_held);
    assert_memory_not_equal(once.rows, other.rows, ROWS * sizeof *once.rows);
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
        for (size_t i = split.n_train; i < ROWS; i++)
            held[split.rows[i]]++;
        split_clear(&split);
    }
    for (size_t i = 0; i < ROWS; i++) {
        const bool has_few = counts[labels[i]] < 5;
        if (has_few ? held[i] > 0 : held[i] < 10 || held[i] > 50)
            fail_msg("row %zu was held out %zu times of 60", i, held[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_each_label_its_share_is_held_out),
        cmocka_unit_test(a_seed_gives_the_same_rows_again),
        cmocka_unit_test(every_row_may_be_held_out),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
