/* SPDX-License-Identifier: Apache-2.0 */
#include "model/train/labelled.h"

#include "model/train/labelled_formats.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

const char *const labelled_format_names[LABELLED_FORMATS] = {"auto", "CSV", "TSV", "JSONL",
                                                             "fastText"};

bool labelled_fail_memory(const struct labelled *labelled, struct err *err)
{
    return err_set(err, ERR_MEMORY, NULL, "%.200s, line %llu: no memory for it",
                   labelled->records.file, (unsigned long long)labelled->records.number);
}

static bool check_added(const struct labelled *labelled, enum labels_result result, struct err *err)
{
    switch (result) {
    case LABELS_OK:
        return true;
    case LABELS_EMPTY:
        return LABELLED_FAIL(labelled, err, "%s",
                             "its label is empty; give it one, or leave the row out");
    case LABELS_TOO_MANY:
        return LABELLED_FAIL(labelled, err, "more than %d labels; give each once",
                             LABELLED_LABELS_MAX);
    case LABELS_NO_MEMORY:
        break;
    }
    return labelled_fail_memory(labelled, err);
}

bool labelled_add(struct labelled *labelled, struct span label, struct err *err)
{
    return check_added(labelled, labels_add(&labelled->labels, label), err);
}

bool labelled_add_list(struct labelled *labelled, struct span list, struct err *err)
{
    char separator = labelled->label_separator;
    if (!separator) return labelled_add(labelled, list, err);
    return check_added(labelled, labels_add_split(&labelled->labels, list, separator), err);
}

/* An object; or a list of objects, which is refused, but as JSON. */
static bool looks_like_json(const char *line, size_t bytes)
{
    size_t i = 0;
    bool is_list = false;
    for (; i < bytes && (line[i] == ' ' || line[i] == '\t' || line[i] == '['); i++)
        is_list |= line[i] == '[';
    return i == bytes ? is_list : line[i] == '{';
}

static enum labelled_format find_format(const char *line, size_t bytes)
{
    if (looks_like_json(line, bytes)) return LABELLED_JSONL;
    if (labelled_words_are_in(line, bytes)) return LABELLED_FASTTEXT;
    if (memchr(line, '\t', bytes)) return LABELLED_TSV;
    if (memchr(line, ',', bytes) || memchr(line, ';', bytes)) return LABELLED_CSV;
    return LABELLED_AUTO;
}

static bool open_first(struct labelled *labelled, const struct labelled_options *options,
                       struct err *err)
{
    struct lines *records = &labelled->records;
    records->skips_empty = true;
    records->expected = "one text and its labels are expected in a row";
    int found = lines_next(records, err);
    if (found < 0) return false;
    if (found == 0)
        return err_set(err, ERR_FORMAT, NULL,
                       "%.200s is empty; rows of a text and its labels are expected",
                       records->file);
    if (labelled->format == LABELLED_AUTO)
        labelled->format = find_format(records->text, records->bytes);
    switch (labelled->format) {
    case LABELLED_CSV:
    case LABELLED_TSV:
        return labelled_cells_open(labelled, options, err);
    case LABELLED_JSONL:
        return labelled_objects_open(labelled, options, err);
    case LABELLED_FASTTEXT:
        return labelled_words_open(labelled, options, err);
    case LABELLED_AUTO:
        break;
    }
    return err_set(err, ERR_USAGE, "input-format",
                   "%.200s: its first line, '%s', has no tab, comma, semicolon, __label__ or { to "
                   "tell the format by; give `input-format`",
                   records->file, columns_show((struct span){records->text, records->bytes}).text);
}

static bool take(struct labelled *labelled, struct labelled_row *row, struct err *err);

/* Sets the first row aside. */
static bool keep_doubtful(struct labelled *labelled, struct err *err)
{
    struct labelled_row row = {.line = labelled->records.number};
    if (!take(labelled, &row, err)) return false;
    labels_finish(&labelled->labels);
    /* A label separator may be a letter. */
    labelled->is_pending = labelled->labels.n != 1;
    if (labelled->is_pending) return true;
    char *copy = malloc(row.text_bytes + labelled->labels.n_bytes);
    if (!copy) return labelled_fail_memory(labelled, err);
    memcpy(copy, row.text, row.text_bytes);
    memcpy(copy + row.text_bytes, labelled->labels.spans[0].data, labelled->labels.n_bytes);
    labelled->doubtful_label = (struct span){copy + row.text_bytes, labelled->labels.n_bytes};
    row.text = copy;
    row.labels = &labelled->doubtful_label;
    row.n_labels = 1;
    labelled->doubtful = row;
    labelled->is_doubtful = true;
    return true;
}

