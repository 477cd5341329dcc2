/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/records.h"

#include "commands/output.h"

#include <string.h>

bool records_are_json(const char *path)
{
    return output_ends_in(path, ".jsonl") || output_ends_in(path, ".ndjson");
}

void record_add_cell(struct buf *out, const char *text, size_t bytes)
{
    bool is_quoted = false;
    for (size_t i = 0; i < bytes && !is_quoted; i++)
        is_quoted = strchr("\",\r\n", text[i]) && text[i];
    if (!is_quoted) {
        buf_add_lossy(out, text, bytes);
        return;
    }
    buf_add_char(out, '"');
    while (bytes > 0) {
        const char *quote = memchr(text, '"', bytes);
        const size_t n = quote ? (size_t)(quote - text) : bytes;
        buf_add_lossy(out, text, n);
        if (!quote) break;
        buf_add_str(out, "\"\"");
        text += n + 1;
        bytes -= n + 1;
    }
    buf_add_char(out, '"');
}

void record_make_cell(struct buf *out, size_t start)
{
    if (out->failed) return;
    const size_t bytes = out->bytes - start;
    char *copy = arena_alloc(out->arena, bytes);
    if (!copy) {
        out->failed = true;
        return;
    }
    memcpy(copy, out->data + start, bytes);
    out->bytes = start;
    record_add_cell(out, copy, bytes);
}
