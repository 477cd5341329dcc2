/* SPDX-License-Identifier: Apache-2.0 */
#include "model/train/usual_names.h"
#include "tests/test.h"

#include <string.h>

static enum usual_rank rank(const char *name, enum column_role role)
{
    return usual_name_rank((struct span){name, strlen(name)}, role);
}

static void names_say_what_a_column_is(void **state)
{
    (void)state;
    static const char *const texts[] = {"text",     "sentence", "content", "review",
                                        "query",    "body",     "comment", "文本",
                                        "评论内容", "内容",     "句子",    "评论"};
    static const char *const labels[] = {"label",     "category", "class", "intent",
                                         "sentiment", "target",   "类别",  "标签",
                                         "分类",      "情感",     "意图"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_int_equal(rank(texts[i], COLUMN_TEXT), USUAL_FIRST);
        assert_int_equal(rank(texts[i], COLUMN_LABEL), USUAL_NOT);
    }
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++) {
        assert_int_equal(rank(labels[i], COLUMN_LABEL), USUAL_FIRST);
        assert_int_equal(rank(labels[i], COLUMN_TEXT), USUAL_NOT);
    }
    assert_int_equal(rank("title", COLUMN_TEXT), USUAL_SECOND);
    assert_int_equal(rank("message", COLUMN_TEXT), USUAL_SECOND);
    assert_int_equal(rank("rating", COLUMN_LABEL), USUAL_SECOND);
    assert_int_equal(rank("topic", COLUMN_LABEL), USUAL_SECOND);
}

static void case_width_spaces_marks_and_quotes_do_not_matter(void **state)
{
    (void)state;
    static const char *const names[] = {
        "TEXT",     "Text ",  "\xEF\xBB\xBFtext", "\"text\"", "＂Ｔｅｘｔ＂",
        "　text　", "“text”", "te\xE2\x80\x8Bxt", "'text'"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_int_equal(rank(names[i], COLUMN_TEXT), USUAL_FIRST);
    assert_int_equal(rank("Review_Text", COLUMN_TEXT), USUAL_FIRST);
    assert_int_equal(rank("「类别」", COLUMN_LABEL), USUAL_FIRST);
}

static void other_names_say_nothing(void **state)
{
    (void)state;
    static const char *const names[] = {"",        " ",  "\"\"", "texte", "tex",
                                        "label 1", "v1", "id",   "内"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_int_equal(rank(names[i], COLUMN_TEXT), USUAL_NOT);
        assert_int_equal(rank(names[i], COLUMN_LABEL), USUAL_NOT);
    }
    char long_name[200];
    memset(long_name, ' ', sizeof long_name);
    memcpy(long_name + sizeof long_name - 4, "text", 4);
    assert_int_equal(usual_name_rank((struct span){long_name, sizeof long_name}, COLUMN_TEXT),
                     USUAL_FIRST);
    memset(long_name, 'x', sizeof long_name);
    assert_int_equal(usual_name_rank((struct span){long_name, sizeof long_name}, COLUMN_TEXT),
                     USUAL_NOT);
    assert_int_equal(usual_name_rank((struct span){"te\0xt", 5}, COLUMN_TEXT), USUAL_FIRST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_say_what_a_column_is),
        cmocka_unit_test(case_width_spaces_marks_and_quotes_do_not_matter),
        cmocka_unit_test(other_names_say_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
