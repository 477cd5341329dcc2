/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file write.h
 * Values as they stand in a reply, appended to a buffer: each is whole, or buf->failed is set. No
 * shared state; any thread.
 */
#pragma once

#include "base/buf.h"
#include "handlers/text.h"
#include "model/math/numbers.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heads;

/** How vectors are written. */
enum encoding {
    ENCODING_FLOAT,  /* [a,b,...] */
    ENCODING_BASE64, /* the base64 of their bytes, as a string */
    ENCODING_RAW,    /* the bytes; in no JSON */
};

/** Names of the first two, as `encoding_format` has them: float, base64. */
extern const char *const encoding_names[2];

/** How vectors are written, and in which numbers. All zeros: as lists of float32. */
struct coding {
    enum encoding encoding;
    enum number_type type;
    bool is_big_endian; /* of base64 and raw bytes */
    bool begins_real;   /* a 0 in front of a list has a point (0.0, as in the vector of a text
                           without tokens): there are clients that tell a vector by it */
};

/** write_text appends a string, quoted and escaped; bytes that are not UTF-8 become U+FFFD. */
void write_text(struct buf *out, struct text text);

/** write_ascii: write_text in printable ASCII alone, for headers. */
void write_ascii(struct buf *out, struct text text);

/** write_string: write_text of a NUL-terminated one. */
void write_string(struct buf *out, const char *string);

/** write_real appends a number that is never whole: 1 is written as 1.0. Readers that tell numbers
 * apart by how they look (Java's) find a floating-point one each time. */
void write_real(struct buf *out, float score);

/** write_heads appends a list of what a model's heads are: name, kind, how many labels, and as
 * `names` the labels, in their order, of those that have no more than `names_max`. */
void write_heads(struct buf *out, const struct heads *heads, uint32_t names_max);

/** write_token_usage appends ,"usage":{"prompt_tokens","total_tokens"}, both of them `tokens`. */
void write_token_usage(struct buf *out, uint64_t tokens);

/** write_floats appends `[a,b,...]`, or the base64 of the n floats as a string. */
void write_floats(struct buf *out, enum encoding encoding, const float *x, size_t n);

/** write_floats_bytes: room for one such list. */
size_t write_floats_bytes(enum encoding encoding, size_t n);

/** coding_bytes: room for n values written so. */
size_t coding_bytes(const struct coding *coding, size_t n);

/** put_vector writes n values at `at`, where there is such room; returns the end.
 * @param scratch n floats of room, unless float32 is written as little-endian bytes or a list */
char *put_vector(char *at, const struct coding *coding, const float *x, size_t n, void *scratch);
