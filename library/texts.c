/* SPDX-License-Identifier: Apache-2.0 */
#include "library/texts.h"

#include <inttypes.h>

/* More texts than any memory holds. */
#define TEXTS_MAX ((uint64_t)1 << 48)

static bool refuse_offset(const struct texts_view *view, uint64_t row, struct fault *fault)
{
    const int64_t from = texts_view_offset(view, row), to = texts_view_offset(view, row + 1);
    fault->row = (int64_t)row;
    if (from < 0)
        return fault_set(fault, EMBEDD_ERROR_ARGUMENT, "texts.offsets",
                         "its text begins at offset %" PRId64 ", before the data", from);
    return fault_set(fault, EMBEDD_ERROR_ARGUMENT, "texts.offsets",
                     "its text ends at offset %" PRId64 ", before it begins at %" PRId64
                     "; offsets must not go backwards",
                     to, from);
}

/* Without branches, so that it is as fast as memory: where a row is wrong, it is looked for. */
static bool are_ascending(const struct texts_view *view)
{
    unsigned wrong = texts_view_offset(view, 0) < 0;
    if (view->is_wide) {
        const int64_t *offsets = (const int64_t *)view->offsets + view->first;
        for (uint64_t i = 0; i < view->n; i++)
            wrong |= offsets[i + 1] < offsets[i];
    } else {
        const int32_t *offsets = (const int32_t *)view->offsets + view->first;
        for (uint64_t i = 0; i < view->n; i++)
            wrong |= offsets[i + 1] < offsets[i];
    }
    return !wrong;
}

static bool check_offsets(struct texts_view *view, uint64_t data_bytes, struct fault *fault)
{
    if (!are_ascending(view)) {
        uint64_t row = 0;
        while (texts_view_offset(view, row) >= 0 &&
               texts_view_offset(view, row) <= texts_view_offset(view, row + 1))
            row++;
        return refuse_offset(view, row, fault);
    }
    const int64_t begin = texts_view_offset(view, 0), end = texts_view_offset(view, view->n);
    view->bytes = (uint64_t)(end - begin);
    if (!view->data && view->bytes > 0) return fault_null(fault, "texts.data");
    if (data_bytes == 0 || (uint64_t)end <= data_bytes) return true;
    uint64_t row = 0;
    while ((uint64_t)texts_view_offset(view, row + 1) <= data_bytes)
        row++;
    fault->row = (int64_t)row;
    return fault_set(fault, EMBEDD_ERROR_ARGUMENT, "texts.offsets",
                     "its text ends at offset %" PRId64 ", behind the data of %" PRIu64 " bytes",
                     texts_view_offset(view, row + 1), data_bytes);
}

bool texts_view_open(struct texts_view *view, const embedd_texts *texts, struct fault *fault)
{
    embedd_texts given;
    if (!STRUCT_READ(given, texts, false, "texts", fault)) return false;
    if (given.n > TEXTS_MAX || given.first > TEXTS_MAX)
        return fault_set(fault, EMBEDD_ERROR_ARGUMENT, "texts.n",
                         "texts.n and texts.first must be at most 2^48, not %" PRIu64
                         " and %" PRIu64,
                         given.n, given.first);
    *view = (struct texts_view){.data = given.data,
                                .offsets = given.offsets,
                                .validity = given.validity,
                                .n = given.n,
                                .first = given.first,
                                .is_wide = given.offset_bits == 64};
    if (given.n == 0) return true;
    if (given.offset_bits != 32 && given.offset_bits != 64)
        return fault_set(fault, EMBEDD_ERROR_ARGUMENT, "texts.offset_bits",
                         "texts.offset_bits must be 32 or 64, not %d", given.offset_bits);
    if (!given.offsets) return fault_null(fault, "texts.offsets");
    if ((uintptr_t)given.offsets % (given.offset_bits / 8) != 0)
        return fault_set(fault, EMBEDD_ERROR_ARGUMENT, "texts.offsets",
                         "texts.offsets must be aligned to their %d bytes", given.offset_bits / 8);
    return check_offsets(view, given.data_bytes, fault);
}
