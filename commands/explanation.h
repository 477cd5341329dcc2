/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file explanation.h
 * Why a head says what it says of a text, as an item of /v1/classify has it. Pure functions.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"
#include "model/head/head.h"
#include "model/text/tokens.h"

/**
 * explanation_write appends `,"explanation":{...}`: the logit of a label as a bias and the shares
 * of the tokens (head_explain), each with the part of the text that it is.
 * @param text   that was cut into the tokens, which have their spans
 * @return false with ERR_INVALID (this head's logits are no sums over tokens) or ERR_MEMORY
 */
bool explanation_write(struct buf *out, struct arena *arena, const struct head *head,
                       struct span text, const struct tokens *tokens, uint32_t label,
                       struct err *err);
