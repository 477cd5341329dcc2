/* SPDX-License-Identifier: Apache-2.0 */
#include "model/text/openai/openai_ids.h"

#include <assert.h>
#include <string.h>

/* In openai_tables.S. */
extern const struct span openai_cl100k_table, openai_o200k_table;

const struct openai_ids openai_cl100k = {
    .name = "cl100k",
    .full_name = "cl100k_base",
    .table = &openai_cl100k_table,
    .n = 100256,
    .id_bits = 17,
    .specials = {{100257, "<|endoftext|>"},
                 {100258, "<|fim_prefix|>"},
                 {100259, "<|fim_middle|>"},
                 {100260, "<|fim_suffix|>"},
                 {100276, "<|endofprompt|>"}},
};

const struct openai_ids openai_o200k = {
    .name = "o200k",
    .full_name = "o200k_base",
    .table = &openai_o200k_table,
    .n = 199998,
    .id_bits = 18,
    .specials = {{199999, "<|endoftext|>"}, {200018, "<|endofprompt|>"}},
};

const char *openai_ids_special(const struct openai_ids *ids, int64_t id)
{
    for (size_t i = 0; i < OPENAI_SPECIALS_MAX && ids->specials[i].name; i++)
        if (ids->specials[i].id == id) return ids->specials[i].name;
    return NULL;
}

/* Ids below are single bytes. */
#define BYTE_IDS 256

static uint64_t load_pair(const struct openai_ids *ids, uint32_t id)
{
    const size_t at = (size_t)(id - BYTE_IDS) * 2 * ids->id_bits;
    uint64_t bits;
    memcpy(&bits, ids->table->data + BYTE_IDS + at / 8, sizeof bits);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    bits = __builtin_bswap64(bits);
#endif
    return bits >> at % 8;
}

/* A second part waits until the first, which has lower ids in turn, has come down to bytes. Each
   that waits will be a byte at least, so that no more of them wait than a token has bytes. */
size_t openai_ids_bytes(const struct openai_ids *ids, uint32_t id,
                        char out[static OPENAI_TOKEN_BYTES_MAX])
{
    assert(openai_ids_has(ids, id));
    const uint32_t mask = (UINT32_C(1) << ids->id_bits) - 1;
    uint32_t waiting[OPENAI_TOKEN_BYTES_MAX];
    size_t n = 0, n_waiting = 0;
    for (;;) {
        while (id >= BYTE_IDS) {
            const uint64_t pair = load_pair(ids, id);
            assert(n + n_waiting + 1 < OPENAI_TOKEN_BYTES_MAX);
            waiting[n_waiting++] = (uint32_t)(pair >> ids->id_bits) & mask;
            id = (uint32_t)pair & mask;
        }
        out[n++] = ids->table->data[id];
        if (n_waiting == 0) return n;
        id = waiting[--n_waiting];
    }
}
