/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file reader.h
 * One step after the other through the bytes of a fastText file, none past its end. One thread at a
 * time; errors go to the caller's `err`.
 */
#pragma once

#include "base/err.h"
#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct ft_reader {
    struct span file;
    size_t at;         /* the next byte; ≤ file.bytes */
    const char *where; /* name of the file, for messages */
    struct err *err;
};

/** ft_fail: err_set with ERR_FORMAT, the file's name in front. Returns false. */
bool ft_fail(const struct ft_reader *reader, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/** ft_quotable: how many bytes of `text` a message may quote: the first ones, if they are UTF-8. */
int ft_quotable(const char *text, size_t bytes);

/** ft_left: how many bytes follow. */
static inline size_t ft_left(const struct ft_reader *reader)
{
    return reader->file.bytes - reader->at;
}

/** ft_take moves past `bytes` bytes and returns where they begin; NULL with err set if fewer
 * follow. `what` they are stands in the message. */
const char *ft_take(struct ft_reader *reader, const char *what, uint64_t bytes);

/** ft_take_i32, ft_take_i64, ft_take_flag: the next number, little-endian; a flag is a byte 0 or 1.
 */
bool ft_take_i32(struct ft_reader *reader, const char *what, int32_t *out);
bool ft_take_i64(struct ft_reader *reader, const char *what, int64_t *out);
bool ft_take_flag(struct ft_reader *reader, const char *what, bool *out);

/** ft_float, ft_i32, ft_i64: the little-endian number at any address. */
static inline float ft_float(const char *at)
{
    float value;
    memcpy(&value, at, sizeof value);
    return value;
}

static inline int32_t ft_i32(const char *at)
{
    int32_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

static inline int64_t ft_i64(const char *at)
{
    int64_t value;
    memcpy(&value, at, sizeof value);
    return value;
}
