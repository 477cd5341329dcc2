/* SPDX-License-Identifier: Apache-2.0 */
#include "model/head/resamples.h"

#include "base/random.h"
#include "model/head/confusions.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define GROUPS 4096
#define GROUPS_MIN 32
#define ENTRIES_MAX ((size_t)1 << 20)
#define CAP_MIN 1024
#define SEED 1927

/* How often a label occurs in the rows of a group. */
struct entry {
    uint32_t group, label;
    uint32_t support, predicted, correct; /* support + predicted is 0 in an empty entry */
};

struct sums {
    uint64_t support, predicted, correct;
};

struct resamples {
    enum head_kind kind;
    uint32_t n_labels; /* label n_labels is what the head does not know */
    uint64_t n_rows;
    bool is_hashed;    /* rows share groups; otherwise each is one */
    uint32_t n_groups; /* that rows share; a power of two */
    size_t entries_max;
    struct entry *entries; /* (cap) a power of two; a hash table, at most half full */
    size_t n, cap;
    uint8_t *is_true; /* (n_labels + 1) of the row at hand; otherwise all 0 */
    bool is_too_much;
};

struct resamples *resamples_new(enum head_kind kind, uint32_t n_labels, size_t entries_max,
                                struct err *err)
{
    struct resamples *resamples = calloc(1, sizeof *resamples);
    if (resamples) {
        *resamples = (struct resamples){.kind = kind,
                                        .n_labels = n_labels,
                                        .n_groups = GROUPS,
                                        .entries_max = entries_max ? entries_max : ENTRIES_MAX,
                                        .cap = CAP_MIN};
        resamples->is_true = calloc((size_t)n_labels + 1, 1);
        resamples->entries = calloc(CAP_MIN, sizeof *resamples->entries);
        if (resamples->is_true && resamples->entries) return resamples;
    }
    resamples_free(resamples);
    err_set(err, ERR_MEMORY, NULL, "no memory for intervals of %u labels", n_labels);
    return NULL;
}

void resamples_free(struct resamples *resamples)
{
    if (!resamples) return;
    free(resamples->entries);
    free(resamples->is_true);
    free(resamples);
}

/* ---- rows ---- */

static bool is_taken(const struct entry *entry)
{
    return entry->support > 0 || entry->predicted > 0;
}

static struct entry *find(struct entry *entries, size_t cap, uint32_t group, uint32_t label)
{
    const uint64_t key = (uint64_t)group << 32 | label;
    /* Fibonacci hashing; the upper bits are the mixed ones. */
    size_t at = (size_t)(key * UINT64_C(0x9E3779B97F4A7C15) >> 32) & (cap - 1);
    while (is_taken(&entries[at]) && (entries[at].group != group || entries[at].label != label))
        at = (at + 1) & (cap - 1);
    return &entries[at];
}

/* Adds to the counts of a label in a group; there is room. */
static void count(struct resamples *resamples, const struct entry *more)
{
    struct entry *entry = find(resamples->entries, resamples->cap, more->group, more->label);
    if (!is_taken(entry)) {
        *entry = (struct entry){.group = more->group, .label = more->label};
        resamples->n++;
    }
    entry->support += more->support;
    entry->predicted += more->predicted;
    entry->correct += more->correct;
}

/* Rows in a file may be in any order, so which group one shares is left to chance. */
static uint32_t group_of(const struct resamples *resamples, uint64_t row)
{
    if (!resamples->is_hashed) return (uint32_t)row;
    return (uint32_t)random_seed(SEED, row, 0) & (resamples->n_groups - 1);
}

/* Moves all into a table of that size. Entries whose groups are rows get those that rows share,
 * where they do by now; shared groups are put together where there are fewer now. */
static bool move(struct resamples *resamples, size_t cap, bool are_rows)
{
    struct entry *old = resamples->entries;
    const size_t old_cap = resamples->cap;
    struct entry *entries = calloc(cap, sizeof *entries);
    if (!entries) return false;
    resamples->entries = entries;
    resamples->cap = cap;
    resamples->n = 0;
    for (size_t i = 0; i < old_cap; i++) {
        if (!is_taken(&old[i])) continue;
        old[i].group =
            are_rows ? group_of(resamples, old[i].group) : old[i].group & (resamples->n_groups - 1);
        count(resamples, &old[i]);
    }
    free(old);
    return true;
}

