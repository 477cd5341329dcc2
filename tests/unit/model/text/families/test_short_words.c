/* SPDX-License-Identifier: Apache-2.0 */
#include "model/text/families/short_words.h"
#include "tests/test.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

static void the_length_is_that_of_letters_and_digits(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        for (unsigned at = 0; at < SHORT_WORD_MAX; at++) {
            char text[SHORT_WORD_MAX] = {'a', 'Z', '0', '9', 'z', 'A', 'm', '5'};
            text[at] = (char)c;
            unsigned expected = c < 128 && isalnum(c) ? SHORT_WORD_MAX : at;
            assert_int_equal(short_words_length(short_words_load(text)), expected);
        }
    }
}

/* Bytes of the classes that share bits with letters and digits. */
static void what_stands_before_and_behind_does_not_matter(void **state)
{
    (void)state;
    static const char bytes[] = {'a', '9', '@', '[', '`', '{', '/', ':', 0x10, 0, '\x80', '\xFF'};
    srand(1);
    for (int i = 0; i < 100000; i++) {
        char text[SHORT_WORD_MAX];
        unsigned expected = SHORT_WORD_MAX;
        for (unsigned at = SHORT_WORD_MAX; at-- > 0;) {
            text[at] = bytes[(unsigned)rand() % sizeof bytes];
            if (text[at] != 'a' && text[at] != '9') expected = at;
        }
        assert_int_equal(short_words_length(short_words_load(text)), expected);
    }
}

static uint32_t find(const struct short_words *words, const char *word)
{
    char text[SHORT_WORD_MAX + 1] = {0};
    snprintf(text, sizeof text, "%s", word);
    return short_words_find(words, short_words_load(text));
}

static void short_words_of_the_model_are_found_and_nothing_else(void **state)
{
    (void)state;
    static const char *const tokens[] = {"a",   "the",       "embedded", "A",  "2024", "[UNK]",
                                         "##a", "embedding", "naïve",    "我", ",",    "added"};
    enum { N = sizeof tokens / sizeof *tokens };
    struct vocab vocab = {0};
    struct short_words words;
    struct err err;
    for (uint32_t id = 0; id < N; id++)
        assert_true(vocab_add(&vocab, id, tokens[id], strlen(tokens[id]), "test", &err));
    vocab.n_model = N - 1;
    assert_true(short_words_build(&words, &vocab));
    for (uint32_t id = 0; id < 5; id++)
        assert_int_equal(find(&words, tokens[id]), id);
    for (uint32_t id = 5; id < N; id++)
        assert_int_equal(find(&words, tokens[id]), UINT32_MAX);
    assert_int_equal(find(&words, "th"), UINT32_MAX);
    assert_int_equal(find(&words, "th3"), UINT32_MAX);
    short_words_clear(&words);
    vocab_clear(&vocab);
}

static void many_words_share_slots(void **state)
{
    (void)state;
    enum { N = 20000 };
    static char texts[N][16];
    struct vocab vocab = {0};
    struct err err;
    for (uint32_t id = 0; id < N; id++) {
        int bytes = snprintf(texts[id], sizeof texts[id], "%x", (unsigned)(id * 48271u));
        assert_true(vocab_add(&vocab, id, texts[id], (size_t)bytes, "test", &err));
    }
    vocab.n_model = N;
    struct short_words words;
    assert_true(short_words_build(&words, &vocab));
    for (uint32_t id = 0; id < N; id++)
        assert_int_equal(find(&words, texts[id]), id);
    assert_int_equal(find(&words, "xyz"), UINT32_MAX);
    short_words_clear(&words);
    vocab_clear(&vocab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_length_is_that_of_letters_and_digits),
        cmocka_unit_test(what_stands_before_and_behind_does_not_matter),
        cmocka_unit_test(short_words_of_the_model_are_found_and_nothing_else),
        cmocka_unit_test(many_words_share_slots),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
