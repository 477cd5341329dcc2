/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file character_class.h
 * The plainest of regular expressions, written out by hand: any one character but those listed, as
 * in [^a-z0-9]. A list may be thousands of ranges long: no expression has to be compiled for it.
 * Immutable once read; any thread may use it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct character_range {
    uint32_t first, last;
};

struct character_class {
    struct character_range *ranges; /* (n) ascending, apart from each other */
    size_t n;
};

/**
 * character_class_read reads an expression (valid UTF-8) of the form [^...]: characters and ranges
 * of them, ascending, none of them a mark that means something within brackets.
 * @return false: it is another expression, or memory is out; the class is then empty
 */
bool character_class_read(struct character_class *listed, const char *regex, size_t bytes);

/** character_class_clear frees; a zeroed class is fine. */
void character_class_clear(struct character_class *listed);

/** character_class_lists: whether the character is one of those listed, at which the expression
 * does not match. */
bool character_class_lists(const struct character_class *listed, uint32_t code);
