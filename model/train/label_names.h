/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file label_names.h
 * The different labels of a file or head: a number for each name. One thread.
 */
#pragma once

#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>

struct label_names;

/** label_names_new: none yet; NULL: no memory. */
struct label_names *label_names_new(void);

/** label_names_find: the number of `name`, or UINT32_MAX. */
uint32_t label_names_find(const struct label_names *names, struct span name);

/** label_names_add: the number of `name`, which gets the next one where it is new; UINT32_MAX: no
 * memory. Not after label_names_sort. */
uint32_t label_names_add(struct label_names *names, struct span name);

/**
 * label_names_sort numbers the names again, in the order of their bytes.
 * @param renumbered (n) set to the new number of each old one
 * @return false: no memory
 */
bool label_names_sort(struct label_names *names, uint32_t *renumbered);

uint32_t label_names_count(const struct label_names *names);

/** label_names_list: (n) by number, each NUL-terminated; as long as the names live. */
const char *const *label_names_list(const struct label_names *names);

void label_names_free(struct label_names *names);
