/* SPDX-License-Identifier: Apache-2.0 */
#include "handlers/write.h"

#include "base/json_write.h"
#include "base/numtext.h"

const char *const encoding_names[2] = {[ENCODING_FLOAT] = "float", [ENCODING_BASE64] = "base64"};

void write_text(struct buf *out, struct text text)
{
    json_write_string(out, text.data, text.bytes);
}

size_t write_floats_bytes(enum encoding encoding, size_t n)
{
    return 2 + (encoding == ENCODING_BASE64 ? numtext_base64_bytes(n * sizeof(float))
                                            : numtext_floats_bytes(n));
}

char *put_floats(char *at, enum encoding encoding, const float *x, size_t n)
{
    *at++ = encoding == ENCODING_BASE64 ? '"' : '[';
    at += encoding == ENCODING_BASE64 ? numtext_base64(at, x, n * sizeof *x)
                                      : numtext_floats(at, x, n);
    *at++ = encoding == ENCODING_BASE64 ? '"' : ']';
    return at;
}

void write_floats(struct buf *out, enum encoding encoding, const float *x, size_t n)
{
    char *at = buf_reserve(out, write_floats_bytes(encoding, n));
    if (at) out->bytes += (size_t)(put_floats(at, encoding, x, n) - at);
}
