/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file plain_ideographs.h
 * Runs of the ideographs that most Chinese is written in, U+4E00 to U+9FA5: no normal form and no
 * case changes them, and none parts a word. To find where such a run ends takes no look into the
 * tables of unicode.h. Pure functions; any thread may call them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define PLAIN_IDEOGRAPH_FIRST 0x4E00
#define PLAIN_IDEOGRAPH_LAST 0x9FA5
#define PLAIN_IDEOGRAPH_BYTES 3 /* of each in UTF-8 */

/** plain_ideographs_end: where the run at `at` (valid UTF-8) ends; `at` where there is none. It may
 * be cut short at the end of the text. */
static inline const char *plain_ideographs_end(const char *at, const char *end)
{
    /* Bytes of UTF-8 are ordered as what they stand for. */
    while (end - at > PLAIN_IDEOGRAPH_BYTES) {
        uint32_t bytes;
        memcpy(&bytes, at, sizeof bytes);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
        bytes = __builtin_bswap32(bytes);
#endif
        if ((bytes >> 8) - 0xE4B880 > 0xE9BEA5 - 0xE4B880) break;
        at += PLAIN_IDEOGRAPH_BYTES;
    }
    return at;
}
