/* SPDX-License-Identifier: Apache-2.0 */
/** @file options.h  What the user says of a model's files that they do not say themselves. */
#pragma once

/** Plain values; model_options_default is what they are where nothing is said. */
struct model_options {
    const char *tensor; /* the tensor that is the table, or NULL: it is found by its name */
    int compat;         /* enum compat: whose numbers are wanted, or -1: as the files say */
};

static const struct model_options model_options_default = {.compat = -1};
