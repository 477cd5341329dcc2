/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file links.h
 * Where symbolic links lead, in one number: another one when one of them was changed. Any thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/** links_hash of the links at these paths (n); one that is not there leads nowhere. */
uint64_t links_hash(char *const *paths, size_t n);
