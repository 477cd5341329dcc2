/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"
#include "model/text/unicode/plain_ideographs.h"
#include "model/text/unicode/unicode.h"
#include "tests/test.h"

static void nothing_changes_them_and_they_part_no_word(void **state)
{
    (void)state;
    for (uint32_t code = PLAIN_IDEOGRAPH_FIRST; code <= PLAIN_IDEOGRAPH_LAST; code++) {
        const struct unicode_record *record = unicode_record_of(code);
        assert_int_equal(record->flags & 0xFF, UNICODE_CHINESE | UNICODE_WORD);
        assert_int_equal(record->flags & UNICODE_SECOND, 0);
        assert_int_equal(record->order, 0);
        for (int form = 0; form < UNICODE_N_FORMS; form++)
            assert_int_equal(record->forms[form], 0);
    }
}

static void all_other_characters_end_a_run(void **state)
{
    (void)state;
    for (uint32_t code = 0; code < 0x110000; code++) {
        char text[16] = "\u4E00";
        if (code >= 0xD800 && code < 0xE000) continue;
        const size_t bytes = 3 + utf8_write(text + 3, code);
        const char *end = text + bytes + PLAIN_IDEOGRAPH_BYTES;
        const bool is_plain = code >= PLAIN_IDEOGRAPH_FIRST && code <= PLAIN_IDEOGRAPH_LAST;
        memcpy(text + bytes, "abc", 3);
        assert_ptr_equal(plain_ideographs_end(text, end), text + (is_plain ? bytes : 3));
    }
}

static void a_run_stays_in_its_text(void **state)
{
    (void)state;
    static const char text[] = "中国人";
    for (size_t bytes = 0; bytes <= 9; bytes += 3)
        assert_true(plain_ideographs_end(text, text + bytes) <= text + bytes);
    assert_ptr_equal(plain_ideographs_end(text, text + 9), text + 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_changes_them_and_they_part_no_word),
        cmocka_unit_test(all_other_characters_end_a_run),
        cmocka_unit_test(a_run_stays_in_its_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
