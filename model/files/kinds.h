/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file kinds.h
 * Recognizes files that are not tables, by how they begin. Pure functions: any thread may call
 * them.
 */
#pragma once

#include "base/span.h"

#include <stdbool.h>

/** kind_what: what such a file is and what to do, to follow "PATH: it is "; NULL: not known. */
const char *kind_what(struct span file);

/** kind_is_pointer: whether the file is a Git LFS pointer. */
bool kind_is_pointer(struct span file);
