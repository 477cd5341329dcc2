/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file nearest.h
 * Which name was meant: for "unknown flag '--lisen', did you mean --listen?". Pure functions.
 */
#pragma once

#include <stddef.h>

/**
 * nearest_name returns the entry of `names` that `name` is most likely a misspelling of: the fewest
 * letters changed, added, dropped or swapped with their neighbour (optimal string alignment
 * distance), the first of equals; NULL when none is near (more than a third of the letters differ).
 */
const char *nearest_name(const char *name, const char *const *names, size_t n);
