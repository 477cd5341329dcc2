/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file kind.h
 * What kinds of classifier head there are, and when a label counts as predicted. Pure functions.
 */
#pragma once

enum head_kind {
    HEAD_BINARY,      /* one logit: p of the second label, predicted when p >= threshold */
    HEAD_MULTI_CLASS, /* C probabilities that sum to 1: the largest; of equals the first label */
    HEAD_MULTI_LABEL, /* C independent probabilities: label i when p_i >= thresholds[i] */
};

#define HEAD_KINDS 3

/** The kinds' names by enum head_kind: "binary", "multi-class", "multi-label". */
extern const char *const head_kind_names[HEAD_KINDS];
