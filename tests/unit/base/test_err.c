/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"
#include "base/utf8.h"
#include "tests/test.h"

#include <string.h>

static void it_returns_false_and_holds_code_param_and_sentence(void **state)
{
    (void)state;
    struct err err;
    assert_false(err_set(&err, ERR_INVALID, "dimensions", "dimensions must be %d", 1));
    assert_int_equal(err.code, ERR_INVALID);
    assert_string_equal(err.param, "dimensions");
    assert_string_equal(err.message, "dimensions must be 1");
    assert_false(err_set(&err, ERR_IO, NULL, "x"));
    assert_string_equal(err.param, "");
}

static void nobody_has_to_want_to_know(void **state)
{
    (void)state;
    assert_false(err_set(NULL, ERR_INVALID, "x", "y"));
    assert_false(err_out_of_memory(NULL));
}

static void the_old_message_may_be_part_of_the_new(void **state)
{
    (void)state;
    struct err err;
    err_set(&err, ERR_IO, "p", "no such file");
    err_set(&err, ERR_USAGE, err.param, "config: %s", err.message);
    assert_string_equal(err.message, "config: no such file");
    assert_string_equal(err.param, "p");
}

static void a_long_sentence_is_cut_between_characters(void **state)
{
    (void)state;
    char text[2048];
    for (size_t shift = 0; shift < 4; shift++) {
        memset(text, 'x', shift);
        for (size_t i = shift; i + 3 < sizeof text; i += 3)
            memcpy(text + i, "饭", 4);
        struct err err;
        err_set(&err, ERR_INVALID, NULL, "%s", text);
        size_t bytes = strlen(err.message);
        assert_in_range(bytes, sizeof err.message - 4, sizeof err.message - 1);
        assert_int_equal(utf8_valid_bytes(err.message, bytes), bytes);
    }
}

static void a_sentence_that_just_fits_is_whole(void **state)
{
    (void)state;
    struct err err;
    char text[sizeof err.message];
    memset(text, 'x', sizeof text - 4);
    memcpy(text + sizeof text - 4, "饭", 4);
    err_set(&err, ERR_INVALID, NULL, "%s", text);
    assert_string_equal(err.message, text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_returns_false_and_holds_code_param_and_sentence),
        cmocka_unit_test(nobody_has_to_want_to_know),
        cmocka_unit_test(the_old_message_may_be_part_of_the_new),
        cmocka_unit_test(a_long_sentence_is_cut_between_characters),
        cmocka_unit_test(a_sentence_that_just_fits_is_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
