/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include "base/numtext.h"
#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void buf_init(struct buf *buf, struct arena *arena)
{
    *buf = (struct buf){.arena = arena};
}

char *buf_reserve(struct buf *buf, size_t bytes)
{
    if (buf->cap - buf->bytes >= bytes && buf->data) return buf->data + buf->bytes;
    if (buf->failed) return NULL;
    size_t want = buf->bytes + bytes, twice = buf->cap * 2;
    size_t cap = want > twice ? want : twice;
    char *data = want < bytes ? NULL : arena_grow(buf->arena, buf->data, buf->cap, cap);
    if (!data) {
        buf->failed = true;
        return NULL;
    }
    buf->data = data;
    buf->cap = cap;
    return data + buf->bytes;
}

void buf_add(struct buf *buf, const void *data, size_t bytes)
{
    char *out = buf_reserve(buf, bytes);
    if (!out || bytes == 0) return;
    memcpy(out, data, bytes);
    buf->bytes += bytes;
}

void buf_add_str(struct buf *buf, const char *text)
{
    buf_add(buf, text, strlen(text));
}

void buf_add_char(struct buf *buf, char c)
{
    buf_add(buf, &c, 1);
}

void buf_add_u64(struct buf *buf, uint64_t value)
{
    char *at = buf_reserve(buf, NUMTEXT_U64_BYTES);
    if (at) buf->bytes += numtext_u64(at, value);
}

void buf_add_float(struct buf *buf, float value)
{
    char *at = buf_reserve(buf, NUMTEXT_FLOAT_BYTES);
    if (at) buf->bytes += numtext_float(at, value);
}

void buf_add_lossy(struct buf *buf, const char *text, size_t bytes)
{
    for (size_t done = 0; done < bytes;) {
        size_t valid = utf8_valid_bytes(text + done, bytes - done);
        buf_add(buf, text + done, valid);
        done += valid;
        if (done == bytes) return;
        buf_add_str(buf, "\xEF\xBF\xBD");
        done += utf8_broken_bytes(text + done, bytes - done);
    }
}

void buf_printf(struct buf *buf, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int bytes = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    char *out = bytes < 0 ? NULL : buf_reserve(buf, (size_t)bytes + 1);
    if (out) buf->bytes += (size_t)vsnprintf(out, (size_t)bytes + 1, fmt, again);
    va_end(again);
}
