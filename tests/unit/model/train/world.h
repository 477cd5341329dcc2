/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file world.h
 * What a training needs, small and in memory: a tokenizer, a table of fixed numbers with token
 * weights, examples of a few words.
 */
#pragma once

#include "base/json.h"
#include "model/train/examples.h"
#include "model/train/label_names.h"
#include "tests/test.h"

#include "model/encoder/table/table.h"
#include "model/text/tokenizer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define WORLD_VOCAB "[UNK]\nthe\nfood\nis\ngood\nbad\neat\n##s\n##ing\n我\n爱\n饭\n吃\n"
#define WORLD_V 13
#define WORLD_D 5
#define WORLD_UNKNOWN 0

struct world {
    struct tokenizer *tokenizer;
    float rows[WORLD_V * WORLD_D], weights[WORLD_V];
    struct table table;
    struct examples examples;
};

static inline void world_open(struct world *world)
{
    const struct tokenizer_files files = {.path = "a-folder",
                                          .vocab = {WORLD_VOCAB, sizeof WORLD_VOCAB - 1}};
    const struct tokenizer_options options = {.lowercase = true};
    struct err err;
    json_init();
    *world = (struct world){0};
    if (!tokenizer_open(&world->tokenizer, &files, &options, &err)) fail_msg("%s", err.message);
    for (int i = 0; i < WORLD_V * WORLD_D; i++)
        world->rows[i] = sinf((float)(i * i % 97) + 0.5f);
    for (int i = 0; i < WORLD_V; i++)
        world->weights[i] = 0.25f + (float)(i * 5 % WORLD_V) / 8;
    world->table = (struct table){.rows = {.at = world->rows,
                                           .stride_bytes = WORLD_D * sizeof *world->rows,
                                           .n = WORLD_V,
                                           .dtype = DTYPE_F32},
                                  .n_rows = WORLD_V,
                                  .dim = WORLD_D,
                                  .weights = world->weights};
    world->examples.names = label_names_new();
    world->examples.owns_names = true;
    assert_non_null(world->examples.names);
}

/* Names become labels 0, 1, 2 ... */
static inline void world_name(struct world *world, const char *name)
{
    label_names_add(world->examples.names, (struct span){name, strlen(name)});
}

/* Labels are digits: "02" are two of them. */
static inline void world_add(struct world *world, const char *text, const char *digits)
{
    struct arena arena;
    struct tokens tokens;
    struct err err;
    uint32_t labels[10];
    const size_t n = strlen(digits);
    for (size_t i = 0; i < n; i++)
        labels[i] = (uint32_t)(digits[i] - '0');
    arena_init(&arena, 1 << 20);
    assert_true(tokenizer_encode(world->tokenizer, &arena, text, strlen(text), 0, &tokens, &err));
    assert_true(examples_add(&world->examples, tokens.ids, tokens.n, labels, n, &err));
    arena_clear(&arena);
}

static inline void world_close(struct world *world)
{
    examples_clear(&world->examples);
    tokenizer_close(world->tokenizer);
}
