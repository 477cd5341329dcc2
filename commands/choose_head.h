/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file choose_head.h
 * Which head a command means by --heads and --head, and which second one. One thread.
 */
#pragma once

#include "model/model.h"

/**
 * choose_head opens the heads in `path` beside the model's own (NULL: those alone) and finds the
 * one called `name` (NULL: the only one, or the one called default).
 * @param head on success borrowed from the model
 * @return false with ERR_USAGE, which lists the heads, or what was wrong with a file
 */
bool choose_head(struct model *model, const char *path, const char *name, const struct head **head,
                 struct err *err);

/** choose_compared_head: the same by --compare-heads and --compare-head. */
bool choose_compared_head(struct model *model, const char *path, const char *name,
                          const struct head **head, struct err *err);
