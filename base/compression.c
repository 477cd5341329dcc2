/* SPDX-License-Identifier: Apache-2.0 */
#include "base/compression.h"

/* For memory of our own. What is named so below has kept its form since version 1.0, and Debian's
   shared library has it. */
#define ZSTD_STATIC_LINKING_ONLY
#include <assert.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

const char *const compression_names[COMPRESSION_COUNT] = {"identity", "gzip", "deflate", "zstd"};

/* zlib counts in 32 bits. */
#define STEP_BYTES ((size_t)1 << 30)
#define ROOM_BYTES_MIN ((size_t)16 << 10)
#define WINDOW_LOG_MAX 23
#define ZLIB_WINDOW_LOG 15
#define ZLIB_IS_GZIP 16
/* The quickest that is worth it: higher levels take twice the time for a tenth less. A smaller
   window than the level's own loses little, and is there once a reply. */
#define LEVEL 1
#define PACK_WINDOW_LOG 17

static_assert((size_t)1 << WINDOW_LOG_MAX == COMPRESSION_WINDOW_BYTES, "one bound");

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* ---- memory ---- */

static void *zlib_alloc(void *arena, unsigned n, unsigned size)
{
    return arena_array(arena, n, size);
}

static void zlib_free(void *arena, void *block)
{
    (void)arena;
    (void)block;
}

static void *zstd_alloc(void *arena, size_t bytes)
{
    return arena_alloc(arena, bytes);
}

static void zstd_free(void *arena, void *block)
{
    (void)arena;
    (void)block;
}

/* Room for something more, of `max` bytes in all and one that shows that there is more than these;
   false at the arena's cap. */
static bool make_room(struct buf *out, size_t max)
{
    if (out->bytes < out->cap) return true;
    assert(out->bytes <= max);
    const size_t room = least(out->cap > 0 ? 2 * out->cap : ROOM_BYTES_MIN, max + 1);
    char *data = arena_grow(out->arena, out->data, out->cap, room);
    if (!data) return false;
    out->data = data;
    out->cap = room;
    return true;
}

/* ---- unpacking ---- */

static int start_inflate(z_stream *stream, enum compression compression, struct arena *arena)
{
    *stream = (z_stream){.zalloc = zlib_alloc, .zfree = zlib_free, .opaque = arena};
    return inflateInit2(stream,
                        ZLIB_WINDOW_LOG + (compression == COMPRESSION_GZIP ? ZLIB_IS_GZIP : 0));
}

/* One member, as far as it goes within `max`; UNPACKED at its end. */
static enum unpacked inflate_member(z_stream *stream, const char *end, size_t max, struct buf *out)
{
    for (;;) {
        if (!make_room(out, max)) return UNPACKED_MEMORY;
        size_t room = least(out->cap - out->bytes, STEP_BYTES);
        stream->avail_in =
            (unsigned)least((size_t)(end - (const char *)stream->next_in), STEP_BYTES);
        stream->next_out = (unsigned char *)out->data + out->bytes;
        stream->avail_out = (unsigned)room;
        const int result = inflate(stream, Z_NO_FLUSH);
        const size_t made = room - stream->avail_out;
        out->bytes += made;
        if (out->bytes > max) return UNPACKED_LONG;
        if (result == Z_STREAM_END) return UNPACKED;
        if (result == Z_MEM_ERROR) return UNPACKED_MEMORY;
        if (result != Z_OK && result != Z_BUF_ERROR) return UNPACKED_WRONG;
        if ((const char *)stream->next_in == end && stream->avail_out > 0) return UNPACKED_CUT;
    }
}

static enum unpacked unpack_by_zlib(enum compression compression, const char *packed, size_t bytes,
                                    size_t max, struct buf *out)
{
    const char *const end = packed + bytes;
    z_stream stream;
    if (start_inflate(&stream, compression, out->arena) != Z_OK) return UNPACKED_MEMORY;
    stream.next_in = (unsigned char *)(uintptr_t)packed;
    for (bool is_first = true;; is_first = false) {
        const size_t before = out->bytes;
        enum unpacked result = inflate_member(&stream, end, max, out);
        if (result == UNPACKED_WRONG && !is_first && out->bytes == before) return UNPACKED_TRAILING;
        if (result != UNPACKED || (const char *)stream.next_in == end) return result;
        if (compression == COMPRESSION_DEFLATE) return UNPACKED_TRAILING;
        inflateReset(&stream);
    }
}

