/* SPDX-License-Identifier: Apache-2.0 */
#include "model/text/unicode/bert_normalizer.h"
#include "tests/test.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ascii_is_normalized_as_any_text_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
