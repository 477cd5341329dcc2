/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file inside.h
 * What a model is made of, for the trainer, which makes another one of it. All borrowed, as long as
 * the model lives; any thread.
 */
#pragma once

#include "model/bundle/bundle.h"
#include "model/model.h"

const struct bundle *model_bundle(const struct model *model);
const struct table *model_table(const struct model *model);
const struct tokenizer *model_tokenizer(const struct model *model);
