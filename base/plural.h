/* SPDX-License-Identifier: Apache-2.0 */
/** @file plural.h  The end of a word in messages that count. Any thread. */
#pragma once

#include <stdint.h>

/** plural: "" of one, else "s". */
static inline const char *plural(uint64_t n)
{
    return n == 1 ? "" : "s";
}
