/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file sha256.h
 * SHA-256 as sha256sum writes it (libnettle: sha256_init, sha256_update). A sum belongs to one
 * thread at a time.
 */
#pragma once

#include <nettle/sha2.h>
#include <stddef.h>

#define SHA256_TEXT_BYTES (2 * SHA256_DIGEST_SIZE + 1)

/** sha256_end: the sum of what was taken in, in hexadecimal, NUL-terminated. */
void sha256_end(struct sha256_ctx *context, char out[static SHA256_TEXT_BYTES]);

/** sha256_text: the sum of `data`. */
void sha256_text(char out[static SHA256_TEXT_BYTES], const void *data, size_t bytes);
