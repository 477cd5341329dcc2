/* SPDX-License-Identifier: Apache-2.0 */
#include "base/csv.h"
#include "base/hash.h"
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
    return LABELLED_BAD(
        labelled, BAD_ROW_COLUMNS, err, "%zu column%s where the first row has %zu; %s", n,
        plural(n), labelled->n_cells,
        labelled->format == LABELLED_CSV ? "a cell that holds the separator must be in quotes"
                                         : "a cell must not hold a tab");
}

/* Of the rows that are looked at. */
#define LOOK_BYTES_MAX ((size_t)1 << 20)

/* What looking at the rows told. */
struct looked {
    enum look_label label;
    size_t n_labels, n_rows;
};

/* A copy of the record, at most two of its cells kept; returns how many there are, 0: no memory. */
static size_t split_copy(const struct labelled *labelled, char **copy, struct span cells[2])
{
    const struct lines *records = &labelled->records;
    const bool is_csv = labelled->format == LABELLED_CSV;
    *copy = malloc(records->bytes + 1);
    if (!*copy) return 0;
    memcpy(*copy, records->text, records->bytes);
    return csv_split(*copy, records->bytes, is_csv ? records->separator : '\t', is_csv, cells, 2);
}

/* Looks at rows behind the first record. What is wrong with one is said when it is read. */
static bool look_at_rows(struct labelled *labelled, struct look *look, struct err *err)
{
    struct lines *records = &labelled->records;
    bool is_enough = false;
    lines_mark(records);
    for (size_t bytes = 0; !is_enough; bytes += records->bytes) {
        char *copy;
        struct span cells[2];
        const int found = lines_next(records, err);
        if (found < 0 && records->fault == LINES_RIGHT && err->code != ERR_FORMAT) return false;
        if (found < 0 && records->fault != LINES_RIGHT && labelled->skips_bad) continue;
        if (found != 1) break;
        if (split_copy(labelled, &copy, cells) == 2) is_enough = !look_add(look, cells);
        free(copy);
        is_enough |= bytes > LOOK_BYTES_MAX;
    }
    lines_rewind(records);
    return lines_next(records, err) == 1;
}

/* Where the first record leaves open which column is which. It is the record again after that. */
static bool look(struct labelled *labelled, const struct labelled_options *options,
                 struct looked *looked, struct err *err)
{
    char *copy;
    struct span cells[2];
    const size_t n = split_copy(labelled, &copy, cells);
    const bool needs_look = n == 2 && columns_need_look(options, cells, n);
    free(copy);
    if (!needs_look) return n > 0 || labelled_fail_memory(labelled, err);
    struct look *look = calloc(1, sizeof *look);
    if (!look) return labelled_fail_memory(labelled, err);
    const bool is_ok = look_at_rows(labelled, look, err);
    looked->label = look_tell(look, &looked->n_labels);
    looked->n_rows = look->n_rows;
    free(look);
    return is_ok;
}

static bool find_columns(struct labelled *labelled, const struct labelled_options *options,
                         enum look_label looked, struct err *err)
{
    labelled->cells = malloc(LABELLED_COLUMNS_MAX * sizeof *labelled->cells);
    if (!labelled->cells) return labelled_fail_memory(labelled, err);
    labelled->n_cells = split(labelled, LABELLED_COLUMNS_MAX);
    if (labelled->n_cells > LABELLED_COLUMNS_MAX) {
        return LABELLED_FAIL(labelled, err, "%zu columns where at most %d may be; leave some out",
                             labelled->n_cells, LABELLED_COLUMNS_MAX);
    }
    return columns_find(&labelled->columns, labelled->records.file, options, labelled->format,
                        labelled->cells, labelled->n_cells, looked, err);
}

static void say_column(const struct labelled *labelled, size_t column, char *out, size_t cap)
{
    if (labelled->columns.has_header)
        snprintf(out, cap, "column '%s'", columns_show(labelled->cells[column]).text);
    else
        snprintf(out, cap, "column %zu", column + 1);
}

static bool is_named(struct span cell, const char *name)
{
    return cell.bytes == strlen(name) && memcmp(cell.data, name, cell.bytes) == 0;
}

/* By name where there is a header, else by number. */
static bool find_group(struct labelled *labelled, struct err *err)
{
    const char *group = labelled->group;
    const unsigned long number = group ? strtoul(group, NULL, 10) : 0;
    if (!group) return true;
    for (size_t i = 0; labelled->columns.has_header && i < labelled->n_cells; i++)
        if (is_named(labelled->cells[i], group)) {
            labelled->group_column = i;
            return true;
        }
    if (number < 1 || number > labelled->n_cells || group[strspn(group, "0123456789")])
        return err_set(err, ERR_USAGE, NULL,
                       "%.200s: `group` is '%.*s', but no column has that name; give the name of "
                       "one, or a number from 1 to %zu",
                       labelled->records.file, ERR_VALUE_BYTES, group, labelled->n_cells);
    labelled->group_column = number - 1;
    return true;
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
    struct looked looked = {0};
    if (!look(labelled, options, &looked, err) ||
        !find_columns(labelled, options, looked.label, err) || !find_group(labelled, err))
        return false;
    char text[80], label[80], values[80] = "";
    say_column(labelled, labelled->columns.text, text, sizeof text);
    say_column(labelled, labelled->columns.label, label, sizeof label);
    if (!keep_names(labelled)) return labelled_fail_memory(labelled, err);
    if (labelled->columns.is_looked)
        snprintf(values, sizeof values, ", which has %zu different values in %zu rows",
                 looked.n_labels, looked.n_rows);
    snprintf(labelled->about, sizeof labelled->about, "%s%s%s: text = %s, label = %s%s",
             labelled_format_names[labelled->format],
             records->separator == ';' ? " with semicolons" : "", labelled->packing, text, label,
             values);
    labelled->is_pending = !labelled->columns.has_header;
    return true;
}

bool labelled_cells_take(struct labelled *labelled, struct labelled_row *row, struct err *err)
{
    struct span text = labelled->cells[labelled->columns.text];
    row->text = text.data;
    row->text_bytes = text.bytes;
    if (labelled->group) {
        const struct span group = labelled->cells[labelled->group_column];
        row->group = hash_bytes(HASH_START, group.data, group.bytes) | 1;
    }
    return labelled_add_list(labelled, labelled->cells[labelled->columns.label], err);
}
