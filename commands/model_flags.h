/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file model_flags.h
 * The flags that say how to read a model's files. One thread.
 */
#pragma once

#include "base/flags.h"
#include "commands/commands.h"
#include "model/bundle/compat.h"
#include "model/bundle/options.h"

/** What model options are where no flag says otherwise: warnings go to standard error. */
#define COMMAND_MODEL_OPTIONS                                                                      \
    {                                                                                              \
        .compat = -1, .warn = commands_warn                                                        \
    }

/** The entry of --model, which begins as "builtin". */
#define MODEL_PATH_FLAG(path)                                                                      \
    {                                                                                              \
        "model", FLAG_STRING, .out.string = &(path), .value = "PATH",                              \
                              .help = "a model's folder or weights file (default: the built-in "   \
                                      "model)"                                                     \
    }

/** Those of --heads and --head, for choose_head; both begin as NULL. */
#define HEAD_FLAGS(path, name)                                                                     \
    {"heads", FLAG_STRING, .out.string = &(path), .value = "PATH",                                 \
     .help = "a head's file, or a folder of them, beside the model's own"},                        \
    {                                                                                              \
        "head", FLAG_STRING, .out.string = &(name), .value = "NAME",                               \
                             .help = "which head (default: the only one, or the one called "       \
                                     "default)"                                                    \
    }

/** Entries of a command's list of flags; `options` begins as COMMAND_MODEL_OPTIONS. */
#define MODEL_FLAGS(options) MODEL_FLAGS_LIMITED(options, "limit")

/** The same where --limit is something else: `limit_name` is what this one is called. */
#define MODEL_FLAGS_LIMITED(options, limit_name)                                                   \
    {limit_name,                                                                                   \
     FLAG_NUMBER,                                                                                  \
     .out.number = &(options).limit,                                                               \
     .value = "N",                                                                                 \
     .min = 1,                                                                                     \
     .max = UINT32_MAX,                                                                            \
     .help = "read only the first N words of a file of word vectors"},                             \
        {"strict", FLAG_SWITCH, .out.is_on = &(options).is_strict,                                 \
         .help = "refuse files that would be read with a warning"},                                \
        {"tensor", FLAG_STRING, .out.string = &(options).tensor, .value = "NAME",                  \
         .help = "the tensor that is the table (default: found by its name)"},                     \
    {                                                                                              \
        "compat", FLAG_CHOICE,                                                                     \
            .out.choice = &(options).compat, .choices = compat_names,                              \
            .help = "which library's results to reproduce (default: as the files say)"             \
    }
