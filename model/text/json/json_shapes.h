/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file json_shapes.h
 * What a part of tokenizer.json is by the fields that it has: files from before the `tokenizers`
 * library wrote types have none, and the library takes the first kind whose fields are all there
 * (serde's untagged enums). For the readers of tokenizer.json only. Pure; any thread.
 */
#pragma once

#include "base/json.h"

#include <stdbool.h>

enum shape_kind {
    SHAPE_BOOL,
    SHAPE_STRING,
    SHAPE_CHARACTER, /* a string of one */
    SHAPE_COUNT,     /* a whole number from 0 */
    SHAPE_LIST,
    SHAPE_OBJECT,
    SHAPE_PATTERN, /* {"String": ...} or {"Regex": ...} */
    SHAPE_TOKEN,   /* [text, id] */
};

struct shape_field {
    const char *key; /* NULL: no more fields */
    enum shape_kind kind;
    bool may_lack; /* or be null */
};

#define SHAPE_FIELDS_MAX 8

struct shape {
    const char *type; /* NULL: no more shapes */
    bool is_named;    /* it must give its type too */
    struct shape_field fields[SHAPE_FIELDS_MAX];
};

/** shapes_type: the type of the first shape that `part` (an object) has, or NULL. Other fields than
 * a shape's do not count. */
const char *shapes_type(const struct shape *shapes, const json_t *part);
