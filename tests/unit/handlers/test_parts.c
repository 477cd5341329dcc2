/* SPDX-License-Identifier: Apache-2.0 */
#include "handlers/fields.h"
#include "handlers/parts.h"
#include "tests/unit/handlers/ask.h"

static const struct parts_place place = {.name = "parts"};

static bool join(struct ask *ask, const char *body, struct text *out, struct err *err)
{
    static const struct field fields[] = {FIELD("parts", "", "")};
    struct exchange *x = ask_begin(ask);
    struct value value;
    size_t ignored;
    assert_true(
        fields_read(x->arena, body, strlen(body), fields, 1, &value, &ignored, &(struct err){0}));
    return parts_join(x, &value, &place, out, err);
}

static void assert_joined(struct ask *ask, const char *body, const char *want)
{
    struct text text;
    struct err err = {0};
    if (!join(ask, body, &text, &err)) fail_msg("%s", err.message);
    assert_int_equal(text.bytes, strlen(want));
    assert_memory_equal(text.data, want, text.bytes);
}

static void assert_refused(struct ask *ask, const char *body, const char *message)
{
    struct text text;
    struct err err = {0};
    assert_false(join(ask, body, &text, &err));
    assert_int_equal(err.code, ERR_INVALID);
    assert_string_equal(err.param, "parts");
    assert_string_equal(err.message, message);
}

static void parts_become_one_text_with_spaces_between(void **state)
{
    assert_joined(*state, "{\"parts\":[{\"text\":\"a\"}]}", "a");
    assert_joined(*state, "{\"parts\":[{\"text\":\"a\"},{\"type\":\"text\",\"text\":\"b c\"}]}",
                  "a b c");
    assert_joined(*state, "{\"parts\":[{\"text\":\"\"}]}", "");
}

static void what_is_no_list_of_texts_is_refused_by_name(void **state)
{
    assert_refused(
        *state, "{\"parts\":[]}",
        "parts must be a list of parts, each an object with a text; it is an empty list");
    assert_refused(*state, "{\"parts\":\"a\"}",
                   "parts must be a list of parts, each an object with a text; it is a string");
    assert_refused(*state, "{}",
                   "parts must be a list of parts, each an object with a text; it is missing");
    assert_refused(*state, "{\"parts\":[{\"text\":\"a\"},{\"image_url\":{\"url\":\"x\"}}]}",
                   "parts[1] has no text; send texts alone, nothing else is embedded here");
    assert_refused(*state, "{\"parts\":[\"a\"]}",
                   "parts[0] has no text; send texts alone, nothing else is embedded here");
    assert_refused(*state, "{\"parts\":[{\"text\":7}]}",
                   "parts[0] has no text; send texts alone, nothing else is embedded here");
}

static void a_text_larger_than_the_memory_is_an_error(void **state)
{
    struct ask *ask = *state;
    static char letters[65000];
    memset(letters, 'a', sizeof letters);
    const struct value part = {.kind = VALUE_STRING, .text = {letters, sizeof letters}};
    const struct member member = {.name = TEXT("text"), .value = part};
    const struct value parts[2] = {{.kind = VALUE_OBJECT, .object = {&member, 1}},
                                   {.kind = VALUE_OBJECT, .object = {&member, 1}}};
    const struct value list = {.kind = VALUE_LIST, .list = {parts, 2}};
    struct exchange *x = ask_begin(ask);
    struct text text;
    struct err err = {0};
    arena_clear(&ask->arena);
    arena_init(&ask->arena, 1 << 16);
    assert_false(parts_join(x, &list, &place, &text, &err));
    assert_int_equal(err.code, ERR_MEMORY);
    arena_clear(&ask->arena);
    arena_init(&ask->arena, 16 << 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_become_one_text_with_spaces_between),
        cmocka_unit_test(what_is_no_list_of_texts_is_refused_by_name),
        cmocka_unit_test(a_text_larger_than_the_memory_is_an_error),
    };
    return cmocka_run_group_tests(tests, ask_open, ask_close);
}
