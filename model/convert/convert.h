/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file convert.h
 * Any model that can be opened, written in another form: the packed file, or a folder as the
 * ecosystem has them. Rows go through one by one, so memory does not grow with the table but for a
 * few bytes a row. One thread.
 */
#pragma once

#include "base/err.h"
#include "model/convert/options.h"
#include "model/math/rows.h"

#include <stdbool.h>
#include <stdint.h>

/** What was written. */
struct convert_result {
    uint32_t vocab_size, dim;
    enum dtype dtype;
    uint64_t bytes;         /* of the file with the rows */
    size_t heads_left;      /* that the model has but the output does not */
    bool has_left_unserved; /* a head that the model has, but that is not served */
    bool is_of_words;       /* only the vectors of a fastText model's words */
};

/**
 * convert_run opens `input` as model_open does and writes it to `output`, which appears when it is
 * whole. Every value is looked at: NaN and Inf are refused, and what does not fit the dtype.
 * @return false with ERR_IO, ERR_FORMAT, ERR_USAGE or ERR_MEMORY; nothing is left behind
 */
bool convert_run(const char *input, const char *output, const struct convert_options *options,
                 struct convert_result *result, struct err *err);
