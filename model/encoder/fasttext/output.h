/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file output.h
 * From a vector to the labels of a supervised fastText model, for each of its four losses.
 * Immutable once open; any thread may ask.
 */
#pragma once

#include "model/encoder/fasttext/dictionary.h"
#include "model/encoder/fasttext/matrix.h"
#include "model/encoder/fasttext/tree.h"
#include "model/encoder/fasttext/types.h"

#include <stdbool.h>
#include <stdint.h>

/* The program's table of the logistic function: from -8 to 8. */
#define FT_LOGISTIC_STEPS 512

struct ft_output {
    struct ft_matrix weights; /* (n_labels, dim) */
    uint32_t n_labels;
    enum fasttext_loss loss;
    float logistic[FT_LOGISTIC_STEPS + 1];
    struct ft_tree tree; /* of a hierarchical softmax */
};

/**
 * ft_output_open builds what the loss needs for the labels of `dictionary`; the caller has filled
 * in weights, with a row for each label, of which there is one at least.
 * @return false with err set; ft_output_close is then due all the same
 */
bool ft_output_open(struct ft_output *output, const struct ft_dictionary *dictionary,
                    enum fasttext_loss loss, const struct ft_reader *reader);

/** ft_output_close frees the tree; a zeroed one is fine. */
void ft_output_close(struct ft_output *output);

/** ft_output_predict: as fasttext_predict. */
bool ft_output_predict(const struct ft_output *output, const float *vector,
                       struct fasttext_wish wish, struct arena *arena,
                       struct fasttext_predictions *out);