/* Has rows share groups, or puts these together two by two. */
static bool put_together(struct resamples *resamples)
{
    const bool are_rows = !resamples->is_hashed;
    if (!are_rows && resamples->n_groups / 2 < GROUPS_MIN) {
        resamples->is_too_much = true;
        return true;
    }
    if (!are_rows) resamples->n_groups /= 2;
    resamples->is_hashed = true;
    return move(resamples, resamples->cap, are_rows);
}

/* Room for a row of so many entries, which may end in `is_too_much`. */
static bool reserve(struct resamples *resamples, size_t more)
{
    if (!resamples->is_hashed && resamples->n_rows == GROUPS && !put_together(resamples))
        return false;
    while (!resamples->is_too_much && resamples->n + more > resamples->entries_max) {
        if (!put_together(resamples)) return false;
    }
    size_t cap = resamples->cap;
    while (!resamples->is_too_much && 2 * (resamples->n + more) > cap)
        cap *= 2;
    return cap == resamples->cap || move(resamples, cap, !resamples->is_hashed);
}

static uint32_t place_of(const struct resamples *resamples, uint32_t label)
{
    return label == EVALUATION_UNKNOWN ? resamples->n_labels : label;
}

bool resamples_add(struct resamples *resamples, const uint32_t *truth, size_t n_truth,
                   const struct answer *answer, struct err *err)
{
    uint8_t *is_true = resamples->is_true;
    if (resamples->is_too_much) return true;
    if (!reserve(resamples, n_truth + answer->n))
        return err_set(err, ERR_MEMORY, NULL, "no memory left for intervals");
    if (resamples->is_too_much) return true;
    const uint32_t group = group_of(resamples, resamples->n_rows++);
    for (size_t i = 0; i < n_truth; i++)
        is_true[place_of(resamples, truth[i])] = 1;
    for (uint32_t i = 0; i < answer->n; i++) {
        const uint32_t label = answer->labels[i];
        count(resamples, &(struct entry){group, label, is_true[label], 1, is_true[label]});
        is_true[label] = 0;
    }
    for (size_t i = 0; i < n_truth; i++) {
        const uint32_t label = place_of(resamples, truth[i]);
        if (is_true[label]) count(resamples, &(struct entry){group, label, 1, 0, 0});
        is_true[label] = 0;
    }
    return true;
}

bool resamples_match(struct resamples *a, struct resamples *b, struct err *err)
{
    struct resamples *const both[] = {a, b};
    const bool is_hashed = a->is_hashed || b->is_hashed;
    const uint32_t n_groups = a->n_groups < b->n_groups ? a->n_groups : b->n_groups;
    const bool is_too_much = a->is_too_much || b->is_too_much;
    assert(is_too_much || a->n_rows == b->n_rows);
    for (size_t i = 0; i < 2; i++) {
        const bool are_rows = !both[i]->is_hashed;
        both[i]->is_hashed = is_hashed;
        both[i]->n_groups = n_groups;
        both[i]->is_too_much = is_too_much;
        if (!move(both[i], both[i]->cap, are_rows))
            return err_set(err, ERR_MEMORY, NULL, "no memory left for intervals");
    }
    return true;
}

/* ---- draws ---- */

/* What draws look at. */
struct drawing {
    const struct entry *entries; /* (n) */
    size_t n;
    uint32_t n_groups;  /* that are drawn from */
    uint32_t *times;    /* (n_groups) that a group was drawn */
    struct sums *sums;  /* (n_labels + 1) */
    uint32_t n_places;  /* labels, and one place for those that are not known */
    double macro_share; /* of the labels that macro averages are over, those that occur */
};

