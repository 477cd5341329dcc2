/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file cuts.h
 * Where a text may be cut for BPE without changing a token: between two characters that stand side
 * by side in no token, for then no merge can ever join what is on both sides.
 *
 * A Bloom filter (one hash) of the neighbours in all tokens: it may miss a cut, which costs time,
 * and never finds a wrong one. Tokens of bytes may begin or end within a character; such parts are
 * neighbours too. Immutable once built; any thread may read it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CUTS_PARTS 256

enum cuts_part {
    CUTS_LEFT = 1,  /* a token begins within a character whose last byte this is */
    CUTS_RIGHT = 2, /* a token ends within a character whose first byte this is */
};

struct cuts {
    uint64_t *bits; /* NULL: no cuts */
    uint64_t mask;  /* of the number of a bit */
    uint8_t *parts; /* (CUTS_PARTS) by byte: enum cuts_part */
};

/** cuts_alloc makes an empty filter for tokens of so many bytes in all; false when memory is out.
 */
bool cuts_alloc(struct cuts *cuts, size_t bytes);
void cuts_clear(struct cuts *cuts);

/** cuts_add adds the neighbours in a token. */
void cuts_add(struct cuts *cuts, const char *token, size_t bytes);

/** cuts_next: the end of the first part of `text` (valid UTF-8, not empty), where it may be cut. */
size_t cuts_next(const struct cuts *cuts, const char *text, size_t bytes);
