/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file bert_normalizer.h
 * BertNormalizer: clean text, spaces around Chinese characters, NFD without accents, lower case, in
 * this order, and NFKC before it. Reference: the `tokenizers` library's normalizers of the same
 * names. Pure functions; any thread may call them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** All false: the text stays as it is (a null normalizer). */
struct bert_normalizer {
    bool clean_text;
    bool handle_chinese_chars;
    bool strip_accents;
    bool lowercase;
    bool compatible; /* after NFKC; all of the above but for handle_chinese_chars are set */
};

/** What bert_normalizer_apply returns where NFKC would do more than to replace single characters:
 * the steps must do it one after another. Of `compatible` alone. */
#define BERT_NORMALIZER_GAVE_UP SIZE_MAX

/** Normalized text never takes more than this many bytes a byte of the text. */
#define NORMALIZER_GROWTH 3

/**
 * bert_normalizer_ascii writes the normalized text to `out` (room for `bytes`), if `text` is ASCII
 * that holds nothing to remove: each byte then stays in its place. Otherwise returns false and
 * `out` is scratch.
 */
bool bert_normalizer_ascii(const struct bert_normalizer *normalizer, const char *text, size_t bytes,
                           char *out);

/**
 * bert_normalizer_apply writes the normalized text (valid UTF-8 in and out).
 * @param out    room for bytes * NORMALIZER_GROWTH
 * @param places (code points of the result) which code point of `text` each one stems from,
 *               ascending; room for as many as `text` has bytes; NULL = not
 *               wanted
 * @return bytes written, or BERT_NORMALIZER_GAVE_UP
 */
size_t bert_normalizer_apply(const struct bert_normalizer *normalizer, const char *text,
                             size_t bytes, char *out, uint32_t *places);
