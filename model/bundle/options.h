/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file options.h
 * What the user says about a model's files that the files do not say themselves. Plain data.
 */
#pragma once

#include <stdint.h>

/** Plain values; model_options_default holds the defaults. */
struct model_options {
    const char *tensor; /* the tensor that holds the table, or NULL: found by its name */
    int compat;         /* enum compat: which library's results, or -1: as the files say */
    int is_strict;      /* 1: warnings are errors */
    uint64_t limit;     /* how many words of a file of word vectors are read; 0: all */
    /* Called while the files are opened with what was left out or repaired, and what looks wrong:
       one sentence, which names the file. NULL: no warnings. */
    void (*warn)(void *user, const char *sentence);
    void *user;
};

static const struct model_options model_options_default = {.compat = -1};
