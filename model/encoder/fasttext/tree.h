/* SPDX-License-Identifier: Apache-2.0 */
/** @file tree.h  The tree of a hierarchical softmax. */
#pragma once

#include "model/encoder/fasttext/output.h"

#include <stdbool.h>

/** ft_tree_open builds output->inner (malloc'ed, kept by `output` even on failure) and
 * output->height from the counts of the labels. False with err set. */
bool ft_tree_open(struct ft_output *output, const struct ft_dictionary *dictionary,
                  const struct ft_reader *reader);
