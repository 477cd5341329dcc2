/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file vllm.h
 * What replies of vLLM's own routes have in common. Works on one exchange, which one thread has at
 * a time.
 */
#pragma once

#include "base/buf.h"
#include "handlers/exchange.h"

/** vllm_write_origin: the list of items ends; behind it come the request's id, when the service
 * started, and the model's name. */
void vllm_write_origin(struct exchange *x, struct text model, struct buf *out);

/** The JSON Schema of a reply whose items hold, besides their index, a `name` with a `schema`. */
#define VLLM_REPLY(name, schema)                                                                   \
    "'type':'object','required':['id','object','created','model','data','usage'],'properties':"    \
    "{'id':{'type':'string'},'object':{'const':'list'},'created':{'type':'integer'},'model':"      \
    "{'type':'string'},'data':{'type':'array','items':{'type':'object','required':['index',"       \
    "'object'," name "],'properties':{'index':{'type':'integer'},'object':{'type':'string'}," name \
    ":{" schema "}}}},'usage':{'type':'object'}}"
