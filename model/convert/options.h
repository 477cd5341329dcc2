/* SPDX-License-Identifier: Apache-2.0 */
/** @file options.h  How a model is converted. Plain data. */
#pragma once

#include "base/err.h"
#include "model/bundle/options.h"

#include <stdbool.h>
#include <stdint.h>

enum convert_form { CONVERT_PACKED, CONVERT_FOLDER };

struct convert_options {
    struct model_options model; /* how the input is opened */
    enum convert_form form;
    int dtype;         /* enum dtype, or -1: the table's own */
    uint32_t dim;      /* 0: all columns */
    bool is_pca;       /* by principal components; otherwise the first `dim` columns */
    uint32_t keep_top; /* 0: all tokens; otherwise the first ones, and those that are needed */
    bool replaces;     /* what is at the output may be replaced */
    const char *by;    /* program and version, for the file's provenance */
    /** Called now and then; false ends the work. May be NULL. */
    bool (*tell)(void *user, uint64_t done, uint64_t all, const char *what);
    void *user;
};

/** convert_goes_on reports how far the work is; false with ERR_IO if it is to stop. */
bool convert_goes_on(const struct convert_options *options, uint64_t done, uint64_t all,
                     const char *what, struct err *err);
