/* SPDX-License-Identifier: Apache-2.0 */
#include "handlers/metrics_text.h"

#include <string.h>

void metrics_begin_family(const struct metrics_writer *w, const char *name, const char *type,
                          const char *help)
{
    const char *suffix = strcmp(type, "counter") == 0 && !w->openmetrics ? "_total" : "";
    buf_printf(w->out, "# HELP %s%s %s\n# TYPE %s%s %s\n", name, suffix, help, name, suffix, type);
}

/* Label values: \, " and newline are escaped. */
static void add_label_value(struct buf *out, const char *value)
{
    for (; *value; value++) {
        if (*value == '\\' || *value == '"') buf_add_char(out, '\\');
        if (*value == '\n')
            buf_add_str(out, "\\n");
        else
            buf_add_char(out, *value);
    }
}

void metrics_add_label(struct buf *out, const char *before, const char *label, const char *value)
{
    buf_add_str(out, before);
    buf_add_str(out, label);
    buf_add_str(out, "=\"");
    add_label_value(out, value);
    buf_add_char(out, '"');
}

void metrics_write_simple(const struct metrics_writer *w, const char *name, const char *type,
                          const char *help, uint64_t value)
{
    metrics_begin_family(w, name, type, help);
    buf_add_str(w->out, name);
    if (strcmp(type, "counter") == 0) buf_add_str(w->out, "_total");
    buf_add_char(w->out, ' ');
    buf_add_u64(w->out, value);
    buf_add_char(w->out, '\n');
}
