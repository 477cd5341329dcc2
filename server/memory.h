/* SPDX-License-Identifier: Apache-2.0 */
/** @file memory.h  How much memory there is for this process. Any thread. */
#pragma once

#include <stdint.h>

/**
 * memory_allowed: bytes, the least of the machine's memory and the limits of the control groups
 * that the process is in: of its group and of all above.
 */
uint64_t memory_allowed(void);

/** memory_limit_of_group: the least number in a file of that name in `path` ("/a/b") and all above
 * it under `root`; UINT64_MAX where there is none. */
uint64_t memory_limit_of_group(const char *root, const char *path, const char *name);
