/* SPDX-License-Identifier: Apache-2.0 */
#include "model/text/vocab/trie.h"
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint32_t find(const struct trie *trie, const char *text, size_t bytes)
{
    return trie_id(trie_walk(trie, trie->root, text, bytes));
}

static void what_was_put_in_is_found_and_nothing_else(void **state)
{
    (void)state;
    struct trie_key keys[] = {{"a", 1, 7}, {"abc", 3, 0}, {"", 0, 3}, {"\xFF", 1, 2}, {"b", 1, 1}};
    struct trie trie;
    uint32_t twins[2];
    assert_int_equal(trie_build(&trie, keys, 5, twins), TRIE_BUILT);
    assert_int_equal(find(&trie, "a", 1), 7);
    assert_int_equal(find(&trie, "abc", 3), 0);
    assert_int_equal(find(&trie, "", 0), 3);
    assert_int_equal(find(&trie, "\xFF", 1), 2);
    assert_int_equal(find(&trie, "b", 1), 1);
    assert_int_equal(find(&trie, "ab", 2), UINT32_MAX);
    assert_int_equal(find(&trie, "abcd", 4), UINT32_MAX);
    assert_int_equal(find(&trie, "\0", 1), UINT32_MAX);
    for (int c = 0; c < 256; c++) {
        char byte = (char)c;
        bool is_key = c == 'a' || c == 'b' || c == 0xFF;
        assert_int_equal(find(&trie, &byte, 1) != UINT32_MAX, is_key);
    }
    trie_clear(&trie);
}

static void the_longest_key_on_the_way_is_found(void **state)
{
    (void)state;
    struct trie_key keys[] = {{"ab", 2, 0}, {"abcd", 4, 1}, {"", 0, 2}};
    struct trie trie;
    uint32_t twins[2];
    size_t length;
    assert_int_equal(trie_build(&trie, keys, 3, twins), TRIE_BUILT);
    const char *text = "abcdef";
    assert_int_equal(trie_longest(&trie, trie.root, text, text + 6, &length), 1);
    assert_int_equal(length, 4);
    assert_int_equal(trie_longest(&trie, trie.root, text, text + 3, &length), 0);
    assert_int_equal(length, 2);
    assert_int_equal(trie_longest(&trie, trie.root, text, text + 1, &length), UINT32_MAX);
    assert_int_equal(length, 0);
    trie_clear(&trie);
}

/* Dense nodes, sparse nodes, long chains: numbers in several bases, and their squares as bytes. */
static void a_hundred_thousand_keys_are_all_found(void **state)
{
    (void)state;
    enum { N = 100000 };
    static char texts[N][24];
    struct trie_key *keys = malloc(N * sizeof *keys);
    for (uint32_t i = 0; i < N; i++) {
        static const char *const forms[] = {"%u", "#%x", "%09o"};
        int bytes = snprintf(texts[i], sizeof texts[i], forms[i % 3], i);
        texts[i][bytes++] = (char)(i * i >> 5);
        keys[i] = (struct trie_key){texts[i], (uint32_t)bytes, i};
    }
    struct trie trie;
    uint32_t twins[2];
    /* Once as they are, once in the order that building has put them in. */
    for (int round = 0; round < 2; round++) {
        assert_int_equal(trie_build(&trie, keys, N, twins), TRIE_BUILT);
        for (uint32_t i = 0; i < N; i++) {
            assert_int_equal(find(&trie, keys[i].text, keys[i].bytes), keys[i].id);
            assert_true(find(&trie, keys[i].text, keys[i].bytes - 1) != keys[i].id);
        }
        trie_clear(&trie);
    }
    free(keys);
}

static void one_key_of_a_million_bytes_is_no_deep_recursion(void **state)
{
    (void)state;
    enum { N = 1000000 };
    char *text = malloc(N);
    memset(text, 'x', N);
    struct trie_key keys[] = {{text, N, 0}, {text, N - 1, 1}};
    struct trie trie;
    uint32_t twins[2];
    assert_int_equal(trie_build(&trie, keys, 2, twins), TRIE_BUILT);
    assert_int_equal(find(&trie, text, N), 0);
    assert_int_equal(find(&trie, text, N - 1), 1);
    assert_int_equal(find(&trie, text, N - 2), UINT32_MAX);
    trie_clear(&trie);
    free(text);
}

static void equal_keys_are_named(void **state)
{
    (void)state;
    struct trie_key keys[] = {{"a", 1, 4}, {"b", 1, 5}, {"a", 1, 6}};
    struct trie trie;
    uint32_t twins[2] = {0};
    assert_int_equal(trie_build(&trie, keys, 3, twins), TRIE_DUPLICATE);
    assert_int_equal(twins[0] + twins[1], 10);
    assert_null(trie.cells);
    struct trie_key sorted[] = {{"a", 1, 4}, {"a", 1, 6}, {"b", 1, 5}};
    assert_int_equal(trie_build(&trie, sorted, 3, twins), TRIE_DUPLICATE);
    assert_int_equal(twins[0] + twins[1], 10);
}

static void of_equal_keys_the_last_in_memory_counts_where_they_may_be(void **state)
{
    (void)state;
    enum { N = 40 };
    static const char texts[] = "abaabaabaabaabaabaabaabaabaabaabaabaabaaba";
    struct trie_key keys[N + 2] = {{texts, 0, N}, {texts, 0, N + 1}};
    struct trie trie;
    for (uint32_t i = 0; i < N; i++) /* every second place first, the last one in the middle */
        keys[i + 2] = (struct trie_key){texts + i * 7 % N, 2, i * 7 % N};
    assert_int_equal(trie_build(&trie, keys, N + 2, NULL), TRIE_BUILT);
    assert_int_equal(find(&trie, "ab", 2), 39);
    assert_int_equal(find(&trie, "ba", 2), 37);
    assert_int_equal(find(&trie, "aa", 2), 38);
    assert_int_equal(find(&trie, "", 0), N + 1);
    trie_clear(&trie);
}

static void no_keys_make_a_trie_that_finds_nothing(void **state)
{
    (void)state;
    struct trie trie;
    uint32_t twins[2];
    assert_int_equal(trie_build(&trie, NULL, 0, twins), TRIE_BUILT);
    assert_int_equal(find(&trie, "", 0), UINT32_MAX);
    assert_int_equal(find(&trie, "a", 1), UINT32_MAX);
    trie_clear(&trie);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_put_in_is_found_and_nothing_else),
        cmocka_unit_test(the_longest_key_on_the_way_is_found),
        cmocka_unit_test(a_hundred_thousand_keys_are_all_found),
        cmocka_unit_test(one_key_of_a_million_bytes_is_no_deep_recursion),
        cmocka_unit_test(equal_keys_are_named),
        cmocka_unit_test(of_equal_keys_the_last_in_memory_counts_where_they_may_be),
        cmocka_unit_test(no_keys_make_a_trie_that_finds_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
