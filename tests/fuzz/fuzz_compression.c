/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a compressed body: no more is unpacked than asked for, and what is comes back the
   same when packed and unpacked again. The first byte chooses coding and bound, the rest is the
   body. */
#include "base/compression.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX ((size_t)1 << 20)

static void pack_again(enum compression how, const struct buf *text)
{
    struct arena arena;
    struct buf packed, again;
    arena_init(&arena, 64 << 20);
    buf_init(&packed, &arena);
    buf_init(&again, &arena);
    struct packer *packer = packer_new(how, &arena);
    size_t half = text->bytes / 2;
    if (!packer || !packer_add(packer, text->data, half, false, &packed) ||
        !packer_add(packer, text->data + half, text->bytes - half, true, &packed))
        abort();
    if (compression_unpack(how, packed.data, packed.bytes, text->bytes, &again) != UNPACKED)
        abort();
    if (again.bytes != text->bytes || memcmp(again.data, text->data, text->bytes) != 0) abort();
    arena_clear(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) return 0;
    enum compression how = (enum compression)(1 + data[0] % (COMPRESSION_COUNT - 1));
    size_t max = data[0] & 0x80 ? MAX : (size_t)(data[0] & 0x7C) << 4;
    struct arena arena;
    struct buf out;
    arena_init(&arena, data[0] & 0x40 ? 64 << 20 : 1 << 20);
    buf_init(&out, &arena);
    /* An exact copy, so that the sanitizer sees a read past its end. */
    char *body = malloc(size - 1 ? size - 1 : 1);
    memcpy(body, data + 1, size - 1);
    enum unpacked result = compression_unpack(how, body, size - 1, max, &out);
    if (out.cap > max + 1 || (result == UNPACKED && out.bytes > max)) abort();
    if (result == UNPACKED) {
        pack_again(COMPRESSION_GZIP, &out);
        pack_again(COMPRESSION_ZSTD, &out);
    }
    arena_clear(&arena);
    free(body);
    return 0;
}
