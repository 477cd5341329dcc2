/* SPDX-License-Identifier: Apache-2.0 */
/* What a head is taken to say, and when that is right. */
#include "model/head/answer.h"
#include "model/head/confusions.h"
#include "tests/test.h"

static struct arena arena;

static int make_arena(void **state)
{
    (void)state;
    arena_init(&arena, 1 << 20);
    return 0;
}

static int clear_arena(void **state)
{
    (void)state;
    arena_clear(&arena);
    return 0;
}

static struct answer judge(const struct head_info *info, const float *p, const uint32_t *truth,
                           size_t n_truth)
{
    struct answer answer;
    struct err err;
    assert_true(answer_judge(&answer, &arena, info, p, truth, n_truth, &err));
    return answer;
}

static void of_equal_probabilities_the_first_label_is_meant(void **state)
{
    (void)state;
    const float p[] = {0.25f, 0.375f, 0.375f};
    assert_int_equal(answer_one(HEAD_MULTI_CLASS, 3, NULL, p), 1);
}

static void a_binary_head_answers_by_its_threshold(void **state)
{
    (void)state;
    const float half[] = {0.5f, 0.5f}, threshold = 0.75f;
    assert_int_equal(answer_one(HEAD_BINARY, 2, NULL, half), 1);
    assert_int_equal(answer_one(HEAD_BINARY, 2, &threshold, half), 0);
}

static void an_unknown_truth_is_never_right(void **state)
{
    (void)state;
    const struct head_info one = {.kind = HEAD_MULTI_CLASS, .n_labels = 2};
    const struct head_info many = {.kind = HEAD_MULTI_LABEL, .n_labels = 2};
    const float p[] = {0.75f, 0.25f};
    assert_true(judge(&one, p, (uint32_t[]){0}, 1).is_right);
    assert_false(judge(&one, p, (uint32_t[]){EVALUATION_UNKNOWN}, 1).is_right);
    assert_true(judge(&many, p, (uint32_t[]){0}, 1).is_right);
    assert_false(judge(&many, p, (uint32_t[]){0, EVALUATION_UNKNOWN}, 2).is_right);
}

static void labels_come_from_the_likeliest_down_and_must_be_all(void **state)
{
    (void)state;
    const float thresholds[] = {0.5f, 0.25f, 0.75f, 0.5f};
    const struct head_info info = {
        .kind = HEAD_MULTI_LABEL, .n_labels = 4, .thresholds = thresholds};
    const float p[] = {0.5f, 0.625f, 0.625f, 0.5f};
    const struct answer answer = judge(&info, p, (uint32_t[]){3, 1, 0, 1}, 4);
    const uint32_t expected[] = {1, 0, 3};
    assert_int_equal(answer.n, 3);
    assert_memory_equal(answer.labels, expected, sizeof expected);
    assert_true(answer.is_right);
    assert_false(judge(&info, p, (uint32_t[]){0, 1}, 2).is_right);
    assert_false(judge(&info, p, (uint32_t[]){0, 1, 2, 3}, 4).is_right);
    assert_false(judge(&info, p, NULL, 0).is_right);
    assert_true(judge(&info, (float[]){0, 0, 0, 0}, NULL, 0).is_right);
}

static void an_arena_at_its_cap_is_an_error(void **state)
{
    (void)state;
    struct arena none;
    struct answer answer;
    struct err err;
    const struct head_info info = {.kind = HEAD_MULTI_LABEL, .n_labels = 2};
    arena_init(&none, 0);
    assert_false(answer_judge(&answer, &none, &info, (float[]){0, 1}, NULL, 0, &err));
    assert_int_equal(err.code, ERR_MEMORY);
    arena_clear(&none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_equal_probabilities_the_first_label_is_meant),
        cmocka_unit_test(a_binary_head_answers_by_its_threshold),
        cmocka_unit_test(an_unknown_truth_is_never_right),
        cmocka_unit_test(labels_come_from_the_likeliest_down_and_must_be_all),
        cmocka_unit_test(an_arena_at_its_cap_is_an_error),
    };
    return cmocka_run_group_tests(tests, make_arena, clear_arena);
}
