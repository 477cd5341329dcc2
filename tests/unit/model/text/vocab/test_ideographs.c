/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"
#include "model/text/vocab/ideographs.h"
#include "model/text/vocab/vocab.h"
#include "tests/test.h"

#include <stdlib.h>

static struct vocab vocab_of(const char *const *tokens, uint32_t n)
{
    struct vocab vocab = {0};
    struct err err;
    for (uint32_t id = 0; id < n; id++)
        assert_true(vocab_add(&vocab, id, tokens[id], strlen(tokens[id]), "test", &err));
    assert_true(vocab_finish_last(&vocab, "test", &err));
    return vocab;
}

static bool build(struct ideographs *ideographs, const struct vocab *vocab)
{
    struct trie_key keys[16];
    for (uint32_t id = 0; id < vocab->n; id++) {
        size_t bytes;
        const char *text = vocab_text(vocab, id, &bytes);
        keys[id] = (struct trie_key){text, (uint32_t)bytes, id};
    }
    return ideographs_build(ideographs, keys, vocab->n);
}

/* The token at the start of `text`, and its bytes; UINT32_MAX: the trie may know a longer one. */
static uint32_t longest(const struct ideographs *ideographs, const char *text, size_t *length)
{
    bool goes_on;
    if (!ideographs_may_begin(ideographs, text)) return UINT32_MAX;
    const uint32_t id = ideographs_longest(ideographs, text, text + strlen(text), length, &goes_on);
    return goes_on ? UINT32_MAX : id;
}

