/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file table_encoder.h
 * An encoder whose vectors are pooled rows of a table. Immutable once open; any thread may use it.
 */
#pragma once

#include "model/encoder/encoder.h"
#include "model/encoder/table/table.h"

struct table_encoder {
    struct encoder encoder;
    struct table table;
};

/**
 * table_encoder_init makes an encoder in memory of the caller, who closes the table when the
 * encoder is no longer used.
 * @param table    what it looks at is borrowed
 * @param left_out the id that pooling leaves out, or TOKEN_ID_NONE
 */
void table_encoder_init(struct table_encoder *encoder, const struct table *table,
                        uint32_t left_out);

/**
 * table_encoder_new: the same on the heap; encoder_close frees it, and the table.
 * @param table taken on success; then it is zeroed
 * @return NULL with ERR_MEMORY
 */
struct encoder *table_encoder_new(struct table *table, struct err *err);
