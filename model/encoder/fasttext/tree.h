/* SPDX-License-Identifier: Apache-2.0 */
/** @file tree.h  The tree of a hierarchical softmax. Immutable once open; any thread may read it.
 */
#pragma once

#include "model/encoder/fasttext/dictionary.h"

#include <stdbool.h>
#include <stdint.h>

/** An inner node of the tree of a hierarchical softmax. Nodes below n_labels are labels, the others
 * inner nodes, each after its children; inner node i has row i - n_labels. */
struct ft_inner {
    uint32_t left, right;
};

struct ft_tree {
    struct ft_inner *inner; /* (n_labels - 1), the root last */
    uint32_t height;        /* inner nodes on its longest way */
};

/** ft_tree_open builds the tree from the counts of the labels, of which there is one at least.
 * @return false with err set; ft_tree_close is then due all the same */
bool ft_tree_open(struct ft_tree *tree, const struct ft_dictionary *dictionary,
                  const struct ft_reader *reader);

/** ft_tree_close frees; a zeroed one is fine. */
void ft_tree_close(struct ft_tree *tree);
