/* SPDX-License-Identifier: Apache-2.0 */
#include "base/links.h"

#include "base/hash.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ANY "/*/"
#define LINKS_ON_PATH_MAX 40

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

/* The next name of `rest`, with the slashes before it, goes to the end of `path`. False: there is
   none, or no room. */
static bool take_name(char *path, size_t room, char *rest)
{
    const size_t slashes = strspn(rest, "/"), bytes = slashes + strcspn(rest + slashes, "/");
    const size_t before = strlen(path);
    if (bytes == slashes || before + bytes >= room) return false;
    memcpy(path + before, rest, bytes);
    path[before + bytes] = '\0';
    memmove(rest, rest + bytes, strlen(rest + bytes) + 1);
    return true;
}

/* What is left of the way is what the link at `path` says, then `rest`. */
static bool follow(char *path, char *rest, const char *target)
{
    char *slash = strrchr(path, '/'), next[PATH_MAX];
    if (snprintf(next, sizeof next, "%s%s", target, rest) >= (int)sizeof next) return false;
    if (*target == '/' || !slash)
        *path = '\0';
    else
        slash[1] = '\0';
    memcpy(rest, next, strlen(next) + 1);
    return true;
}

bool links_on_path(const char *path, bool (*take)(void *user, const char *link), void *user)
{
    char way[PATH_MAX] = "", rest[PATH_MAX], target[PATH_MAX];
    size_t n = 0;
    if (snprintf(rest, sizeof rest, "%s", path) >= (int)sizeof rest) return true;
    while (n < LINKS_ON_PATH_MAX && take_name(way, sizeof way, rest)) {
        const ssize_t bytes = readlink(way, target, sizeof target - 1);
        if (bytes <= 0) continue;
        target[bytes] = '\0';
        if (!take(user, way)) return false;
        if (!follow(way, rest, target)) return true;
        n++;
    }
    return true;
}
