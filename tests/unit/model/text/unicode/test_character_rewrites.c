/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"

#include "model/text/unicode/character_rewrites.h"

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

static void check(void (*apply)(struct rewrite *w), const char *text, const char *want)
{
    struct line in = {.text = text, .bytes = strlen(text)}, out;
    struct rewrite w;
    rewrite_start(&w, &arena, &room, &in, true);
    apply(&w);
    assert_true(rewrite_end(&w, &out));
    assert_int_equal(out.bytes, strlen(want));
    assert_memory_equal(out.text, want, out.bytes);
}

static void one_character_at_a_time(void **state)
{
    (void)state;
    struct line in = {.text = " A\xCC\x81\xC4\xB0\xE2\x80\x83", .bytes = 9}, out;
    struct rewrite w;
    rewrite_start(&w, &arena, &room, &in, true);
    lowercase_apply(&w);
    assert_true(rewrite_end(&w, &out));
    assert_int_equal(out.bytes, 10); /* İ becomes i and a dot */
    assert_memory_equal(out.text, " a\xCC\x81i\xCC\x87\xE2\x80\x83", 10);
    assert_int_equal(out.places[5].start, 4);
    rewrite_start(&w, &arena, &room, &in, false);
    strip_accents_apply(&w);
    assert_true(rewrite_end(&w, &out));
    assert_memory_equal(out.text, " A\xC4\xB0", 4);
    rewrite_start(&w, &arena, &room, &in, false);
    strip_apply(&w, true, true);
    assert_true(rewrite_end(&w, &out));
    assert_int_equal(out.bytes, 5);
    assert_null(out.places);
}

static void berts_steps_and_nmt(void **state)
{
    (void)state;
    check(clean_apply,
          "a\x01\t\xE2\x80\x83"
          "b\xEF\xBF\xBD\xE2\x80\x8B",
          "a  b");
    check(chinese_spaces_apply, "a\xE4\xB8\xAD\xE3\x81\x82", "a \xE4\xB8\xAD \xE3\x81\x82");
    check(strip_marks_apply, "e\xCC\x81\xE0\xA4\xBE", "e\xE0\xA4\xBE"); /* a spacing mark stays */
    check(strip_accents_apply, "e\xCC\x81\xE0\xA4\xBE", "e");
    check(nmt_apply, "a\x01\xE2\x80\x8B\xEF\xBF\xBD\x0B", "a  ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_character_at_a_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(berts_steps_and_nmt, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