bool labelled_open(struct labelled **out, const char *path, const struct labelled_options *options,
                   struct err *err)
{
    static const struct labelled_options none;
    *out = NULL;
    if (!options) options = &none;
    struct labelled *labelled = calloc(1, sizeof *labelled);
    if (!labelled) return err_set(err, ERR_MEMORY, NULL, "no memory to read %.200s", path);
    labelled->format = options->format;
    labelled->label_separator = options->label_separator;
    if (!lines_open(&labelled->records, path, options->read_bytes, err) ||
        !open_first(labelled, options, err) ||
        (labelled->columns.is_doubtful && !keep_doubtful(labelled, err))) {
        labelled_close(labelled);
        return false;
    }
    *out = labelled;
    return true;
}

static bool take(struct labelled *labelled, struct labelled_row *row, struct err *err)
{
    bool is_cut = labelled->is_pending;
    labelled->is_pending = false;
    switch (labelled->format) {
    case LABELLED_CSV:
    case LABELLED_TSV:
        return (is_cut || labelled_cells_cut(labelled, err)) &&
               labelled_cells_take(labelled, row, err);
    case LABELLED_JSONL:
        return (is_cut || labelled_objects_cut(labelled, err)) &&
               labelled_objects_take(labelled, row, err);
    case LABELLED_FASTTEXT:
        return labelled_words_take(labelled, row, err);
    case LABELLED_AUTO:
        break;
    }
    assert(!"labelled_open has found the format");
    return false;
}

static bool equal(struct span a, struct span b)
{
    return a.bytes == b.bytes && memcmp(a.data, b.data, a.bytes) == 0;
}

int labelled_next(struct labelled *labelled, struct labelled_row *row, struct err *err)
{
    if (!labelled->is_pending) {
        int found = lines_next(&labelled->records, err);
        if (found != 1) return found;
    }
    struct labelled_row next = {.line = labelled->records.number};
    labels_reset(&labelled->labels);
    if (!take(labelled, &next, err)) return -1;
    labels_finish(&labelled->labels);
    for (size_t i = 0; labelled->is_doubtful && i < labelled->labels.n; i++)
        labelled->recurs |= equal(labelled->labels.spans[i], labelled->doubtful_label);
    next.labels = labelled->labels.spans;
    next.n_labels = labelled->labels.n;
    *row = next;
    return 1;
}

const struct labelled_row *labelled_doubtful(const struct labelled *labelled,
                                             struct labelled_doubt *doubt)
{
    if (!labelled->is_doubtful) return NULL;
    *doubt = (struct labelled_doubt){labelled->recurs, labelled->columns.has_names};
    return &labelled->doubtful;
}

bool labelled_repeats_header(const struct labelled *labelled, const struct labelled_row *row,
                             bool *is_whole)
{
    if (!labelled->columns.has_header || row->n_labels != 1) return false;
    const struct span text = {labelled->text_key, strlen(labelled->text_key)};
    const struct span label = {labelled->label_key, strlen(labelled->label_key)};
    *is_whole = equal((struct span){row->text, row->text_bytes}, text);
    return equal(row->labels[0], label);
}

void labelled_close(struct labelled *labelled)
{
    if (!labelled) return;
    if (labelled->is_doubtful) free((char *)(uintptr_t)labelled->doubtful.text);
    lines_close(&labelled->records);
    labels_clear(&labelled->labels);
    json_decref(labelled->object);
    free(labelled->cells);
    free(labelled->text_key);
    free(labelled->label_key);
    free(labelled);
}

double labelled_share(const struct labelled *labelled)
{
    return lines_share(&labelled->records);
}

enum labelled_format labelled_format(const struct labelled *labelled)
{
    return labelled->format;
}

const char *labelled_about(const struct labelled *labelled)
{
    return labelled->about;
}
