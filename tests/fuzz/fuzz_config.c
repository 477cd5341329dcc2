/* SPDX-License-Identifier: Apache-2.0 */
/* A configuration file of any bytes: refused with a sentence, or settings that read back as they
   are shown. */
#include "config/config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_back(const struct config *config)
{
    struct config again;
    struct flag list[CONFIG_FLAGS];
    const struct flags flags = {.usage = "fuzz", .list = list, .n = CONFIG_FLAGS};
    config_init(&again);
    config_flags(&again, list);
    for (size_t i = 0; i < CONFIG_COUNT; i++) {
        struct err err;
        int n_files;
        char shown[32], shown_again[32], flag[64], name[] = "fuzz";
        const char *value = config_value(config, i, shown);
        snprintf(flag, sizeof flag, "--%s", config_name(i));
        char *joined = malloc(strlen(flag) + strlen(value) + 2);
        if (!joined) abort();
        sprintf(joined, "%s=%s", flag, value);
        char *argv[] = {name, joined};
        if (flags_parse(&flags, 2, argv, &n_files, &err) != FLAGS_RUN) abort();
        if (strcmp(config_value(&again, i, shown_again), value) != 0) abort();
        free(joined);
    }
    config_clear(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config config;
    struct flag list[CONFIG_FLAGS];
    const struct flags flags = {.usage = "fuzz", .list = list, .n = CONFIG_FLAGS};
    struct err err = {0};
    int n_files;
    char name[] = "fuzz", flag[64], *argv[] = {name, flag};
    int fd = memfd_create("config", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size) abort();
    snprintf(flag, sizeof flag, "--config=/proc/self/fd/%d", fd);
    clearenv();
    config_init(&config);
    config_flags(&config, list);
    if (flags_parse(&flags, 2, argv, &n_files, &err) != FLAGS_RUN) abort();
    if (config_finish(&config, &err)) {
        read_back(&config);
    } else if (err.code != ERR_USAGE || strlen(err.message) < 10) {
        abort();
    }
    config_clear(&config);
    close(fd);
    return 0;
}
