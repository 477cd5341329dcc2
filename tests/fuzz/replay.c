/* SPDX-License-Identifier: Apache-2.0 */
/* Feeds every file of the given folders to a fuzz target: what libFuzzer found stays found, without
   libFuzzer. usage: TARGET FOLDER... */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *folder, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        return -1;
    }
    /* An exact copy on the heap, so that the sanitizer sees a read past its end. */
    char block[1 << 16];
    size_t size = 0, n;
    uint8_t *data = malloc(1);
    while (data && (n = fread(block, 1, sizeof block, file)) > 0) {
        uint8_t *longer = realloc(data, size + n);
        if (!longer) free(data);
        data = longer;
        for (size_t i = 0; data && i < n; i++)
            data[size + i] = (uint8_t)block[i];
        size += n;
    }
    fclose(file);
    if (!data) return -1;
    LLVMFuzzerTestOneInput(data, size);
    free(data);
    return 0;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        DIR *folder = opendir(argv[i]);
        if (!folder) {
            perror(argv[i]);
            return 1;
        }
        int count = 0;
        for (const struct dirent *entry; (entry = readdir(folder));) {
            if (entry->d_name[0] == '.') continue;
            if (replay_file(argv[i], entry->d_name) < 0) return 1;
            count++;
        }
        closedir(folder);
        printf("  ok    %s (%d inputs)\n", argv[i], count);
        if (count == 0) return 1;
    }
    return 0;
}
