/* SPDX-License-Identifier: Apache-2.0 */
/** @file openai.h  OpenAI's shape of an error, which embedd's own routes have too. */
#pragma once

#include "handlers/dialect.h"

/** openai_write_error: {"error":{"message","type","param","code"}}; see struct dialect. */
void openai_write_error(struct exchange *x, struct failure *failure, struct buf *out);

#define OPENAI_ERROR_SCHEMA                                                                        \
    "'type':'object','required':['error'],'properties':{'error':{'type':'object','required':"      \
    "['message','type','param','code'],'properties':{'message':{'type':'string'},'type':"          \
    "{'type':'string'},'param':{'type':['string','null']},'code':{'type':['string','null']}}}}"
#define OPENAI_TOO_LARGE                                                                           \
    "{\"error\":{\"message\":\"" NO_MEMORY_TEXT                                                    \
    "\",\"type\":\"invalid_request_error\",\"param\":null,\"code\":\"too_large\"}}"
#define OPENAI_OVERLOADED                                                                          \
    "{\"error\":{\"message\":\"" OVERLOADED_TEXT                                                   \
    "\",\"type\":\"rate_limit_error\",\"param\":null,\"code\":\"overloaded\"}}"
