/* SPDX-License-Identifier: Apache-2.0 */
#include "model/encoder/fasttext/reader.h"

#include "base/utf8.h"

#include <stdarg.h>

bool ft_fail(const struct ft_reader *reader, const char *fmt, ...)
{
    va_list values;
    va_start(values, fmt);
    err_set_in(reader->err, reader->where, fmt, values);
    va_end(values);
    return false;
}

int ft_quotable(const char *text, size_t bytes)
{
    size_t few = utf8_cut(text, bytes, ERR_VALUE_BYTES);
    return (int)utf8_valid_bytes(text, few);
}

const char *ft_take(struct ft_reader *reader, const char *what, uint64_t bytes)
{
    if (bytes > ft_left(reader)) {
        ft_fail(reader,
                "%s should have %llu bytes from byte %zu on, but only %zu follow; the file was cut "
                "short: copy it again",
                what, (unsigned long long)bytes, reader->at, ft_left(reader));
        return NULL;
    }
    const char *begin = reader->file.data + reader->at;
    reader->at += (size_t)bytes;
    return begin;
}

bool ft_take_i32(struct ft_reader *reader, const char *what, int32_t *out)
{
    const char *at = ft_take(reader, what, sizeof *out);
    if (!at) return false;
    *out = ft_i32(at);
    return true;
}

bool ft_take_i64(struct ft_reader *reader, const char *what, int64_t *out)
{
    const char *at = ft_take(reader, what, sizeof *out);
    if (!at) return false;
    *out = ft_i64(at);
    return true;
}

bool ft_take_flag(struct ft_reader *reader, const char *what, bool *out)
{
    const char *at = ft_take(reader, what, 1);
    if (!at) return false;
    if (*at != 0 && *at != 1) {
        return ft_fail(reader,
                       "%s at byte %zu is %d, but must be 0 or 1; the file is damaged: copy it "
                       "again",
                       what, reader->at - 1, (unsigned char)*at);
    }
    *out = *at == 1;
    return true;
}
