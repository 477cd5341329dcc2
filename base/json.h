/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file json.h
 * jansson with our errors and our memory.
 *
 * Reading: numbers keep their kind (integer or real), duplicate keys are refused, nesting is capped
 * by jansson (2,048), NUL is allowed in strings (\u0000).
 * Memory: after json_init, a thread that has called json_use_arena allocates from that arena; what
 * is read then is never freed one by one (json_decref is a no-op on its memory) and must not
 * outlive it.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json_write.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/** json_init installs the allocator below into jansson. Once, before any thread starts. */
void json_init(void);

/**
 * json_use_arena makes this thread's jansson calls allocate from `arena`; NULL goes back to malloc.
 * Values must be freed under the same setting they were made under. Blocks are cut from chunks of
 * the arena, so call it again after each arena_reset (or call it with NULL before).
 */
void json_use_arena(struct arena *arena);

/**
 * json_read parses `text` whole (trailing garbage is an error).
 * @return the value, owned by the caller (json_decref, or the arena's end), or NULL with err set:
 *         ERR_MEMORY at the arena's cap, ERR_RANGE for a number that is too large, otherwise
 *         ERR_INVALID; with line, column and what is wrong.
 */
json_t *json_read(const char *text, size_t bytes, struct err *err);

/** json_read_line: as json_read for one line of a file of them. An error names the column alone:
 * the caller knows the number of the line in the file. */
json_t *json_read_line(const char *text, size_t bytes, struct err *err);

/**
 * json_read_file parses a file as other programs write and read them (Python's json above all): a
 * byte order mark is passed over; NaN, Infinity, -Infinity and numbers too large for a double are
 * read as an empty list, which no numeric field accepts; whole numbers past 64 bits as the largest
 * or smallest of these; half a surrogate pair as U+FFFD. Any of that under keys that nobody reads
 * does no harm. Requests go through json_read.
 * @param may_repeat if a key comes twice, the last one counts; otherwise that is an error
 * @return as json_read
 */
json_t *json_read_file(const char *text, size_t bytes, bool may_repeat, struct err *err);

/** json_find: what stands in an object or list at a key or path, such as "annotations.0.label"; a
 * key that holds dots goes before a path. NULL: nothing does. */
const json_t *json_find(const json_t *value, const char *path);
