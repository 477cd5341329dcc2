/* SPDX-License-Identifier: Apache-2.0 */
#include "model/files/npy.h"

#include "base/utf8.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC "\x93NUMPY"
#define MAGIC_BYTES 6
#define TEXT_CHARACTERS_MAX 65536

/* ---- the header: a Python dict in a line, such as
   {'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), } ---- */

struct reader {
    const char *at, *end;
};

static void skip_space(struct reader *reader)
{
    while (reader->at < reader->end && (*reader->at == ' ' || *reader->at == '\n'))
        reader->at++;
}

static bool take(struct reader *reader, const char *word)
{
    const size_t bytes = strlen(word);
    skip_space(reader);
    if ((size_t)(reader->end - reader->at) < bytes || memcmp(reader->at, word, bytes) != 0)
        return false;
    reader->at += bytes;
    return true;
}

static bool take_number(struct reader *reader, size_t *out)
{
    const char *start = reader->at;
    *out = 0;
    for (; reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9'; reader->at++)
        if (__builtin_mul_overflow(*out, (size_t)10, out) ||
            __builtin_add_overflow(*out, (size_t)(*reader->at - '0'), out))
            return false;
    return reader->at > start;
}

static bool is_known(const struct npy *npy, size_t size)
{
    switch (npy->kind) {
    case 'f':
        return size == 2 || size == 4 || size == 8;
    case 'i':
        return size == 1 || size == 2 || size == 4 || size == 8;
    case 'u':
        return size == 1 || size == 2 || size == 4;
    case 'b':
        return size == 1;
    case 'U':
        return size >= 1 && size <= TEXT_CHARACTERS_MAX;
    default:
        return false;
    }
}

/* '<f8', '|b1', '<U5': order, kind, size; of a text the size is in characters. */
static bool take_descr(struct reader *reader, struct npy *npy)
{
    size_t size;
    if (!take(reader, "'<") && !take(reader, "'|")) return false;
    if (reader->at == reader->end) return false;
    npy->kind = *reader->at++;
    if (!take_number(reader, &size) || !is_known(npy, size) || !take(reader, "'")) return false;
    npy->item_bytes = npy->kind == 'U' ? size * 4 : size;
    return true;
}

static bool take_shape(struct reader *reader, struct npy *npy)
{
    npy->rank = 0;
    npy->shape[0] = npy->shape[1] = 1;
    if (!take(reader, "(")) return false;
    while (!take(reader, ")")) {
        skip_space(reader);
        if (npy->rank == NPY_RANK_MAX || !take_number(reader, &npy->shape[npy->rank])) return false;
        npy->rank++;
        if (take(reader, ",")) continue;
        return take(reader, ")");
    }
    return true;
}

/* Which of the keys have come. */
struct seen {
    bool descr, order, shape;
};

static const char *read_entry(struct npy *npy, struct reader *reader, struct seen *seen)
{
    if (!seen->descr && take(reader, "'descr':")) {
        seen->descr = true;
        if (take_descr(reader, npy)) return NULL;
        return "holds something other than little-endian floats, whole numbers, booleans or texts; "
               "save it as one of these";
    }
    if (!seen->order && take(reader, "'fortran_order':")) {
        seen->order = true;
        npy->is_fortran = take(reader, "True");
        if (npy->is_fortran || take(reader, "False")) return NULL;
        return "has a fortran_order that is neither True nor False";
    }
    if (!seen->shape && take(reader, "'shape':")) {
        seen->shape = true;
        return take_shape(reader, npy) ? NULL : "must have a shape of at most two sizes";
    }
    return "has a header with keys other than descr, fortran_order and shape";
}

static const char *read_header(struct npy *npy, struct reader *reader)
{
    struct seen seen = {0};
    if (!take(reader, "{")) return "has a header that is not a dict";
    for (bool is_more = true; !take(reader, "}"); is_more = take(reader, ",")) {
        const char *why = is_more ? read_entry(npy, reader, &seen) : "has a header that is cut off";
        if (why) return why;
    }
    skip_space(reader);
    if (!seen.descr || !seen.order || !seen.shape || reader->at < reader->end)
        return "has a header that is not just descr, fortran_order and shape";
    return NULL;
}

const char *npy_open(struct npy *npy, struct span bytes)
{
    const unsigned char *start = (const unsigned char *)bytes.data;
    size_t before, length, n;
    *npy = (struct npy){0};
    if (bytes.bytes < MAGIC_BYTES + 6 || memcmp(start, MAGIC, MAGIC_BYTES) != 0)
        return "is not a .npy file";
    if (start[6] < 1 || start[6] > 3 || start[7] != 0)
        return "is a .npy file of a version other than 1.0, 2.0 and 3.0; save it again with NumPy";
    before = MAGIC_BYTES + 2 + (start[6] == 1 ? 2 : 4);
    length = start[8] | (size_t)start[9] << 8;
    if (start[6] > 1) length |= (size_t)start[10] << 16 | (size_t)start[11] << 24;
    if (length > bytes.bytes - before) return "is cut short in its header; copy it again";
    struct reader reader = {bytes.data + before, bytes.data + before + length};
    const char *why = read_header(npy, &reader);
    if (why) return why;
    npy->data = reader.end;
    if (__builtin_mul_overflow(npy->shape[0], npy->shape[1], &n) ||
        __builtin_mul_overflow(n, npy->item_bytes, &n) || n != bytes.bytes - before - length)
        return "does not hold as many values as its shape says; copy it again";
    return NULL;
}

/* ---- its values ---- */

double npy_number(const struct npy *npy, size_t row, size_t column)
{
    const size_t i = npy->is_fortran ? column * npy->shape[0] + row : row * npy->shape[1] + column;
    float small;
    double value;
    if (npy->item_bytes == sizeof value) {
        memcpy(&value, npy->data + i * sizeof value, sizeof value);
        return value;
    }
    memcpy(&small, npy->data + i * sizeof small, sizeof small);
    return (double)small;
}

/* Characters of four bytes, NULs behind the last one. */
static json_t *text_label(const char *data, size_t characters)
{
    char *text = malloc(characters * 4 + 1);
    size_t bytes = 0;
    uint32_t code;
    for (; characters > 0; characters--) {
        memcpy(&code, data + (characters - 1) * sizeof code, sizeof code);
        if (code != 0) break;
    }
    for (size_t i = 0; text && i < characters; i++) {
        memcpy(&code, data + i * sizeof code, sizeof code);
        if (code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) {
            free(text);
            return NULL;
        }
        bytes += utf8_write(text + bytes, code);
    }
    json_t *label = text ? json_stringn(text, bytes) : NULL;
    free(text);
    return label;
}

/* A whole number of 1 to 8 bytes, the lowest first. */
static json_t *whole_label(const char *data, size_t bytes, bool is_signed)
{
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; i++)
        value |= (uint64_t)(unsigned char)data[i] << (8 * i);
    const unsigned unused = (unsigned)(64 - 8 * bytes);
    if (is_signed) return json_integer((int64_t)(value << unused) >> unused);
    return json_integer((int64_t)value);
}

json_t *npy_label(const struct npy *npy, size_t i)
{
    const char *data = npy->data + i * npy->item_bytes;
    if (npy->kind == 'U') return text_label(data, npy->item_bytes / 4);
    if (npy->kind == 'b') return json_boolean(data[0] != 0);
    return whole_label(data, npy->item_bytes, npy->kind == 'i');
}
