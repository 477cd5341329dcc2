/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file prompts.h
 * The texts that a model wants before others, by name: of sentence-transformers'
 * config_sentence_transformers.json, and of our config.json. One thread reads them; after that they
 * are immutable.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

struct json_t;

/** Where sentence-transformers keeps them, beside its modules.json. */
#define PROMPTS_FILE "config_sentence_transformers.json"

/** A text that is put before others. */
struct prompt {
    const char *name;
    const char *text; /* bytes of UTF-8; may be empty */
    size_t bytes;
};

/** Plain; all zeros: there are none. */
struct prompts {
    struct prompt *items; /* (n) in the order of the file */
    size_t n;
    const struct prompt *standard; /* what is taken where none is named; NULL: nothing */
    struct json_t *json;           /* owner of the strings */
};

/**
 * prompts_read takes `prompts`, an object of texts by name, and `default_prompt_name`, one of them,
 * out of a JSON object; keeps what it needs. What is no text is passed over. NULL: there are none.
 * @return false with ERR_MEMORY
 */
bool prompts_read(struct prompts *prompts, struct json_t *root, struct err *err);

/** prompts_find: the prompt of that name, or NULL. */
const struct prompt *prompts_find(const struct prompts *prompts, const char *name, size_t bytes);

/** prompts_add_to puts the keys into a config.json. */
void prompts_add_to(const struct prompts *prompts, struct json_t *config);

/** prompts_close frees; no prompts are fine. */
void prompts_close(struct prompts *prompts);

/** prompt_before makes `text` the prompt and the text behind it, in the arena; without a prompt, or
 * with an empty one, it stays what it is. ERR_MEMORY. */
bool prompt_before(const struct prompt *prompt, struct arena *arena, const char **text,
                   size_t *bytes, struct err *err);
