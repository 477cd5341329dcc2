/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file texts.h
 * The texts of a batch where the caller has them, in Arrow's layout, once they are checked. Plain
 * data; any thread may read.
 */
#pragma once

#include "base/span.h"
#include "library/fault.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct texts_view {
    const char *data;
    const void *offsets;
    const uint8_t *validity;
    uint64_t n, first;
    bool is_wide;   /* offsets of 64 bits */
    uint64_t bytes; /* of all texts */
};

/** texts_view_open checks all that the caller says: NULLs, sizes, offsets, which must not go
 * backwards nor behind the data. False with EMBEDD_ERROR_ARGUMENT, naming the row. */
bool texts_view_open(struct texts_view *view, const embedd_texts *texts, struct fault *fault);

/** texts_view_offset: where text `row` begins; `row` may be n: where the last one ends. */
static inline int64_t texts_view_offset(const struct texts_view *view, uint64_t row)
{
    if (view->is_wide) return ((const int64_t *)view->offsets)[view->first + row];
    return ((const int32_t *)view->offsets)[view->first + row];
}

/** texts_view_get: text `row` (< n). */
static inline struct span texts_view_get(const struct texts_view *view, uint64_t row)
{
    const int64_t from = texts_view_offset(view, row), to = texts_view_offset(view, row + 1);
    return (struct span){to > from ? view->data + from : "", (size_t)(to - from)};
}

/** texts_view_is_null: whether text `row` (< n) is null. */
static inline bool texts_view_is_null(const struct texts_view *view, uint64_t row)
{
    const uint64_t bit = view->first + row;
    return view->validity && !(view->validity[bit / 8] >> bit % 8 & 1);
}
