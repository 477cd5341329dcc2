/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file unknown.h
 * How many tokens of a command's texts are outside the vocabulary, told once at the end: as
 * `x-embedd-unknown` tells it over HTTP. One thread.
 */
#pragma once

#include "model/model.h"

#include <stdint.h>

/** All zero at the start. */
struct unknown_count {
    uint64_t tokens, unknown;
};

/** unknown_add counts the tokens of one text. */
void unknown_add(struct unknown_count *count, const struct model *model,
                 const struct tokens *tokens);

/** unknown_tell writes a line to standard error, `embedd COMMAND: 3 of 57 tokens are unknown to the
 * model`; nothing if all are known. */
void unknown_tell(const struct unknown_count *count, const char *command);
