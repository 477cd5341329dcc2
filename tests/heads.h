/* SPDX-License-Identifier: Apache-2.0 */
/** @file heads.h  A head against what a library wrote down of it: kind, labels, answers. */
#pragma once

#include "base/arena.h"
#include "model/head/head.h"
#include "tests/test.h"

#include <jansson.h>
#include <string.h>

static inline bool is_among(const json_t *predicted, const char *label)
{
    for (size_t i = 0; i < json_array_size(predicted); i++)
        if (strcmp(json_string_value(json_array_get(predicted, i)), label) == 0) return true;
    return false;
}

/** `one` holds "kind" and "labels". */
static inline void check_kind_and_labels(const struct head *head, const json_t *one)
{
    const struct head_info *info = head_info(head);
    const json_t *labels = json_object_get(one, "labels");
    assert_string_equal(head_kind_names[info->kind],
                        json_string_value(json_object_get(one, "kind")));
    assert_int_equal(info->n_labels, json_array_size(labels));
    for (uint32_t i = 0; i < info->n_labels; i++)
        assert_string_equal(info->labels[i], json_string_value(json_array_get(labels, i)));
}

/** The labels that are given, by logits and probabilities p: those of `predicted`. */
static inline void check_prediction(const struct head *head, struct arena *arena,
                                    const float *logits, const float *p, const json_t *predicted)
{
    const struct head_info *info = head_info(head);
    uint32_t first;
    struct err err;
    assert_true(head_order(head, arena, logits, 1, &first, &err));
    for (uint32_t i = 0; i < info->n_labels; i++) {
        const bool is_meant =
            info->kind == HEAD_MULTI_LABEL ? head_passes(head, p, i, -1) : i == first;
        assert_int_equal(is_meant, is_among(predicted, info->labels[i]));
    }
}
