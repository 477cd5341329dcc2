/* SPDX-License-Identifier: Apache-2.0 */
#include "base/leftovers.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* It still has its name. */
static bool is_there(int fd, const char *temp)
{
    struct stat mine, named;
    return fstat(fd, &mine) == 0 && lstat(temp, &named) == 0 && mine.st_dev == named.st_dev &&
           mine.st_ino == named.st_ino;
}

/* Not by way of a link; a pipe would be waited for. */
static int open_temp(const char *temp)
{
    return open(temp, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
}

int leftovers_hold(const char *temp)
{
    const int fd = open_temp(temp);
    if (fd < 0) return -1;
    if ((flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) && is_there(fd, temp))
        return fd;
    close(fd);
    return -1;
}

/* `name` is NAME.NUMBER.tmp, where NAME has so many bytes. */
static bool is_temp(const char *name, const char *of, size_t bytes)
{
    if (strncmp(name, of, bytes) != 0 || name[bytes] != '.') return false;
    const size_t digits = strspn(name + bytes + 1, "0123456789");
    return digits > 0 && strcmp(name + bytes + 1 + digits, ".tmp") == 0;
}

/* Whether there are locks at all is seen by getting one. */
static void remove_one(const char *temp, void (*remove)(const char *temp))
{
    const int fd = open_temp(temp);
    if (fd < 0) return;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0 && is_there(fd, temp)) remove(temp);
    close(fd);
}

void leftovers_remove(const char *path, void (*remove)(const char *temp))
{
    char folder[PATH_MAX], temp[PATH_MAX + NAME_MAX + 2];
    if (snprintf(folder, sizeof folder, "%s", path) >= (int)sizeof folder) return;
    char *slash = strrchr(folder, '/');
    const char *name = slash ? path + (slash - folder) + 1 : path;
    if (slash)
        slash[slash == folder] = '\0';
    else
        strcpy(folder, ".");
    DIR *dir = opendir(folder);
    const struct dirent *entry;
    while (dir && (entry = readdir(dir))) {
        if (!is_temp(entry->d_name, name, strlen(name))) continue;
        snprintf(temp, sizeof temp, "%s/%s", folder, entry->d_name);
        remove_one(temp, remove);
    }
    if (dir) closedir(dir);
}
