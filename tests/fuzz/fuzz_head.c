/* SPDX-License-Identifier: Apache-2.0 */
/* A head's file of any bytes, on a small vocabulary and table: refused with a sentence, or it
   answers with finite probabilities, and shares its logits out. A first line that begins with '#'
   is the config.json beside it. */
#include "base/json.h"
#include "model/encoder/table/table.h"
#include "model/encoder/table/table_encoder.h"
#include "model/head/head.h"
#include "model/text/tokenizer.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define DIM 2
#define ROWS 8

/* N-grams of the seeds are those of this vocabulary. */
#define VOCAB "[UNK]\nthe\nfood\ngood\n##s\n我\n爱\n饭\n"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const float rows[ROWS * DIM] = {0, 0, 1, -1, 0.5f, 2, -2, 1, 3, 0, 0, 1, -1, -1, 4, 0.25f};

static const struct table table = {
    .rows = {.at = rows, .stride_bytes = DIM * sizeof *rows, .n = ROWS},
    .n_rows = ROWS,
    .dim = DIM};

/* Made once; reachable until the end: no leak. */
static const struct tokenizer *tokenizer_of_all(void)
{
    static struct tokenizer *tokenizer;
    const struct tokenizer_files files = {.path = "fuzz", .vocab = {VOCAB, sizeof VOCAB - 1}};
    const struct tokenizer_options options = {.lowercase = true};
    struct err err;
    if (tokenizer) return tokenizer;
    json_init();
    if (!tokenizer_open(&tokenizer, &files, &options, &err)) abort();
    return tokenizer;
}

static void check_answer(const struct head *head, struct arena *arena, const float *logits)
{
    const struct head_info *info = head_info(head);
    float *p = arena_array(arena, info->n_labels, sizeof *p);
    uint32_t *order = arena_array(arena, info->n_labels, sizeof *order);
    struct err err;
    if (!p || !order || !head_order(head, arena, logits, info->n_labels, order, &err)) return;
    head_probabilities(head, logits, p);
    for (uint32_t i = 0; i < info->n_labels; i++)
        if (!(p[i] >= 0 && p[i] <= 1) || order[i] >= info->n_labels) abort();
    for (uint32_t i = 0; i < info->n_labels; i++)
        (void)head_passes(head, p, i, -1);
}

static void ask(const struct head *head, const uint32_t *ids, size_t n)
{
    const struct head_info *info = head_info(head);
    struct arena arena;
    struct err err;
    float v[DIM];
    arena_init(&arena, (size_t)64 << 20);
    float *logits = arena_array(&arena, info->rows, sizeof *logits);
    double *shares = arena_array(&arena, n, sizeof *shares), bias;
    if (!head_vector(head, NULL, &(struct passage){.ids = ids, .n = n}, v, &err)) abort();
    if (logits && shares && head_logits(head, &arena, v, ids, n, logits, &err)) {
        check_answer(head, &arena, logits);
        (void)head_explain(head, &arena, ids, n, info->rows - 1, shares, &bias, &err);
    }
    arena_clear(&arena);
}

/* Takes the first line off; NULL: there is none, or it is not JSON. */
static json_t *take_config(const char **bytes, size_t *size)
{
    const char *end = *size > 0 && **bytes == '#' ? memchr(*bytes, '\n', *size) : NULL;
    struct err err;
    if (!end) return NULL;
    json_t *config = json_read(*bytes + 1, (size_t)(end - *bytes - 1), &err);
    *size -= (size_t)(end + 1 - *bytes);
    *bytes = end + 1;
    return config;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint32_t ids[] = {1, 2, 4, 5, 6, 7, 0, 3, 2, TOKEN_ID_NONE, 7};
    struct head *head;
    struct err err = {0};
    const char *bytes = size ? (const char *)data : "";
    const struct tokenizer *tokenizer = tokenizer_of_all();
    json_t *config = take_config(&bytes, &size);
    struct table_encoder encoder;
    table_encoder_init(&encoder, &table, 0);
    const struct head_input input = {.dim = DIM,
                                     .tokenizer = tokenizer,
                                     .config = config,
                                     .encoder = &encoder.encoder,
                                     .pool = {POOLING_MEAN, true, DIM}};
    if (head_open(&head, (struct span){bytes, size}, "fuzz", "fuzz.json", &input, &err)) {
        ask(head, ids, sizeof ids / sizeof ids[0]);
        ask(head, NULL, 0);
    } else if (head || err.code == ERR_NONE || strlen(err.message) < 10) {
        abort();
    }
    head_close(head);
    json_decref(config);
    return 0;
}
