/* SPDX-License-Identifier: Apache-2.0 */
#include "model/train/examples.h"

#include "base/grow.h"
#include "base/hash.h"
#include "model/train/label_names.h"
#include "model/train/repeats.h"

#include <stdlib.h>
#include <string.h>

/* All memory of one row's tokens: each of 64 million bytes may be one. */
#define ROW_ARENA_BYTES (64 * LABELLED_RECORD_BYTES_MAX)

static bool fail_memory(struct err *err)
{
    return err_set(err, ERR_MEMORY, NULL, "no memory for so many rows; train on fewer");
}

static int compare_numbers(const void *a, const void *b)
{
    const uint32_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* Ascending, each once. */
static uint32_t tidy_labels(uint32_t *labels, uint32_t n)
{
    uint32_t kept = 0;
    if (n > 1) qsort(labels, n, sizeof *labels, compare_numbers);
    for (uint32_t i = 0; i < n; i++)
        if (kept == 0 || labels[kept - 1] != labels[i]) labels[kept++] = labels[i];
    return kept;
}

bool examples_add(struct examples *examples, const uint32_t *ids, size_t n_ids,
                  const uint32_t *labels, size_t n_labels, struct err *err)
{
    size_t cap_texts = examples->cap, cap_groups = examples->cap, cap_origins = examples->cap;
    if (n_ids > UINT32_MAX || n_labels > UINT32_MAX ||
        !grow_list(&examples->texts, &cap_texts, examples->n + 1, sizeof *examples->texts) ||
        !grow_list(&examples->groups, &cap_groups, examples->n + 1, sizeof *examples->groups) ||
        !grow_list(&examples->origins, &cap_origins, examples->n + 1, sizeof *examples->origins) ||
        !grow_list(&examples->items, &examples->cap, examples->n + 1, sizeof *examples->items) ||
        !grow_list(&examples->ids, &examples->cap_ids, examples->n_ids + n_ids,
                   sizeof *examples->ids) ||
        !grow_list(&examples->labels, &examples->cap_labels, examples->n_labels + n_labels,
                   sizeof *examples->labels))
        return fail_memory(err);
    if (n_ids > 0) memcpy(examples->ids + examples->n_ids, ids, n_ids * sizeof *ids);
    uint32_t *own = examples->labels + examples->n_labels;
    if (n_labels > 0) memcpy(own, labels, n_labels * sizeof *labels);
    const uint32_t n_kept = tidy_labels(own, (uint32_t)n_labels);
    examples->texts[examples->n] = 0;
    examples->groups[examples->n] = 0;
    examples->origins[examples->n] = (struct example_origin){0};
    examples->items[examples->n++] = (struct example){.ids_at = examples->n_ids,
                                                      .labels_at = examples->n_labels,
                                                      .n_ids = (uint32_t)n_ids,
                                                      .n_labels = n_kept};
    examples->n_ids += n_ids;
    examples->n_labels += n_kept;
    return true;
}

/* Of the last row. */
static bool take_origin(struct examples *examples, const struct labelled_row *row, uint64_t number,
                        struct err *err)
{
    struct example_origin *origin = &examples->origins[examples->n - 1];
    *origin = (struct example_origin){
        .file = examples->n_files - 1, .row = number, .line = row->line, .bytes = row->text_bytes};
    if (!examples->keeps_texts) return true;
    origin->text = malloc(row->text_bytes + 1);
    if (!origin->text) return fail_memory(err);
    if (row->text_bytes > 0) memcpy(origin->text, row->text, row->text_bytes);
    origin->text[row->text_bytes] = '\0';
    return true;
}

static bool add_row(struct examples *examples, const struct model *model, struct arena *arena,
                    const struct labelled_row *row, uint64_t number, struct err *err)
{
    const char *text = row->text;
    size_t bytes = row->text_bytes;
    struct tokens tokens;
    arena_reset(arena);
    uint32_t *labels = arena_array(arena, row->n_labels, sizeof *labels);
    if (!labels) return err_out_of_memory(err);
    bool is_unknown = false;
    for (size_t i = 0; i < row->n_labels; i++) {
        labels[i] = examples->owns_names ? label_names_add(examples->names, row->labels[i])
                                         : label_names_find(examples->names, row->labels[i]);
        if (labels[i] == UINT32_MAX && examples->owns_names) return fail_memory(err);
        is_unknown |= labels[i] == EXAMPLES_NO_LABEL;
    }
    if (!model_prompted(model, arena, &text, &bytes, err) ||
        !model_tokenize(model, arena, text, bytes, TOKENIZE_LIMITS, &tokens, err) ||
        !examples_add(examples, tokens.ids, tokens.n, labels, row->n_labels, err) ||
        !take_origin(examples, row, number, err))
        return false;
    bool is_empty = true;
    for (uint32_t i = 0; i < tokens.n && is_empty; i++)
        is_empty = model_is_unknown(model_info(model), tokens.ids[i]);
    examples->texts[examples->n - 1] = repeats_key(arena, row->text, row->text_bytes);
    if (examples->texts[examples->n - 1] == 0) return err_out_of_memory(err);
    examples->groups[examples->n - 1] = row->group;
    examples->report.n_empty += is_empty;
    examples->report.n_unknown_labels += is_unknown;
    examples->report.n_unlabelled += row->n_labels == 0;
    examples->is_multi |= row->n_labels != 1;
    return true;
}

static bool check_labels(const struct examples *examples, const char *path, struct err *err)
{
    if (!examples->owns_names) return true;
    const uint32_t n = label_names_count(examples->names);
    if (n > EXAMPLES_LABELS_MAX || (n > 1000 && n > examples->n / 2))
        return err_set(err, ERR_FORMAT, NULL,
                       "%.200s: %u different labels in %zu rows; name the column of the labels "
                       "with `label` (at most %u labels, and two rows a label beyond 1000)",
                       path, n, examples->n, EXAMPLES_LABELS_MAX);
    if (n >= 2 || (n == 1 && examples->is_multi)) return true;
    const char *only = n ? label_names_list(examples->names)[0] : "";
    return err_set(err, ERR_FORMAT, NULL,
                   "%.200s: every row has the same label, '%s'; a classifier needs at least two",
                   path, columns_show((struct span){only, strlen(only)}).text);
}

/* At least so many rows say something of their labels. */
#define ROWS_THAT_TELL 10

/* Every label so far is in two rows at least. */
static bool are_labels_seen_twice(const struct examples *examples)
{
    const uint32_t n = label_names_count(examples->names);
    uint32_t *counts = calloc((size_t)n + 1, sizeof *counts);
    bool is_so = counts && n > 0;
    for (size_t i = 0; is_so && i < examples->n_labels; i++)
        counts[examples->labels[i]]++;
    for (uint32_t i = 0; is_so && i < n; i++)
        is_so = counts[i] > 1;
    free(counts);
    return is_so;
}

/* To the place `first`, where the rows of its file begin. */
static void move_last_to(struct examples *examples, size_t first)
{
    const size_t last = examples->n - 1, n = last - first;
    const struct example item = examples->items[last];
    const uint64_t text = examples->texts[last], group = examples->groups[last];
    const struct example_origin origin = examples->origins[last];
    struct example *items = examples->items + first;
    struct example_origin *origins = examples->origins + first;
    uint64_t *texts = examples->texts + first, *groups = examples->groups + first;
    memmove(items + 1, items, n * sizeof *items);
    memmove(texts + 1, texts, n * sizeof *texts);
    memmove(groups + 1, groups, n * sizeof *groups);
    memmove(origins + 1, origins, n * sizeof *origins);
    items[0] = item;
    origins[0] = origin;
    texts[0] = text;
    groups[0] = group;
}

/* What a first row is that may be a header. Of rows whose labels are known, the others say enough.
 */
static enum examples_first_row judge_first(const struct examples *examples,
                                           const struct labelled_row *row,
                                           struct labelled_doubt doubt)
{
    if (doubt.recurs || label_names_find(examples->names, row->labels[0]) != UINT32_MAX)
        return FIRST_ROW_PLAIN;
    const bool is_odd = !examples->owns_names || are_labels_seen_twice(examples);
    const bool is_told = !examples->owns_names || examples->n >= ROWS_THAT_TELL;
    if (doubt.has_names && is_odd && is_told) return FIRST_ROW_HEADER;
    return doubt.has_names || is_odd ? FIRST_ROW_DOUBTFUL : FIRST_ROW_PLAIN;
}

/* The first row, where it may be a header; all others are read. */
static bool settle_first(struct examples *examples, const struct model *model, struct arena *arena,
                         const struct labelled *labelled, size_t first, uint64_t number,
                         struct err *err)
{
    struct labelled_doubt doubt;
    const struct labelled_row *row = labelled_doubtful(labelled, &doubt);
    if (!row) return true;
    const enum examples_first_row is = judge_first(examples, row, doubt);
    examples->report.first_row = is;
    if (is != FIRST_ROW_PLAIN) examples->report.first_label = columns_show(row->labels[0]);
    if (is == FIRST_ROW_HEADER) return true;
    if (!add_row(examples, model, arena, row, number, err)) return false;
    move_last_to(examples, first);
    return true;
}

struct header_rows {
    size_t n, n_whole;
    uint64_t line;
};

static void note_header(struct header_rows *found, const struct labelled *labelled,
                        const struct labelled_row *row)
{
    bool is_whole;
    if (!labelled_repeats_header(labelled, row, &is_whole)) return;
    if (found->n++ == 0) found->line = row->line;
    found->n_whole += is_whole;
}

static bool read_rows(struct examples *examples, const struct model *model,
                      struct labelled *labelled, const char *path, struct err *err)
{
    struct header_rows headers = {0};
    struct labelled_doubt doubt;
    const size_t first = examples->n;
    const uint64_t first_number = examples->n_numbered + 1;
    struct labelled_row row;
    struct arena arena;
    int step;
    bool ok = true;
    arena_init(&arena, ROW_ARENA_BYTES);
    examples->n_files++;
    examples->n_numbered += labelled_doubtful(labelled, &doubt) != NULL;
    while (ok && (step = labelled_next(labelled, &row, err)) != 0) {
        if (step > 0) note_header(&headers, labelled, &row);
        ok = step > 0 && add_row(examples, model, &arena, &row, ++examples->n_numbered, err) &&
             /* A wrong column shows before all of it is in memory. */
             (label_names_count(examples->names) <= EXAMPLES_LABELS_MAX ||
              check_labels(examples, path, err));
    }
    ok = ok && settle_first(examples, model, &arena, labelled, first, first_number, err);
    examples->report.left_out = *labelled_left_out(labelled);
    const bool are_headers = headers.n == 1 || headers.n == headers.n_whole;
    examples->report.n_headers = are_headers ? headers.n : 0;
    examples->report.header_line = headers.line;
    arena_clear(&arena);
    if (ok && examples->n == first) return labelled_fail_no_rows(labelled, err);
    return ok;
}

static bool sort_labels(struct examples *examples, struct err *err)
{
    if (!examples->owns_names) return true;
    uint32_t *numbers = malloc(label_names_count(examples->names) * sizeof *numbers);
    if (!numbers || !label_names_sort(examples->names, numbers)) {
        free(numbers);
        return fail_memory(err);
    }
    for (size_t i = 0; i < examples->n_labels; i++)
        examples->labels[i] = numbers[examples->labels[i]];
    free(numbers);
    for (size_t i = 0; i < examples->n; i++)
        tidy_labels(examples->labels + examples->items[i].labels_at, examples->items[i].n_labels);
    return true;
}

struct twin {
    uint64_t text, labels;
    size_t row;
};

static int compare_twins(const void *a, const void *b)
{
    const struct twin *x = a, *y = b;
    if (x->text != y->text) return x->text > y->text ? 1 : -1;
    return (x->row > y->row) - (x->row < y->row);
}

/* Rows whose text came before, by hashes of 64 bits. */
static bool count_twins(struct examples *examples, struct err *err)
{
    struct twin *twins = malloc(examples->n * sizeof *twins);
    if (!twins) return fail_memory(err);
    for (size_t i = 0; i < examples->n; i++) {
        const struct example *item = &examples->items[i];
        twins[i] = (struct twin){examples->texts[i],
                                 hash_bytes(HASH_START, examples->labels + item->labels_at,
                                            item->n_labels * sizeof *examples->labels),
                                 i};
    }
    qsort(twins, examples->n, sizeof *twins, compare_twins);
    for (size_t first = 0, i = 1; i < examples->n; i++) {
        if (twins[i].text != twins[first].text) {
            first = i;
        } else if (twins[i].labels == twins[first].labels) {
            examples->report.n_duplicates++;
        } else {
            examples->report.n_contradictory++;
        }
    }
    free(twins);
    return true;
}

bool examples_begin(struct examples *examples, const struct examples *names_of, struct err *err)
{
    *examples = (struct examples){.owns_names = !names_of};
    examples->names = names_of ? names_of->names : label_names_new();
    return examples->names || fail_memory(err);
}

bool examples_read_file(struct examples *examples, const struct model *model, const char *path,
                        const struct labelled_options *options,
                        void (*about)(void *user, const struct labelled *labelled), void *user,
                        struct err *err)
{
    struct labelled *labelled;
    const char *name = strcmp(path, "-") == 0 ? "standard input" : path;
    examples->report.first_row = FIRST_ROW_PLAIN;
    if (!labelled_open(&labelled, path, options, err)) return false;
    if (about) about(user, labelled);
    examples->is_multi |= options && options->label_separator;
    const bool ok = read_rows(examples, model, labelled, name, err);
    labelled_close(labelled);
    return ok;
}

bool examples_end(struct examples *examples, const char *name, struct err *err)
{
    return check_labels(examples, name, err) && sort_labels(examples, err) &&
           count_twins(examples, err);
}

bool examples_read(struct examples *examples, const struct model *model, const char *path,
                   const struct labelled_options *options, const struct examples *names_of,
                   void (*about)(void *user, const struct labelled *labelled), void *user,
                   struct err *err)
{
    const char *name = strcmp(path, "-") == 0 ? "standard input" : path;
    const bool ok = examples_begin(examples, names_of, err) &&
                    examples_read_file(examples, model, path, options, about, user, err) &&
                    examples_end(examples, name, err);
    if (!ok) examples_clear(examples);
    return ok;
}

uint32_t examples_n_names(const struct examples *examples)
{
    return label_names_count(examples->names);
}

const char *const *examples_names(const struct examples *examples)
{
    return label_names_list(examples->names);
}

uint64_t examples_fingerprint(const struct examples *examples)
{
    uint64_t hash = HASH_START;
    for (uint32_t i = 0; i < examples_n_names(examples); i++)
        hash =
            hash_bytes(hash, examples_names(examples)[i], strlen(examples_names(examples)[i]) + 1);
    for (size_t i = 0; i < examples->n; i++) {
        const struct example *item = &examples->items[i];
        hash = hash_bytes(hash, &item->n_ids, sizeof item->n_ids);
        hash = hash_bytes(hash, &item->n_labels, sizeof item->n_labels);
        hash = hash_words(hash, examples->ids + item->ids_at, item->n_ids * sizeof *examples->ids);
        hash = hash_words(hash, examples->labels + item->labels_at,
                          item->n_labels * sizeof *examples->labels);
    }
    return hash;
}

void examples_clear(struct examples *examples)
{
    if (examples->owns_names) label_names_free(examples->names);
    for (size_t i = 0; i < examples->n; i++)
        free(examples->origins[i].text);
    free(examples->origins);
    free(examples->items);
    free(examples->ids);
    free(examples->labels);
    free(examples->texts);
    free(examples->groups);
    *examples = (struct examples){0};
}
