/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file scan.h
 * A reader of request bodies in their usual shape, many times faster than a general JSON library.
 *
 * It understands strings, numbers, true, false, null, lists and objects of these.
 * Whatever else it meets (a list that begins with an integer and holds something else, a duplicate
 * or escaped key, deep nesting, any error at all) it leaves alone: it says no, and the reference
 * reader decides. So it never has to word an error, and what it accepts must be just what the
 * reference accepts; a differential test and a fuzzer hold both to that. Strings without escapes
 * are not copied. No shared state; any thread. Format: RFC 8259.
 */
#pragma once

#include "base/arena.h"
#include "handlers/field.h"
#include "handlers/value.h"

/**
 * scan_fields: as fields_read, without errors.
 * @return true with values and ignored filled; false = not understood, or no memory: they then hold
 *         nothing of use
 */
bool scan_fields(struct arena *arena, const char *body, size_t bytes, const struct field *fields,
                 size_t n, struct value *values, size_t *ignored);
