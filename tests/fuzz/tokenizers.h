/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file tokenizers.h
 * Tokenizers of each kind, and what must hold of them on any text: for the fuzz targets.
 */
#pragma once

#include "base/json.h"
#include "base/utf8.h"
#include "model/text/tokenizer.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEED(name) "tests/fuzz/corpus/tokenizer_json/" name

static const char *const seeds[] = {
    SEED("bpe_bytes"),       SEED("bpe_fallback"),         SEED("bpe_affixes"),
    SEED("bpe_split"),       SEED("unigram_map"),          SEED("unigram_bytes"),
    SEED("wordlevel_any"),   SEED("wordpiece_any"),        SEED("unigram_norm"),
    SEED("wordlevel_regex"), SEED("wordpiece_ideographs"),
};

#define N_SEEDS (sizeof seeds / sizeof *seeds)

static inline struct tokenizer *open_seed(const char *path)
{
    static char texts[N_SEEDS][1 << 16]; /* tokens point into them */
    static size_t used;
    FILE *file = fopen(path, "rb");
    if (!file) {
        fprintf(stderr, "%s is missing; run this from the top folder\n", path);
        abort();
    }
    char *json = texts[used++];
    struct tokenizer_files files = {.path = "fuzz"};
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

/* The same tokens with and without spans, spans within the text. */
static inline void check_tokens(const struct tokenizer *t, const char *text, size_t bytes)
{
    struct arena arena;
    struct tokens with, without;
    struct err err;
    struct buf out;
    arena_init(&arena, 64u << 20);
    bool done = tokenizer_encode(t, &arena, text, bytes, TOKENIZE_SPANS, &with, &err) &&
                tokenizer_encode(t, &arena, text, bytes, 0, &without, &err);
    if (done) {
        size_t points = utf8_count(text, bytes), known = 0;
        assert(with.n == without.n && !without.spans);
        assert(with.n == 0 || memcmp(with.ids, without.ids, with.n * sizeof *with.ids) == 0);
        for (uint32_t i = 0; i < with.n; i++) {
            assert(with.spans[i].start <= with.spans[i].end && with.spans[i].end <= points);
            if (with.ids[i] == TOKEN_ID_NONE) continue;
            assert(with.ids[i] < tokenizer_vocab_size(t));
            with.ids[known++] = with.ids[i];
        }
        buf_init(&out, &arena);
        tokenizer_decode(t, with.ids, known, true, &out);
        assert(out.failed || utf8_valid_bytes(out.data, out.bytes) == out.bytes);
    }
    arena_clear(&arena);
}

/* All of them; reachable until the end, so no leak. */
static inline struct tokenizer **open_seeds(void)
{
    static struct tokenizer *tokenizers[N_SEEDS];
    if (tokenizers[0]) return tokenizers;
    json_init();
    for (size_t i = 0; i < N_SEEDS; i++)
        tokenizers[i] = open_seed(seeds[i]);
    return tokenizers;
}
