/* SPDX-License-Identifier: Apache-2.0 */
#include "model/train/split.h"

#include "base/random.h"

#include <stdlib.h>
#include <string.h>

#define HELD_GROUPS_MIN 5

/* Groups of rows, in the order of their labels. */
struct groups {
    uint32_t *first; /* (n) first row of each, those of a label side by side */
    uint32_t *sizes; /* (rows) by the first row; 0: not the first of a group */
    size_t *starts;  /* (n_labels + 2) where each label's begin */
    size_t n_labels;
};

/* The label that decides; rows without one stand together behind all labels. */
static uint32_t label_of(const struct examples *examples, uint32_t row)
{
    const struct example *item = &examples->items[row];
    return item->n_labels > 0 ? examples->labels[item->labels_at] : examples_n_names(examples);
}

static bool groups_new(struct groups *groups, const struct examples *examples, size_t n)
{
    const size_t n_labels = (size_t)examples_n_names(examples) + 1;
    *groups = (struct groups){.first = calloc(n + 1, sizeof *groups->first),
                              .sizes = calloc(n + 1, sizeof *groups->sizes),
                              .starts = calloc(n_labels + 1, sizeof *groups->starts),
                              .n_labels = n_labels};
    return groups->first && groups->sizes && groups->starts;
}

static void groups_clear(struct groups *groups)
{
    free(groups->first);
    free(groups->sizes);
    free(groups->starts);
}

static void groups_fill(struct groups *groups, const struct examples *examples, size_t n,
                        const uint32_t *group)
{
    size_t *starts = groups->starts;
    for (uint32_t i = 0; i < n; i++)
        groups->sizes[group ? group[i] : i]++;
    for (uint32_t i = 0; i < n; i++)
        if (groups->sizes[i] > 0) starts[label_of(examples, i) + 1]++;
    for (size_t k = 0; k < groups->n_labels; k++)
        starts[k + 1] += starts[k];
    for (uint32_t i = 0; i < n; i++)
        if (groups->sizes[i] > 0) groups->first[starts[label_of(examples, i)]++] = i;
    memmove(starts + 1, starts, groups->n_labels * sizeof *starts);
    starts[0] = 0;
}

/* ---- the groups of one label, in random order ---- */

static void hold_share(struct split *split, const struct groups *groups, const uint32_t *list,
                       size_t n, double share)
{
    size_t n_rows = 0, n_held = 0;
    uint32_t smallest = list[0];
    if (n < HELD_GROUPS_MIN) return;
    for (size_t i = 0; i < n; i++) {
        n_rows += groups->sizes[list[i]];
        if (groups->sizes[list[i]] < groups->sizes[smallest]) smallest = list[i];
    }
    size_t wanted = (size_t)((double)n_rows * share + 0.5);
    if (wanted == 0) wanted = 1;
    for (size_t i = 0; i < n && n_held < wanted; i++) {
        if (n_held + groups->sizes[list[i]] > wanted) continue;
        split->fold[list[i]] = 1;
        n_held += groups->sizes[list[i]];
    }
    if (n_held == 0) split->fold[smallest] = 1;
}

/* Each to the fold with the fewest rows of the label; the first of which depends on the label, so
   that labels of few rows do not all stand in the same. */
static void deal_out(struct split *split, const struct groups *groups, const uint32_t *list,
                     size_t n, size_t label)
{
    size_t held[SPLIT_FOLDS_MAX] = {0};
    for (size_t i = 0; i < n && n > 1; i++) {
        uint32_t least = (uint32_t)(label % split->n_folds);
        for (uint32_t k = 1; k < split->n_folds; k++) {
            const uint32_t fold = (uint32_t)((label + k) % split->n_folds);
            if (held[fold] < held[least]) least = fold;
        }
        held[least] += groups->sizes[list[i]];
        split->fold[list[i]] = (uint8_t)(least + 1);
    }
}

bool split_make(struct split *split, const struct examples *examples, size_t n,
                const struct split_options *options, struct err *err)
{
    struct groups groups;
    const uint32_t n_folds =
        options->n_folds < SPLIT_FOLDS_MAX ? options->n_folds : SPLIT_FOLDS_MAX;
    *split = (struct split){
        .fold = calloc(n + 1, sizeof *split->fold), .n = n, .n_folds = n_folds ? n_folds : 1};
    const bool ok = groups_new(&groups, examples, n) && split->fold;
    if (ok) groups_fill(&groups, examples, n, options->group);
    for (size_t k = 0; ok && k < groups.n_labels; k++) {
        uint32_t *list = groups.first + groups.starts[k];
        const size_t n_list = groups.starts[k + 1] - groups.starts[k];
        uint64_t state = random_seed(options->seed, 0x5B117, k);
        random_shuffle(&state, list, n_list);
        if (n_folds > 1)
            deal_out(split, &groups, list, n_list, k);
        else if (options->share > 0)
            hold_share(split, &groups, list, n_list, options->share);
    }
    for (uint32_t i = 0; ok && options->group && i < n; i++)
        split->fold[i] = split->fold[options->group[i]];
    groups_clear(&groups);
    if (!ok) {
        split_clear(split);
        return err_set(err, ERR_MEMORY, NULL, "no memory for %zu rows", n);
    }
    while (split->n_folds > 0 && split_count(split, split->n_folds) == 0)
        split->n_folds--;
    return true;
}

size_t split_count(const struct split *split, uint32_t fold)
{
    size_t n = 0;
    for (size_t i = 0; i < split->n; i++)
        n += split->fold[i] == fold;
    return n;
}

void split_clear(struct split *split)
{
    free(split->fold);
    *split = (struct split){0};
}
