/* SPDX-License-Identifier: Apache-2.0 */
#include "model/train/look.h"

#include "base/hash.h"

#include <stdlib.h>
#include <string.h>

/* Fewer rows tell nothing. */
#define ROWS_MIN 4

/* A label is not longer. */
#define LABEL_BYTES_MAX 100

/* Each label is in so many rows, on average. */
#define ROWS_A_LABEL_MIN 2

bool look_is_figure(struct span cell)
{
    bool has_digit = false;
    for (size_t i = 0; i < cell.bytes; i++) {
        const bool is_digit = cell.data[i] >= '0' && cell.data[i] <= '9';
        if (!is_digit && !memchr("+-.,:/% ", cell.data[i], 8)) return false;
        has_digit |= is_digit;
    }
    return has_digit;
}

static struct span trim(struct span cell)
{
    while (cell.bytes > 0 && strchr(" \t\r\n", cell.data[0])) {
        cell.data++;
        cell.bytes--;
    }
    while (cell.bytes > 0 && strchr(" \t\r\n", cell.data[cell.bytes - 1]))
        cell.bytes--;
    return cell;
}

bool look_add(struct look *look, const struct span *cells)
{
    if (look->n_rows == LOOK_ROWS_MAX) return false;
    look->n_rows++;
    for (int i = 0; i < 2; i++) {
        struct look_column *column = &look->columns[i];
        const struct span cell = trim(cells[i]);
        if (cell.bytes == 0) continue;
        column->hashes[column->n++] = hash_bytes(HASH_START, cell.data, cell.bytes);
        column->n_figures += look_is_figure(cell);
        if (cell.bytes > column->bytes_max) column->bytes_max = cell.bytes;
    }
    return true;
}

static int compare_hashes(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static size_t count_different(struct look_column *column)
{
    size_t n = 0;
    qsort(column->hashes, column->n, sizeof *column->hashes, compare_hashes);
    for (size_t i = 0; i < column->n; i++)
        n += i == 0 || column->hashes[i] != column->hashes[i - 1];
    return n;
}

/* Most rows have one, as a label must. */
static bool is_mostly_there(const struct look *look, const struct look_column *column)
{
    return column->n >= ROWS_MIN && 2 * column->n > look->n_rows;
}

enum look_label look_tell(struct look *look, size_t *n_labels)
{
    bool may_be_label[2];
    size_t n_different[2];
    for (int i = 0; i < 2; i++) {
        struct look_column *column = &look->columns[i];
        if (!is_mostly_there(look, column)) return LOOK_UNTOLD;
        n_different[i] = count_different(column);
        may_be_label[i] =
            column->bytes_max <= LABEL_BYTES_MAX && ROWS_A_LABEL_MIN * n_different[i] <= column->n;
    }
    if (may_be_label[0] == may_be_label[1]) return LOOK_UNTOLD;
    const int label = may_be_label[0] ? 0 : 1;
    const struct look_column *text = &look->columns[1 - label];
    /* Numbers that differ are those of rows, not texts. */
    if (2 * text->n_figures > text->n) return LOOK_UNTOLD;
    *n_labels = n_different[label];
    return label == 0 ? LOOK_FIRST : LOOK_SECOND;
}
