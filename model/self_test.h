/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file self_test.h
 * Whether a model that was opened also answers, and quickly: before anybody asks it. The model is
 * not changed; one thread, beside any others that use it.
 */
#pragma once

#include "base/err.h"

#include <stdbool.h>

struct model;

/**
 * model_self_test has the model tokenize and embed a few texts (English, Chinese, none, a long
 * one), each alone and all together, and each of its heads label them.
 * @return false with ERR_FORMAT: a value was not finite, or two answers to one text differ; or with
 *         what the tokenizer says (ERR_UNPROCESSABLE), or ERR_MEMORY
 */
bool model_self_test(const struct model *model, struct err *err);

/** model_warm has the weights read into memory: up to 256 MB at once, of larger ones the rest while
 * requests are answered. What the linker brought is with the program already.
 * @return false: a part of them cannot be read */
bool model_warm(const struct model *model);
