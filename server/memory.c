/* SPDX-License-Identifier: Apache-2.0 */
#include "server/memory.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

/* A file that holds one number, or a word that is none. */
static uint64_t read_number(const char *path)
{
    char text[32] = "";
    FILE *file = fopen(path, "re");
    if (!file) return UINT64_MAX;
    bool is_read = fgets(text, sizeof text, file) != NULL;
    fclose(file);
    return is_read && *text >= '0' && *text <= '9' ? strtoull(text, NULL, 10) : UINT64_MAX;
}

uint64_t memory_limit_of_group(const char *root, const char *path, const char *name)
{
    char group[1024], file[2048];
    uint64_t least = UINT64_MAX;
    if (snprintf(group, sizeof group, "%s", path) >= (int)sizeof group) return least;
    for (char *end = group + strlen(group); end; end = strrchr(group, '/')) {
        *end = '\0';
        snprintf(file, sizeof file, "%s%s/%s", root, group, name);
        uint64_t limit = read_number(file);
        if (limit < least) least = limit;
    }
    return least;
}

static uint64_t limit_of_line(const char *line)
{
    static const char v1[] = ":memory:"; /* NUMBER:memory:PATH */
    const char *at = strstr(line, v1);
    if (strncmp(line, "0::", 3) == 0)
        return memory_limit_of_group("/sys/fs/cgroup", line + 3, "memory.max");
    if (!at || strspn(line, "0123456789") != (size_t)(at - line)) return UINT64_MAX;
    return memory_limit_of_group("/sys/fs/cgroup/memory", at + strlen(v1), "memory.limit_in_bytes");
}

/* cgroup v2's line of /proc/self/cgroup is 0::PATH. In a container of its own the path is / and its
   limit lies at the root; v1's path may be one that is only seen outside, and libuv looks at its
   root. */
static uint64_t limit_of_groups(void)
{
    char line[1024];
    uint64_t least = UINT64_MAX;
    FILE *file = fopen("/proc/self/cgroup", "re");
    if (!file) return least;
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        const uint64_t limit = limit_of_line(line);
        if (limit < least) least = limit;
    }
    fclose(file);
    return least;
}

uint64_t memory_allowed(void)
{
    uint64_t least = uv_get_total_memory(), root = uv_get_constrained_memory();
    uint64_t groups = limit_of_groups();
    if (root > 0 && root < least) least = root;
    return groups < least ? groups : least;
}
