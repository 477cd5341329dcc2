/* SPDX-License-Identifier: Apache-2.0 */
#include "model/encoder/table/table.h"
#include "model/math/neighbours.h"
#include "tests/test.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define DIM 2

static struct arena arena;

static int open_arena(void **state)
{
    (void)state;
    arena_init(&arena, (size_t)64 << 20);
    return 0;
}

static int clear_arena(void **state)
{
    (void)state;
    arena_clear(&arena);
    return 0;
}

static struct table rows_of(const float *rows, uint32_t n_rows, uint32_t dim)
{
    return table_of(
        (struct rows){
            .at = rows, .stride_bytes = dim * sizeof *rows, .n = n_rows, .dtype = DTYPE_F32},
        dim);
}

static void read_row(const void *table, uint32_t id, float *out)
{
    table_floats(table, id, 0, ((const struct table *)table)->dim, out);
}

static struct neighbours find(const struct table *table, const struct neighbours_wish *wish)
{
    struct neighbours found;
    struct err err;
    struct neighbours_wish asked = *wish;
    asked.row = read_row;
    asked.rows = table;
    asked.dim = table->dim;
    if (!neighbours_find(&asked, &arena, &found, &err)) fail_msg("%s", err.message);
    return found;
}

static void assert_ids(const struct neighbours *found, const uint32_t *ids, uint32_t n)
{
    assert_int_equal(found->n, n);
    for (uint32_t i = 0; i < n; i++)
        assert_int_equal(found->items[i].id, ids[i]);
}

