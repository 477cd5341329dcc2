/* SPDX-License-Identifier: Apache-2.0 */
/* The Huffman tree of a hierarchical softmax. The file does not hold it: it follows from how often
   each label was seen. */
#include "model/encoder/fasttext/tree.h"

#include <assert.h>
#include <stdlib.h>

/* What a node counts that is not there yet: more than any real one may. */
#define COUNT_END 1000000000000000

/* The tree while it grows: labels wait from the last, the rarest, to the first; inner nodes from
   the oldest to the newest. */
struct growing {
    int64_t *counts;   /* by node */
    uint32_t *heights; /* by node */
    uint32_t labels_left;
    uint32_t inner; /* the oldest inner node that has no parent */
};

/* The rarer of the two that wait in front; of equal ones the inner node. */
static uint32_t take_rarest(struct growing *tree)
{
    if (tree->labels_left > 0 && tree->counts[tree->labels_left - 1] < tree->counts[tree->inner])
        return --tree->labels_left;
    return tree->inner++;
}

static void grow(struct growing *tree, uint32_t n, struct ft_tree *out)
{
    for (uint32_t i = n; i < 2 * n - 1; i++) {
        uint32_t left = take_rarest(tree), right = take_rarest(tree);
        assert(left < i && right < i);
        uint32_t height = tree->heights[left];
        if (tree->heights[right] > height) height = tree->heights[right];
        tree->counts[i] = tree->counts[left] + tree->counts[right];
        tree->heights[i] = height + 1;
        out->inner[i - n] = (struct ft_inner){left, right};
    }
    out->height = tree->heights[2 * n - 2];
}

/* The labels' counts; those of inner nodes are still to come. */
static bool read_counts(int64_t *counts, const struct ft_dictionary *dictionary,
                        const struct ft_reader *reader)
{
    int64_t total = 0;
    for (uint32_t i = 0; i < dictionary->n_labels; i++) {
        counts[i] = ft_entry_count(dictionary, dictionary->n_words + i);
        if (counts[i] >= COUNT_END - total) {
            return ft_fail(reader,
                           "label %u brings the number of labels seen in training to 10^15 or "
                           "more; the file is damaged: copy it again",
                           i);
        }
        total += counts[i];
    }
    for (uint32_t i = dictionary->n_labels; i < 2 * dictionary->n_labels - 1; i++)
        counts[i] = COUNT_END;
    return true;
}

bool ft_tree_open(struct ft_tree *out, const struct ft_dictionary *dictionary,
                  const struct ft_reader *reader)
{
    const uint32_t n = dictionary->n_labels;
    size_t nodes = 2 * (size_t)n - 1;
    struct growing tree = {
        .counts = calloc(nodes, sizeof *tree.counts),
        .heights = calloc(nodes, sizeof *tree.heights),
        .labels_left = n,
        .inner = n,
    };
    out->inner = calloc(n, sizeof *out->inner);
    bool ok = true;
    if (!tree.counts || !tree.heights || !out->inner)
        ok =
            err_set(reader->err, ERR_MEMORY, NULL, "no memory for the labels of %s", reader->where);
    ok = ok && read_counts(tree.counts, dictionary, reader);
    if (ok) grow(&tree, n, out);
    free(tree.counts);
    free(tree.heights);
    return ok;
}

void ft_tree_close(struct ft_tree *tree)
{
    free(tree->inner);
    *tree = (struct ft_tree){0};
}
