/* SPDX-License-Identifier: Apache-2.0 */
/* The public calls with any offsets, bitmap and bytes: the first bytes say how many texts there
   are, how wide their offsets are, what becomes of invalid texts, and which type the rows have.
   What comes back is a code, and rows that are written where they belong. */
#include "include/embedd.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HEAD_BYTES 8
#define TEXTS_MAX 24
#define GAP 3

/* In blocks of their own, so that a byte too far is seen. */
static void *copy_of(const void *from, size_t bytes)
{
    void *copy = malloc(bytes > 0 ? bytes : 1);
    assert(copy);
    if (bytes > 0) memcpy(copy, from, bytes);
    return copy;
}

static void encode(const embedd_model *model, embedd_pool *pool, const uint8_t *head,
                   const embedd_texts *texts)
{
    embedd_encode_options options = EMBEDD_INIT(embedd_encode_options);
    embedd_rows rows = EMBEDD_INIT(embedd_rows);
    embedd_error error = EMBEDD_INIT(embedd_error);
    options.invalid = head[2] % 3;
    options.dimensions = head[3] % 4;
    options.normalize = head[4] % 4;
    rows.type = head[5] % 10;
    rows.stride = embedd_row_bytes(rows.type, 2) + GAP;
    rows.bytes = rows.stride * texts->n;
    rows.data = malloc(rows.bytes + 1);
    rows.validity = malloc(texts->n / 8 + 1);
    const int code = embedd_encode(model, pool, texts, &options, &rows, NULL, &error);
    assert(code == error.code);
    assert((code == EMBEDD_OK) == (error.message[0] == 0));
    free(rows.validity);
    free(rows.data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static embedd_model *model;
    static embedd_pool *pool;
    if (!model && embedd_open("examples/chain/w6x2", NULL, &model, NULL) != EMBEDD_OK) abort();
    if (!pool && embedd_pool_new(2, &pool, NULL) != EMBEDD_OK) abort();
    if (size < HEAD_BYTES) return 0;
    embedd_texts texts = EMBEDD_INIT(embedd_texts);
    texts.n = data[0] % TEXTS_MAX;
    texts.offset_bits = data[1] & 1 ? 64 : 32;
    texts.first = data[6] % 3;
    const size_t all = texts.first + texts.n;
    const size_t offset_bytes = (all + 1) * (size_t)texts.offset_bits / 8,
                 bitmap_bytes = all / 8 + 1;
    if (size < HEAD_BYTES + offset_bytes + bitmap_bytes + 1) return 0;
    const uint8_t *at = data + HEAD_BYTES;
    void *offsets = copy_of(at, offset_bytes);
    void *bitmap = copy_of(at + offset_bytes, bitmap_bytes);
    texts.data_bytes = size - HEAD_BYTES - offset_bytes - bitmap_bytes;
    void *bytes = copy_of(at + offset_bytes + bitmap_bytes, texts.data_bytes);
    texts.offsets = offsets;
    texts.validity = data[7] & 1 ? bitmap : NULL;
    texts.data = bytes;
    encode(model, data[7] & 2 ? pool : NULL, data, &texts);
    free(bytes);
    free(bitmap);
    free(offsets);
    return 0;
}
