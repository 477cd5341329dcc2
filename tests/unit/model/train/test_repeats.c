/* SPDX-License-Identifier: Apache-2.0 */
#include "base/random.h"
#include "model/train/repeats.h"
#include "tests/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DIM 24

static struct err err;

static uint64_t key_of(const char *text)
{
    struct arena arena;
    arena_init(&arena, 1 << 20);
    const uint64_t key = repeats_key(&arena, text, strlen(text));
    arena_clear(&arena);
    return key;
}

static void case_width_and_space_make_no_difference(void **state)
{
    (void)state;
    const uint64_t key = key_of("Where is my card?");
    assert_true(key != 0);
    assert_true(key_of("WHERE IS MY CARD?") == key);
    assert_true(key_of("  where\tis my\u00A0card?\n") == key);
    assert_true(key_of("Ｗｈｅｒｅ　ｉｓ　ｍｙ　ｃａｒｄ？") == key);
    assert_true(key_of("Where is my card") != key);
    assert_true(key_of("Where is my cart?") != key);
    assert_true(key_of("味道 很好，") == key_of("味道很好,"));
    assert_true(key_of("") != 0 && key_of("") == key_of(" \t"));
}

static void rows_with_a_key_are_together(void **state)
{
    (void)state;
    static const uint64_t keys[] = {7, 8, 7, 0, 0, 8, 9, 7};
    static const uint32_t wanted[] = {0, 1, 0, 3, 4, 1, 6, 0};
    struct repeats repeats;
    assert_true(repeats_new(&repeats, 8, &err) && repeats_same(&repeats, keys, &err));
    assert_memory_equal(repeats.group, wanted, sizeof wanted);
    repeats_clear(&repeats);
    repeats_clear(&repeats);
}

/* Vectors at random, all with a share in one direction, as those of many a table. */
static float *vectors_of(size_t n)
{
    float *vectors = malloc(n * DIM * sizeof *vectors);
    uint64_t state = 5;
    assert_non_null(vectors);
    for (size_t i = 0; i < n * DIM; i++)
        vectors[i] = (i % DIM == 0 ? 6 : 0) + random_share(&state) - random_share(&state);
    return vectors;
}

static void copy_nearly(float *vectors, size_t from, size_t to, float by)
{
    for (size_t j = 0; j < DIM; j++)
        vectors[to * DIM + j] = vectors[from * DIM + j] + (j % 2 ? by : -by);
}

static void near_repeats_are_found_and_others_left(void **state)
{
    (void)state;
    const size_t n = 3000;
    float *vectors = vectors_of(n);
    struct repeats repeats;
    size_t n_found = 0;
    /* The second half repeats the first, but for a little. */
    for (size_t i = 0; i < n / 2; i++)
        copy_nearly(vectors, i, n / 2 + i, 0.03f);
    memset(vectors, 0, DIM * sizeof *vectors);
    memset(vectors + DIM, 0, DIM * sizeof *vectors);
    assert_true(repeats_new(&repeats, n, &err) && repeats_near(&repeats, vectors, DIM, &err));
    for (uint32_t i = 0; i < n; i++) {
        n_found += i >= n / 2 && repeats.group[i] == i - n / 2;
        if (repeats.group[i] != i) assert_int_equal(repeats.group[i], i - n / 2);
    }
    /* Nothing is like a row of zeros. */
    assert_true(repeats.group[0] == 0 && repeats.group[1] == 1);
    if (n_found < n / 2 * 95 / 100) fail_msg("%zu of %zu", n_found, n / 2);
    assert_int_equal(repeats.n_near, n_found);
    repeats_clear(&repeats);
    free(vectors);
}

/* All rows alike, as of a table that knows none of the words. */
static void a_chain_of_them_ends(void **state)
{
    (void)state;
    const size_t n = 500;
    float *vectors = vectors_of(n);
    struct repeats repeats;
    size_t sizes[500] = {0};
    for (size_t i = 2; i < n; i++)
        copy_nearly(vectors, 0, i, 0.0001f * (float)i / (float)n);
    assert_true(repeats_new(&repeats, n, &err) && repeats_near(&repeats, vectors, DIM, &err));
    for (size_t i = 0; i < n; i++)
        sizes[repeats.group[i]]++;
    for (size_t i = 0; i < n; i++)
        assert_true(sizes[i] <= REPEATS_GROUP_MAX);
    assert_true(repeats.n_near > n / 2);
    repeats_clear(&repeats);
    free(vectors);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(case_width_and_space_make_no_difference),
        cmocka_unit_test(rows_with_a_key_are_together),
        cmocka_unit_test(near_repeats_are_found_and_others_left),
        cmocka_unit_test(a_chain_of_them_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
