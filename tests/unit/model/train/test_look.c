/* SPDX-License-Identifier: Apache-2.0 */
#include "model/train/look.h"
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What rows of two cells tell, "a|b" each. */
static enum look_label tell(const char *const *rows, size_t n, size_t *n_labels)
{
    struct look *look = calloc(1, sizeof *look);
    assert_non_null(look);
    for (size_t i = 0; i < n; i++) {
        const char *bar = strchr(rows[i], '|');
        assert_true(look_add(look, (struct span[2]){{rows[i], (size_t)(bar - rows[i])},
                                                    {bar + 1, strlen(bar + 1)}}));
    }
    const enum look_label told = look_tell(look, n_labels);
    free(look);
    return told;
}

#define TELL(...)                                                                                  \
    tell((const char *const[]){__VA_ARGS__},                                                       \
         sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *), &n_labels)

static void few_short_values_that_recur_are_labels(void **state)
{
    (void)state;
    size_t n_labels = 0;
    assert_int_equal(TELL("good soup|1", "bad soup|0", "cold|0", "warm|1"), LOOK_SECOND);
    assert_int_equal(n_labels, 2);
    assert_int_equal(TELL("好|很快", "坏|太慢", "好|味道足", "坏 |冷了", "好|多", "坏|少"),
                     LOOK_FIRST);
    assert_int_equal(n_labels, 2);
}

static void what_both_or_neither_may_be_is_not_told(void **state)
{
    (void)state;
    size_t n_labels;
    assert_int_equal(TELL("yes|1", "no|0", "yes|1", "no|0"), LOOK_UNTOLD);
    assert_int_equal(TELL("a b|u", "c d|v", "e f|w", "g h|x"), LOOK_UNTOLD);
    assert_int_equal(TELL("a b|1", "c d|0", "e f|1"), LOOK_UNTOLD); /* too few rows */
    assert_int_equal(TELL("a b|1", "c d|", "e f|", "g h|", "i j|", "k|1"), LOOK_UNTOLD);
    /* Rows that are numbered have no text. */
    assert_int_equal(TELL("1|good", "2|bad", "3|good", "2024-05-01|bad"), LOOK_UNTOLD);
}

static void a_label_is_short(void **state)
{
    (void)state;
    size_t n_labels;
    char rows[4][128];
    for (int bytes = 100; bytes <= 101; bytes++) {
        for (int i = 0; i < 4; i++)
            snprintf(rows[i], sizeof rows[i], "%0*d|text %d", bytes, 1, i);
        assert_int_equal(TELL(rows[0], rows[1], rows[2], rows[3]),
                         bytes == 100 ? LOOK_FIRST : LOOK_UNTOLD);
    }
}

static void enough_is_enough(void **state)
{
    (void)state;
    struct look *look = calloc(1, sizeof *look);
    assert_non_null(look);
    char text[24];
    for (int i = 0; i < LOOK_ROWS_MAX; i++) {
        snprintf(text, sizeof text, "text %d", i);
        assert_true(look_add(look, (struct span[2]){{text, strlen(text)}, {"x", 1}}));
    }
    assert_false(look_add(look, (struct span[2]){{text, strlen(text)}, {"x", 1}}));
    size_t n_labels;
    assert_int_equal(look_tell(look, &n_labels), LOOK_SECOND);
    assert_int_equal(n_labels, 1);
    free(look);
}

static void figures_are_numbers_dates_and_times(void **state)
{
    (void)state;
    assert_true(look_is_figure((struct span){"2024-05-01 10:30", 16}));
    assert_true(look_is_figure((struct span){"+1.5%", 5}));
    assert_false(look_is_figure((struct span){"-", 1}));
    assert_false(look_is_figure((struct span){"", 0}));
    assert_false(look_is_figure((struct span){"5 stars", 7}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(few_short_values_that_recur_are_labels),
        cmocka_unit_test(what_both_or_neither_may_be_is_not_told),
        cmocka_unit_test(a_label_is_short),
        cmocka_unit_test(enough_is_enough),
        cmocka_unit_test(figures_are_numbers_dates_and_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
