/* SPDX-License-Identifier: Apache-2.0 */
#include "base/links.h"

#include "base/hash.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

uint64_t links_hash(char *const *paths, size_t n)
{
    char target[PATH_MAX];
    uint64_t hash = HASH_START;
    for (size_t i = 0; i < n; i++) {
        const ssize_t bytes = readlink(paths[i], target, sizeof target);
        hash = hash_bytes(hash, paths[i], strlen(paths[i]) + 1);
        hash = hash_bytes(hash, &bytes, sizeof bytes);
        if (bytes > 0) hash = hash_bytes(hash, target, (size_t)bytes);
    }
    return hash;
}
