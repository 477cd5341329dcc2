/* SPDX-License-Identifier: Apache-2.0 */
/* A head's file of any bytes: refused with a sentence, or it answers with finite probabilities. */
#include "base/json.h"
#include "model/head/head.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define DIM 2

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask(const struct head *head)
{
    const struct head_info *info = head_info(head);
    const float v[DIM] = {0.5f, -2};
    struct arena arena;
    struct err err;
    arena_init(&arena, (size_t)64 << 20);
    float *logits = arena_array(&arena, info->rows, sizeof *logits);
    float *p = arena_array(&arena, info->n_labels, sizeof *p);
    uint32_t *order = arena_array(&arena, info->n_labels, sizeof *order);
    if (logits && p && order && head_logits(head, &arena, v, NULL, 0, logits, &err) &&
        head_order(head, &arena, logits, head_info(head)->n_labels, order, &err)) {
        head_probabilities(head, logits, p);
        for (uint32_t i = 0; i < info->n_labels; i++)
            if (!(p[i] >= 0 && p[i] <= 1) || order[i] >= info->n_labels) abort();
        for (uint32_t i = 0; i < info->n_labels; i++)
            (void)head_passes(head, p, i, -1);
    }
    arena_clear(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct head *head;
    struct err err = {0};
    const char *bytes = size ? (const char *)data : "";
    json_init();
    if (head_open(&head, (struct span){bytes, size}, "fuzz", "fuzz.json",
                  &(struct head_ground){.dim = DIM}, &err))
        ask(head);
    else if (head || err.code == ERR_NONE || strlen(err.message) < 10)
        abort();
    head_close(head);
    return 0;
}
