/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file keep.h
 * Conditions on the probabilities of labels, such as `spam>0.9`: which rows a filter lets pass.
 * Read by one thread; keep_passes by any.
 */
#pragma once

#include "base/err.h"
#include "model/head/head.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEEP_MAX 16

enum keep_relation { KEEP_ABOVE, KEEP_FROM, KEEP_BELOW, KEEP_TO };

/** Conditions that all must hold; all zero: none. */
struct keep {
    size_t n;
    const char *texts[KEEP_MAX]; /* as they were given, borrowed */
    size_t label_bytes[KEEP_MAX];
    enum keep_relation relations[KEEP_MAX];
    float bounds[KEEP_MAX];
    uint32_t labels[KEEP_MAX]; /* keep_find */
};

/** keep_read adds the condition `value` to a struct keep; `read` of a flag (base/flags.h). False
 * with ERR_USAGE. */
bool keep_read(void *keep, const char *name, const char *value, struct err *err);

/** keep_find finds the labels of the conditions among those of a head. False with ERR_USAGE. */
bool keep_find(struct keep *keep, const struct head_info *info, struct err *err);

/** keep_passes: whether a text with these probabilities (of all labels) passes. */
bool keep_passes(const struct keep *keep, const float *p);
