/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file head_rewrite.h
 * A head's file with other thresholds, all else as it was. Pure functions.
 */
#pragma once

#include "base/err.h"
#include "base/span.h"

#include <stddef.h>
#include <stdint.h>

/**
 * head_rewrite makes the bytes of a head's file, ours as safetensors or JSON, with these thresholds
 * (n: one of a binary head, one a label of a multi-label head).
 * @param where name of the file, for messages
 * @return malloc'ed, the caller's; NULL with ERR_FORMAT (a file of another kind, which has no
 *         thresholds) or ERR_MEMORY
 */
char *head_rewrite(struct span bytes, const char *where, const float *thresholds, uint32_t n,
                   size_t *out_bytes, struct err *err);
