/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file builtin.h
 * The list of models linked into the program. Their bytes are served where they lie: pages of the
 * program's own file, shared by every process that runs it. Constants.
 */
#pragma once

#include "base/span.h"

struct builtin_model {
    const char *name;         /* what `--model` calls it */
    const struct span *bytes; /* a packed model */
};

/** builtin_find returns the built-in model `name`, or NULL. Lives for ever. */
const struct builtin_model *builtin_find(const char *name);
