/* SPDX-License-Identifier: Apache-2.0 */
/** @file text.h  Borrowed text: a pointer and how far it goes. */
#pragma once

#include <stddef.h>

/** Borrowed bytes, not NUL-terminated. */
struct text {
    const char *data;
    size_t bytes;
};

#define TEXT(literal)                                                                              \
    {                                                                                              \
        .data = (literal), .bytes = sizeof(literal) - 1                                            \
    }
