/* SPDX-License-Identifier: Apache-2.0 */
/** @file plain.h  The shape of an error that several APIs share: one string. Any thread. */
#pragma once

#include "handlers/dialect.h"

/** plain_write_error: {"error":"..."}; see struct dialect. */
void plain_write_error(struct exchange *x, struct failure *failure, struct buf *out);

/** The members of a dialect that has it. */
#define PLAIN_ERRORS                                                                               \
    .error_schema =                                                                                \
        "'type':'object','required':['error'],'properties':{'error':{'type':'string'}}",           \
    .too_large = "{\"error\":\"" NO_MEMORY_TEXT "\"}",                                             \
    .overloaded = "{\"error\":\"" OVERLOADED_TEXT "\"}"
