/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file tei.h
 * What the endpoints of text-embeddings-inference share: fields, errors. Works on one exchange,
 * which one thread has at a time.
 */
#pragma once

#include "base/err.h"
#include "handlers/exchange.h"
#include "handlers/field.h"
#include "handlers/input.h"
#include "handlers/value.h"

#include <stdbool.h>

/** The fields that routes which take texts share; each such route lists them first. */
enum { TEI_INPUTS, TEI_TRUNCATE, TEI_DIRECTION, TEI_PROMPT, TEI_INPUT_FIELDS };

#define TEI_TRUNCATE_FIELD FIELD("truncate", SCHEMA_BOOL, "cut inputs that are too long")
#define TEI_DIRECTION_FIELD                                                                        \
    FIELD("truncation_direction", "'enum':['Left','Right','left','right']",                        \
          "the side on which tokens are cut off")
#define TEI_PROMPT_FIELD FIELD("prompt_name", SCHEMA_STRING, "a prompt of the model, by name")

#define TEI_INPUT_FIELD_LIST                                                                       \
    [TEI_INPUTS] = REQUIRED_FIELD("inputs", SCHEMA_INPUT, "texts, or lists of token ids"),         \
    [TEI_TRUNCATE] = TEI_TRUNCATE_FIELD, [TEI_DIRECTION] = TEI_DIRECTION_FIELD,                    \
    [TEI_PROMPT] = TEI_PROMPT_FIELD

/** tei_reply_error: an error whose status and type are TEI's own. */
void tei_reply_error(struct exchange *x, unsigned status, const char *type, const char *message);

/** tei_read_prompt: the field `prompt_name`: texts are put behind that prompt of the model, and so
 * are the texts of ids. ERR_INVALID, ERR_MEMORY. */
bool tei_read_prompt(const struct exchange *x, const struct value *value, struct batch *batch,
                     struct err *err);

/** tei_read_limit: the fields `truncate` and `truncation_direction`: the request's wish over the
 * service's; asked for without a direction, TEI cuts on the right. ERR_INVALID. */
bool tei_read_limit(const struct exchange *x, const struct value *truncate_value,
                    const struct value *direction_value, struct length_limit *limit,
                    struct err *err);

/** tei_read_inputs reads what routes that take texts share, as far as the batch's texts. */
bool tei_read_inputs(struct exchange *x, const struct value values[static TEI_INPUT_FIELDS],
                     struct length_limit *limit, struct batch *batch, struct err *err);
