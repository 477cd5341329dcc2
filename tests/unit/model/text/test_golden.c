/* SPDX-License-Identifier: Apache-2.0 */
/* Ids, offsets and decoded texts of the reference library (tests/golden/make_tokens.py). */
#include "base/json.h"
#include "model/text/tokenizer.h"
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_t *golden;

static int read_golden(void **state)
{
    (void)state;
    FILE *file = fopen("tests/golden/tokens.json", "rb");
    if (!file) return -1;
    static char text[1 << 20];
    size_t bytes = fread(text, 1, sizeof text, file);
    fclose(file);
    struct err err;
    json_init();
    golden = json_read(text, bytes, &err);
    if (!golden) print_error("%s\n", err.message);
    return golden ? 0 : -1;
}

static int drop_golden(void **state)
{
    (void)state;
    json_decref(golden);
    return 0;
}

static struct tokenizer *open_text(const json_t *text)
{
    struct tokenizer_files files = {
        .path = "golden", .tokenizer = {json_string_value(text), json_string_length(text)}};
    struct tokenizer_options options = {.lowercase = true};
    struct tokenizer *tokenizer;
    struct err err;
    if (!tokenizer_open(&tokenizer, &files, &options, &err)) fail_msg("%s", err.message);
    return tokenizer;
}

static void check_ids(const json_t *one, const struct tokens *tokens, const char *text)
{
    const json_t *ids = json_object_get(one, "ids"), *offsets = json_object_get(one, "offsets");
    if (json_array_size(ids) != tokens->n) fail_msg("another number of tokens: '%s'", text);
    for (uint32_t i = 0; i < tokens->n; i++) {
        const json_t *pair = json_array_get(offsets, i);
        if (json_integer_value(json_array_get(ids, i)) != tokens->ids[i] ||
            json_integer_value(json_array_get(pair, 0)) != tokens->spans[i].start ||
            json_integer_value(json_array_get(pair, 1)) != tokens->spans[i].end)
            fail_msg("token %u of '%s' is id %u at %u to %u", i, text, tokens->ids[i],
                     tokens->spans[i].start, tokens->spans[i].end);
    }
}

static void check_decoded(const struct tokenizer *tokenizer, struct arena *arena,
                          const struct tokens *tokens, const json_t *want, bool skip_special)
{
    struct buf out;
    buf_init(&out, arena);
    tokenizer_decode(tokenizer, tokens->ids, tokens->n, skip_special, &out);
    assert_false(out.failed);
    assert_int_equal(out.bytes, json_string_length(want));
    if (out.bytes) assert_memory_equal(out.data, json_string_value(want), out.bytes);
}

static void check_case(const struct tokenizer *tokenizer, const json_t *one)
{
    const json_t *text = json_object_get(one, "text");
    unsigned flags = TOKENIZE_SPANS;
    if (json_is_true(json_object_get(one, "special"))) flags |= TOKENIZE_SPECIAL_TOKENS;
    struct arena arena;
    struct tokens tokens, bare;
    struct err err;
    arena_init(&arena, 1 << 20);
    assert_true(tokenizer_encode(tokenizer, &arena, json_string_value(text),
                                 json_string_length(text), flags, &tokens, &err));
    check_ids(one, &tokens, json_string_value(text));
    check_decoded(tokenizer, &arena, &tokens, json_object_get(one, "decoded"), false);
    check_decoded(tokenizer, &arena, &tokens, json_object_get(one, "decoded_plain"), true);
    assert_true(tokenizer_encode(tokenizer, &arena, json_string_value(text),
                                 json_string_length(text), flags & ~(unsigned)TOKENIZE_SPANS, &bare,
                                 &err));
    assert_null(bare.spans);
    assert_int_equal(bare.n, tokens.n);
    if (bare.n) assert_memory_equal(bare.ids, tokens.ids, bare.n * sizeof *bare.ids);
    arena_clear(&arena);
}

static void every_case_is_as_the_reference_has_it(void **state)
{
    (void)state;
    size_t n = 0;
    for (size_t i = 0; i < json_array_size(golden); i++) {
        const json_t *group = json_array_get(golden, i), *cases = json_object_get(group, "cases");
        struct tokenizer *tokenizer = open_text(json_object_get(group, "tokenizer"));
        for (size_t c = 0; c < json_array_size(cases); c++, n++)
            check_case(tokenizer, json_array_get(cases, c));
        tokenizer_close(tokenizer);
    }
    assert_true(n > 400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_case_is_as_the_reference_has_it),
    };
    return cmocka_run_group_tests(tests, read_golden, drop_golden);
}
