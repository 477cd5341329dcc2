/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file options.h
 * What the user says about a model's files that the files do not say themselves. Plain data.
 */
#pragma once

#include <stdint.h>

/** Plain values; model_options_default is what they are where nothing is said. */
struct model_options {
    const char *tensor; /* the tensor that is the table, or NULL: it is found by its name */
    int compat;         /* enum compat: which library's results, or -1: as the files say */
    int is_strict;      /* 1: what would be warned of is an error */
    uint64_t limit;     /* words that are read of a file of word vectors; 0: all */
    /* Is told, while the files are opened, what was left out or mended, and what looks wrong: one
       sentence, which names the file. NULL: nobody is told. */
    void (*warn)(const char *sentence);
};

static const struct model_options model_options_default = {.compat = -1};