static void the_longest_token_is_found(void **state)
{
    (void)state;
    static const char *const tokens[] = {"中", "中国", "中国人民", "人", "龠龢", "[UNK]", "a"};
    struct vocab vocab = vocab_of(tokens, 7);
    struct ideographs ideographs = {0};
    size_t length;
    assert_true(build(&ideographs, &vocab));
    assert_int_equal(longest(&ideographs, "中国人民银行", &length), 2);
    assert_int_equal(length, 12);
    assert_int_equal(longest(&ideographs, "中国人", &length), 1);
    assert_int_equal(length, 6);
    assert_int_equal(longest(&ideographs, "中中国", &length), 0);
    assert_int_equal(length, 3);
    assert_int_equal(longest(&ideographs, "人a", &length), 3);
    assert_int_equal(longest(&ideographs, "人。", &length), 3);
    static const char *const others[] = {"龠", "国", "a", "。", "〇", "ａ", "\xF0\xA0\x80\x80"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_int_equal(longest(&ideographs, others[i], &length), UINT32_MAX);
    ideographs_clear(&ideographs);
    vocab_clear(&vocab);
}

static void tokens_that_go_on_with_another_character_are_left_to_the_trie(void **state)
{
    (void)state;
    static const char *const tokens[] = {"卡", "卡拉ok", "卡拉", "一", "一々", "一一"};
    struct vocab vocab = vocab_of(tokens, 6);
    struct ideographs ideographs = {0};
    size_t length;
    assert_true(build(&ideographs, &vocab));
    assert_int_equal(longest(&ideographs, "卡拉ok", &length), UINT32_MAX);
    assert_int_equal(longest(&ideographs, "卡拉x", &length), UINT32_MAX);
    assert_int_equal(longest(&ideographs, "卡拉", &length), 2);
    assert_int_equal(longest(&ideographs, "卡拉卡", &length), 2);
    assert_int_equal(longest(&ideographs, "卡ok", &length), 0);
    assert_int_equal(longest(&ideographs, "一々", &length), UINT32_MAX);
    assert_int_equal(longest(&ideographs, "一一々", &length), 5);
    ideographs_clear(&ideographs);
    vocab_clear(&vocab);
}

static void of_equal_tokens_the_last_one_counts(void **state)
{
    (void)state;
    static const char *const tokens[] = {"中国", "中", "中国", "中"};
    struct vocab vocab = vocab_of(tokens, 4);
    struct ideographs ideographs = {0};
    size_t length;
    assert_true(build(&ideographs, &vocab));
    assert_int_equal(longest(&ideographs, "中国", &length), 2);
    assert_int_equal(longest(&ideographs, "中文", &length), 3);
    ideographs_clear(&ideographs);
    vocab_clear(&vocab);
}

static void there_is_no_table_without_a_token_of_two_ideographs(void **state)
{
    (void)state;
    static const char *const tokens[] = {"中", "##国", "国a", "中国"};
    struct ideographs ideographs = {0};
    size_t length;
    for (uint32_t n = 3; n <= 4; n++) {
        struct vocab vocab = vocab_of(tokens, n);
        assert_true(build(&ideographs, &vocab));
        assert_int_equal(ideographs.cells != NULL, n == 4);
        assert_int_equal(longest(&ideographs, "中", &length), n == 4 ? 0 : UINT32_MAX);
        ideographs_fetch(&ideographs, "中国a中", 10);
        ideographs_clear(&ideographs);
        vocab_clear(&vocab);
    }
}

/* ---- beside the trie ---- */

#define LETTERS 40 /* few, so that tokens share their beginnings */
#define TEXT_BYTES 32

static size_t random_text(char *out, unsigned n)
{
    static const char *const others[] = {"a", "々", "。", "ｚ", "\xF0\xA0\x80\x80"};
    size_t bytes = 0;
    for (unsigned i = 0; i < n; i++) {
        if (rand() % 16 == 0) {
            const char *other = others[(unsigned)rand() % 5];
            memcpy(out + bytes, other, strlen(other));
            bytes += strlen(other);
        } else {
            const uint32_t label = (uint32_t)rand() % LETTERS * (IDEOGRAPH_LABELS / LETTERS);
            bytes += utf8_write(out + bytes, IDEOGRAPH_FIRST + label);
        }
    }
    return bytes;
}

/* Equal tokens among them, of which the last one counts. */
static void add_random(struct vocab *vocab, uint32_t n)
{
    struct err err;
    char text[TEXT_BYTES];
    srand(1);
    for (uint32_t id = 0; id < n; id++) {
        const size_t bytes = random_text(text, 1 + (unsigned)rand() % 5);
        assert_true(vocab_add(vocab, id, text, bytes, "test", &err));
    }
}

static void tokens_are_found_as_where_all_are_in_the_trie(void **state)
{
    (void)state;
    enum { N = 20000 };
    struct vocab whole = {0}, parted = {0};
    struct err err;
    char text[TEXT_BYTES];
    size_t n_found = 0, n_exact = 0;
    add_random(&whole, N);
    add_random(&parted, N);
    assert_true(vocab_finish_last(&whole, "test", &err));
    assert_true(vocab_finish_pieces(&parted, "test", &err));
    assert_null(whole.ideographs.cells);
    assert_non_null(parted.ideographs.cells);
    assert_true(parted.trie.n_cells < whole.trie.n_cells);
    for (int i = 0; i < 200000; i++) {
        const size_t bytes = random_text(text, 1 + (unsigned)rand() % 7);
        size_t expected_length, length;
        const uint32_t id = vocab_longest(&parted, parted.trie.root, text, text + bytes, &length);
        const uint32_t expected =
            vocab_longest(&whole, whole.trie.root, text, text + bytes, &expected_length);
        assert_int_equal(id, expected);
        if (id != UINT32_MAX) assert_int_equal(length, expected_length);
        assert_int_equal(vocab_id(&parted, text, bytes), vocab_id(&whole, text, bytes));
        n_found += id != UINT32_MAX;
        n_exact += vocab_id(&whole, text, bytes) != UINT32_MAX;
    }
    assert_true(n_found > 150000 && n_exact > 20000);
    for (uint32_t id = 0; id < N; id++) {
        size_t token_bytes;
        const char *token = vocab_text(&parted, id, &token_bytes);
        assert_int_equal(vocab_id(&parted, token, token_bytes),
                         vocab_id(&whole, token, token_bytes));
        assert_true(vocab_is_of_model(&parted, id));
    }
    vocab_clear(&whole);
    vocab_clear(&parted);
}

static void exact_tokens_are_found_and_nothing_else(void **state)
{
    (void)state;
    static const char *const tokens[] = {"中", "中国人民", "a", "中a", "", "国々", "民"};
    struct vocab vocab = {0};
    struct err err;
    for (uint32_t id = 0; id < 7; id++)
        assert_true(vocab_add(&vocab, id, tokens[id], strlen(tokens[id]), "test", &err));
    assert_true(vocab_finish_pieces(&vocab, "test", &err));
    assert_non_null(vocab.ideographs.cells);
    for (uint32_t id = 0; id < 7; id++)
        assert_int_equal(vocab_id(&vocab, tokens[id], strlen(tokens[id])), id);
    static const char *const others[] = {"中国", "中国人", "中国人民民", "人", "国", "中b", "a中"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_int_equal(vocab_id(&vocab, others[i], strlen(others[i])), UINT32_MAX);
    assert_int_equal(trie_id(trie_walk(&vocab.trie, vocab.trie.root, "中", 3)), UINT32_MAX);
    vocab_clear(&vocab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_longest_token_is_found),
        cmocka_unit_test(tokens_that_go_on_with_another_character_are_left_to_the_trie),
        cmocka_unit_test(of_equal_tokens_the_last_one_counts),
        cmocka_unit_test(there_is_no_table_without_a_token_of_two_ideographs),
        cmocka_unit_test(tokens_are_found_as_where_all_are_in_the_trie),
        cmocka_unit_test(exact_tokens_are_found_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
