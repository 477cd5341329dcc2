/* SPDX-License-Identifier: Apache-2.0 */
/* Which texts of confusions are kept. */
#include "base/utf8.h"
#include "commands/confused.h"
#include "model/head/confusions.h"
#include "tests/test.h"

#include <stdio.h>
#include <string.h>

static struct confused *start(size_t n_max, size_t bytes_max)
{
    struct err err = {0};
    struct confused *confused = confused_new(n_max, bytes_max, &err);
    if (!confused) fail_msg("%s", err.message);
    return confused;
}

static void add(struct confused *confused, uint32_t truth, uint32_t predicted, float p,
                uint64_t row, const char *text)
{
    struct err err = {0};
    const struct confused_text one = {p, row, row + 1, {text, strlen(text)}};
    if (!confused_add(confused, truth, predicted, &one, &err)) fail_msg("%s", err.message);
}

static void the_most_confident_come_first_and_of_equals_the_earlier(void **state)
{
    (void)state;
    struct confused *confused = start(3, 0);
    const float p[] = {0.5f, 0.75f, 0.5f, 0.75f, 0.25f, 1, 0.5f};
    char text[8];
    size_t n;
    for (uint64_t i = 0; i < 7; i++) {
        snprintf(text, sizeof text, "text %d", (int)i);
        add(confused, 1, 2, p[i], i, text);
    }
    add(confused, 2, 1, 1, 99, "another");
    add(confused, EVALUATION_UNKNOWN, 1, 1, 98, "unknown");
    const struct confused_text *texts = confused_find(confused, 1, 2, &n);
    assert_int_equal(n, 3);
    assert_true(texts[0].row == 5 && texts[1].row == 1 && texts[2].row == 3);
    assert_string_equal(texts[2].text.data, "text 3");
    assert_true(texts[2].line == 4 && texts[2].p == 0.75f);
    assert_string_equal(confused_find(confused, EVALUATION_UNKNOWN, 1, &n)->text.data, "unknown");
    confused_find(confused, 3, 3, &n);
    assert_int_equal(n, 0);
    confused_free(confused);
    confused_free(NULL);
}

static void a_long_text_is_cut_between_characters(void **state)
{
    (void)state;
    struct confused *confused = start(1, 0);
    char text[3 * CONFUSED_TEXT_BYTES + 1] = "";
    size_t n;
    for (size_t i = 0; i < CONFUSED_TEXT_BYTES; i++)
        memcpy(text + 3 * i, "饭", 4);
    add(confused, 0, 1, 1, 0, text);
    const struct span kept = confused_find(confused, 0, 1, &n)->text;
    assert_int_equal(kept.bytes, CONFUSED_TEXT_BYTES / 3 * 3 + 3);
    assert_int_equal(utf8_valid_bytes(kept.data, kept.bytes), kept.bytes);
    assert_string_equal(kept.data + kept.bytes - 3, "…");
    text[CONFUSED_TEXT_BYTES - 1] = 0;
    memset(text, 'a', CONFUSED_TEXT_BYTES - 1);
    add(confused, 0, 2, 1, 0, text);
    assert_string_equal(confused_find(confused, 0, 2, &n)->text.data, text);
    confused_free(confused);
}

static void the_rarer_half_goes_when_there_is_too_much(void **state)
{
    (void)state;
    struct confused *confused = start(2, 4000);
    char text[501];
    size_t n, n_kept = 0;
    memset(text, 'a', 500);
    text[500] = 0;
    for (uint64_t row = 0; row < 300; row++) {
        add(confused, 0, 1, 0.5f, row, text); /* the most frequent one by far */
        add(confused, 7, (uint32_t)(row % 100), 0.5f, row, text);
    }
    confused_find(confused, 0, 1, &n);
    assert_int_equal(n, 2);
    for (uint32_t i = 0; i < 100; i++) {
        confused_find(confused, 7, i, &n);
        n_kept += n;
    }
    assert_true(n_kept > 0 && n_kept <= 6);
    confused_free(confused);
}

static void one_confusion_alone_stays_whatever_the_limit(void **state)
{
    (void)state;
    struct confused *confused = start(4, 1);
    size_t n;
    for (uint64_t row = 0; row < 10; row++)
        add(confused, 0, 1, (float)row / 10, row, "text");
    assert_int_equal(confused_find(confused, 0, 1, &n)->row, 9);
    assert_int_equal(n, 4);
    confused_free(confused);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_most_confident_come_first_and_of_equals_the_earlier),
        cmocka_unit_test(a_long_text_is_cut_between_characters),
        cmocka_unit_test(the_rarer_half_goes_when_there_is_too_much),
        cmocka_unit_test(one_confusion_alone_stays_whatever_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
