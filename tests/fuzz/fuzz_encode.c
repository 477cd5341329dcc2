/* SPDX-License-Identifier: Apache-2.0 */
/* Any text, under each way to normalize (chosen by the first byte): tokens in bounds, spans that
   ascend, the same tokens with and without spans. The second byte, if it is a newline, makes the
   rest a vocab.txt. */
#include "base/json.h"
#include "base/utf8.h"
#include "model/text/tokenizer.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *flag(unsigned bits, unsigned bit)
{
    return bits >> bit & 1 ? "true" : "false";
}

/* Every piece of a word is in the vocabulary for a few letters, so that tokens are many. */
static struct tokenizer *open_json(unsigned bits)
{
    static char texts[256][2048]; /* tokens point into them */
    char *json = texts[bits];
    int bytes = snprintf(
        json, sizeof texts[bits],
        "{\"added_tokens\":[{\"id\":0,\"content\":\"[UNK]\",\"single_word\":false,\"lstrip\":%s,"
        "\"rstrip\":%s,\"normalized\":false,\"special\":true},{\"id\":11,\"content\":\"ab c\","
        "\"single_word\":%s,\"lstrip\":false,\"rstrip\":true,\"normalized\":%s,"
        "\"special\":false}],"
        "\"normalizer\":{\"type\":\"BertNormalizer\",\"clean_text\":%s,\"handle_chinese_chars\":%s,"
        "\"strip_accents\":%s,\"lowercase\":%s},\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"},"
        "\"decoder\":{\"type\":\"WordPiece\",\"prefix\":\"##\",\"cleanup\":true},"
        "\"model\":{\"type\":\"WordPiece\",\"unk_token\":\"[UNK]\",\"continuing_subword_prefix\":"
        "\"##\",\"max_input_chars_per_word\":20,\"vocab\":{\"[UNK]\":0,\"a\":1,\"##a\":2,\"ab\":3,"
        "\"##b\":4,\"e\":5,\"\\u6211\":6,\"##\\u6211\":7,\".\":8,\"##e\":9,\"\\u1100\":10}}}",
        flag(bits, 0), flag(bits, 1), flag(bits, 2), flag(bits, 3), flag(bits, 4), flag(bits, 5),
        flag(bits, 6), flag(bits, 7));
    struct tokenizer_files files = {.path = "fuzz", .tokenizer = {json, (size_t)bytes}};
    struct tokenizer_options options = {.lowercase = true};
    struct tokenizer *tokenizer;
    struct err err;
    bool done = tokenizer_open(&tokenizer, &files, &options, &err);
    assert(done);
    (void)done;
    return tokenizer;
}

static void check(const struct tokenizer *tokenizer, const char *text, size_t bytes)
{
    struct arena arena;
    arena_init(&arena, 64u << 20);
    struct tokens with, without;
    struct err err;
    struct buf out;
    if (tokenizer_encode(tokenizer, &arena, text, bytes, TOKENIZE_SPANS, &with, &err) &&
        tokenizer_encode(tokenizer, &arena, text, bytes, 0, &without, &err)) {
        assert(with.n == without.n && !without.spans);
        assert(with.n == 0 || memcmp(with.ids, without.ids, with.n * sizeof *with.ids) == 0);
        size_t points = utf8_count(text, bytes);
        for (uint32_t i = 0; i < with.n; i++) {
            assert(with.ids[i] < tokenizer_vocab_size(tokenizer) || with.ids[i] == TOKEN_ID_NONE);
            assert(with.spans[i].start < with.spans[i].end && with.spans[i].end <= points);
            assert(i == 0 || with.spans[i - 1].start <= with.spans[i].start);
        }
        buf_init(&out, &arena);
        uint32_t known = 0;
        for (uint32_t i = 0; i < with.n; i++) {
            if (with.ids[i] != TOKEN_ID_NONE) with.ids[known++] = with.ids[i];
        }
        tokenizer_decode(tokenizer, with.ids, known, true, &out);
    }
    arena_clear(&arena);
}

static void use_vocab(const uint8_t *data, size_t size)
{
    struct tokenizer_files files = {.path = "fuzz", .vocab = {(const char *)data, size}};
    struct tokenizer_options options = {.lowercase = size % 2 == 0};
    struct tokenizer *tokenizer;
    struct err err;
    if (!tokenizer_open(&tokenizer, &files, &options, &err)) return;
    check(tokenizer, (const char *)data, size);
    tokenizer_close(tokenizer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct tokenizer *tokenizers[256]; /* reachable until the end: no leak */
    if (size < 2) return 0;
    if (!tokenizers[data[0]]) {
        static bool is_ready;
        if (!is_ready) json_init();
        is_ready = true;
        tokenizers[data[0]] = open_json(data[0]);
    }
    if (data[1] == '\n') {
        use_vocab(data + 2, size - 2);
        return 0;
    }
    const char *text = (const char *)data + 1;
    check(tokenizers[data[0]], text, utf8_valid_bytes(text, size - 1));
    return 0;
}
