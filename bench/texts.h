/* SPDX-License-Identifier: Apache-2.0 */
/* Texts to measure with: the lines of a file, whole in memory. What cannot be read ends the
   program. */
#pragma once

#include "base/file.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct text {
    const char *start;
    size_t bytes;
};

struct texts {
    char *data;
    struct text *text; /* (n) */
    size_t n;
};

static inline char *read_all(const char *path, size_t *bytes)
{
    struct err err;
    char *data;
    if (file_read(path, SIZE_MAX / 2, &data, bytes, &err)) return data;
    fprintf(stderr, "%s\n", err.message);
    exit(3);
}

static inline void texts_open(struct texts *texts, const char *path)
{
    size_t bytes, lines = 1;
    texts->data = read_all(path, &bytes);
    for (size_t i = 0; i < bytes; i++)
        lines += texts->data[i] == '\n';
    texts->text = calloc(lines, sizeof *texts->text);
    if (!texts->text) exit(3);
    texts->n = 0;
    for (const char *at = texts->data, *end = at + bytes, *next; at < end; at = next + 1) {
        next = memchr(at, '\n', (size_t)(end - at));
        if (!next) next = end;
        texts->text[texts->n++] = (struct text){at, (size_t)(next - at)};
    }
}

static inline void texts_close(struct texts *texts)
{
    free(texts->text);
    free(texts->data);
}
