/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file patterns.h
 * The regular expressions that byte-level tokenizers split texts by, written out by hand.
 *
 * Classes of characters are the reference's (unicode.h). Pure functions.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum pattern_kind {
    PATTERN_NONE,
    PATTERN_GPT2,   /* the pre-tokenizer ByteLevel's own: GPT-2, RoBERTa */
    PATTERN_CL100K, /* cl100k and Llama 3: numbers by three digits */
    PATTERN_QWEN2,  /* the same with numbers digit by digit */
    PATTERN_O200K,  /* GPT-4o and gpt-oss: a word is capitals, then small letters */
    /* DeepSeek V3's three, which leave gaps between matches; those above leave none. */
    PATTERN_NUMBERS,  /* numbers by three digits */
    PATTERN_CJK,      /* ideographs and kana */
    PATTERN_DEEPSEEK, /* a mark of ASCII goes with the ASCII letters behind it */
};

/** pattern_known: the pattern that is spelled exactly like an expression; PATTERN_NONE: another
 * one. */
enum pattern_kind pattern_known(const char *regex, size_t bytes);

/** pattern_leaves_gaps: whether there may be text between its matches. */
static inline bool pattern_leaves_gaps(enum pattern_kind kind)
{
    return kind >= PATTERN_NUMBERS;
}

/** pattern_next: where the match that starts at `at` (< bytes, valid UTF-8) ends. For those without
 * gaps. */
size_t pattern_next(enum pattern_kind kind, const char *text, size_t bytes, size_t at);

/**
 * pattern_find finds the first match at or after `*start` (<= bytes): [*start, *end). For those
 * that leave gaps.
 * @return false: there is none, and both are `bytes`
 */
bool pattern_find(enum pattern_kind kind, const char *text, size_t bytes, size_t *start,
                  size_t *end);
