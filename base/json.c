/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include "base/utf8.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* jansson makes many small blocks: they are cut from chunks of this size, 16-byte aligned, since
   the arena's own alignment would spend a cache line on each number. */
#define CHUNK_BYTES 4096
#define BLOCK_ALIGN 16
#define BLOCK_BYTES_MAX 1024

static _Thread_local struct {
    struct arena *arena;
    char *next, *end; /* free space of the newest chunk */
    bool is_out_of_memory;
} memory;

static void *allocate_small(size_t bytes)
{
    if ((size_t)(memory.end - memory.next) < bytes) {
        char *chunk = arena_alloc(memory.arena, CHUNK_BYTES);
        if (!chunk) return NULL;
        memory.next = chunk;
        memory.end = chunk + CHUNK_BYTES;
    }
    void *block = memory.next;
    memory.next += bytes;
    return block;
}

static void *allocate(size_t bytes)
{
    void *block;
    if (!memory.arena)
        block = malloc(bytes);
    else if (bytes > BLOCK_BYTES_MAX)
        block = arena_alloc(memory.arena, bytes);
    else
        block = allocate_small((bytes + BLOCK_ALIGN - 1) / BLOCK_ALIGN * BLOCK_ALIGN);
    if (!block) memory.is_out_of_memory = true;
    return block;
}

static void release(void *block)
{
    if (!memory.arena) free(block);
}

void json_init(void)
{
    json_set_alloc_funcs(allocate, release);
    /* Hash seed for objects: now, rather than raced for by the threads. */
    json_object_seed(0);
}

void json_use_arena(struct arena *arena)
{
    memory.arena = arena;
    memory.next = memory.end = NULL;
}

/* What is wrong, in words of our own where jansson's need knowing jansson. */
static const char *describe(const json_error_t *error)
{
    switch (json_error_code(error)) {
    case json_error_premature_end_of_input:
        return "the text ends too early";
    case json_error_end_of_input_expected:
        return "something follows the end of the value";
    case json_error_stack_overflow:
        return "more than 2,048 lists or objects within each other";
    case json_error_numeric_overflow:
        return "a number is too large";
    default:
        return error->text;
    }
}

json_t *json_read(const char *text, size_t bytes, struct err *err)
{
    if (bytes == 0) {
        err_set(err, ERR_INVALID, NULL, "invalid JSON: the text is empty");
        return NULL;
    }
    if (utf8_mark_bytes(text, bytes) > 0) {
        err_set(err, ERR_INVALID, NULL,
                "invalid JSON: the text starts with a byte order mark; leave it out");
        return NULL;
    }
    /* jansson ends a number at a raw NUL as if that were white space. */
    if (memchr(text, '\0', bytes)) {
        err_set(err, ERR_INVALID, NULL,
                "invalid JSON: it holds a NUL byte; in a string, write it as \\u0000");
        return NULL;
    }
    json_error_t error;
    memory.is_out_of_memory = false;
    json_t *value =
        json_loadb(text, bytes, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    if (value) return value;
    if (memory.is_out_of_memory)
        err_out_of_memory(err);
    else
        err_set(err, ERR_INVALID, NULL, "invalid JSON at line %d, column %d: %s", error.line,
                error.column, describe(&error));
    return NULL;
}

/* The escape of a byte that a JSON string cannot hold as it is (RFC 8259, 7). */
static size_t escape_byte(unsigned char c, char out[static 6])
{
    static const char letters[] = "btn\0fr"; /* 8 to 13 */
    static const char hex[] = "0123456789abcdef";
    out[0] = '\\';
    char letter = c >= 0x20 ? (char)c : c >= 8 && c <= 13 ? letters[c - 8] : '\0';
    if (letter) {
        out[1] = letter;
        return 2;
    }
    memcpy(out + 1, "u00", 3);
    out[4] = hex[c >> 4];
    out[5] = hex[c & 15];
    return 6;
}

/* How many bytes at the start stand for themselves. */
static size_t plain_bytes(const char *text, size_t bytes)
{
    size_t n = 0;
    while (n < bytes && (unsigned char)text[n] >= 0x20 && text[n] != '"' && text[n] != '\\')
        n++;
    return n;
}

size_t json_escape(char *out, size_t cap, const char *text, size_t bytes, size_t *used)
{
    size_t n = 0, i = 0, valid_end = utf8_valid_bytes(text, bytes);
    while (i < bytes) {
        size_t plain = plain_bytes(text + i, valid_end - i);
        size_t fits = utf8_cut(text + i, plain, cap - n);
        memcpy(out + n, text + i, fits);
        n += fits;
        i += fits;
        if (fits < plain || i == bytes) break;

        char escape[6];
        size_t n_escape;
        if (i == valid_end) { /* a byte that is not UTF-8 */
            n_escape = utf8_write(escape, 0xFFFD);
            valid_end = i + 1 + utf8_valid_bytes(text + i + 1, bytes - i - 1);
        } else {
            n_escape = escape_byte((unsigned char)text[i], escape);
        }
        if (n_escape > cap - n) break;
        memcpy(out + n, escape, n_escape);
        n += n_escape;
        i++;
    }
    *used = i;
    return n;
}

void json_write_string(struct buf *buf, const char *text, size_t bytes)
{
    buf_add_char(buf, '"');
    while (bytes > 0) {
        size_t cap = bytes + 16, used = 0;
        char *out = buf_reserve(buf, cap);
        if (!out) return;
        buf->bytes += json_escape(out, cap, text, bytes, &used);
        text += used;
        bytes -= used;
    }
    buf_add_char(buf, '"');
}
