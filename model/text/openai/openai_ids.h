/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file openai_ids.h
 * Token ids of OpenAI's vocabularies, cl100k_base and o200k_base, and the bytes that they stand
 * for: clients that count tokens themselves send texts in this form. Pure functions over constants
 * that are linked into the program.
 *
 * A table (README.md tells where it comes from) is the bytes of ids 0 to 255, one each, then for
 * every later id the two lower ids whose bytes stand one behind the other in its own: `id_bits`
 * bits each, the first of them lowest, with nothing in between; then 8 zeros. So 425 KB and 899 KB
 * hold what takes 0.6 and 1.4 MB as bytes alone.
 */
#pragma once

#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** An id that stands for no text: a mark between texts. */
struct openai_special {
    int64_t id;
    const char *name;
};

#define OPENAI_SPECIALS_MAX 5

/** One vocabulary. */
struct openai_ids {
    const char *name;         /* as people choose it: "cl100k" */
    const char *full_name;    /* as OpenAI calls it: "cl100k_base" */
    const struct span *table; /* as above */
    uint32_t n;               /* ids from 0 to n - 1 stand for bytes */
    unsigned id_bits;
    struct openai_special specials[OPENAI_SPECIALS_MAX]; /* name NULL ends them */
};

extern const struct openai_ids openai_cl100k, openai_o200k;

/** openai_ids_has: whether `id` stands for bytes. */
static inline bool openai_ids_has(const struct openai_ids *ids, int64_t id)
{
    return id >= 0 && id < ids->n;
}

/** openai_ids_special: the name of the special token `id`, or NULL if it is none. */
const char *openai_ids_special(const struct openai_ids *ids, int64_t id);

/** Most bytes of a token: 128 spaces, for one. */
#define OPENAI_TOKEN_BYTES_MAX 128

/**
 * openai_ids_bytes writes the bytes of `id` (openai_ids_has), and returns how many. They may begin
 * or end inside a character of UTF-8: only those of all ids of a text are a text.
 */
size_t openai_ids_bytes(const struct openai_ids *ids, uint32_t id,
                        char out[static OPENAI_TOKEN_BYTES_MAX]);
