/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file changes.h
 * What became of each model when all were looked at anew. Owned by one thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum model_fate {
    MODEL_UNCHANGED, /* its files are the same: not opened again */
    MODEL_RELOADED,
    MODEL_ADDED,
    MODEL_REMOVED,
    MODEL_FAILED, /* refused; one of that name that was served before still is */
    MODEL_FATES,
};

/** "unchanged", "reloaded", "added", "removed", "failed". */
extern const char *const model_fate_names[MODEL_FATES];

struct model_change {
    enum model_fate fate;
    char *name;    /* the model's, or the alias'; of one that was never opened perhaps its path */
    char *version; /* what is served now; "": nothing, or it says none */
    char *error;   /* of one that failed: a sentence; else "" */
    uint64_t old_number, number; /* of its snapshots, before and now; 0: none */
    uint64_t duration_ns;        /* of its opening */
};

/** In the order in which they were looked at. All zeros: empty. */
struct model_changes {
    struct model_change *list; /* (n) */
    size_t n, cap;
};

/** model_changes_add adds a copy, texts and all (NULL counts as ""); false: no memory. */
bool model_changes_add(struct model_changes *changes, const struct model_change *change);

/** model_changes_count: how many of them met with `fate`. */
size_t model_changes_count(const struct model_changes *changes, enum model_fate fate);

/** model_changes_clear frees; they are then empty. */
void model_changes_clear(struct model_changes *changes);
