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

/**
 * parts_join makes one text of a list of objects that hold a `text` each, a space between two.
 * @param where what the list is called in messages: "inputs[3].content"
 * @return false with ERR_INVALID (no list, an empty one, or a part that is no text) or ERR_MEMORY
 */
bool parts_join(struct exchange *x, const struct value *parts, const char *where, struct text *out,
                struct err *err);
