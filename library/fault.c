/* SPDX-License-Identifier: Apache-2.0 */
#include "library/fault.h"

#include "base/utf8.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

bool fault_set(struct fault *fault, int code, const char *argument, const char *fmt, ...)
{
    char sentence[sizeof fault->err.message];
    va_list values;
    va_start(values, fmt);
    vsnprintf(sentence, sizeof sentence, fmt, values);
    va_end(values);
    err_set(&fault->err, ERR_INVALID, argument, "%s", sentence);
    fault->code = code;
    return false;
}

bool fault_null(struct fault *fault, const char *argument)
{
    return fault_set(fault, EMBEDD_ERROR_ARGUMENT, argument, "%s must not be NULL", argument);
}

static int code_of(const struct fault *fault)
{
    if (fault->code != EMBEDD_OK) return fault->code;
    switch (fault->err.code) {
    case ERR_USAGE:
    case ERR_INVALID:
    case ERR_EMPTY:
    case ERR_RANGE:
        return EMBEDD_ERROR_ARGUMENT;
    case ERR_TOO_LARGE:
        return EMBEDD_ERROR_ROOM;
    case ERR_NOT_FOUND:
        return EMBEDD_ERROR_NOT_FOUND;
    case ERR_IO:
        return EMBEDD_ERROR_IO;
    case ERR_FORMAT:
        return EMBEDD_ERROR_FORMAT;
    case ERR_MEMORY:
        return EMBEDD_ERROR_MEMORY;
    case ERR_UNPROCESSABLE:
        return EMBEDD_ERROR_UNPROCESSABLE;
    default:
        return EMBEDD_ERROR_INTERNAL;
    }
}

int fault_tell(const struct fault *fault, embedd_error *error)
{
    const int code = code_of(fault);
    embedd_error told = {.code = code, .row = fault->row};
    if (!error || error->struct_size < sizeof error->struct_size) return code;
    char before[40] = "";
    if (fault->row >= 0) snprintf(before, sizeof before, "row %" PRId64 ": ", fault->row);
    snprintf(told.argument, sizeof told.argument, "%s", fault->err.param);
    snprintf(told.message, sizeof told.message, "%s%s", before, fault->err.message);
    struct_write(error, &told, sizeof told);
    return code;
}

bool struct_read(void *known, size_t known_bytes, const void *given, bool may_lack,
                 const char *name, struct fault *fault)
{
    size_t bytes;
    memset(known, 0, known_bytes);
    if (!given) return may_lack || fault_null(fault, name);
    memcpy(&bytes, given, sizeof bytes);
    if (bytes < sizeof bytes || bytes > (size_t)1 << 16)
        return fault_set(fault, EMBEDD_ERROR_ARGUMENT, name,
                         "%s: struct_size must be the size of the struct, %zu here, not %zu; "
                         "EMBEDD_INIT sets it",
                         name, known_bytes, bytes);
    memcpy(known, given, bytes < known_bytes ? bytes : known_bytes);
    for (size_t i = known_bytes; i < bytes; i++)
        if (((const char *)given)[i] != 0)
            return fault_set(fault, EMBEDD_ERROR_ARGUMENT, name,
                             "%s: a member at byte %zu is set, which this version of the library "
                             "(%s) does not know; leave it zero, or take a newer library",
                             name, i, embedd_version());
    return true;
}

void struct_write(void *given, const void *known, size_t known_bytes)
{
    size_t bytes;
    memcpy(&bytes, given, sizeof bytes);
    if (bytes > known_bytes) bytes = known_bytes;
    if (bytes <= sizeof bytes) return;
    memcpy((char *)given + sizeof bytes, (const char *)known + sizeof bytes, bytes - sizeof bytes);
}
