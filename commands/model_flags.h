/* SPDX-License-Identifier: Apache-2.0 */
/** @file model_flags.h  The flags that say how a model's files are meant. */
#pragma once

#include "commands/flags.h"
#include "model/compat.h"
#include "model/options.h"

/** Two entries of a command's list of flags; `options` begins as model_options_default. */
#define MODEL_FLAGS(options)                                                                       \
    {"tensor", FLAG_STRING, .out.string = &(options).tensor, .value = "NAME",                      \
     .help = "the tensor that is the table (default: found by its name)"},                         \
    {                                                                                              \
        "compat", FLAG_CHOICE, .out.choice = &(options).compat, .choices = compat_names,           \
                               .help = "whose numbers are wanted (default: as the files say)"      \
    }
