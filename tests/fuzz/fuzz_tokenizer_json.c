/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as tokenizer.json: refused with a sentence, or a tokenizer that works. */
#include "base/json.h"
#include "base/utf8.h"
#include "model/text/tokenizer.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(const struct tokenizer *tokenizer, const char *text, size_t bytes)
{
    struct arena arena;
    struct tokens tokens;
    struct err err;
    arena_init(&arena, 64u << 20);
    bool done = tokenizer_encode(tokenizer, &arena, text, bytes,
                                 TOKENIZE_SPANS | TOKENIZE_SPECIAL_TOKENS, &tokens, &err);
    uint32_t known = 0;
    for (uint32_t i = 0; done && i < tokens.n; i++) {
        if (tokens.ids[i] == TOKEN_ID_NONE) continue;
        assert(tokens.ids[i] < tokenizer_vocab_size(tokenizer));
        tokens.ids[known++] = tokens.ids[i];
    }
    struct buf out;
    buf_init(&out, &arena);
    if (done) tokenizer_decode(tokenizer, tokens.ids, known, false, &out);
    arena_clear(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool is_ready;
    if (!is_ready) json_init();
    is_ready = true;
    struct tokenizer_files files = {.path = "fuzz", .tokenizer = {(const char *)data, size}};
    struct tokenizer_options options = {.lowercase = true};
    struct tokenizer *tokenizer;
    struct err err = {0};
    if (size == 0) return 0;
    if (!tokenizer_open(&tokenizer, &files, &options, &err)) {
        assert(!tokenizer && err.code != ERR_NONE && err.message[0]);
        assert(utf8_valid_bytes(err.message, strlen(err.message)) == strlen(err.message));
        return 0;
    }
    static const char text[] = "Ab ab, [CLS]\xE6\x88\x91\xC3\xA9x  e\xCC\x81";
    use(tokenizer, text, sizeof text - 1);
    /* What was accepted is UTF-8. */
    use(tokenizer, (const char *)data, size);
    for (uint32_t id = 0; id < tokenizer_vocab_size(tokenizer); id++) {
        size_t bytes;
        const char *token = tokenizer_token_text(tokenizer, id, &bytes);
        /* An id without a token has no text. */
        assert(bytes == 0 || tokenizer_token_id(tokenizer, token, bytes) == id);
    }
    tokenizer_close(tokenizer);
    return 0;
}
