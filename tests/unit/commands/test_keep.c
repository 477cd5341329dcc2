/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/keep.h"
#include "tests/test.h"

#include <string.h>

static const char *const labels[] = {"ham", "spam", "a>b"};
static const struct head_info info = {.name = "mail", .labels = labels, .n_labels = 3};

static bool passes(const char *condition, float ham, float spam, float odd)
{
    struct keep keep = {0};
    struct err err;
    const float p[] = {ham, spam, odd};
    assert_true(keep_read(&keep, "keep", condition, &err));
    assert_true(keep_find(&keep, &info, &err));
    return keep_passes(&keep, p);
}

static void conditions_hold_as_they_say(void **state)
{
    (void)state;
    assert_true(passes("spam>0.5", 0, 0.51f, 0));
    assert_false(passes("spam>0.5", 1, 0.5f, 1));
    assert_true(passes("spam>=0.5", 0, 0.5f, 0));
    assert_false(passes("spam>=0.5", 1, 0.49f, 1));
    assert_true(passes("ham<1", 0.5f, 1, 1));
    assert_false(passes("ham<0.5", 0.5f, 0, 0));
    assert_true(passes("ham<=0.5", 0.5f, 1, 1));
    assert_false(passes("ham<=5e-1", 0.51f, 0, 0));
    assert_true(passes("a>b>0.9", 0, 0, 1));
    assert_false(passes("a>b>0.9", 1, 1, 0.9f));
}

static void all_must_hold_and_none_always_does(void **state)
{
    (void)state;
    struct keep keep = {0};
    struct err err;
    const float p[] = {0.1f, 0.8f, 0.1f}, q[] = {0.3f, 0.6f, 0.1f};
    assert_true(keep_passes(&keep, p));
    assert_true(keep_read(&keep, "keep", "spam>0.5", &err));
    assert_true(keep_read(&keep, "keep", "ham<0.2", &err));
    assert_true(keep_find(&keep, &info, &err));
    assert_true(keep_passes(&keep, p));
    assert_false(keep_passes(&keep, q));
}

static void what_is_no_condition_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",       "spam",    ">0.5",     "spam>",    "spam>x",
                                        "spam>2", "spam>-1", "spam>nan", "spam>0.5 "};
    struct keep keep = {0};
    struct err err;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_false(keep_read(&keep, "keep", wrong[i], &err));
        assert_int_equal(err.code, ERR_USAGE);
    }
    assert_false(keep_read(&keep, "keep", NULL, &err));
    assert_int_equal(keep.n, 0);
    assert_true(keep_read(&keep, "keep", "eggs>0.5", &err));
    assert_false(keep_find(&keep, &info, &err));
    assert_string_equal(err.message,
                        "--keep: head 'mail' has no label 'eggs'; embedd inspect lists its labels");
    while (keep.n < KEEP_MAX)
        assert_true(keep_read(&keep, "keep", "spam>0.5", &err));
    assert_false(keep_read(&keep, "keep", "spam>0.5", &err));
    assert_string_equal(err.message, "--keep must be given at most 16 times");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conditions_hold_as_they_say),
        cmocka_unit_test(all_must_hold_and_none_always_does),
        cmocka_unit_test(what_is_no_condition_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
