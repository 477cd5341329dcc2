/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file tensors.h
 * The input tensor of an inference request, as a batch: texts (BYTES) or token ids (INT64, INT32),
 * in the JSON or in binary behind it. Works on one exchange, which one thread has at a time.
 * Format: https://github.com/kserve/open-inference-protocol, and Triton's binary tensor extension.
 */
#pragma once

#include "handlers/input.h"

#include <stdbool.h>

/** The JSON Schema of `inputs`. */
#define SCHEMA_TENSORS                                                                             \
    "'type':'array','minItems':1,'maxItems':1,'items':{'type':'object','required':['shape',"       \
    "'datatype'],'properties':{'name':{'type':'string'},'datatype':{'enum':['BYTES','INT64',"      \
    "'INT32']},'shape':{'type':'array','items':{'type':'integer','minimum':1},'minItems':1,"       \
    "'maxItems':2},'data':{'type':'array'},'parameters':{'type':'object'}}}"

/**
 * tensors_read reads `inputs`, a list of one tensor, as sequences of texts or of token ids, of
 * which those that are -1 are padding.
 * @param binary what stands behind the JSON
 * @return false with ERR_INVALID, or as batch_read
 */
bool tensors_read(struct exchange *x, const struct value *inputs, struct text binary,
                  struct batch *batch, struct err *err);
