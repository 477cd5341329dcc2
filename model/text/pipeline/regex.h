/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file regex.h
 * Regular expressions, by Oniguruma (Ruby syntax, UTF-8): the library that the reference uses.
 *
 * A compiled expression is immutable; any thread may search with it, each with a scratch of its
 * own. A search that backtracks too much is given up rather than waited for.
 */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

struct regex;
struct regex_scratch;

/**
 * regex_open compiles `pattern` (UTF-8).
 * @param out  owned by the caller (regex_close), NULL on failure
 * @return false with ERR_FORMAT, in Oniguruma's words
 */
bool regex_open(struct regex **out, const char *pattern, size_t bytes, struct err *err);

/** regex_close frees; NULL is fine. */
void regex_close(struct regex *regex);

/** regex_scratch_new: memory that a search needs; for one thread at a time. NULL when memory is
 * out. */
struct regex_scratch *regex_scratch_new(void);
void regex_scratch_free(struct regex_scratch *scratch);

enum regex_result { REGEX_FOUND, REGEX_NONE, REGEX_GAVE_UP };

/** All matches in a text, from left to right. */
struct regex_matches {
    const struct regex *regex;
    struct regex_scratch *scratch;
    const char *text;
    size_t bytes, next;
    bool has_last; /* a match that ended at `last` */
    size_t last;
};

/** regex_matches_start: all is borrowed. Several may be under way with one scratch. */
void regex_matches_start(struct regex_matches *matches, const struct regex *regex,
                         struct regex_scratch *scratch, const char *text, size_t bytes);

/**
 * regex_matches_next finds the next match, [*start, *end). An empty match right where the last one
 * ended is passed over, as in the reference's iterator.
 */
enum regex_result regex_matches_next(struct regex_matches *matches, size_t *start, size_t *end);
