/* SPDX-License-Identifier: Apache-2.0 */
/* Opens a model once and prints, as one object of JSON, what that took: microseconds, those of
   closing it, by how many KB the process's memory grew, and the most that it ever had resident.
   usage: open MODEL
   "anonymous_kb" is what is the process's own. "private_kb" is Private_Clean + Private_Dirty, so
   with pages of the file that no other process has mapped, which the kernel may drop. */
#include "base/clock.h"
#include "base/json.h"
#include "model/model.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY "/proc/self/smaps_rollup"

/* The sum of the lines that begin with `name`. */
static long read_kb(const char *path, const char *name)
{
    char line[256];
    long sum = 0;
    FILE *file = fopen(path, "re");
    if (!file) exit(5);
    while (fgets(line, sizeof line, file)) {
        const char *colon = strchr(line, ':');
        if (colon && strncmp(line, name, strlen(name)) == 0) sum += strtol(colon + 1, NULL, 10);
    }
    fclose(file);
    return sum;
}

int main(int argc, char **argv)
{
    struct model *model;
    struct err err;
    if (argc != 2) return 3;
    json_init();
    read_kb(MEMORY, ""); /* what reading takes is there from now on */
    const long private_kb = read_kb(MEMORY, "Private_");
    const long anonymous_kb = read_kb(MEMORY, "Anonymous:");
    const uint64_t start_ns = clock_now_ns();
    const bool is_open = model_open(&model, argv[1], &err);
    const uint64_t open_ns = clock_now_ns() - start_ns;
    if (!is_open) {
        fprintf(stderr, "%s\n", err.message);
        return 3;
    }
    const long more_private_kb = read_kb(MEMORY, "Private_") - private_kb;
    const long more_anonymous_kb = read_kb(MEMORY, "Anonymous:") - anonymous_kb;
    const uint64_t close_start_ns = clock_now_ns();
    model_close(model);
    printf("{\"open_us\": %.1f, \"close_us\": %.1f, \"private_kb\": %ld, \"anonymous_kb\": %ld, "
           "\"peak_kb\": %ld}\n",
           (double)open_ns / 1e3, (double)(clock_now_ns() - close_start_ns) / 1e3, more_private_kb,
           more_anonymous_kb, read_kb("/proc/self/status", "VmHWM:"));
    return 0;
}
