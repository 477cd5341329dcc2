/* SPDX-License-Identifier: Apache-2.0 */
/* The tables are what the `tokenizers` library says (make unicode-tables-check); here is what is
   read out of them. */
#include "tests/test.h"

#include "base/utf8.h"
#include "model/text/unicode/unicode.h"

#include <string.h>

#define LAST 0x10FFFFu

struct text {
    char at[64];
    size_t bytes;
};

static bool is_surrogate(uint32_t code)
{
    return code >= 0xD800 && code < 0xE000;
}

static void add(struct text *text, uint32_t code, enum unicode_form form)
{
    const struct unicode_record *record = unicode_record_of(code);
    size_t bytes;
    const char *becomes = unicode_text(record, form, &bytes);
    assert_true(text->bytes + bytes + 4 <= sizeof text->at);
    if (record->forms[form] == 0)
        text->bytes += utf8_write(text->at + text->bytes, code);
    else
        memcpy(text->at + text->bytes, becomes, bytes);
    if (record->forms[form] != 0) text->bytes += bytes;
}

static struct text form_of(uint32_t code, enum unicode_form form)
{
    struct text text = {.bytes = 0};
    add(&text, code, form);
    return text;
}

static void assert_same(const struct text *a, const struct text *b)
{
    assert_int_equal(a->bytes, b->bytes);
    assert_memory_equal(a->at, b->at, a->bytes);
}

static void check(uint32_t code, enum unicode_form form, const char *want)
{
    struct text text = form_of(code, form);
    assert_int_equal(text.bytes, strlen(want));
    assert_memory_equal(text.at, want, text.bytes);
}

static void characters_on_both_sides_of_the_indexs_edges(void **state)
{
    (void)state;
    check('A', UNICODE_LOWERCASE, "a");
    check(0x130, UNICODE_LOWERCASE, "i\xCC\x87");
    check(0x130, UNICODE_STRIPPED, "I");
    check(0xC9, UNICODE_STRIPPED_LOWERCASE, "e");
    check(0xFB01, UNICODE_CANONICAL, "\xEF\xAC\x81");
    check(0xFB01, UNICODE_COMPATIBLE, "fi");
    check(0xFDFA, UNICODE_COMPATIBLE, /* the longest */
          "\xD8\xB5\xD9\x84\xD9\x89 \xD8\xA7\xD9\x84\xD9\x84\xD9\x87 "
          "\xD8\xB9\xD9\x84\xD9\x8A\xD9\x87 \xD9\x88\xD8\xB3\xD9\x84\xD9\x85");
    check(0x10400, UNICODE_LOWERCASE, "\xF0\x90\x90\xA8");
    check(0x1D15E, UNICODE_CANONICAL, "\xF0\x9D\x85\x97\xF0\x9D\x85\xA5");
    check(0x2F800, UNICODE_STRIPPED, "\xE4\xB8\xBD");
    assert_int_equal(unicode_record_of(0xFFFD)->flags, UNICODE_CONTROL | UNICODE_SIGN);
    assert_int_equal(unicode_record_of(0xFFFF)->flags, 0);
    assert_true(unicode_record_of(0x10000)->flags & UNICODE_LETTER);
    assert_true(unicode_record_of(0x20000)->flags & UNICODE_CHINESE);
    assert_true(unicode_record_of(0xE0100)->flags & UNICODE_COMBINING);
    assert_int_equal(unicode_record_of(LAST - 2)->flags, UNICODE_CONTROL);
    assert_int_equal(unicode_record_of(LAST)->flags, 0);
}

static void no_code_point_leads_out_of_the_tables(void **state)
{
    (void)state;
    for (uint32_t code = 0; code <= LAST; code++) {
        const struct unicode_record *record = unicode_record_of(code);
        assert_true(record->order < 64);
        for (int form = 0; form < UNICODE_N_FORMS; form++) {
            struct text text = form_of(code, (enum unicode_form)form);
            assert_true(is_surrogate(code) || utf8_valid_bytes(text.at, text.bytes) == text.bytes);
        }
    }
}

static void what_is_decomposed_stands_for_itself(void **state)
{
    (void)state;
    for (uint32_t code = 0; code <= LAST; code++) {
        if (is_surrogate(code)) continue;
        for (enum unicode_form form = UNICODE_CANONICAL; form <= UNICODE_COMPATIBLE; form++) {
            struct text text = form_of(code, form), again = {.bytes = 0};
            const char *at = text.at;
            while (at < text.at + text.bytes)
                add(&again, utf8_next(&at), form);
            assert_same(&again, &text);
        }
    }
}

static void what_is_stripped_is_decomposed_without_marks(void **state)
{
    (void)state;
    for (uint32_t code = 0; code <= LAST; code++) {
        if (is_surrogate(code) || unicode_record_of(code)->flags & UNICODE_MARK) continue;
        struct text canonical = form_of(code, UNICODE_CANONICAL), want = {.bytes = 0};
        struct text lower = {.bytes = 0}, got = form_of(code, UNICODE_STRIPPED);
        for (const char *at = canonical.at; at < canonical.at + canonical.bytes;) {
            uint32_t element = utf8_next(&at);
            if (unicode_record_of(element)->flags & UNICODE_MARK) continue;
            want.bytes += utf8_write(want.at + want.bytes, element);
            add(&lower, element, UNICODE_LOWERCASE);
        }
        assert_same(&got, &want);
        got = form_of(code, UNICODE_STRIPPED_LOWERCASE);
        assert_same(&got, &lower);
    }
}

static void what_is_composed_comes_apart_again(void **state)
{
    (void)state;
    for (size_t i = 0; i < unicode_n_compositions; i++) {
        uint64_t c = unicode_compositions[i];
        uint32_t first = (uint32_t)(c >> 42), second = c >> 21 & 0x1FFFFF, composed = c & 0x1FFFFF;
        struct text apart = form_of(composed, UNICODE_CANONICAL), want = {.bytes = 0};
        assert_true(i == 0 || unicode_compositions[i - 1] >> 21 < c >> 21);
        assert_true(unicode_record_of(second)->flags & UNICODE_SECOND);
        add(&want, first, UNICODE_CANONICAL);
        add(&want, second, UNICODE_CANONICAL);
        assert_same(&apart, &want);
    }
}

static void bytes_have_the_flags_of_their_characters(void **state)
{
    (void)state;
    for (uint32_t byte = 0; byte < 256; byte++) {
        unsigned want = byte < 128 ? unicode_record_of(byte)->flags & 0xFFu : UNICODE_LEAD;
        assert_int_equal(unicode_byte_flags[byte], want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(characters_on_both_sides_of_the_indexs_edges),
        cmocka_unit_test(no_code_point_leads_out_of_the_tables),
        cmocka_unit_test(what_is_decomposed_stands_for_itself),
        cmocka_unit_test(what_is_stripped_is_decomposed_without_marks),
        cmocka_unit_test(what_is_composed_comes_apart_again),
        cmocka_unit_test(bytes_have_the_flags_of_their_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
