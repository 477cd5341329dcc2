/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file encoding.h
 * What a text that should be UTF-8 is instead, so that a message can name the remedy. Pure
 * functions.
 */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * encoding_guess looks at bytes that are not valid UTF-8, from the start of a line on.
 * @return iconv's name of the encoding: "UTF-16" or "UTF-32" where they begin with its byte order
 *         mark, "UTF-16LE" or "UTF-16BE" where read so they are letters and no other text would
 * hold such control characters; NULL: another one
 */
const char *encoding_guess(const char *text, size_t bytes);

/**
 * encoding_guess_file looks at the beginning of a file that should be UTF-8: every other byte NUL
 * is then UTF-16 too, which is valid UTF-8.
 * @return as encoding_guess; NULL: another encoding, or UTF-8
 */
const char *encoding_guess_file(const char *text, size_t bytes);

/** A line of a file that should be UTF-8. */
struct encoding_line {
    const char *file; /* for messages */
    uint64_t number;  /* from 1 */
    bool is_first;    /* every other byte NUL is then UTF-16 too, which is valid UTF-8 */
    const char *text;
    size_t bytes;
    size_t
        known; /* bytes at `text` that were read, the line's and what follows: more to guess by */
    bool takes_encoding; /* whoever asked for the file may name its encoding (`encoding`) */
};

/**
 * encoding_check_line checks a line of a file.
 * @return false with ERR_FORMAT naming file, line, the first wrong byte and the remedy
 */
bool encoding_check_line(const struct encoding_line *line, struct err *err);
