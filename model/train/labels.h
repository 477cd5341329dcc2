/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file labels.h
 * The labels of one row, copied, so that they outlive the record they come from. Internal to
 * labelled.c. One thread at a time.
 */
#pragma once

#include "base/err.h"
#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>

struct labels {
    struct span *spans; /* (n); where they point is only right after labels_finish */
    size_t n;

    /* Hands off. */
    size_t cap;
    char *bytes;
    size_t n_bytes, cap_bytes;
};

/** The result of adding. */
enum labels_result {
    LABELS_OK,
    LABELS_EMPTY,    /* nothing but white space: not added */
    LABELS_TOO_MANY, /* LABELLED_LABELS_MAX */
    LABELS_NO_MEMORY,
};

/** labels_reset forgets the labels, and keeps the memory. */
void labels_reset(struct labels *labels);

/** labels_add adds a copy of `label` without the white space at its ends. */
enum labels_result labels_add(struct labels *labels, struct span label);

/** labels_add_split adds what stands between separators in `list`, but for empty ones. Never says
 * LABELS_EMPTY. */
enum labels_result labels_add_split(struct labels *labels, struct span list, char separator);

/** labels_finish makes the spans point to the labels; valid until the next call for `labels`. */
void labels_finish(struct labels *labels);

/** labels_clear frees; all zero is fine. */
void labels_clear(struct labels *labels);
