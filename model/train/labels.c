/* SPDX-License-Identifier: Apache-2.0 */
#include "model/train/labels.h"

#include "base/grow.h"
#include "model/train/labelled_types.h"

#include <stdlib.h>
#include <string.h>

void labels_reset(struct labels *labels)
{
    labels->n = 0;
    labels->n_bytes = 0;
}

void labels_clear(struct labels *labels)
{
    free(labels->spans);
    free(labels->bytes);
    *labels = (struct labels){0};
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static struct span trim(struct span span)
{
    while (span.bytes > 0 && is_space(span.data[0])) {
        span.data++;
        span.bytes--;
    }
    while (span.bytes > 0 && is_space(span.data[span.bytes - 1]))
        span.bytes--;
    return span;
}

/* Makes room for one label more, of `bytes` bytes. */
static bool make_room(struct labels *labels, size_t bytes)
{
    return grow_list(&labels->spans, &labels->cap, labels->n + 1, sizeof *labels->spans) &&
           grow_list(&labels->bytes, &labels->cap_bytes, labels->n_bytes + bytes, 1);
}

enum labels_result labels_add(struct labels *labels, struct span label)
{
    label = trim(label);
    if (label.bytes == 0) return LABELS_EMPTY;
    if (labels->n == LABELLED_LABELS_MAX) return LABELS_TOO_MANY;
    if (!make_room(labels, label.bytes)) return LABELS_NO_MEMORY;
    memcpy(labels->bytes + labels->n_bytes, label.data, label.bytes);
    labels->n_bytes += label.bytes;
    labels->spans[labels->n++].bytes = label.bytes;
    return LABELS_OK;
}

enum labels_result labels_add_split(struct labels *labels, struct span list, char separator)
{
    for (;;) {
        const char *end = memchr(list.data, separator, list.bytes);
        struct span part = {list.data, end ? (size_t)(end - list.data) : list.bytes};
        enum labels_result result = labels_add(labels, part);
        if (result != LABELS_OK && result != LABELS_EMPTY) return result;
        if (!end) return LABELS_OK;
        list.data += part.bytes + 1;
        list.bytes -= part.bytes + 1;
    }
}

void labels_finish(struct labels *labels)
{
    const char *at = labels->bytes;
    for (size_t i = 0; i < labels->n; i++) {
        labels->spans[i].data = at;
        at += labels->spans[i].bytes;
    }
}
