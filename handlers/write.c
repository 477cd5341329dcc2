/* SPDX-License-Identifier: Apache-2.0 */
#include "handlers/write.h"

#include "base/json_write.h"
#include "base/numtext.h"
#include "base/utf8.h"
#include "model/head/heads.h"

#include <math.h>
#include <string.h>

const char *const encoding_names[2] = {[ENCODING_FLOAT] = "float", [ENCODING_BASE64] = "base64"};

void write_text(struct buf *out, struct text text)
{
    json_write_string(out, text.data, text.bytes);
}

void write_ascii(struct buf *out, struct text text)
{
    struct buf utf8;
    buf_init(&utf8, out->arena);
    write_text(&utf8, text);
    out->failed |= utf8.failed;
    if (out->failed) return;
    for (const char *at = utf8.data, *end = at + utf8.bytes; at < end;) {
        const uint32_t point = utf8_next(&at);
        if (point < 0x7F)
            buf_add_char(out, (char)point);
        else if (point < 0x10000)
            buf_printf(out, "\\u%04x", (unsigned)point);
        else /* as two halves */
            buf_printf(out, "\\u%04x\\u%04x", 0xD7C0u + (unsigned)(point >> 10),
                       0xDC00u + (unsigned)(point & 0x3FF));
    }
}

void write_string(struct buf *out, const char *string)
{
    json_write_string(out, string, strlen(string));
}

static void write_labels(struct buf *out, const struct head_info *info)
{
    buf_add_str(out, ",\"names\":");
    for (uint32_t i = 0; i < info->n_labels; i++) {
        buf_add_char(out, i > 0 ? ',' : '[');
        write_string(out, info->labels[i]);
    }
    buf_add_char(out, ']');
}

void write_heads(struct buf *out, const struct heads *heads, uint32_t names_max)
{
    buf_add_char(out, '[');
    for (size_t i = 0; i < heads->n; i++) {
        const struct head_info *info = head_info(heads->items[i]);
        buf_add_str(out, i > 0 ? ",{\"name\":" : "{\"name\":");
        write_string(out, info->name);
        buf_printf(out, ",\"kind\":\"%s\",\"labels\":%u", head_kind_names[info->kind],
                   info->n_labels);
        if (info->n_labels <= names_max) write_labels(out, info);
        buf_add_char(out, '}');
    }
    buf_add_char(out, ']');
}

void write_real(struct buf *out, float score)
{
    const size_t start = out->bytes;
    buf_add_float(out, score);
    if (out->failed) return;
    for (size_t i = start; i < out->bytes; i++)
        if (strchr(".e", out->data[i])) return;
    buf_add_str(out, ".0");
}

void write_token_usage(struct buf *out, uint64_t tokens)
{
    buf_add_str(out, ",\"usage\":{\"prompt_tokens\":");
    buf_add_u64(out, tokens);
    buf_add_str(out, ",\"total_tokens\":");
    buf_add_u64(out, tokens);
    buf_add_char(out, '}');
}

size_t write_floats_bytes(enum encoding encoding, size_t n)
{
    return coding_bytes(&(struct coding){.encoding = encoding}, n);
}

void write_floats(struct buf *out, enum encoding encoding, const float *x, size_t n)
{
    char *at = buf_reserve(out, write_floats_bytes(encoding, n));
    if (at)
        out->bytes +=
            (size_t)(put_vector(at, &(struct coding){.encoding = encoding}, x, n, NULL) - at);
}

size_t coding_bytes(const struct coding *coding, size_t n)
{
    switch (coding->encoding) {
    case ENCODING_FLOAT:
        return 2 + numtext_floats_bytes(number_count(coding->type, n));
    case ENCODING_BASE64:
        return 2 + numtext_base64_bytes(number_bytes(coding->type, n));
    case ENCODING_RAW:
        break;
    }
    return number_bytes(coding->type, n);
}

static char *put_bytes(char *at, enum encoding encoding, const void *bytes, size_t n)
{
    if (encoding == ENCODING_RAW) {
        memcpy(at, bytes, n);
        return at + n;
    }
    *at++ = '"';
    at += numtext_base64(at, bytes, n);
    *at++ = '"';
    return at;
}

static char *put_list(char *at, const float *x, size_t n, bool begins_real)
{
    *at++ = '[';
    if (begins_real && n > 0 && x[0] == 0 && !signbit(x[0])) {
        memcpy(at, "0.0,", 4);
        at += --n > 0 ? 4 : 3;
        x++;
    }
    at += numtext_floats(at, x, n);
    *at++ = ']';
    return at;
}

/* Numbers of another type than float32, as a list. Those of eight bits are whole. */
static char *put_numbers(char *at, enum number_type type, const void *numbers, size_t n)
{
    const bool is_whole = type >= NUMBER_INT8;
    *at++ = '[';
    for (size_t i = 0; i < n; i++) {
        const float number = number_read(type, numbers, i);
        if (i > 0) *at++ = ',';
        if (is_whole && number < 0) *at++ = '-';
        at += is_whole ? numtext_u64(at, (uint64_t)(number < 0 ? -number : number))
                       : numtext_float(at, number);
    }
    *at++ = ']';
    return at;
}

char *put_vector(char *at, const struct coding *coding, const float *x, size_t n, void *scratch)
{
    const bool is_list = coding->encoding == ENCODING_FLOAT;
    if (coding->type == NUMBER_FLOAT32 && is_list) return put_list(at, x, n, coding->begins_real);
    if (coding->type == NUMBER_FLOAT32 && !coding->is_big_endian)
        return put_bytes(at, coding->encoding, x, n * sizeof *x);
    const size_t bytes = number_bytes(coding->type, n);
    number_write(coding->type, x, n, scratch);
    if (is_list) return put_numbers(at, coding->type, scratch, number_count(coding->type, n));
    if (coding->is_big_endian) number_swap(coding->type, scratch, bytes);
    return put_bytes(at, coding->encoding, scratch, bytes);
}