/* Whether a frame of zstd begins here, or one that is to be skipped; UNPACKED_CUT: as far as can be
   seen. The library would take frames of versions before the standard, too, by decoders that take
   memory past the arena and never give it back. */
static enum unpacked check_frame(const char *at, size_t bytes)
{
    char magic[4] = "\x28\xB5\x2F\xFD";
    const size_t n = least(bytes, sizeof magic);
    if (n > 0 && (*at & 0xF0) == 0x50) memcpy(magic, (char[]){*at, '\x2A', '\x4D', '\x18'}, 4);
    if (memcmp(at, magic, n) != 0) return UNPACKED_WRONG;
    return n == sizeof magic ? UNPACKED : UNPACKED_CUT;
}

static enum unpacked zstd_fault(size_t result)
{
    switch (ZSTD_getErrorCode(result)) {
    case ZSTD_error_memory_allocation:
        return UNPACKED_MEMORY;
    case ZSTD_error_frameParameter_windowTooLarge:
        return UNPACKED_WINDOW;
    default:
        return UNPACKED_WRONG;
    }
}

/* One frame, as far as it goes within `max`; UNPACKED at its end. */
static enum unpacked unpack_frame(ZSTD_DCtx *context, ZSTD_inBuffer *in, size_t max,
                                  struct buf *out)
{
    enum unpacked result = UNPACKED;
    for (size_t left = 1; result == UNPACKED && left > 0;) {
        if (!make_room(out, max)) return UNPACKED_MEMORY;
        ZSTD_outBuffer to = {out->data, out->cap, out->bytes};
        left = ZSTD_decompressStream(context, &to, in);
        if (ZSTD_isError(left)) return zstd_fault(left);
        out->bytes = to.pos;
        if (out->bytes > max) return UNPACKED_LONG;
        if (left > 0 && in->pos == in->size && to.pos < to.size) result = UNPACKED_CUT;
    }
    return result;
}

static enum unpacked unpack_by_zstd(const char *packed, size_t bytes, size_t max, struct buf *out)
{
    const ZSTD_customMem memory = {zstd_alloc, zstd_free, out->arena};
    ZSTD_DCtx *context = ZSTD_createDCtx_advanced(memory);
    if (!context) return UNPACKED_MEMORY;
    ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, WINDOW_LOG_MAX);
    ZSTD_inBuffer in = {packed, bytes, 0};
    do {
        enum unpacked result = check_frame(packed + in.pos, bytes - in.pos);
        if (result == UNPACKED_WRONG && in.pos > 0) return UNPACKED_TRAILING;
        if (result == UNPACKED) result = unpack_frame(context, &in, max, out);
        if (result != UNPACKED) return result;
    } while (in.pos < in.size);
    return UNPACKED;
}

enum unpacked compression_unpack(enum compression compression, const char *packed, size_t bytes,
                                 size_t max, struct buf *out)
{
    assert(compression != COMPRESSION_NONE && out->bytes == 0 && max < SIZE_MAX);
    if (bytes == 0) return UNPACKED_CUT;
    return compression == COMPRESSION_ZSTD ? unpack_by_zstd(packed, bytes, max, out)
                                           : unpack_by_zlib(compression, packed, bytes, max, out);
}

/* ---- packing ---- */

struct packer {
    enum compression compression;
    z_stream zlib;
    ZSTD_CCtx *zstd;
};

static bool start_zstd(struct packer *packer, struct arena *arena)
{
    const ZSTD_customMem memory = {zstd_alloc, zstd_free, arena};
    packer->zstd = ZSTD_createCCtx_advanced(memory);
    if (!packer->zstd) return false;
    ZSTD_CCtx_setParameter(packer->zstd, ZSTD_c_compressionLevel, LEVEL);
    ZSTD_CCtx_setParameter(packer->zstd, ZSTD_c_windowLog, PACK_WINDOW_LOG);
    return true;
}

