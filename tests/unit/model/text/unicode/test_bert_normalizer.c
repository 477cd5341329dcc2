/* SPDX-License-Identifier: Apache-2.0 */
#include "model/text/unicode/bert_normalizer.h"
#include "tests/test.h"

#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

enum { BYTES_MAX = 70 };

static bool is_plain(const char *text, size_t bytes, bool clean)
{
    for (size_t i = 0; i < bytes; i++) {
        const unsigned char c = (unsigned char)text[i];
        const bool is_gap = c == '\t' || c == '\n' || c == '\r';
        if (c >= 0x80 || (clean && (c < 0x20 || c == 0x7F) && !is_gap)) return false;
    }
    return true;
}

/* The fast way refuses what holds something to remove, and otherwise gives what the other gives; in
   just the memory of the text, so that AddressSanitizer sees who looks past it. */
static void check(const struct bert_normalizer *normalizer, const char *bytes, size_t n)
{
    char *text = memcpy(malloc(n ? n : 1), bytes, n), *out = malloc(n ? n : 1);
    char want[BYTES_MAX * NORMALIZER_GROWTH];
    const bool is_done = bert_normalizer_ascii(normalizer, text, n, out);
    assert_int_equal(is_done, is_plain(text, n, normalizer->clean_text));
    if (is_done) {
        assert_int_equal(bert_normalizer_apply(normalizer, text, n, want, NULL), n);
        assert_memory_equal(out, want, n);
    }
    free(text);
    free(out);
}

static void ascii_is_normalized_as_any_text_is(void **state)
{
    (void)state;
    for (unsigned flags = 0; flags < 4; flags++) {
        const struct bert_normalizer normalizer = {.clean_text = flags & 1, .lowercase = flags & 2};
        for (size_t n = 0; n <= BYTES_MAX; n++) {
            char text[BYTES_MAX];
            for (size_t i = 0; i < n; i++)
                text[i] = (char)(0x20 + (i * 37 + n) % 0x5F);
            check(&normalizer, text, n);
            for (size_t i = 0; i < n * 4; i++) {
                const char before = text[i % n];
                text[i % n] = (char)(i * 41 + n * 7 + flags);
                check(&normalizer, text, n);
                text[i % n] = before;
            }
        }
        for (int c = 0; c < 256; c++)
            check(&normalizer, (const char[]){(char)c}, 1);
    }
}

static size_t compatible(const char *text, char *out)
{
    const struct bert_normalizer normalizer = {
        .clean_text = true, .strip_accents = true, .lowercase = true, .compatible = true};
    return bert_normalizer_apply(&normalizer, text, strlen(text), out, NULL);
}

static void full_width_is_half_width(void **state)
{
    (void)state;
    char out[BYTES_MAX * NORMALIZER_GROWTH];
    static const char *const pairs[][2] = {
        {"\uff21\uff22\uff23\uff11\uff12\uff13\uff0c\u3000x", "abc123, x"},
        {"\u00c9t\u00e9 \u338f \ufb01ne \u2026", "ete kg fine ..."},
        {"\u4eca\u5929\u2764\ufe0f\u304c", "\u4eca\u5929\u2764\u304b"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        const size_t n = compatible(pairs[i][0], out);
        assert_int_equal(n, strlen(pairs[i][1]));
        assert_memory_equal(out, pairs[i][1], n);
    }
}

/* Accents that stand alone, Hangul letters, kana's marks, what becomes more than there is room for.
 */
static void what_composes_is_left_to_the_steps(void **state)
{
    (void)state;
    char out[BYTES_MAX * NORMALIZER_GROWTH];
    static const char *const texts[] = {"e\u0301", "\u1100\u1161", "\uff76\uff9e",
                                        "\ufdfa",  "\u00bd",       "\uffa1"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_true(compatible(texts[i], out) == BERT_NORMALIZER_GAVE_UP);
}

/* NORMALIZER_GROWTH times the bytes, and a code point each: what a caller makes room for. */
static void no_character_grows_beyond_its_room(void **state)
{
    (void)state;
    size_t n_done = 0;
    for (uint32_t code = 0x80; code < 0x110000; code++) {
        char text[5] = {0}, out[64];
        if (code >= 0xD800 && code < 0xE000) continue;
        const size_t bytes = utf8_write(text, code), n = compatible(text, out);
        if (n == BERT_NORMALIZER_GAVE_UP) continue;
        assert_true(n <= bytes * NORMALIZER_GROWTH && utf8_count(out, n) <= bytes);
        n_done++;
    }
    assert_true(n_done > 1000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ascii_is_normalized_as_any_text_is),
        cmocka_unit_test(full_width_is_half_width),
        cmocka_unit_test(what_composes_is_left_to_the_steps),
        cmocka_unit_test(no_character_grows_beyond_its_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
