/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/stamp.h"

#include "base/file.h"
#include "base/hash.h"
#include "model/bundle/builtin/builtin.h"
#include "model/bundle/source.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* No model has more of either. */
#define DEPTH_MAX 6
#define FILES_MAX 20000

struct walk {
    struct stamp *stamp;
    size_t n;
};

/* The order in which a folder gives its names says nothing. */
static void add_file(struct walk *walk, const char *path, const struct stat *info)
{
    const uint64_t said[] = {
        (uint64_t)info->st_dev,          (uint64_t)info->st_ino,
        (uint64_t)info->st_size,         (uint64_t)info->st_mtim.tv_sec,
        (uint64_t)info->st_mtim.tv_nsec, (uint64_t)info->st_ctim.tv_sec,
        (uint64_t)info->st_ctim.tv_nsec,
    };
    uint64_t hash = hash_bytes(hash_bytes(HASH_START, path, strlen(path)), said, sizeof said);
    walk->stamp->sum += hash;
    walk->stamp->more += hash_bytes(hash, said, sizeof said);
    walk->n++;
}

static bool add_folder(struct walk *walk, const char *path, size_t depth, bool is_whole);

/* Beside a model that is a file others may lie, which are not its own. */
static bool add_entry(struct walk *walk, const char *folder, const char *name, size_t depth,
                      bool is_whole)
{
    struct stat info;
    char *path;
    if (name[0] == '.' || (!is_whole && source_stem_bytes(name) > 0)) return true;
    if (asprintf(&path, "%s/%s", folder, name) < 0) return false;
    bool done = stat(path, &info) == 0;
    if (done && !S_ISDIR(info.st_mode))
        add_file(walk, path, &info);
    else if (done && (is_whole || strcmp(name, "heads") == 0))
        done = add_folder(walk, path, depth + 1, true);
    free(path);
    return done && walk->n <= FILES_MAX;
}

static bool add_folder(struct walk *walk, const char *path, size_t depth, bool is_whole)
{
    struct stat info;
    DIR *folder = depth < DEPTH_MAX ? opendir(path) : NULL;
    if (!folder) return false;
    bool done = fstat(dirfd(folder), &info) == 0;
    /* One that is renamed has changed, too: it was away for a while. */
    if (done && is_whole) add_file(walk, path, &info);
    for (const struct dirent *entry; done && (entry = file_next_entry(folder));)
        done = add_entry(walk, path, entry->d_name, depth, is_whole);
    done = done && errno == 0;
    closedir(folder);
    return done;
}

static bool add_beside(struct walk *walk, const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
    const bool done = folder && add_folder(walk, folder, 0, false);
    free(folder);
    return done;
}

bool stamp_add(struct stamp *stamp, const char *path)
{
    struct walk walk = {.stamp = stamp};
    struct stat info;
    if (builtin_find(path)) {
        stamp->sum += HASH_START;
        return true;
    }
    if (stat(path, &info) != 0) return false;
    if (S_ISDIR(info.st_mode)) return add_folder(&walk, path, 0, true);
    add_file(&walk, path, &info);
    return add_beside(&walk, path);
}

bool stamp_is_same(const struct stamp *a, const struct stamp *b)
{
    return (a->sum || a->more) && a->sum == b->sum && a->more == b->more;
}
