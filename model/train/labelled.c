/* SPDX-License-Identifier: Apache-2.0 */
#include "model/train/labelled.h"

#include "base/utf8.h"
#include "model/train/labelled_formats.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const labelled_format_names[LABELLED_FORMATS] = {"auto", "CSV", "TSV", "JSONL",
                                                             "fastText"};

/* Stands behind the sentence, whose own end goes where there is no room for both. */
static void name_remedy(struct err *err)
{
    static const char remedy[] = " (`skip-bad` leaves such rows out)";
    const size_t most = sizeof err->message - sizeof remedy;
    const size_t bytes = utf8_cut(err->message, strlen(err->message), most);
    memcpy(err->message + bytes, remedy, sizeof remedy);
}

bool labelled_leave_out(struct labelled *labelled, struct err *err)
{
    if (labelled->skips_bad)
        left_out_add(&labelled->left_out, labelled->bad, err);
    else
        name_remedy(err);
    labelled->bad = BAD_ROW_NONE;
    return labelled->skips_bad;
}

int labelled_next_record(struct labelled *labelled, struct err *err)
{
    static const enum bad_row kinds[] = {[LINES_RIGHT] = BAD_ROW_NONE,
                                         [LINES_ENCODING] = BAD_ROW_ENCODING,
                                         [LINES_QUOTES] = BAD_ROW_QUOTES};
    for (;;) {
        const int found = lines_next(&labelled->records, err);
        labelled->bad = kinds[labelled->records.fault];
        if (!labelled->bad || !labelled_leave_out(labelled, err)) return found;
    }
}

bool labelled_fail_memory(const struct labelled *labelled, struct err *err)
{
    return err_set(err, ERR_MEMORY, NULL, "%.200s, line %llu: no memory for it",
                   labelled->records.file, (unsigned long long)labelled->records.number);
}

static bool check_added(struct labelled *labelled, enum labels_result result, struct err *err)
{
    switch (result) {
    case LABELS_OK:
        return true;
    case LABELS_EMPTY:
        return LABELLED_BAD(labelled, BAD_ROW_NO_LABEL, err, "%s",
                            "its label is empty; give it one, or leave the row out");
    case LABELS_TOO_MANY:
        return LABELLED_BAD(labelled, BAD_ROW_LABELS, err, "more than %d labels; give each once",
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

/* Where no header is to be expected, a first line that is no text may be left out, too. */
static int read_first(struct labelled *labelled, struct err *err)
{
    struct lines *records = &labelled->records;
    for (;;) {
        const int found = lines_next(records, err);
        if (found >= 0 || records->fault != LINES_ENCODING) return found;
        const enum labelled_format format =
            labelled->format ? labelled->format : find_format(records->text, records->bytes);
        if (format != LABELLED_JSONL && format != LABELLED_FASTTEXT) return -1;
        labelled->bad = BAD_ROW_ENCODING;
        if (!labelled_leave_out(labelled, err)) return -1;
    }
}

static void say_packing(struct labelled *labelled)
{
    const struct inflow *inflow = labelled->records.inflow;
    const enum text_encoding encoding = inflow_encoding(inflow);
    const char *packing = inflow_packing(inflow);
    const bool is_other = encoding != TEXT_UTF_8;
    snprintf(labelled->packing, sizeof labelled->packing, "%s%s%s%s%s", is_other ? " in " : "",
             is_other ? text_encoding_names[encoding] : "", packing ? " (" : "",
             packing ? packing : "", packing ? ")" : "");
}

static bool open_first(struct labelled *labelled, const struct labelled_options *options,
                       struct err *err)
{
    struct lines *records = &labelled->records;
    say_packing(labelled);
    records->skips_empty = true;
    records->passes_over = options->skips_bad;
    records->expected = "one text and its labels are expected in a row";
    const int found = read_first(labelled, err);
    if (found < 0) return false;
    if (found == 0 && labelled->left_out.n > 0) return labelled_fail_no_rows(labelled, err);
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
    if (!take(labelled, &row, err)) return labelled->bad && labelled_leave_out(labelled, err);
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
    labelled->skips_bad = options->skips_bad;
    labelled->group = options->group;
    if (!lines_open_as(&labelled->records, path, options->read_bytes, options->encoding, err) ||
        !open_first(labelled, options, err) ||
        (labelled->columns.is_doubtful && !keep_doubtful(labelled, err))) {
        labelled_close(labelled);
        return false;
    }
    *out = labelled;
    return true;
}

static bool take_parts(struct labelled *labelled, struct labelled_row *row, struct err *err)
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

/* What no format forbids. A head's file cannot hold a name with NUL. */
static bool check_row(struct labelled *labelled, const struct labelled_row *row, struct err *err)
{
    const struct labels *labels = &labelled->labels;
    for (size_t i = 0; i < labels->n; i++)
        if (memchr(labels->spans[i].data, '\0', labels->spans[i].bytes))
            return LABELLED_BAD(labelled, BAD_ROW_NUL, err, "%s",
                                "a label holds the character NUL; leave it out");
    if (!labelled->skips_bad) return true;
    for (size_t i = 0; i < row->text_bytes; i++)
        if (!memchr(" \t\n\v\f\r", row->text[i], 6)) return true;
    return LABELLED_BAD(labelled, BAD_ROW_NO_TEXT, err, "%s", "its text is empty");
}

/* The labels are set, too. */
static bool take(struct labelled *labelled, struct labelled_row *row, struct err *err)
{
    labels_reset(&labelled->labels);
    if (!take_parts(labelled, row, err)) return false;
    labels_finish(&labelled->labels);
    return check_row(labelled, row, err);
}

static bool equal(struct span a, struct span b)
{
    return a.bytes == b.bytes && memcmp(a.data, b.data, a.bytes) == 0;
}

int labelled_next(struct labelled *labelled, struct labelled_row *row, struct err *err)
{
    struct labelled_row next;
    for (;;) {
        const int found = labelled->is_pending ? 1 : labelled_next_record(labelled, err);
        if (found != 1) return found;
        next = (struct labelled_row){.line = labelled->records.number};
        if (take(labelled, &next, err)) break;
        if (!labelled->bad || !labelled_leave_out(labelled, err)) return -1;
    }
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

const struct left_out *labelled_left_out(const struct labelled *labelled)
{
    return &labelled->left_out;
}

bool labelled_fail_no_rows(const struct labelled *labelled, struct err *err)
{
    const struct left_out *left_out = &labelled->left_out;
    if (left_out->n == 0)
        return err_set(err, ERR_FORMAT, NULL, "%.200s holds no rows besides its header",
                       labelled->records.file);
    return err_set(err, ERR_FORMAT, NULL, "%.100s holds no row that can be read, of %llu; %.300s",
                   labelled->records.file, (unsigned long long)left_out->n, left_out->listed[0]);
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

bool labelled_was_looked_at(const struct labelled *labelled)
{
    return labelled->columns.is_looked;
}
