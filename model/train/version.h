/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file version.h
 * What a trained model's version is where nobody said it: a hash of what was learned. Pure
 * functions.
 */
#pragma once

#include "base/err.h"
#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>

/** Such a version: 16 hexadecimal digits. */
struct version {
    char text[17];
};

/** version_of: of a head's file, and of a table's where that was learned, too (data NULL: not). */
struct version version_of(struct span head, struct span table);

/** version_is_hash: it looks like one that version_of made. */
bool version_is_hash(const char *version);

/**
 * version_rewrite: a config.json (data NULL: none so far) with another version, all else as it was.
 * @param where name of the file, for messages
 * @return malloc'ed, the caller's; NULL with ERR_FORMAT or ERR_MEMORY
 */
char *version_rewrite(struct span config, const char *where, const char *version, size_t *out_bytes,
                      struct err *err);