struct packer *packer_new(enum compression compression, struct arena *arena)
{
    assert(compression == COMPRESSION_GZIP || compression == COMPRESSION_ZSTD);
    struct packer *packer = arena_alloc(arena, sizeof *packer);
    if (!packer) return NULL;
    packer->compression = compression;
    packer->zlib = (z_stream){.zalloc = zlib_alloc, .zfree = zlib_free, .opaque = arena};
    const bool is_ready =
        compression == COMPRESSION_ZSTD
            ? start_zstd(packer, arena)
            : deflateInit2(&packer->zlib, LEVEL, Z_DEFLATED, ZLIB_WINDOW_LOG + ZLIB_IS_GZIP, 8,
                           Z_DEFAULT_STRATEGY) == Z_OK;
    return is_ready ? packer : NULL;
}

/* What is under way of the bytes to pack, and where they go. */
struct step {
    const char *data;
    size_t bytes;
    char *out;
    size_t room;
};

enum progress { PROGRESS_FAILED, PROGRESS_MORE, PROGRESS_DONE };

static enum progress step_zlib(z_stream *stream, struct step *step, bool is_last)
{
    const size_t in = least(step->bytes, STEP_BYTES), room = least(step->room, STEP_BYTES);
    const bool is_all = in == step->bytes;
    stream->next_in = (unsigned char *)(uintptr_t)step->data;
    stream->avail_in = (unsigned)in;
    stream->next_out = (unsigned char *)step->out;
    stream->avail_out = (unsigned)room;
    const int result = deflate(stream, !is_all ? Z_NO_FLUSH : is_last ? Z_FINISH : Z_SYNC_FLUSH);
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) return PROGRESS_FAILED;
    step->data += in - stream->avail_in;
    step->bytes -= in - stream->avail_in;
    step->out += room - stream->avail_out;
    step->room -= room - stream->avail_out;
    if (result == Z_STREAM_END) return PROGRESS_DONE;
    const bool is_flushed = step->bytes == 0 && stream->avail_out > 0;
    return is_flushed && !is_last ? PROGRESS_DONE : PROGRESS_MORE;
}

static enum progress step_zstd(ZSTD_CCtx *context, struct step *step, bool is_last)
{
    ZSTD_inBuffer in = {step->data, step->bytes, 0};
    ZSTD_outBuffer out = {step->out, step->room, 0};
    const size_t left =
        ZSTD_compressStream2(context, &out, &in, is_last ? ZSTD_e_end : ZSTD_e_flush);
    if (ZSTD_isError(left)) return PROGRESS_FAILED;
    step->data += in.pos;
    step->bytes -= in.pos;
    step->out += out.pos;
    step->room -= out.pos;
    return left == 0 && step->bytes == 0 ? PROGRESS_DONE : PROGRESS_MORE;
}

static enum progress take_step(struct packer *packer, struct step *step, bool is_last)
{
    return packer->compression == COMPRESSION_ZSTD ? step_zstd(packer->zstd, step, is_last)
                                                   : step_zlib(&packer->zlib, step, is_last);
}

bool packer_add(struct packer *packer, const char *data, size_t bytes, bool is_last,
                struct buf *out)
{
    struct step step = {.data = data, .bytes = bytes};
    enum progress progress = PROGRESS_MORE;
    while (progress == PROGRESS_MORE) {
        if (!buf_reserve(out, ROOM_BYTES_MIN)) return false;
        step.out = out->data + out->bytes;
        step.room = out->cap - out->bytes;
        progress = take_step(packer, &step, is_last);
        out->bytes = (size_t)(step.out - out->data);
    }
    return progress == PROGRESS_DONE;
}

size_t compression_pack(enum compression compression, struct arena *arena, const char *data,
                        size_t bytes, char *out, size_t room)
{
    struct step step = {.data = data, .bytes = bytes, .out = out, .room = room};
    struct packer *packer = packer_new(compression, arena);
    enum progress progress = packer ? PROGRESS_MORE : PROGRESS_FAILED;
    while (progress == PROGRESS_MORE && step.room > 0)
        progress = take_step(packer, &step, true);
    return progress == PROGRESS_DONE ? (size_t)(step.out - out) : 0;
}
