/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file mapping.h
 * Which row each token has, as a safetensors file says it: by `mapping`, a row for each token, or
 * by `shared`, a row for each token past the last row. One thread.
 */
#pragma once

#include "model/encoder/table/table.h"
#include "model/files/tensors.h"

#include <stdbool.h>

/**
 * mapping_read finds the tensor, if there is one, and sets n_rows of a table that has its rows; the
 * numbers are used where they lie, or in memory of the table. Those of `shared` are always looked
 * through, those of `mapping` unless the file is_checked.
 * @return false with ERR_FORMAT or ERR_MEMORY
 */
bool mapping_read(struct table *table, const struct tensors *file,
                  const struct table_options *options);
