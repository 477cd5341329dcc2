/* SPDX-License-Identifier: Apache-2.0 */
#include "model/text/unicode/fold_case.h"

#include "base/utf8.h"

#include <utf8proc.h>

/* No character becomes more than three; there is room in case another version has it otherwise. */
#define FOLDED_MAX 8

static void fold_character(const char *at, const char *next, struct buf *out)
{
    utf8proc_int32_t folded[FOLDED_MAX];
    char text[4];
    int last_class = UTF8PROC_BOUNDCLASS_START;
    const char *rest = at;
    const utf8proc_ssize_t n = utf8proc_decompose_char((utf8proc_int32_t)utf8_next(&rest), folded,
                                                       FOLDED_MAX, UTF8PROC_CASEFOLD, &last_class);
    if (n < 1 || n > FOLDED_MAX) buf_add(out, at, (size_t)(next - at));
    for (utf8proc_ssize_t i = 0; i < n && n <= FOLDED_MAX; i++)
        buf_add(out, text, utf8_write(text, (uint32_t)folded[i]));
}

void fold_case(const char *text, size_t bytes, struct buf *out)
{
    const char *end = text + bytes;
    size_t valid = utf8_valid_bytes(text, bytes);
    for (const char *at = text; at < end;) {
        if (valid == 0) {
            buf_add_char(out, *at++);
            valid = utf8_valid_bytes(at, (size_t)(end - at));
            continue;
        }
        const char *next = utf8_past(at, at + valid);
        fold_character(at, next, out);
        valid -= (size_t)(next - at);
        at = next;
    }
}
