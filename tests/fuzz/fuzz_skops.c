/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a file of skops: the first part of the input is its schema.json, the others are
   members called 0, 1, 2 ... The zip around them is made here, so that sums are right and what is
   changed gets as far as the readers of trees and arrays. Refused with a sentence, or it answers.
 */
#include "base/json.h"
#include "model/head/head.h"
#include "tests/zip.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define DIM 2
#define PARTS_MAX 10
#define BREAK "\n--\n"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t cut(struct zip_part *parts, const uint8_t *data, size_t size)
{
    static const char *const names[PARTS_MAX] = {"schema.json", "0", "1", "2", "3",
                                                 "4",           "5", "6", "7", "8"};
    const uint8_t *end = data + size;
    size_t n = 0;
    while (n < PARTS_MAX) {
        const uint8_t *next = memmem(data, (size_t)(end - data), BREAK, strlen(BREAK));
        const size_t bytes = (size_t)((next ? next : end) - data);
        parts[n] = (struct zip_part){.name = names[n], .data = data, .bytes = bytes};
        n++;
        if (!next) break;
        data = next + strlen(BREAK);
    }
    return n;
}

static void ask(const struct head *head)
{
    const struct head_info *info = head_info(head);
    const float v[DIM] = {0.5f, -2};
    struct arena arena;
    struct err err;
    arena_init(&arena, (size_t)64 << 20);
    float *logits = arena_array(&arena, info->rows, sizeof *logits);
    float *p = arena_array(&arena, info->n_labels, sizeof *p);
    if (logits && p && head_logits(head, &arena, v, NULL, 0, logits, &err)) {
        head_probabilities(head, logits, p);
        for (uint32_t i = 0; i < info->n_labels; i++)
            if (!(p[i] >= 0 && p[i] <= 1)) abort();
    }
    arena_clear(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t none[1];
    static bool is_ready;
    struct zip_part parts[PARTS_MAX];
    struct head *head;
    struct err err = {0};
    size_t bytes;
    if (!is_ready) json_init();
    is_ready = true;
    unsigned char *file = zip_make(parts, cut(parts, size ? data : none, size), &bytes);
    if (head_open(&head, (struct span){(char *)file, bytes}, "fuzz", "fuzz.skops",
                  &(struct head_input){.dim = DIM}, &err))
        ask(head);
    else if (head || err.code == ERR_NONE || strlen(err.message) < 10)
        abort();
    head_close(head);
    free(file);
    return 0;
}
