/* SPDX-License-Identifier: Apache-2.0 */
/** @file sha256.h  SHA-256 as sha256sum writes it (libnettle). */
#pragma once

#include <stddef.h>

#define SHA256_TEXT_BYTES (2 * 32 + 1)

/** sha256_text: the sum of `data` in hexadecimal, NUL-terminated. */
void sha256_text(char out[static SHA256_TEXT_BYTES], const void *data, size_t bytes);
