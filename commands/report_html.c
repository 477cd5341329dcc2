/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/report.h"

#include <assert.h>
#include <string.h>

extern const char report_page[]; /* report.html, linked in by report_page.S */

static const char place[] = "{{report}}";

/* From `start` on `buf` is JSON: there '<' stands in strings alone, where it may be an escape. Then
 * nothing in it ends the script around it, or begins a comment. */
static void escape_tags(struct buf *buf, size_t start)
{
    static const char escape[6] = "\\u003c";
    size_t n = 0;
    for (size_t i = start; i < buf->bytes; i++)
        n += buf->data[i] == '<';
    const size_t more = n * (sizeof escape - 1);
    if (more == 0 || !buf_reserve(buf, more)) return;
    char *from = buf->data + buf->bytes, *to = from + more;
    buf->bytes += more;
    while (to > from) {
        if (*--from == '<')
            memcpy(to -= sizeof escape, escape, sizeof escape);
        else
            *--to = *from;
    }
}

void report_html(struct buf *buf, const struct evaluation_result *result,
                 const struct report_info *info)
{
    const char *at = strstr(report_page, place);
    assert(at);
    buf_add(buf, report_page, (size_t)(at - report_page));
    const size_t start = buf->bytes;
    report_json(buf, result, info);
    escape_tags(buf, start);
    buf_add_str(buf, at + sizeof place - 1);
}
