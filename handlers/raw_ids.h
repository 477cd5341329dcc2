/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file raw_ids.h
 * Token ids as the bytes of a body: little-endian numbers, whose type and shape stand in the media
 * type. Pure functions; any thread, each with an arena of its own.
 *
 *     content-type: application/octet-stream; dtype=int32; shape=2,5
 *
 * `dtype` is int32 (the default) or int64. `shape` N,L: N inputs of L ids each, of which those
 * below 0 at the end are padding; without it all ids are one input.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "handlers/value.h"

#include <stdbool.h>
#include <stddef.h>

/** raw_ids_is_type: whether a media type (NULL: none) says that a body is bytes. */
bool raw_ids_is_type(const char *content_type);

/**
 * raw_ids_read: the ids as the value of a field: a list of integers, or a list of such lists.
 * @return false with ERR_INVALID (parameters that are wrong, or do not fit the body) or ERR_MEMORY
 */
bool raw_ids_read(struct arena *arena, const char *content_type, const char *body, size_t bytes,
                  struct value *out, struct err *err);
