/* SPDX-License-Identifier: Apache-2.0 */
#include "base/links.h"

#include "base/hash.h"

#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ANY "/*/"

static uint64_t add_link(uint64_t hash, const char *path, bool *is_there)
{
    char target[PATH_MAX];
    const ssize_t bytes = readlink(path, target, sizeof target);
    *is_there = bytes > 0;
    hash = hash_bytes(hash, path, strlen(path) + 1);
    hash = hash_bytes(hash, &bytes, sizeof bytes);
    return bytes > 0 ? hash_bytes(hash, target, (size_t)bytes) : hash;
}

static const char *find_any(const char *path)
{
    const char *found = NULL;
    for (const char *at = path; (at = strstr(at, ANY)); at++)
        found = at;
    return found;
}

/* The order in which a folder gives its names says nothing. */
static uint64_t add_folder(uint64_t hash, const char *folder, const char *link)
{
    char path[PATH_MAX];
    uint64_t sum = 0;
    DIR *entries = opendir(folder);
    for (const struct dirent *entry; entries && (entry = readdir(entries));) {
        const int bytes = snprintf(path, sizeof path, "%s/%s/%s", folder, entry->d_name, link);
        if (entry->d_name[0] == '.' || bytes >= (int)sizeof path) continue;
        bool is_there;
        const uint64_t one = add_link(HASH_START, path, &is_there);
        if (is_there) sum += one;
    }
    if (entries) closedir(entries);
    return hash_bytes(hash, &sum, sizeof sum);
}

uint64_t links_add(uint64_t hash, const char *path)
{
    char folder[PATH_MAX];
    bool is_there;
    const char *any = find_any(path);
    if (!any) return add_link(hash, path, &is_there);
    const int bytes = snprintf(folder, sizeof folder, "%.*s", (int)(any - path), path);
    if (bytes >= (int)sizeof folder) return hash;
    return add_folder(hash, *folder ? folder : "/", any + sizeof ANY - 1);
}

uint64_t links_hash(char *const *paths, size_t n)
{
    uint64_t hash = LINKS_START;
    for (size_t i = 0; i < n; i++)
        hash = links_add(hash, paths[i]);
    return hash;
}
