/* SPDX-License-Identifier: Apache-2.0 */
#include "model/train/version.h"

#include "base/hash.h"
#include "base/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct version version_of(struct span head, struct span table)
{
    struct version version;
    uint64_t hash = hash_words(HASH_START, head.data, head.bytes);
    if (table.data) hash = hash_words(hash, table.data, table.bytes);
    snprintf(version.text, sizeof version.text, "%016llx", (unsigned long long)hash);
    return version;
}

bool version_is_hash(const char *version)
{
    return strlen(version) == 16 && strspn(version, "0123456789abcdef") == 16;
}

char *version_rewrite(struct span config, const char *where, const char *version, size_t *out_bytes,
                      struct err *err)
{
    struct err detail;
    json_t *root = config.data ? json_read(config.data, config.bytes, &detail) : json_object();
    if (!root) {
        err_set(err, ERR_FORMAT, NULL, "%.300s: %s", where, detail.message);
        return NULL;
    }
    json_object_set_new(root, "version", json_string(version));
    char *text = json_dumps(root, JSON_INDENT(2));
    json_decref(root);
    if (text)
        *out_bytes = strlen(text);
    else
        err_out_of_memory(err);
    return text;
}
