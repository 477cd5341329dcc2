/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file write.h
 * Values as JSON text, appended to a buffer: each is whole, or buf->failed is set. No shared state;
 * any thread.
 */
#pragma once

#include "base/buf.h"
#include "handlers/text.h"

#include <stddef.h>

/** How vectors are written. */
enum encoding { ENCODING_FLOAT, ENCODING_BASE64 };

/** Names by enum encoding, as `encoding_format` has them: float, base64. */
extern const char *const encoding_names[2];

/** write_text appends a string, quoted and escaped; bytes that are not UTF-8 become U+FFFD. */
void write_text(struct buf *out, struct text text);

/** write_floats appends `[a,b,...]`, or the base64 of the n floats as a string. */
void write_floats(struct buf *out, enum encoding encoding, const float *x, size_t n);

/** write_floats_bytes: room for one such list. */
size_t write_floats_bytes(enum encoding encoding, size_t n);

/** put_floats: write_floats at `at`, where there is such room; returns the end. */
char *put_floats(char *at, enum encoding encoding, const float *x, size_t n);
