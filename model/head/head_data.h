/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file head_data.h
 * What a head is made of. For the files of head.h alone. Immutable once open; any thread may read
 * it.
 */
#pragma once

#include "model/head/files/parts.h"
#include "model/head/head.h"
#include "model/head/ngrams/ngram_table.h"

#include <stddef.h>
#include <stdint.h>

/** A linear step. */
struct linear {
    float *columns; /* (in, out): those of W one after the other */
    float *bias;    /* (out) */
    uint32_t in, out;
};

struct head {
    struct head_input input;
    struct head_info info;
    struct linear hidden[HIDDEN_MAX], output;
    size_t n_hidden;
    struct ngram_table ngrams;        /* without rows where it has none */
    const struct encoder_labels *own; /* what predicts instead; or NULL */
    float *thresholds;                /* (C) of a multi-label head, (1) of a binary one */
    float *margins;                   /* of info, or NULL */
    const char **labels;
    char *name, *training, *scores;
    struct json_t *about; /* owner of the labels */
};
