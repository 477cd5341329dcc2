/* SPDX-License-Identifier: Apache-2.0 */
#include "model/text/openai/openai_ids.h"

#include "base/numtext.h"
#include "base/sha256.h"
#include "tests/test.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The sum of a vocabulary written as a .tiktoken file: of each token its bytes in base64, a space,
   its id, a line break. */
static void list_sum(const struct openai_ids *ids, char out[static SHA256_TEXT_BYTES])
{
    struct sha256_ctx sum;
    sha256_init(&sum);
    for (uint32_t id = 0; id < ids->n; id++) {
        char token[OPENAI_TOKEN_BYTES_MAX], line[OPENAI_TOKEN_BYTES_MAX * 2 + 32];
        size_t bytes = openai_ids_bytes(ids, id, token);
        assert_in_range(bytes, 1, OPENAI_TOKEN_BYTES_MAX);
        bytes = numtext_base64(line, token, bytes);
        bytes += (size_t)sprintf(line + bytes, " %" PRIu32 "\n", id);
        sha256_update(&sum, bytes, (const uint8_t *)line);
    }
    sha256_end(&sum, out);
}

/* The sums are those that OpenAI's library asks of the files it fetches. */
static void the_tables_hold_the_lists_that_openai_published(void **state)
{
    (void)state;
    char sum[SHA256_TEXT_BYTES];
    list_sum(&openai_cl100k, sum);
    assert_string_equal(sum, "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7");
    list_sum(&openai_o200k, sum);
    assert_string_equal(sum, "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d");
}

static void assert_token(const struct openai_ids *ids, uint32_t id, const char *want)
{
    char token[OPENAI_TOKEN_BYTES_MAX];
    size_t bytes = openai_ids_bytes(ids, id, token);
    assert_int_equal(bytes, strlen(want));
    assert_memory_equal(token, want, bytes);
}

static void an_id_is_its_tokens_bytes(void **state)
{
    (void)state;
    assert_token(&openai_cl100k, 0, "!");
    assert_token(&openai_cl100k, 15339, "hello");
    assert_token(&openai_cl100k, 1917, " world");
    assert_token(&openai_o200k, 24912, "hello");
    assert_token(&openai_o200k, 2375, " world");
}

/* Two halves of a character are two tokens. */
static void a_token_may_end_inside_a_character(void **state)
{
    (void)state;
    assert_token(&openai_cl100k, 76207, "\xE7\x88"); /* of 爱 */
    assert_token(&openai_cl100k, 109, "\xB1");
}

static void the_longest_token_is_as_long_as_the_header_says(void **state)
{
    (void)state;
    const struct openai_ids *const both[] = {&openai_cl100k, &openai_o200k};
    for (size_t i = 0; i < 2; i++) {
        size_t longest = 0;
        for (uint32_t id = 0; id < both[i]->n; id++) {
            char token[OPENAI_TOKEN_BYTES_MAX];
            size_t bytes = openai_ids_bytes(both[i], id, token);
            if (bytes > longest) longest = bytes;
        }
        assert_int_equal(longest, OPENAI_TOKEN_BYTES_MAX);
    }
}

static void what_stands_for_no_text_is_told_from_what_does(void **state)
{
    (void)state;
    static const int64_t none[] = {-1, INT64_MIN, 100256, 100257, 100276, 199998, INT64_MAX};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        assert_false(openai_ids_has(&openai_cl100k, none[i]));
    assert_true(openai_ids_has(&openai_cl100k, 100255));
    assert_true(openai_ids_has(&openai_o200k, 199997));
    assert_false(openai_ids_has(&openai_o200k, 199998));
}

static void special_tokens_are_known_by_name(void **state)
{
    (void)state;
    assert_string_equal(openai_ids_special(&openai_cl100k, 100257), "<|endoftext|>");
    assert_string_equal(openai_ids_special(&openai_cl100k, 100258), "<|fim_prefix|>");
    assert_string_equal(openai_ids_special(&openai_cl100k, 100259), "<|fim_middle|>");
    assert_string_equal(openai_ids_special(&openai_cl100k, 100260), "<|fim_suffix|>");
    assert_string_equal(openai_ids_special(&openai_cl100k, 100276), "<|endofprompt|>");
    assert_string_equal(openai_ids_special(&openai_o200k, 199999), "<|endoftext|>");
    assert_string_equal(openai_ids_special(&openai_o200k, 200018), "<|endofprompt|>");
    static const int64_t none[] = {0, -1, 100256, 100261, 199998, 200017, 200019, INT64_MAX};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        assert_null(openai_ids_special(&openai_cl100k, none[i]));
        assert_null(openai_ids_special(&openai_o200k, none[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_tables_hold_the_lists_that_openai_published),
        cmocka_unit_test(an_id_is_its_tokens_bytes),
        cmocka_unit_test(a_token_may_end_inside_a_character),
        cmocka_unit_test(the_longest_token_is_as_long_as_the_header_says),
        cmocka_unit_test(what_stands_for_no_text_is_told_from_what_does),
        cmocka_unit_test(special_tokens_are_known_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
