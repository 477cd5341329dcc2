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
    config_init(&again);
    for (size_t i = 0; i < CONFIG_COUNT; i++) {
        struct err err;
        char shown[32], shown_again[32], flag[64], name[] = "fuzz";
        const char *value = config_value(config, i, shown);
        snprintf(flag, sizeof flag, "--%s", config_name(i));
        char *joined = malloc(strlen(flag) + strlen(value) + 2);
        if (!joined) abort();
        sprintf(joined, "%s=%s", flag, value);
        char *argv[] = {name, joined};
        if (config_take_flag(&again, 2, argv, 1, &err) != 1) abort();
        if (strcmp(config_value(&again, i, shown_again), value) != 0) abort();
        free(joined);
    }
    config_clear(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config config;
    struct err err = {0};
    char name[] = "fuzz", flag[64], *argv[] = {name, flag};
    int fd = memfd_create("config", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size) abort();
    snprintf(flag, sizeof flag, "--config=/proc/self/fd/%d", fd);
    clearenv();
    if (config_load(&config, 2, argv, &err)) {
        read_back(&config);
        config_clear(&config);
    } else if (err.code != ERR_USAGE || strlen(err.message) < 10) {
        abort();
    }
    close(fd);
    return 0;
}
