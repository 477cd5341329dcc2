/* SPDX-License-Identifier: Apache-2.0 */
/* A line a row: its label (unless the line begins with a number that makes it D + 1 numbers), the
   row's D numbers, its b. Plain CSV: no quotes but around a label. */
#include "model/head/files/parts.h"

#include <stdlib.h>
#include <string.h>

/* The file as lines of fields, read twice: once to count, once to fill. */
struct cursor {
    const char *at, *end;
    size_t line;
};

static bool next_line(struct cursor *cursor, struct span *line)
{
    while (cursor->at < cursor->end) {
        const char *lf = memchr(cursor->at, '\n', (size_t)(cursor->end - cursor->at));
        const char *stop = lf ? lf : cursor->end;
        *line = (struct span){cursor->at, (size_t)(stop - cursor->at)};
        cursor->at = lf ? lf + 1 : cursor->end;
        cursor->line++;
        if (line->bytes > 0 && line->data[line->bytes - 1] == '\r') line->bytes--;
        if (line->bytes > 0) return true;
    }
    return false;
}

/* Takes the next field off `line`; quotes around it are dropped, doubled ones inside stay so. */
static bool next_field(struct span *line, struct span *field)
{
    if (!line->data) return false;
    const char *end = line->data + line->bytes, *comma;
    if (line->bytes > 0 && line->data[0] == '"') {
        const char *quote = memchr(line->data + 1, '"', line->bytes - 1);
        if (!quote) return false;
        *field = (struct span){line->data + 1, (size_t)(quote - line->data - 1)};
        comma = memchr(quote, ',', (size_t)(end - quote));
    } else {
        comma = memchr(line->data, ',', line->bytes);
        *field = (struct span){line->data, (size_t)((comma ? comma : end) - line->data)};
    }
    *line = comma ? (struct span){comma + 1, (size_t)(end - comma - 1)} : (struct span){0};
    return true;
}

static bool to_number(struct span field, float *out)
{
    char text[64], *stop;
    if (field.bytes == 0 || field.bytes >= sizeof text) return false;
    memcpy(text, field.data, field.bytes);
    text[field.bytes] = '\0';
    *out = strtof(text, &stop);
    while (*stop == ' ')
        stop++;
    return *stop == '\0';
}

static bool count(struct span bytes, size_t *rows, size_t *fields)
{
    struct cursor cursor = {bytes.data, bytes.data + bytes.bytes, 0};
    struct span line, field;
    *rows = *fields = 0;
    while (next_line(&cursor, &line)) {
        if ((*rows)++ > 0) continue;
        while (next_field(&line, &field))
            (*fields)++;
    }
    return *rows > 0 && *fields >= 2;
}

/* Without labels in front, labels are the rows' numbers. */
static bool add_label(struct head_parts *parts, json_t *labels, struct span text, size_t row)
{
    json_t *label = text.data ? json_stringn(text.data, text.bytes)
                              : json_sprintf("%llu", (unsigned long long)row);
    if (!label) return head_fail(parts, "line %zu: its label is not UTF-8", row + 1);
    json_array_append_new(labels, label);
    return true;
}

static bool read_line(struct head_parts *parts, struct span line, size_t number, size_t row,
                      float *b)
{
    struct span field;
    struct matrix *w = &parts->output.weight;
    for (size_t j = 0; j <= w->columns; j++) {
        float *to = j < w->columns ? &w->values[row * w->columns + j] : b;
        if (!next_field(&line, &field) || !to_number(field, to))
            return head_fail(parts,
                             "line %zu: field %zu is not a number; a line holds an optional label, "
                             "%zu numbers of W and one of b",
                             number, j + 1, w->columns);
    }
    return !line.data || head_fail(parts, "line %zu has more than the %zu numbers of the first",
                                   number, w->columns + 1);
}

/* One row says yes or no: what it says yes to is its label. */
static void add_other_label(json_t *labels, bool is_labelled)
{
    const char *yes = json_string_value(json_array_get(labels, 0));
    json_array_insert_new(labels, 0, is_labelled ? json_sprintf("not %s", yes) : json_string("0"));
    if (!is_labelled) json_array_set_new(labels, 1, json_string("1"));
}

bool head_read_csv(struct head_parts *parts, struct span bytes)
{
    size_t rows, fields;
    float first;
    struct cursor cursor = {bytes.data, bytes.data + bytes.bytes, 0};
    struct span line, label;
    if (!count(bytes, &rows, &fields)) return head_fail(parts, "it holds no line of numbers");
    struct cursor peek = cursor;
    bool is_labelled =
        next_line(&peek, &line) && next_field(&line, &label) && !to_number(label, &first);
    size_t columns = fields - 1 - is_labelled;
    if (columns == 0) return head_fail(parts, "line 1 holds a label and one number; W is missing");
    if (!matrix_make(&parts->output.weight, rows, columns, parts) ||
        !matrix_make(&parts->output.bias, rows, 1, parts))
        return false;
    json_t *labels = json_array();
    json_object_set_new(parts->about, "labels", labels);
    for (size_t row = 0; next_line(&cursor, &line); row++) {
        label = (struct span){0};
        if (is_labelled && !next_field(&line, &label))
            return head_fail(parts, "line %zu: a quote in it never closes", cursor.line);
        if (!add_label(parts, labels, label, row) ||
            !read_line(parts, line, cursor.line, row, &parts->output.bias.values[row]))
            return false;
    }
    if (rows == 1) add_other_label(labels, is_labelled);
    return true;
}
