/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file field.h
 * A field of a request's body, as an endpoint declares it: for the readers of bodies, and for the
 * description of the API. Constant; any thread.
 */
#pragma once

#include "handlers/text.h"

#include <stdbool.h>

/** A field that an endpoint knows. */
struct field {
    struct text name; /* without escapes */
    /* What it holds, as members of a JSON Schema with ' for ", and in a sentence: both for the
       description of the API. */
    const char *schema, *help;
    bool is_required;
};

#define FIELD(name_, schema_, help_)                                                               \
    {                                                                                              \
        .name = TEXT(name_), .schema = (schema_), .help = (help_)                                  \
    }
#define REQUIRED_FIELD(name_, schema_, help_)                                                      \
    {                                                                                              \
        .name = TEXT(name_), .schema = (schema_), .help = (help_), .is_required = true             \
    }

/** Schemas of usual fields. */
#define SCHEMA_STRING "'type':'string'"
#define SCHEMA_BOOL "'type':'boolean'"
#define SCHEMA_COUNT "'type':'integer','minimum':1"
#define SCHEMA_NUMBER "'type':'number'"
#define SCHEMA_IDS "'type':'array','items':{'type':'integer','minimum':0},'minItems':1"
#define SCHEMA_INPUT                                                                               \
    "'oneOf':[{'type':'string'},{'type':'array','minItems':1,'items':{'type':'string'}},"          \
    "{'type':'array','minItems':1,'items':{'type':'integer','minimum':0}},"                        \
    "{'type':'array','minItems':1,'items':{'type':'array','minItems':1,'items':"                   \
    "{'type':'integer','minimum':0}}}]"
#define SCHEMA_STRINGS "'type':'array','items':{'type':'string'},'minItems':1"
