/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file fault.h
 * What goes wrong in a call of the library, on its way to the caller's embedd_error; and the
 * caller's structs, whose sizes say how much of them there is. Plain values; any thread.
 */
#pragma once

#include "base/err.h"
#include "include/embedd.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A `struct err` with what the library's callers are told besides. */
struct fault {
    int code;    /* enum embedd_code; EMBEDD_OK: as err.code says */
    int64_t row; /* -1: none */
    struct err err;
};

/** FAULT_NONE: what a fault begins as. */
#define FAULT_NONE                                                                                 \
    {                                                                                              \
        .row = -1                                                                                  \
    }

/** fault_set fills it in; `argument` may be NULL. Returns false. */
bool fault_set(struct fault *fault, int code, const char *argument, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/** fault_null: an argument that must not be NULL is. Returns false. */
bool fault_null(struct fault *fault, const char *argument);

/** fault_tell writes it to the caller's `error` (NULL: nobody wants to know), with the row, if
 * there is one, before its sentence. Returns its code. */
int fault_tell(const struct fault *fault, embedd_error *error);

/** call_end: EMBEDD_OK where the call went well, otherwise fault_tell. */
static inline int call_end(bool is_ok, const struct fault *fault, embedd_error *error)
{
    return is_ok ? EMBEDD_OK : fault_tell(fault, error);
}

/**
 * struct_read copies a caller's struct, whose first member is its size, as far as we know it: the
 * rest of ours becomes zero.
 * @param name  of the argument
 * @param given NULL only where `may_lack`: all zeros
 * @param known (known_bytes) ours
 * @return false with EMBEDD_ERROR_ARGUMENT: a size that is none, or a member that a newer library
 *         knows
 */
bool struct_read(void *known, size_t known_bytes, const void *given, bool may_lack,
                 const char *name, struct fault *fault);

/** struct_write copies ours to the caller's, as far as there is room for it; its size stays. */
void struct_write(void *given, const void *known, size_t known_bytes);

/** STRUCT_READ: struct_read into `known`, a struct. */
#define STRUCT_READ(known, given, may_lack, name, fault)                                           \
    struct_read(&(known), sizeof(known), given, may_lack, name, fault)
