/* SPDX-License-Identifier: Apache-2.0 */
/* Forms with files in them: the first line is the content-type, the rest the body. What is found
   lies within the body, part after part. */
#include "handlers/form.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define PARTS_MAX 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_inside(struct text text, const char *body, size_t bytes)
{
    if (text.data && (text.data < body || text.bytes > bytes - (size_t)(text.data - body))) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct form_part parts[PARTS_MAX];
    struct err err;
    size_t n;
    const uint8_t *line = memchr(data, '\n', size);
    if (!line) return 0;
    /* Each of its own size, so that the sanitizer sees a step beyond. */
    const size_t type_bytes = (size_t)(line - data), bytes = size - type_bytes - 1;
    char *type = strndup((const char *)data, type_bytes), *body = malloc(bytes ? bytes : 1);
    memcpy(body, line + 1, bytes);
    form_is_type(type);
    const bool is_read = form_read(type, body, bytes, parts, PARTS_MAX, &n, &err);
    if (n > PARTS_MAX || (!is_read && err.code != ERR_INVALID)) abort();
    const char *end = body;
    for (size_t i = 0; i < n; i++) {
        check_inside(parts[i].name, body, bytes);
        check_inside(parts[i].filename, body, bytes);
        check_inside(parts[i].data, body, bytes);
        if (parts[i].data.data < end) abort();
        end = parts[i].data.data + parts[i].data.bytes;
    }
    free(type);
    free(body);
    return 0;
}
