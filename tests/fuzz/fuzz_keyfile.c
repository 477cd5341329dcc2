/* SPDX-License-Identifier: Apache-2.0 */
/* A file of keys of any bytes: refused with a sentence, or keys that read back as they are written;
   cut short it never holds one that is good for more, or longer. */
#include "base/keyfile.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_same_limit(struct key_limit a, struct key_limit b)
{
    return a.is_own == b.is_own && a.per_minute == b.per_minute;
}

static bool is_same(const struct keyfile_key *a, const struct keyfile_key *b)
{
    return strcmp(a->name, b->name) == 0 && a->scopes == b->scopes &&
           a->expires_s == b->expires_s && is_same_limit(a->requests, b->requests) &&
           is_same_limit(a->tokens, b->tokens) &&
           memcmp(a->digest, b->digest, sizeof a->digest) == 0;
}

static void read_back(const struct keyfile_key *key)
{
    struct keyfile again;
    char line[KEY_LINE_BYTES + 1];
    const size_t n = key_write_line(key, line, KEY_LINE_BYTES);
    if (n >= KEY_LINE_BYTES || key->scopes == 0) abort();
    line[n] = '\n';
    if (!keyfile_parse("again", (struct span){line, n + 1}, &again, NULL)) abort();
    if (again.n != 1 || !is_same(&again.keys[0], key)) abort();
    keyfile_clear(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct keyfile file, part;
    struct err err = {0};
    /* Of its own size, so that the sanitizer sees a step beyond. */
    char *text = malloc(size ? size : 1);
    if (!text) abort();
    if (size) memcpy(text, data, size);
    if (!keyfile_parse("keys", (struct span){text, size}, &file, &err)) {
        if (!err.message[0] || file.keys) abort();
    } else {
        for (size_t i = 0; i < file.n; i++)
            read_back(&file.keys[i]);
        for (size_t n = 0; n < size && size < 512; n++) {
            if (!keyfile_parse("part", (struct span){text, n}, &part, NULL)) continue;
            for (size_t i = 0; i < part.n; i++)
                if (!is_same(&part.keys[i], &file.keys[i])) abort();
            keyfile_clear(&part);
        }
        keyfile_clear(&file);
    }
    free(text);
    return 0;
}
