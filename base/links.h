/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file links.h
 * Where symbolic links lead, in one number: another one when one of them was changed, came or went.
 * Any thread.
 *
 * In a path FOLDER / * / NAME (without the blanks) the star stands for all of the folder's names
 * that are not hidden: the links that are there count, whichever they are.
 */
#pragma once

#include "base/hash.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINKS_START HASH_START

/** links_add: `hash` (LINKS_START at first) with the link at one more path; one that is not there
 * leads nowhere. */
uint64_t links_add(uint64_t hash, const char *path);

/** links_on_path calls `take` for every symbolic link by which `path` leads to a file: among its
 * folders, itself, and among those that these lead to. Not more than 40, as the kernel follows.
 * @return false where `take` has done so, which ends it */
bool links_on_path(const char *path, bool (*take)(void *user, const char *link), void *user);

/** links_hash of the links at these paths (n), as links_add one after the other. */
uint64_t links_hash(char *const *paths, size_t n);
