/* SPDX-License-Identifier: Apache-2.0 */
#include "base/csv.h"
#include "base/plural.h"

#include "model/train/labelled_formats.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Cuts the record into cells, at most `cells_max` of which are kept; returns how many there are. */
static size_t split(struct labelled *labelled, size_t cells_max)
{
    bool is_csv = labelled->format == LABELLED_CSV;
    return csv_split(labelled->records.text, labelled->records.bytes,
                     is_csv ? labelled->records.separator : '\t', is_csv, labelled->cells,
                     cells_max);
}

bool labelled_cells_cut(struct labelled *labelled, struct err *err)
{
    size_t n = split(labelled, labelled->n_cells);
    if (n == labelled->n_cells) return true;
    return LABELLED_FAIL(labelled, err, "%zu column%s where the first row has %zu; %s", n,
                         plural(n), labelled->n_cells,
                         labelled->format == LABELLED_CSV
                             ? "a cell that holds the separator must be in quotes"
                             : "a cell must not hold a tab");
}

static bool find_columns(struct labelled *labelled, const struct labelled_options *options,
                         struct err *err)
{
    labelled->cells = malloc(LABELLED_COLUMNS_MAX * sizeof *labelled->cells);
    if (!labelled->cells) return labelled_fail_memory(labelled, err);
    labelled->n_cells = split(labelled, LABELLED_COLUMNS_MAX);
    if (labelled->n_cells > LABELLED_COLUMNS_MAX) {
        return LABELLED_FAIL(labelled, err, "%zu columns where at most %d may be; leave some out",
                             labelled->n_cells, LABELLED_COLUMNS_MAX);
    }
    return columns_find(&labelled->columns, labelled->records.file, options, labelled->format,
                        labelled->cells, labelled->n_cells, err);
}

static void say_column(const struct labelled *labelled, size_t column, char *out, size_t cap)
{
    if (labelled->columns.has_header)
        snprintf(out, cap, "column '%s'", columns_show(labelled->cells[column]).text);
    else
        snprintf(out, cap, "column %zu", column + 1);
}

static bool keep_names(struct labelled *labelled)
{
    const struct span text = labelled->cells[labelled->columns.text];
    const struct span label = labelled->cells[labelled->columns.label];
    if (!labelled->columns.has_header) return true;
    labelled->text_key = strndup(text.data, text.bytes);
    labelled->label_key = strndup(label.data, label.bytes);
    return labelled->text_key && labelled->label_key;
}

bool labelled_cells_open(struct labelled *labelled, const struct labelled_options *options,
                         struct err *err)
{
    struct lines *records = &labelled->records;
    if (labelled->format == LABELLED_CSV) {
        /* It was read as a line, and may be more than that. */
        records->separator = csv_find_separator(records->text, records->bytes);
        lines_put_back(records);
        if (lines_next(records, err) != 1) return false;
    }
    if (!find_columns(labelled, options, err)) return false;
    char text[80], label[80];
    say_column(labelled, labelled->columns.text, text, sizeof text);
    say_column(labelled, labelled->columns.label, label, sizeof label);
    if (!keep_names(labelled)) return labelled_fail_memory(labelled, err);
    snprintf(labelled->about, sizeof labelled->about, "%s%s: text = %s, label = %s",
             labelled_format_names[labelled->format],
             records->separator == ';' ? " with semicolons" : "", text, label);
    labelled->is_pending = !labelled->columns.has_header;
    return true;
}

bool labelled_cells_take(struct labelled *labelled, struct labelled_row *row, struct err *err)
{
    struct span text = labelled->cells[labelled->columns.text];
    row->text = text.data;
    row->text_bytes = text.bytes;
    return labelled_add_list(labelled, labelled->cells[labelled->columns.label], err);
}
