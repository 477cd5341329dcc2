/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file parts.h
 * A text that a request sends in parts, as APIs do that take pictures as well. Lives in the
 * request's arena, which one thread has at a time.
 */
#pragma once

#include "base/err.h"
#include "handlers/exchange.h"
#include "handlers/value.h"

#include <stdbool.h>

/** What a list is called in messages: "inputs[3].content"; where `list` is NULL by its name alone.
 * Put into words only where there is something to say. */
struct parts_place {
    const char *list;
    size_t index;
    const char *name;
};

#define PARTS_PLACE_BYTES 96

/** parts_place_write: `place` in words, as long as `out` is there. */
const char *parts_place_write(const struct parts_place *place, char out[static PARTS_PLACE_BYTES]);

/**
 * parts_join makes one text of a list of objects that hold a `text` each, a space between two.
 * @return false with ERR_INVALID (no list, an empty one, or a part that is no text) or ERR_MEMORY
 */
bool parts_join(struct exchange *x, const struct value *parts, const struct parts_place *place,
                struct text *out, struct err *err);
