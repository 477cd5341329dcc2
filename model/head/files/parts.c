/* SPDX-License-Identifier: Apache-2.0 */
#include "model/head/files/parts.h"

#include <stdarg.h>
#include <stdlib.h>

bool head_fail(const struct head_parts *parts, const char *fmt, ...)
{
    va_list values;
    va_start(values, fmt);
    err_set_in(parts->err, parts->where, fmt, values);
    va_end(values);
    return false;
}

bool matrix_make(struct matrix *matrix, size_t rows, size_t columns, const struct head_parts *parts)
{
    size_t n;
    float *values = NULL;
    if (!__builtin_mul_overflow(rows, columns, &n)) values = calloc(n, sizeof *values);
    if (!values)
        return err_set(parts->err, ERR_MEMORY, NULL, "%.200s: no memory for %zu x %zu numbers",
                       parts->where, rows, columns);
    *matrix = (struct matrix){values, rows, columns};
    return true;
}

static void step_clear(struct step *step)
{
    free(step->weight.values);
    free(step->bias.values);
}

void head_parts_clear(struct head_parts *parts)
{
    for (size_t i = 0; i < HIDDEN_MAX; i++)
        step_clear(&parts->hidden[i]);
    step_clear(&parts->output);
    json_decref(parts->about);
}
