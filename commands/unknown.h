/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file unknown.h
 * What of a command's texts the model does not know, told once at the end: how many tokens are
 * outside the vocabulary and how many texts are mostly in foreign scripts, as `x-embedd-unknown`
 * and `x-embedd-foreign` tell it over HTTP. One thread.
 */
#pragma once

#include "model/model.h"
#include "model/text/unicode/known_scripts.h"

#include <stdint.h>

/** All zero at the start. */
struct unknown_count {
    uint64_t tokens, unknown;
    uint64_t texts, foreign;
    struct script_list scripts; /* of the foreign ones */
};

/** unknown_add counts one text (bytes, valid UTF-8; without a prompt) and its tokens. */
void unknown_add(struct unknown_count *count, const struct model *model, const char *text,
                 size_t bytes, const struct tokens *tokens);

/** unknown_add_all adds what `other` has counted. */
void unknown_add_all(struct unknown_count *count, const struct unknown_count *other);

/** unknown_tell writes up to two lines to standard error, `embedd COMMAND: 3 of 57 tokens are
 * unknown to the model` and `embedd COMMAND: 1 of 9 texts is mostly in scripts that the model does
 * not know: Cyrl`; nothing if all are known. */
void unknown_tell(const struct unknown_count *count, const char *command);
