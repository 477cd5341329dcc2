/* SPDX-License-Identifier: Apache-2.0 */
/* Large blocks that are kept for the next: which fit, how many, how long, and by many threads. */
#include "base/spares.h"
#include "tests/test.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define KB ((size_t)1 << 10)
#define MB ((size_t)1 << 20)

static void a_size_is_at_most_a_quarter_more(void **state)
{
    (void)state;
    size_t sizes = 1, before = SPARES_BYTES_MIN;
    for (size_t bytes = 1; bytes <= SPARES_BYTES_MAX; bytes += bytes < 2 * MB ? 777 : 77777) {
        const size_t rounded = spares_round(bytes);
        assert_true(rounded >= bytes && rounded <= bytes + bytes / 4 + 1);
        if (bytes < SPARES_BYTES_MIN) assert_int_equal(rounded, bytes);
        assert_int_equal(spares_round(rounded), rounded);
        if (bytes >= SPARES_BYTES_MIN && rounded != before) sizes++;
        before = rounded;
    }
    assert_int_equal(sizes, SPARES_SIZES);
    assert_int_equal(spares_round(SPARES_BYTES_MAX), SPARES_BYTES_MAX);
    assert_int_equal(spares_round(SPARES_BYTES_MAX + 1), SPARES_BYTES_MAX + 1);
}

static void a_block_serves_the_next_of_its_size(void **state)
{
    (void)state;
    static struct spares spares;
    void *block = malloc(320 * KB), *large = malloc(SPARES_BYTES_MAX);
    assert_true(spares_keep(&spares, block, 320 * KB, 100 * MB));
    assert_true(spares_keep(&spares, large, SPARES_BYTES_MAX, 100 * MB));
    assert_null(spares_take(&spares, 256 * KB));
    assert_null(spares_take(&spares, 384 * KB));
    assert_null(spares_take(&spares, SPARES_BYTES_MAX + 1));
    assert_ptr_equal(spares_take(&spares, 320 * KB), block);
    assert_null(spares_take(&spares, 320 * KB));
    assert_ptr_equal(spares_take(&spares, SPARES_BYTES_MAX), large);
    assert_int_equal(atomic_load(&spares.bytes), 0);
    free(block);
    free(large);
}

static void no_more_is_kept_than_may_be(void **state)
{
    (void)state;
    static struct spares spares;
    char block[1];
    assert_false(spares_keep(&spares, block, 300 * KB, 100 * MB)); /* no such size */
    assert_false(spares_keep(&spares, block, 100 * KB, 100 * MB));
    assert_false(spares_keep(&spares, block, 512 * KB, 512 * KB - 1));
    for (size_t i = 0; i < SPARES_PER_SIZE; i++)
        assert_true(spares_keep(&spares, malloc(256 * KB), 256 * KB, 100 * MB));
    assert_false(spares_keep(&spares, block, 256 * KB, 100 * MB));
    assert_int_equal(atomic_load(&spares.bytes), SPARES_PER_SIZE * 256 * KB);
    spares_clear(&spares);
    assert_int_equal(atomic_load(&spares.bytes), 0);
}

static void what_is_of_no_use_is_freed(void **state)
{
    (void)state;
    static struct spares spares;
    for (size_t i = 0; i < 3; i++)
        assert_true(spares_keep(&spares, malloc(MB), MB, 100 * MB));
    spares_sweep(&spares); /* they have just come */
    assert_int_equal(atomic_load(&spares.bytes), 3 * MB);
    for (size_t round = 0; round < 10; round++) { /* two of them are used at once */
        void *one = spares_take(&spares, MB), *other = spares_take(&spares, MB);
        assert_true(spares_keep(&spares, one, MB, 100 * MB));
        assert_true(spares_keep(&spares, other, MB, 100 * MB));
        spares_sweep(&spares);
        assert_int_equal(atomic_load(&spares.bytes), 2 * MB);
    }
    spares_sweep(&spares);
    assert_int_equal(atomic_load(&spares.bytes), 0);
}

#define THREADS 4
#define ROUNDS 20000

static struct spares shared;

/* A block that two have at once would be seen, by its content and by ThreadSanitizer. */
static void *use(void *mark)
{
    for (size_t i = 0; i < ROUNDS; i++) {
        const size_t bytes = i % 3 ? 256 * KB : 320 * KB;
        char *block = spares_take(&shared, bytes);
        if (!block) block = malloc(bytes);
        *block = *(char *)mark;
        if (i % 100 == 0) spares_sweep(&shared);
        if (*block != *(char *)mark) return mark;
        if (!spares_keep(&shared, block, bytes, MB)) free(block);
    }
    return NULL;
}

static void many_threads_never_have_the_same(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    char marks[THREADS];
    for (size_t i = 0; i < THREADS; i++) {
        marks[i] = (char)i;
        assert_int_equal(pthread_create(&threads[i], NULL, use, &marks[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        void *wrong;
        pthread_join(threads[i], &wrong);
        assert_null(wrong);
    }
    spares_clear(&shared);
    assert_int_equal(atomic_load(&shared.bytes), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_size_is_at_most_a_quarter_more),
        cmocka_unit_test(a_block_serves_the_next_of_its_size),
        cmocka_unit_test(no_more_is_kept_than_may_be),
        cmocka_unit_test(what_is_of_no_use_is_freed),
        cmocka_unit_test(many_threads_never_have_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