#define ASSERT_IDS(found, ...)                                                                     \
    assert_ids(&(found), (const uint32_t[]){__VA_ARGS__},                                          \
               sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

static void the_largest_cosine_comes_first(void **state)
{
    (void)state;
    const float rows[] = {-1, 0, 0, 5, 3, 4, 100, 1, 0.5f, 0};
    const struct table table = rows_of(rows, 5, DIM);
    const struct neighbours_wish wish = {.vector = (float[]){2, 0}, .n_rows = 5, .most = 9};
    const struct neighbours found = find(&table, &wish);
    ASSERT_IDS(found, 4, 3, 2, 1, 0);
    const float cosines[] = {1, (float)(100 / sqrt(10001.0)), 0.6f, 0, -1};
    for (uint32_t i = 0; i < found.n; i++)
        assert_true(found.items[i].similarity == cosines[i]);
}

static void only_the_first_rows_and_the_most_that_are_asked_for(void **state)
{
    (void)state;
    const float rows[] = {1, 1, 1, 2, 1, 3, 0, 1};
    const struct table table = rows_of(rows, 4, DIM);
    struct neighbours_wish wish = {.vector = (float[]){0, 1}, .n_rows = 3, .most = 2};
    struct neighbours found = find(&table, &wish);
    ASSERT_IDS(found, 2, 1);
    wish.n_rows = 4, wish.most = 1;
    found = find(&table, &wish);
    ASSERT_IDS(found, 3);
    wish.n_rows = 0;
    assert_int_equal(find(&table, &wish).n, 0);
}

static void of_equal_ones_the_lower_id(void **state)
{
    (void)state;
    const float rows[] = {0, 1, 4, 4, 1, 1, 2, 2, 0.1f, 0.1f};
    const struct table table = rows_of(rows, 5, DIM);
    struct neighbours_wish wish = {.vector = (float[]){7, 7}, .n_rows = 5, .most = 3};
    for (wish.n_workers = 1; wish.n_workers <= 5; wish.n_workers++) {
        const struct neighbours found = find(&table, &wish);
        ASSERT_IDS(found, 1, 2, 3);
    }
}

static void rows_without_a_direction_are_no_neighbours(void **state)
{
    (void)state;
    const float rows[] = {0, 0, NAN, 1, INFINITY, 1, -0.0f, 0, -1, -1};
    const struct table table = rows_of(rows, 5, DIM);
    const struct neighbours_wish wish = {.vector = (float[]){1, 1}, .n_rows = 5, .most = 5};
    const struct neighbours found = find(&table, &wish);
    ASSERT_IDS(found, 4);
    assert_false(neighbours_has_direction(rows, DIM));
    assert_false(neighbours_has_direction(rows + 2, DIM));
    assert_false(neighbours_has_direction(rows + 4, DIM));
    assert_true(neighbours_has_direction(rows + 8, DIM));
}

static void the_longest_and_the_shortest_rows_have_a_direction(void **state)
{
    (void)state;
    const float least = FLT_MIN / 4;
    const float rows[] = {least, 0, FLT_MAX, FLT_MAX};
    const struct table table = rows_of(rows, 2, DIM);
    const struct neighbours_wish wish = {.vector = (float[]){FLT_MAX, 0}, .n_rows = 2, .most = 2};
    const struct neighbours found = find(&table, &wish);
    ASSERT_IDS(found, 0, 1);
    assert_true(found.items[0].similarity == 1);
    assert_true(found.items[1].similarity == (float)sqrt(0.5));
}

static void rows_are_read_as_the_table_means_them(void **state)
{
    (void)state;
    const float stored[] = {1, 0, 0, 1};
    const int32_t mapping[] = {1, 0, 1, 0};
    const float factors[] = {2, -3, 0, 0.5f};
    struct table table = rows_of(stored, 4, DIM);
    table.mapping = (const char *)mapping;
    table.factors = factors;
    table.rows.n = 2;
    const struct neighbours_wish wish = {.vector = (float[]){2, 1}, .n_rows = 4, .most = 4};
    struct neighbours found = find(&table, &wish);
    ASSERT_IDS(found, 3, 0, 1);

    const signed char numbers[] = {2, 1, -2, -1, 2, 1};
    const float scales[] = {1, -2, 0};
    table = (struct table){.rows = {.at = numbers,
                                    .stride_bytes = DIM,
                                    .n = 3,
                                    .dtype = DTYPE_I8,
                                    .scales = (const char *)scales},
                           .n_rows = 3,
                           .dim = DIM};
    const struct neighbours_wish scaled = {.vector = (float[]){2, 1}, .n_rows = 3, .most = 3};
    found = find(&table, &scaled);
    ASSERT_IDS(found, 0, 1);
    assert_true(found.items[0].similarity == 1 && found.items[1].similarity == 1);
}

static bool is_odd_or_below(const void *user, uint32_t id)
{
    return id % 2 == 1 || id < *(const uint32_t *)user;
}

/* Small whole numbers, so that many cosines are equal. */
#define N_MANY 997
#define DIM_MANY 23
static float many[N_MANY * DIM_MANY];

static void fill_many(void)
{
    uint32_t seed = 1;
    for (size_t i = 0; i < N_MANY * DIM_MANY; i++) {
        seed = seed * 1664525 + 1013904223;
        many[i] = seed >> 31 ? (float)((int)(seed >> 16 & 0xFF) % 3 - 1) : 0;
    }
}

static double cosine(const float *a, const float *b)
{
    double product = 0, a_squares = 0, b_squares = 0;
    for (size_t j = 0; j < DIM_MANY; j++) {
        product += (double)a[j] * b[j];
        a_squares += (double)a[j] * a[j];
        b_squares += (double)b[j] * b[j];
    }
    return a_squares > 0 && b_squares > 0 ? product / (sqrt(a_squares) * sqrt(b_squares)) : NAN;
}

/* How many rows come before the one with that id: the place that it must have. */
static uint32_t place_of(uint32_t id, const float *vector, uint32_t from)
{
    const float its = (float)cosine(vector, many + (size_t)id * DIM_MANY);
    uint32_t before = 0;
    for (uint32_t i = from; i < N_MANY; i++) {
        if (i % 2 == 1) continue;
        const float other = (float)cosine(vector, many + (size_t)i * DIM_MANY);
        before += other > its || (other == its && i < id);
    }
    return before;
}

static void any_number_of_threads_finds_what_a_sort_finds(void **state)
{
    (void)state;
    const uint32_t from = 10;
    fill_many();
    const struct table table = rows_of(many, N_MANY, DIM_MANY);
    const float *vector = many + 3 * DIM_MANY;
    for (uint32_t most = 1; most <= 700; most = most * 3 + 1) {
        struct neighbours_wish wish = {.vector = vector,
                                       .n_rows = N_MANY,
                                       .most = most,
                                       .leaves_out = is_odd_or_below,
                                       .user = &from,
                                       .n_workers = 1};
        const struct neighbours alone = find(&table, &wish);
        assert_true(alone.n == most || most > N_MANY / 2 - 50);
        for (uint32_t i = 0; i < alone.n; i++) {
            assert_int_equal(place_of(alone.items[i].id, vector, from), i);
            const float *row = many + (size_t)alone.items[i].id * DIM_MANY;
            assert_true(fabs(alone.items[i].similarity - cosine(vector, row)) < 1e-6);
        }
        for (wish.n_workers = 2; wish.n_workers <= 5; wish.n_workers++) {
            const struct neighbours together = find(&table, &wish);
            assert_int_equal(together.n, alone.n);
            assert_memory_equal(together.items, alone.items, alone.n * sizeof *alone.items);
        }
    }
}

static void more_than_the_arena_holds_is_an_error(void **state)
{
    (void)state;
    const struct table table = rows_of(many, N_MANY, DIM_MANY);
    const struct neighbours_wish wish = {.row = read_row,
                                         .rows = &table,
                                         .dim = DIM_MANY,
                                         .vector = (float[DIM_MANY]){1},
                                         .n_rows = N_MANY,
                                         .most = 100};
    struct arena small;
    struct neighbours found;
    struct err err;
    arena_init(&small, 64);
    assert_false(neighbours_find(&wish, &small, &found, &err));
    assert_int_equal(err.code, ERR_MEMORY);
    arena_clear(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_largest_cosine_comes_first),
        cmocka_unit_test(only_the_first_rows_and_the_most_that_are_asked_for),
        cmocka_unit_test(of_equal_ones_the_lower_id),
        cmocka_unit_test(rows_without_a_direction_are_no_neighbours),
        cmocka_unit_test(the_longest_and_the_shortest_rows_have_a_direction),
        cmocka_unit_test(rows_are_read_as_the_table_means_them),
        cmocka_unit_test(any_number_of_threads_finds_what_a_sort_finds),
        cmocka_unit_test(more_than_the_arena_holds_is_an_error),
    };
    return cmocka_run_group_tests(tests, open_arena, clear_arena);
}
