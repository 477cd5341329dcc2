/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file buf.h
 * Growing bytes in an arena: what a reply is written into.
 *
 * Appending never fails in the caller's hands: when the arena is at its cap, `failed` is set, the
 * bytes are dropped, and the caller checks once at the end. One thread at a time.
 */
#pragma once

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
    struct arena *arena; /* borrowed; the bytes live as long as its allocations do */
    char *data;          /* not NUL-terminated */
    size_t bytes;
    size_t cap;
    bool failed;
};

/** buf_init: an empty buffer in `arena`; nothing is allocated yet. */
void buf_init(struct buf *buf, struct arena *arena);

/**
 * buf_reserve returns room for `bytes` more bytes at the end, to be written and then claimed by
 * moving `buf->bytes`; NULL (and `failed`) at the arena's cap. Ask once with an upper bound: that
 * is what keeps the hot path free of checks.
 */
char *buf_reserve(struct buf *buf, size_t bytes);

void buf_add(struct buf *buf, const void *data, size_t bytes);
void buf_add_str(struct buf *buf, const char *text);
void buf_add_char(struct buf *buf, char c);

void buf_add_u64(struct buf *buf, uint64_t value);

/** buf_add_float: so that it reads back to the same 32 bits (base/numtext.h). */
void buf_add_float(struct buf *buf, float value);

/** buf_add_lossy: any bytes as valid UTF-8: U+FFFD for each run of them that could have begun a
 * character and did not become one (utf8_broken_bytes). */
void buf_add_lossy(struct buf *buf, const char *text, size_t bytes);

/** buf_printf: for cold paths only; never for floats (base/numtext.h writes those exactly). */
void buf_printf(struct buf *buf, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
