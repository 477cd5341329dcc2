/* SPDX-License-Identifier: Apache-2.0 */
/* A record a row: its label (unless the file begins with a number), the row's D numbers, its b. */
#include "base/csv.h"
#include "base/grow.h"
#include "base/lines.h"
#include "model/head/files/parts.h"

#include <stdlib.h>
#include <string.h>

/* The file is read twice: once to count, once to fill. */
struct reader {
    struct head_parts *parts;
    struct csv_records records;
    char *record; /* a copy of the last one, which its cells point into */
    size_t bytes, cap;
    struct span *cells; /* (n_cells) of the last one that had as many */
    size_t n_cells;
};

static void start(struct reader *reader, struct span bytes)
{
    struct span left = bytes, line = {0};
    lines_cut(&left, &line);
    reader->records =
        (struct csv_records){.left = bytes, .separator = csv_find_separator(line.data, line.bytes)};
}

/* Moves to the next record; 1: there is one, 0: the end, -1: err is set. */
static int next_record(struct reader *reader)
{
    struct span record;
    const char *problem;
    const int step = csv_next(&reader->records, &record, &problem);
    if (step < 0)
        head_fail(reader->parts, "line %llu: %s", (unsigned long long)reader->records.line,
                  problem);
    if (step <= 0) return step;
    if (!grow_list(&reader->record, &reader->cap, record.bytes, 1)) {
        err_set(reader->parts->err, ERR_MEMORY, NULL, "%.200s: no memory for a line of it",
                reader->parts->where);
        return -1;
    }
    memcpy(reader->record, record.data, record.bytes);
    reader->bytes = record.bytes;
    return 1;
}

/* Cuts the record; more cells than there is room for are only counted. */
static size_t cut(struct reader *reader, size_t cells_max)
{
    return csv_split(reader->record, reader->bytes, reader->records.separator, true, reader->cells,
                     cells_max);
}

static bool count(struct reader *reader, size_t *rows)
{
    int step;
    for (*rows = 0; (step = next_record(reader)) > 0; (*rows)++)
        if (*rows == 0) reader->n_cells = cut(reader, 0);
    if (step < 0) return false;
    if (reader->n_cells < 2) return head_fail(reader->parts, "it holds no line of numbers");
    reader->cells = calloc(reader->n_cells, sizeof *reader->cells);
    return reader->cells || err_set(reader->parts->err, ERR_MEMORY, NULL,
                                    "%.200s: no memory for the %zu fields of a line",
                                    reader->parts->where, reader->n_cells);
}

static bool to_number(struct span cell, float *out)
{
    char text[64], *stop;
    if (cell.bytes == 0 || cell.bytes >= sizeof text) return false;
    memcpy(text, cell.data, cell.bytes);
    text[cell.bytes] = '\0';
    *out = strtof(text, &stop);
    while (*stop == ' ')
        stop++;
    return stop == text + cell.bytes;
}

/* Without labels in front, labels are the rows' numbers. */
static bool add_label(const struct reader *reader, json_t *labels, bool is_labelled, size_t row)
{
    json_t *label = is_labelled ? json_stringn(reader->cells[0].data, reader->cells[0].bytes)
                                : json_sprintf("%llu", (unsigned long long)row);
    if (!label)
        return head_fail(reader->parts, "line %llu: its label is not UTF-8",
                         (unsigned long long)reader->records.line);
    json_array_append_new(labels, label);
    return true;
}

static bool add_numbers(const struct reader *reader, size_t n, bool is_labelled, size_t row)
{
    struct head_parts *parts = reader->parts;
    struct matrix *w = &parts->output.weight;
    const unsigned long long line = reader->records.line;
    for (size_t j = 0; j <= w->columns; j++) {
        float *to =
            j < w->columns ? &w->values[row * w->columns + j] : &parts->output.bias.values[row];
        if (j + is_labelled >= n || !to_number(reader->cells[j + is_labelled], to))
            return head_fail(parts,
                             "line %llu: field %zu is not a number; a line holds an optional "
                             "label, %zu numbers of W and one of b",
                             line, j + 1, w->columns);
    }
    return n <= reader->n_cells ||
           head_fail(parts, "line %llu has more numbers than the %zu of the first line", line,
                     w->columns + 1);
}

/* One row says yes or no: what it says yes to is its label. */
static void add_other_label(json_t *labels, bool is_labelled)
{
    const char *yes = json_string_value(json_array_get(labels, 0));
    json_array_insert_new(labels, 0, is_labelled ? json_sprintf("not %s", yes) : json_string("0"));
    if (!is_labelled) json_array_set_new(labels, 1, json_string("1"));
}

static bool read_rows(struct reader *reader, struct span bytes)
{
    struct head_parts *parts = reader->parts;
    json_t *labels = json_array();
    size_t rows, columns = 0;
    bool is_labelled = false;
    float number;
    json_object_set_new(parts->about, "labels", labels);
    start(reader, bytes);
    if (!count(reader, &rows)) return false;
    start(reader, bytes);
    for (size_t row = 0; row < rows; row++) {
        if (next_record(reader) < 0) return false;
        const size_t n = cut(reader, reader->n_cells);
        if (row == 0) {
            is_labelled = !to_number(reader->cells[0], &number);
            columns = n - 1 - is_labelled;
            if (columns == 0)
                return head_fail(parts, "line 1 holds a label and one number; W is missing");
            if (!matrix_make(&parts->output.weight, rows, columns, parts) ||
                !matrix_make(&parts->output.bias, rows, 1, parts))
                return false;
        }
        if (!add_label(reader, labels, is_labelled, row) ||
            !add_numbers(reader, n, is_labelled, row))
            return false;
    }
    if (rows == 1) add_other_label(labels, is_labelled);
    return true;
}

bool head_read_csv(struct head_parts *parts, struct span bytes)
{
    struct reader reader = {.parts = parts};
    const bool done = read_rows(&reader, bytes);
    free(reader.record);
    free(reader.cells);
    return done;
}
