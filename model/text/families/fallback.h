/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file fallback.h
 * byte_fallback: the tokens <0x00> to <0xFF>, which stand for the bytes of what is not a token.
 * Immutable once made; any thread may use it.
 */
#pragma once

#include "model/text/vocab/vocab.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fallback {
    uint32_t ids[256]; /* by byte, or UINT32_MAX */
    bool has_all;
};

/** fallback_find: call once the vocabulary is finished. */
void fallback_find(struct fallback *fallback, const struct vocab *vocab);

/** fallback_covers: whether each byte of `text` has a token. */
bool fallback_covers(const struct fallback *fallback, const char *text, size_t bytes);
