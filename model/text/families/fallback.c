/* SPDX-License-Identifier: Apache-2.0 */
#include "model/text/families/fallback.h"

#include <stdio.h>

void fallback_find(struct fallback *fallback, const struct vocab *vocab)
{
    fallback->has_all = true;
    for (unsigned byte = 0; byte < 256; byte++) {
        char text[8];
        snprintf(text, sizeof text, "<0x%02X>", byte);
        fallback->ids[byte] = vocab_id(vocab, text, 6);
        fallback->has_all &= fallback->ids[byte] != UINT32_MAX;
    }
}

bool fallback_covers(const struct fallback *fallback, const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        if (fallback->ids[(unsigned char)text[i]] == UINT32_MAX) return false;
    }
    return true;
}
