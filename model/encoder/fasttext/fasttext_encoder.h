/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file fasttext_encoder.h
 * A fastText model as an encoder: vectors of texts, with the n-grams of their words; rows are the
 * vectors of words. Its labels, where it has any, predict by themselves. Immutable once open; any
 * thread may use it.
 */
#pragma once

#include "model/encoder/encoder.h"

struct fasttext;

/**
 * fasttext_encoder_new: encoder_close frees it, and the model.
 * @param ft taken on success
 * @return NULL with ERR_MEMORY
 */
struct encoder *fasttext_encoder_new(struct fasttext *ft, struct err *err);