static void draw_groups(struct drawing *drawing, uint64_t *random)
{
    const uint32_t n = drawing->n_groups;
    memset(drawing->times, 0, n * sizeof *drawing->times);
    for (uint32_t i = 0; i < n; i++)
        drawing->times[(random_next(random) >> 32) * n >> 32]++;
    memset(drawing->sums, 0, drawing->n_places * sizeof *drawing->sums);
    for (size_t i = 0; i < drawing->n; i++) {
        const struct entry *entry = &drawing->entries[i];
        const uint64_t times = drawing->times[entry->group];
        struct sums *sums = &drawing->sums[entry->label];
        sums->support += times * entry->support;
        sums->predicted += times * entry->predicted;
        sums->correct += times * entry->correct;
    }
}

static double f1_of(const struct sums *sums)
{
    const uint64_t both = sums->support + sums->predicted;
    return both ? 2 * (double)sums->correct / (double)both : 0;
}

static void measure(const struct drawing *drawing, double *macro, double *micro, double *weighted)
{
    struct sums all = {0};
    double sum = 0, weighted_sum = 0;
    uint64_t n_occur = 0;
    for (uint32_t i = 0; i < drawing->n_places; i++) {
        const struct sums *one = &drawing->sums[i];
        const double f1 = f1_of(one);
        n_occur += one->support > 0 || one->predicted > 0;
        sum += f1;
        weighted_sum += f1 * (double)one->support;
        all.support += one->support;
        all.predicted += one->predicted;
        all.correct += one->correct;
    }
    *macro = n_occur ? sum / (double)n_occur * drawing->macro_share : 0;
    *micro = f1_of(&all);
    *weighted = all.support ? weighted_sum / (double)all.support : 0;
}

/* The labels of all rows that occur, of those that macro averages are over. */
static double macro_share(const struct resamples *resamples, struct drawing *drawing)
{
    if (resamples->kind != HEAD_MULTI_LABEL) return 1;
    uint32_t n_occur = 0;
    for (size_t i = 0; i < drawing->n; i++)
        resamples->is_true[drawing->entries[i].label] = 1;
    const bool has_unknown = resamples->is_true[resamples->n_labels];
    for (uint32_t i = 0; i < drawing->n_places; i++) {
        n_occur += resamples->is_true[i];
        resamples->is_true[i] = 0;
    }
    return (double)n_occur / ((double)resamples->n_labels + has_unknown);
}

/* The taken entries first; after it nothing may be added. */
static size_t gather_entries(struct resamples *resamples)
{
    size_t n = 0;
    for (size_t i = 0; i < resamples->cap; i++) {
        if (is_taken(&resamples->entries[i])) resamples->entries[n++] = resamples->entries[i];
    }
    memset(resamples->entries + n, 0, (resamples->cap - n) * sizeof *resamples->entries);
    return n;
}

static void draw_all(struct resamples *resamples, struct drawing *drawing, struct resampled_f1 *out)
{
    drawing->n = gather_entries(resamples);
    drawing->entries = resamples->entries;
    drawing->macro_share = macro_share(resamples, drawing);
    for (uint32_t i = 0; i < RESAMPLES; i++) {
        uint64_t random = random_seed(SEED, i, 1);
        draw_groups(drawing, &random);
        measure(drawing, &out->macro[i], &out->micro[i], &out->weighted[i]);
    }
}

bool resamples_draw(struct resamples *resamples, struct resampled_f1 *out, struct err *err)
{
    for (uint32_t i = 0; i < RESAMPLES; i++)
        out->macro[i] = out->micro[i] = out->weighted[i] = NAN;
    if (resamples->n_rows == 0 || resamples->is_too_much) return true;
    struct drawing drawing = {.n_groups = resamples->is_hashed ? resamples->n_groups
                                                               : (uint32_t)resamples->n_rows,
                              .n_places = resamples->n_labels + 1};
    drawing.times = calloc(drawing.n_groups, sizeof *drawing.times);
    drawing.sums = calloc(drawing.n_places, sizeof *drawing.sums);
    const bool is_ok = drawing.times && drawing.sums;
    if (is_ok) draw_all(resamples, &drawing, out);
    free(drawing.times);
    free(drawing.sums);
    return is_ok || err_set(err, ERR_MEMORY, NULL, "no memory left for intervals");
}
