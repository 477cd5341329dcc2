/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file span.h
 * Read-only bytes that somebody else owns: a file, or a part of one. Plain data.
 */
#pragma once

#include <stddef.h>

/** Whoever hands it out says how long the bytes live; data NULL = there is none. */
struct span {
    const char *data;
    size_t bytes;
};
