/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include "base/utf8.h"

#include <stdio.h>
#include <string.h>

/* Drops the last character if the cut went through the middle of it. */
static void trim_partial_character(char *text, size_t bytes)
{
    size_t start = bytes;
    while (start > 0 && utf8_is_inside(text[start - 1]))
        start--;
    if (start == 0) return;
    unsigned char lead = (unsigned char)text[start - 1];
    size_t want = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
    if (bytes - (start - 1) < want) text[start - 1] = '\0';
}

bool err_set(struct err *err, enum err_code code, const char *param, const char *fmt, ...)
{
    if (!err) return false;
    struct err next = {.code = code};
    snprintf(next.param, sizeof next.param, "%s", param ? param : "");
    va_list args;
    va_start(args, fmt);
    int written = vsnprintf(next.message, sizeof next.message, fmt, args);
    va_end(args);
    if (written >= (int)sizeof next.message)
        trim_partial_character(next.message, sizeof next.message - 1);
    /* Built aside first: the arguments may point into the old message. */
    *err = next;
    return false;
}

bool err_set_in(struct err *err, const char *where, const char *fmt, va_list values)
{
    char text[sizeof err->message];
    vsnprintf(text, sizeof text, fmt, values);
    return err_set(err, ERR_FORMAT, NULL, "%.200s: %s", where, text);
}

bool err_in_file(const struct err_file *file, const char *fmt, ...)
{
    va_list values;
    va_start(values, fmt);
    err_set_in(file->err, file->where, fmt, values);
    va_end(values);
    return false;
}

bool err_out_of_memory(struct err *err)
{
    return err_set(err, ERR_MEMORY, NULL,
                   "not enough memory for this; give fewer or shorter texts");
}
