/* SPDX-License-Identifier: Apache-2.0 */
#include "model/text/vocab/vocab.h"
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

struct token {
    uint32_t id;
    const char *text;
};

static struct vocab vocab_of(const struct token *tokens, size_t n)
{
    struct vocab vocab = {0};
    struct err err;
    for (size_t i = 0; i < n; i++)
        assert_true(
            vocab_add(&vocab, tokens[i].id, tokens[i].text, strlen(tokens[i].text), "test", &err));
    return vocab;
}

/* The same vocabulary as a packed file has it. */
static struct vocab with_starts(const struct vocab *vocab, const uint32_t *starts)
{
    struct vocab out = *vocab;
    out.starts = starts;
    out.places = NULL;
    out.flags = NULL;
    return out;
}

static void texts_and_flags_are_the_same(void **state)
{
    (void)state;
    /* Empty at the beginning and the end; 3 is a hole. */
    static const struct token tokens[] = {{0, ""}, {1, "[UNK]"}, {2, "中国"}, {4, "a"}, {5, ""}};
    struct vocab vocab = vocab_of(tokens, 5);
    struct vocab_place place;
    vocab.flags[1] |= VOCAB_SPECIAL;
    vocab.flags[4] |= VOCAB_ADDED | VOCAB_NORMALIZED;
    assert_true(vocab_keep(&vocab, "kept", 4, &place)); /* behind them, of no token */
    uint32_t *starts = vocab_list_starts(&vocab);
    assert_non_null(starts);
    const struct vocab packed = with_starts(&vocab, starts);
    for (uint32_t id = 0; id < 6; id++) {
        size_t bytes, expected_bytes;
        const char *text = vocab_text(&packed, id, &bytes);
        const char *expected = vocab_text(&vocab, id, &expected_bytes);
        assert_int_equal(bytes, expected_bytes);
        assert_memory_equal(text, expected, bytes);
        assert_int_equal(vocab_flags(&packed, id), vocab.flags[id]);
        assert_int_equal(vocab_is_hole(&packed, id), id == 3);
    }
    uint32_t *again = vocab_list_starts(&packed);
    assert_memory_equal(again, starts, 7 * sizeof *starts);
    free(again);
    free(starts);
    vocab_clear(&vocab);
}

static void there_are_none_where_texts_lie_in_another_order(void **state)
{
    (void)state;
    static const struct token tokens[] = {{1, "b"}, {0, "a"}, {2, "c"}};
    struct vocab vocab = vocab_of(tokens, 3);
    assert_null(vocab_list_starts(&vocab));
    vocab_clear(&vocab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_and_flags_are_the_same),
        cmocka_unit_test(there_are_none_where_texts_lie_in_another_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
