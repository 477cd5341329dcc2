/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file bert_words.h
 * BertPreTokenizer: a text split at white space, each mark of punctuation a word of its own.
 * Pure functions over constant tables; any thread may call them.
 */
#pragma once

#include "base/utf8.h"
#include "model/text/unicode/plain_ideographs.h"
#include "model/text/unicode/unicode.h"

#include <stdbool.h>
#include <stddef.h>

struct word {
    const char *start, *end;
};

/** words_flags: flags of the character at `at` (< end of valid UTF-8); `*next` is set past it. */
static inline uint8_t words_flags(const char *at, const char **next)
{
    uint8_t flags = unicode_byte_flags[(unsigned char)*at];
    if (__builtin_expect(flags != UNICODE_LEAD, 1)) {
        *next = at + 1;
        return flags;
    }
    *next = at;
    return unicode_record_of(utf8_next(next))->flags;
}

/**
 * words_next finds the word at or after `*at`, and moves `*at` past it.
 * @param alone flags of characters that are words of their own
 * @return false at the end of the text
 */
static inline bool words_next(const char **at, const char *end, uint8_t alone, struct word *word)
{
    const char *next;
    uint8_t flags;
    do {
        if (*at == end) return false;
        word->start = *at;
        flags = words_flags(*at, at);
    } while (flags & UNICODE_SPACE);
    word->end = *at;
    if (flags & alone) return true;
    do {
        if (!(alone & UNICODE_CHINESE)) *at = plain_ideographs_end(*at, end);
        if (*at == end || words_flags(*at, &next) & (UNICODE_SPACE | alone)) break;
        *at = next;
    } while (true);
    word->end = *at;
    return true;
}
