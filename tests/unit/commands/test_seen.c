/* SPDX-License-Identifier: Apache-2.0 */
/* Which texts count as the same. */
#include "base/json.h"
#include "commands/seen.h"
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct arena arena;

static int make_arena(void **state)
{
    (void)state;
    json_init();
    arena_init(&arena, 1 << 20);
    return 0;
}

static int clear_arena(void **state)
{
    (void)state;
    arena_clear(&arena);
    return 0;
}

static struct left_out left_out;

static struct seen *read_text(const char *text, struct err *err)
{
    char path[] = "/tmp/embedd-seen-XXXXXX";
    const int fd = mkstemp(path);
    assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
    struct seen *seen = seen_read(path, NULL, &left_out, err);
    unlink(path);
    return seen;
}

static bool has(const struct seen *seen, const char *text)
{
    struct err err;
    arena_reset(&arena);
    const int is_seen = seen_has(seen, &arena, text, strlen(text), &err);
    assert_true(is_seen >= 0);
    return is_seen;
}

static void case_width_and_spaces_do_not_tell_texts_apart(void **state)
{
    (void)state;
    struct err err = {0};
    struct seen *seen = read_text("text,label\nThe  Soup was cold,x\n很好ＡＢＣ！,y\nStraße,x\n"
                                  "caf\u00E9,x\n\"two\nlines\",y\n",
                                  &err);
    if (!seen) fail_msg("%s", err.message);
    static const char *const same[] = {"The  Soup was cold",
                                       " the soup WAS\tcold\n",
                                       "ｔｈｅ\u3000soup\u00A0was cold",
                                       "很好abc!",
                                       "STRASSE",
                                       "cafe\u0301",
                                       "Two Lines",
                                       "TheSoup was cold",
                                       "很 好abc!"};
    static const char *const others[] = {"The Soup was colder", "很好abd!", "cafe", "text", ""};
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        if (!has(seen, same[i])) fail_msg("'%s' is not seen", same[i]);
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (has(seen, others[i])) fail_msg("'%s' is seen", others[i]);
    }
    seen_free(seen);
}

static void many_texts_are_all_found_and_no_others(void **state)
{
    (void)state;
    struct err err = {0};
    char *text = malloc(200000), *at = text, one[32];
    at += sprintf(at, "text,label\n");
    for (int i = 0; i < 5000; i++)
        at += sprintf(at, "number %d,x\n", i);
    struct seen *seen = read_text(text, &err);
    if (!seen) fail_msg("%s", err.message);
    for (int i = 0; i < 10000; i++) {
        snprintf(one, sizeof one, "Number %d", i);
        assert_int_equal(has(seen, one), i < 5000);
    }
    seen_free(seen);
    free(text);
}

static void an_empty_text_is_a_text(void **state)
{
    (void)state;
    struct err err = {0};
    struct seen *seen = read_text("text,label\n\"\",x\n", &err);
    assert_true(has(seen, "") && has(seen, " \n") && !has(seen, "x"));
    seen_free(seen);
}

static void what_cannot_be_read_is_named_and_nothing_leaks(void **state)
{
    (void)state;
    struct err err = {0};
    assert_null(seen_read("/nowhere/at/all", NULL, &left_out, &err));
    assert_non_null(strstr(err.message, "/nowhere/at/all"));
    assert_null(read_text("text,label\n\"open,x\n", &err));
    assert_non_null(strstr(err.message, "line 2"));
    seen_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(case_width_and_spaces_do_not_tell_texts_apart),
        cmocka_unit_test(many_texts_are_all_found_and_no_others),
        cmocka_unit_test(an_empty_text_is_a_text),
        cmocka_unit_test(what_cannot_be_read_is_named_and_nothing_leaks),
    };
    return cmocka_run_group_tests(tests, make_arena, clear_arena);
}
