/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/commands.h"
#include "tests/test.h"

#include <stdio.h>

static void check(const char *sentence, const char *shown)
{
    char text[COMMANDS_SENTENCE_BYTES];
    snprintf(text, sizeof text, "%s", sentence);
    commands_name_flags(text);
    assert_string_equal(text, shown);
}

static void arguments_of_the_model_are_flags_of_a_command(void **state)
{
    (void)state;
    check("`compat` embedd reads it", "--compat embedd reads it");
    check("give another one, or `force` to replace it",
          "give another one, or --force to replace it");
    check("give `text` and `label` as numbers", "give --text and --label as numbers");
    check("train with `no-ngrams`", "train with --no-ngrams");
    check("`output`", "--output");
}

static void other_words_in_backticks_stay(void **state)
{
    (void)state;
    check("", "");
    check("no argument", "no argument");
    check("`", "`");
    check("``", "``");
    check("`output", "`output");
    check("`outputs` and `out`", "`outputs` and `out`");
    check("its first line, 'use `pip`', has no tab; give `input-format`",
          "its first line, 'use `pip`', has no tab; give --input-format");
    check("a ` before `dim`", "a ` before --dim");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arguments_of_the_model_are_flags_of_a_command),
        cmocka_unit_test(other_words_in_backticks_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
