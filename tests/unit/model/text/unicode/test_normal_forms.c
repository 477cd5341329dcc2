/* SPDX-License-Identifier: Apache-2.0 */
/* Expected values: the `tokenizers` library's (Unicode 9). */
#include "tests/test.h"

#include "base/utf8.h"
#include "model/text/unicode/normal_forms.h"

#include <string.h>

static struct arena arena;
static struct rewrite_room room;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 64u << 20);
    room = (struct rewrite_room){0};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_clear(&arena);
    return 0;
}

static struct line formed(enum normal_form form, const char *text, size_t bytes)
{
    struct line in = {.text = text, .bytes = bytes}, out;
    struct rewrite w;
    rewrite_start(&w, &arena, &room, &in, true);
    normal_form_apply(form, &w);
    assert_true(rewrite_end(&w, &out));
    return out;
}

static void check(enum normal_form form, const char *text, const char *want)
{
    struct line out = formed(form, text, strlen(text));
    assert_int_equal(out.bytes, strlen(want));
    assert_memory_equal(out.text, want, out.bytes);
}

static void the_four_forms(void **state)
{
    (void)state;
    check(FORM_NFC, "e\xCC\x81", "\xC3\xA9");
    check(FORM_NFD, "\xC3\xA9", "e\xCC\x81");
    check(FORM_NFKC, "\xEF\xAC\x81\xC2\xBD",
          "fi1\xE2\x81\x84"
          "2");
    check(FORM_NFKD, "\xEF\xBC\xA1\xC3\xA9", "Ae\xCC\x81");
    check(FORM_NFC, "\xE1\x84\x80\xE1\x85\xA1\xE1\x86\xA8", "\xEA\xB0\x81"); /* Hangul */
    check(FORM_NFD, "\xEA\xB0\x81", "\xE1\x84\x80\xE1\x85\xA1\xE1\x86\xA8");
    check(FORM_NFC, "\xE1\xBA\x9B\xCC\xA3", "\xE1\xBA\x9B\xCC\xA3");
    check(FORM_NFC, "\xE2\x84\xAB", "\xC3\x85"); /* the angstrom sign is a letter */
    check(FORM_NFC, "plain \xE6\x88\x91\xE7\x88\xB1", "plain \xE6\x88\x91\xE7\x88\xB1");
}

static void marks_are_put_in_order(void **state)
{
    (void)state;
    check(FORM_NFD, "e\xCC\x81\xCC\xA3", "e\xCC\xA3\xCC\x81");
    check(FORM_NFC, "e\xCC\x81\xCC\xA3", "\xE1\xBA\xB9\xCC\x81");
    check(FORM_NFC,
          "\xCC\x81"
          "e",
          "\xCC\x81"
          "e"); /* nothing before it to join */
}

static void places_are_those_of_what_a_character_stems_from(void **state)
{
    (void)state;
    struct line out = formed(FORM_NFC,
                             "ae\xCC\x81"
                             "b",
                             5);
    assert_int_equal(out.bytes, 4); /* a é b */
    assert_int_equal(out.places[1].start, 1);
    assert_int_equal(out.places[1].end, 2); /* the e; its mark is removed after it */
    assert_int_equal(out.places[3].start, 4);
    out = formed(FORM_NFKD, "\xEF\xAC\x81", 3);
    assert_int_equal(out.bytes, 2);
    assert_int_equal(out.places[1].start, 0);
    assert_int_equal(out.places[1].end, 3);
}

static void a_million_marks_take_no_time(void **state)
{
    (void)state;
    enum { MARKS = 1000000 };
    char *text = test_malloc(2 * MARKS);
    for (size_t i = 0; i < MARKS; i++)
        memcpy(text + 2 * i, i % 2 ? "\xCC\x81" : "\xCC\xA3", 2);
    struct line out = formed(FORM_NFD, text, 2 * MARKS);
    assert_int_equal(out.bytes, 2 * MARKS);
    assert_memory_equal(out.text, "\xCC\xA3\xCC\xA3", 4);
    assert_memory_equal(out.text + out.bytes - 4, "\xCC\x81\xCC\x81", 4);
    test_free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_four_forms, set_up, tear_down),
        cmocka_unit_test_setup_teardown(marks_are_put_in_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(places_are_those_of_what_a_character_stems_from, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_million_marks_take_no_time, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
