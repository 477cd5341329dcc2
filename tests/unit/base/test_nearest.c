/* SPDX-License-Identifier: Apache-2.0 */
#include "base/nearest.h"
#include "tests/test.h"

#include <string.h>

static const char *const names[] = {"listen", "model", "max-inputs", "max-input-tokens", "threads"};
#define N (sizeof names / sizeof *names)

static void a_letter_changed_added_dropped_or_swapped_is_found(void **state)
{
    (void)state;
    assert_string_equal(nearest_name("lasten", names, N), "listen");
    assert_string_equal(nearest_name("lissten", names, N), "listen");
    assert_string_equal(nearest_name("lisen", names, N), "listen");
    assert_string_equal(nearest_name("lsiten", names, N), "listen");
    assert_string_equal(nearest_name("listen", names, N), "listen");
}

static void the_nearest_of_two_likely_ones_is_taken(void **state)
{
    (void)state;
    assert_string_equal(nearest_name("max-input", names, N), "max-inputs");
    assert_string_equal(nearest_name("max-input-token", names, N), "max-input-tokens");
}

static void something_else_has_no_nearest_name(void **state)
{
    (void)state;
    assert_null(nearest_name("colour", names, N));
    assert_null(nearest_name("", names, N));
    assert_null(nearest_name("listen", names, 0));
}

static void a_very_long_name_has_none(void **state)
{
    (void)state;
    char name[5000];
    memset(name, 'l', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    assert_null(nearest_name(name, names, N));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_letter_changed_added_dropped_or_swapped_is_found),
        cmocka_unit_test(the_nearest_of_two_likely_ones_is_taken),
        cmocka_unit_test(something_else_has_no_nearest_name),
        cmocka_unit_test(a_very_long_name_has_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
