/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file own.h
 * What embedd's own routes share: their fields, and how the items of their replies begin and end.
 * Works on one exchange, which one thread has at a time.
 */
#pragma once

#include "handlers/fields.h"
#include "handlers/input.h"

#include <stdbool.h>
#include <stddef.h>

/** The fields that own routes share; each such route lists them first. */
enum { OWN_TEXT, OWN_TOKENS, OWN_IDS, OWN_MODEL, OWN_FIELDS };

#define OWN_FIELD_LIST                                                                             \
    [OWN_TEXT] = FIELD("text", "'oneOf':[{" SCHEMA_STRING "},{" SCHEMA_STRINGS "}]",               \
                       "a text, or a list of texts"),                                              \
    [OWN_TOKENS] = FIELD("tokens",                                                                 \
                         "'oneOf':[{" SCHEMA_STRINGS                                               \
                         "},{'type':'array','minItems':1,'items':{" SCHEMA_STRINGS "}}]",          \
                         "the tokens of one input, or a list of such lists"),                      \
    [OWN_IDS] =                                                                                    \
        FIELD("ids",                                                                               \
              "'oneOf':[{" SCHEMA_IDS "},{'type':'array','minItems':1,'items':{" SCHEMA_IDS "}}]", \
              "the token ids of one input, or a list of such lists"),                              \
    [OWN_MODEL] = FIELD("model", SCHEMA_STRING, "which of the served models answers")

/** Schemas of usual parts of replies. */
#define OWN_REPLY(item)                                                                            \
    "'type':'object','required':['data','model'],'properties':{'model':{'type':'string'},"         \
    "'data':{'type':'array','items':{'type':'object','properties':{'index':{'type':'integer'}"     \
    "," item "}}}}"

/**
 * own_read_fields is exchange_read_fields for a route of our own, and then has the model answer
 * that the field `model` names: all that is read after it is read for that model.
 * @param model the name to echo (model_name_read)
 */
bool own_read_fields(struct exchange *x, struct value *values, struct text *model, struct err *err);

/**
 * request_read_own reads what own routes share: exactly one of `text`, `tokens` and `ids`, as a
 * batch of token ids; ends the stages parse and tokenize.
 */
bool request_read_own(struct exchange *x, const struct value values[static OWN_FIELDS],
                      struct batch *batch, struct err *err);

/** write_index: an item begins with its index, parted from the one before by a comma. */
void write_index(struct buf *out, size_t index);

/** write_model_name: the list of items ends, and behind it comes the model's name. */
void write_model_name(struct buf *out, struct text name);
