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

#define TEI_TRUNCATE_FIELD FIELD("truncate", SCHEMA_BOOL, "cut inputs that are too long")
#define TEI_DIRECTION_FIELD                                                                        \
    FIELD("truncation_direction", "'enum':['Left','Right','left','right']",                        \
          "the side on which tokens are cut off")
#define TEI_PROMPT_FIELD FIELD("prompt_name", SCHEMA_STRING, "a prompt of the model, by name")

/** tei_reply_error: an error whose status and type are TEI's own. */
void tei_reply_error(struct exchange *x, unsigned status, const char *type, const char *message);

/** tei_check_prompt: the field `prompt_name`. ERR_INVALID. */
bool tei_check_prompt(const struct value *value, struct err *err);

/** tei_read_limit: the fields `truncate` and `truncation_direction`: the request's wish over the
 * service's; asked for without a direction, TEI cuts on the right. ERR_INVALID. */
bool tei_read_limit(const struct exchange *x, const struct value *truncate_value,
                    const struct value *direction_value, struct length_limit *limit,
                    struct err *err);
