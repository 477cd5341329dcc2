/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file fields.h
 * The body of a request, read into the few fields its endpoint knows.
 *
 * An endpoint lists the names it reads; here they become plain values, so no dialect sees the JSON
 * library. Two readers fill the same values: the reference (jansson, base/json.h) and a scanner for
 * the usual shapes (handlers/scan.h), which leaves everything unusual to the reference.
 * Values live in the request's arena, or point into its body. No shared state.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "handlers/field.h"
#include "handlers/value.h"

#include <stdbool.h>
#include <stddef.h>

/**
 * fields_read reads `body` (UTF-8 JSON, a byte order mark in front is skipped), which must be one
 * object.
 * @param fields  (n) those that the endpoint knows
 * @param values  (n) filled: VALUE_ABSENT where the body has no such field
 * @param ignored set to the number of members that are not among fields
 * @return false with ERR_INVALID (not JSON, a duplicate key, bad UTF-8, not an object) or
 *         ERR_MEMORY
 */
bool fields_read(struct arena *arena, const char *body, size_t bytes, const struct field *fields,
                 size_t n, struct value *values, size_t *ignored, struct err *err);

/**
 * fields_of_object: the same for an object that has been read already.
 * @param object any value; where it is no object, it has no fields
 * @param values (n) filled: VALUE_ABSENT where the object has no such field
 * @return the number of members that are not among fields
 */
size_t fields_of_object(const struct value *object, const struct field *fields, size_t n,
                        struct value *values);

/** fields_read_reference: the same by jansson alone, without the scanner and the byte order mark.
 */
bool fields_read_reference(struct arena *arena, const char *body, size_t bytes,
                           const struct field *fields, size_t n, struct value *values,
                           size_t *ignored, struct err *err);
