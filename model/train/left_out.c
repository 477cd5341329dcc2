/* SPDX-License-Identifier: Apache-2.0 */
#include "model/train/left_out.h"

#include <assert.h>
#include <string.h>

const char *const bad_row_names[BAD_ROWS] = {
    [BAD_ROW_NONE] = "nothing wrong",
    [BAD_ROW_COLUMNS] = "another number of columns",
    [BAD_ROW_QUOTES] = "quotes that do not fit",
    [BAD_ROW_ENCODING] = "bytes that are no text",
    [BAD_ROW_JSON] = "invalid JSON",
    [BAD_ROW_MISSING] = "no usable text or label",
    [BAD_ROW_NO_LABEL] = "an empty label",
    [BAD_ROW_NUL] = "the character NUL in a label",
    [BAD_ROW_LABELS] = "too many labels",
    [BAD_ROW_NO_TEXT] = "an empty text",
};

void left_out_add(struct left_out *left_out, enum bad_row kind, const struct err *err)
{
    assert(kind != BAD_ROW_NONE);
    left_out->n++;
    left_out->counts[kind]++;
    if (left_out->n_listed == LEFT_OUT_LISTED_MAX) return;
    memcpy(left_out->listed[left_out->n_listed++], err->message, sizeof err->message);
}
