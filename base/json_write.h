/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file json_write.h
 * Strings as JSON text, for whoever writes JSON without reading it (jansson: base/json.h). No
 * shared state; any thread. Format: RFC 8259, 7.
 */
#pragma once

#include "base/buf.h"

#include <stddef.h>

/** json_plain_end: the first byte from `at` on that a JSON string cannot hold as it is: a quote, a
 * backslash or a control character; `end` if there is none. */
const char *json_plain_end(const char *at, const char *end);

/** json_write_string writes `text` quoted and escaped; bytes that are not UTF-8 become U+FFFD. */
void json_write_string(struct buf *buf, const char *text, size_t bytes);

/**
 * json_escape writes as much of the escaped form of `text` (without quotes) as fits into `cap`
 * bytes, never part of a character or of an escape.
 * @param used how many bytes of `text` were written so
 * @return bytes written to `out`
 */
size_t json_escape(char *out, size_t cap, const char *text, size_t bytes, size_t *used);
