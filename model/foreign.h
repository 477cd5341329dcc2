/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file foreign.h
 * Files that people give for a table and that are none: what they are, by how they begin.
 */
#pragma once

#include "model/source.h"

/** foreign_what: what such a file is and what to do, to follow "PATH: it is "; NULL: not known. */
const char *foreign_what(struct span file);

/** foreign_is_pointer: it is one of Git LFS. */
bool foreign_is_pointer(struct span file);
