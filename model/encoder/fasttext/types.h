/* SPDX-License-Identifier: Apache-2.0 */
/** @file types.h  Words of fastText that its files share. Plain data. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* The numbers are the file's. */
enum fasttext_model {
    FASTTEXT_CBOW = 1,
    FASTTEXT_SKIPGRAM,
    FASTTEXT_SUPERVISED,
};

enum fasttext_loss {
    FASTTEXT_HIERARCHICAL = 1, /* hs: hierarchical softmax */
    FASTTEXT_NEGATIVE,         /* ns: negative sampling */
    FASTTEXT_SOFTMAX,
    FASTTEXT_ONE_VS_ALL, /* ova */
};

struct fasttext_prediction {
    uint32_t label;
    float probability; /* as predict-prob prints it: up to 1e-5 too large, so it may exceed 1 */
};

/** The best first; in the caller's arena. */
struct fasttext_predictions {
    struct fasttext_prediction *items;
    size_t n;
};

/** Which labels are asked for. */
struct fasttext_wish {
    uint32_t k;      /* at most so many; UINT32_MAX: all */
    float threshold; /* none with a smaller probability; of a hierarchical softmax, none below about
                        1e-5 in any case */
};
