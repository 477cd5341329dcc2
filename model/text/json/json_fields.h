/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file json_fields.h
 * Fields of tokenizer.json, with errors that name the place. For its readers only.
 *
 * All return false with ERR_FORMAT or ERR_MEMORY. `path` is where the object stands in the file
 * ("model", "" for the file itself). One thread.
 */
#pragma once

#include "base/err.h"
#include "base/json.h"
#include "model/text/json/json_shapes.h"
#include "model/text/pipeline/pipeline.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TOKENIZER_JSON "tokenizer.json"

/** A path in the file: as long as nested Sequences may make it. */
#define JSON_PATH_BYTES 128

bool fields_no_memory(struct err *err);

/** fields_wrong_type: `value` of `key` (NULL: missing) is not `want`, such as "a list". */
bool fields_wrong_type(const char *path, const char *key, const json_t *value, const char *want,
                       struct err *err);

bool fields_bool(const json_t *object, const char *path, const char *key, bool *out,
                 struct err *err);

/** fields_bool_or: `fallback` where the key is missing or null. */
bool fields_bool_or(const json_t *object, const char *path, const char *key, bool fallback,
                    bool *out, struct err *err);

/** fields_string: borrowed from the object. */
bool fields_string(const json_t *object, const char *path, const char *key, const char **text,
                   size_t *bytes, struct err *err);

/** fields_count: a whole number from 0; what is above UINT32_MAX becomes it. */
bool fields_count(const json_t *object, const char *path, const char *key, uint32_t *out,
                  struct err *err);

/** fields_known: `object` has no keys other than `known` (separated by ", "). For parts in which
 * the `tokenizers` library refuses other keys too: elsewhere it ignores them. */
bool fields_known(json_t *object, const char *path, const char *known, struct err *err);

/** The types that a part may have, and how the `tokenizers` library tells them. */
struct field_types {
    const char *known;          /* separated by ", " */
    const struct shape *shapes; /* of parts without a known type; NULL: they must give one */
    const char *untold;         /* known ones whose fields count before their name; NULL: none */
};

/** fields_type: the object's type, one of those known; its own, or what its fields say, which is
 * then written into it. */
bool fields_type(json_t *object, const char *path, const struct field_types *types,
                 const char **type, struct err *err);

/** fields_choice: the index in `names` (n) of a string field; `fallback` (≥ 0) where it is missing.
 */
bool fields_choice(const json_t *object, const char *path, const char *key,
                   const char *const *names, size_t n, int fallback, unsigned *out,
                   struct err *err);

/** fields_text: a string field as a text of its own, to be freed. */
bool fields_text(const json_t *object, const char *path, const char *key, struct step_text *out,
                 struct err *err);

/** fields_character: a string of one character, and its code point. */
bool fields_character(const json_t *object, const char *path, const char *key,
                      struct step_text *text, uint32_t *code, struct err *err);

/** fields_pattern: {"String": ...} into `text`, or {"Regex": ...} compiled into `regex`. An empty
 * string is a regex too: it matches between characters. `known`: recognised regexes, or NULL. */
bool fields_pattern(const json_t *object, const char *path, struct step_text *text,
                    struct regex **regex, enum pattern_kind *known, struct err *err);
