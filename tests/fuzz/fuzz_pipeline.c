/* SPDX-License-Identifier: Apache-2.0 */
/* Any text through tokenizers of each kind (chosen by the first byte, out of the seeds of
   fuzz_tokenizer_json): the same tokens with and without spans, spans within the text. */
#include "base/json.h"
#include "base/utf8.h"
#include "model/text/tokenizer.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SEED(name) "tests/fuzz/corpus/tokenizer_json/" name

static const char *const seeds[] = {
    SEED("bpe_bytes"),    SEED("bpe_fallback"),    SEED("bpe_affixes"),   SEED("bpe_split"),
    SEED("unigram_map"),  SEED("unigram_bytes"),   SEED("wordlevel_any"), SEED("wordpiece_any"),
    SEED("unigram_norm"), SEED("wordlevel_regex"),
};

#define N_SEEDS (sizeof seeds / sizeof *seeds)

static struct tokenizer *open_seed(const char *path)
{
    static char texts[N_SEEDS][1 << 16]; /* tokens point into them */
    static size_t used;
    FILE *file = fopen(path, "rb");
    if (!file) {
        fprintf(stderr, "%s is missing; run this from the top folder\n", path);
        abort();
    }
    char *json = texts[used++];
    struct source files = {.path = "fuzz"};
    files.tokenizer = (struct span){json, fread(json, 1, sizeof texts[0], file)};
    fclose(file);
    struct tokenizer_options options = {0};
    struct tokenizer *tokenizer;
    struct err err;
    if (!tokenizer_open(&tokenizer, &files, &options, &err)) {
        fprintf(stderr, "%s: %s\n", path, err.message);
        abort();
    }
    return tokenizer;
}

static void check(const struct tokenizer *t, const char *text, size_t bytes)
{
    struct arena arena;
    struct tokens with, without;
    struct err err;
    struct buf out;
    arena_init(&arena, 64u << 20);
    bool done = tokenizer_encode(t, &arena, text, bytes, MODEL_SPANS, &with, &err) &&
                tokenizer_encode(t, &arena, text, bytes, 0, &without, &err);
    if (done) {
        size_t points = utf8_count(text, bytes), known = 0;
        assert(with.n == without.n && !without.spans);
        assert(with.n == 0 || memcmp(with.ids, without.ids, with.n * sizeof *with.ids) == 0);
        for (uint32_t i = 0; i < with.n; i++) {
            assert(with.spans[i].start <= with.spans[i].end && with.spans[i].end <= points);
            if (with.ids[i] == MODEL_NO_ID) continue;
            assert(with.ids[i] < tokenizer_vocab_size(t));
            with.ids[known++] = with.ids[i];
        }
        buf_init(&out, &arena);
        tokenizer_decode(t, with.ids, known, true, &out);
        assert(out.failed || utf8_valid_bytes(out.data, out.bytes) == out.bytes);
    }
    arena_clear(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct tokenizer *tokenizers[N_SEEDS]; /* reachable until the end: no leak */
    if (!tokenizers[0]) {
        json_init();
        for (size_t i = 0; i < N_SEEDS; i++)
            tokenizers[i] = open_seed(seeds[i]);
    }
    if (size < 1) return 0;
    const char *text = (const char *)data + 1;
    if (utf8_valid_bytes(text, size - 1) != size - 1) return 0;
    check(tokenizers[data[0] % N_SEEDS], text, size - 1);
    return 0;
}
