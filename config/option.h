/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file option.h
 * The settings as a table, and their values as text. For the files of config/ alone; others see
 * config.h. Constant; any thread may read it.
 */
#pragma once

#include "config/config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum option_type {
    OPTION_TEXT,
    OPTION_LIST,
    OPTION_NUMBER,
    OPTION_BYTES,
    OPTION_SECONDS,
    OPTION_BOOL,
    OPTION_CHOICE,
};

struct option {
    const char *name;
    enum option_type type;
    size_t offset;     /* of the field in struct config */
    uint64_t number;   /* default; of a choice its index */
    uint64_t min, max; /* both included */
    const char *text;  /* default of a text */
    const char *words; /* of a choice: its values; of a text: the placeholder in the help */
    bool is_reloadable;
    const char *help;
};

/** In the order of enum config_index. */
extern const struct option options[CONFIG_COUNT];

/** option_is_text: its field is a string. */
bool option_is_text(const struct option *option);

/** option_read: `text` as the number that the field takes; of a text whether it is one. */
bool option_read(const struct option *option, const char *text, uint64_t *number);

/** option_range: the values that are taken, in words: "max-inputs must be %s". */
void option_range(const struct option *option, char *out, size_t bytes);

/** option_time: a time in its shortest form: "500ms", "30s", "1h". */
void option_time(uint64_t ms, char *out, size_t bytes);

/** option_word: the n-th word of a choice, its length in *bytes; NULL after the last. */
const char *option_word(const char *words, size_t n, size_t *bytes);
