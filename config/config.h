/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file config.h
 * The settings of the service, from one list (options.def): struct, defaults, flags, EMBEDD_*
 * variables, the JSON file, --help, the sample file and docs/CONFIG.md all come from it.
 * Precedence: flag > variable > file > default. Read by one thread, at the start and at each
 * reload; immutable afterwards.
 *
 * Values as text, wherever they come from: whole numbers; sizes also as 64K, 8M, 8MiB, 1G (powers
 * of 1,024); times as 30 or 30s, 500ms, 2m, 1h. An empty variable counts as not set.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/flags.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum config_origin {
    CONFIG_DEFAULT,
    CONFIG_FILE,
    CONFIG_VARIABLE,
    CONFIG_FLAG,
};

/** Indexes of the settings: CONFIG_listen, ... and how many there are. */
enum config_index {
#define CONFIG_TEXT(field, ...) CONFIG_##field,
#define CONFIG_LIST(field, ...) CONFIG_##field,
#define CONFIG_NUMBER(field, ...) CONFIG_##field,
#define CONFIG_SECONDS(field, ...) CONFIG_##field,
#define CONFIG_BOOL(field, ...) CONFIG_##field,
#define CONFIG_CHOICE(field, ...) CONFIG_##field,
#include "config/options.def"
    CONFIG_COUNT
};

/* One field an option: uint64_t, bool, int (an index into the option's choices) or a string; of a
   list its items, a line each.
   Durations are in milliseconds, whatever unit they were given in. */
struct config {
#define CONFIG_TEXT(field, ...) char *field;
#define CONFIG_LIST(field, ...) char *field;
#define CONFIG_NUMBER(field, ...) uint64_t field;
#define CONFIG_SECONDS(field, ...) uint64_t field##_ms;
#define CONFIG_BOOL(field, ...) bool field;
#define CONFIG_CHOICE(field, ...) int field;
#include "config/options.def"

    enum config_origin origins[CONFIG_COUNT];
    char *file; /* path of the file that was asked for, or NULL */
    enum config_origin file_origin;
    char **warnings; /* sentences for the caller to log: variables that no one reads */
    size_t n_warnings;
};

/** config_init fills in the defaults. The struct is to be given to config_clear in the end. */
void config_init(struct config *config);

/** config_clear frees what the settings hold. */
void config_clear(struct config *config);

/** How many flags the settings have: one each, and --config. */
#define CONFIG_FLAGS (CONFIG_COUNT + 1)

/**
 * config_flags fills in the flags of the settings, for flags_parse, which then sets `config` (as
 * well as the path that --config names). They write no help: see config_print_help.
 */
void config_flags(struct config *config, struct flag list[static CONFIG_FLAGS]);

/** What other servers call these settings, for struct flags. */
extern const char *const config_aliases[][2];

/**
 * config_finish reads the variables and the file that --config or EMBEDD_CONFIG names, which never
 * override a flag: the last step after config_init and, where there are flags, flags_parse.
 * @return false with ERR_USAGE: a sentence naming the variable or line of the file, the range and
 *         the value. The caller still owes config_clear.
 */
bool config_finish(struct config *config, struct err *err);

/**
 * config_read_again fills `config`, which holds nothing yet, with what a start would read now: the
 * flags of `before`, the variables, the file. Settings that take a start stay as `before` has them;
 * their names are written into `fixed` (parted by ", ", cut where they are too many; "": none
 * differs).
 * @return as config_finish; the caller still owes config_clear
 */
bool config_read_again(struct config *config, const struct config *before, char *fixed,
                       size_t bytes, struct err *err);

/** config_differs: whether setting `i` has another value in `a` than in `b`. */
bool config_differs(const struct config *a, const struct config *b, size_t i);

/**
 * config_nearest_name: which setting's name (without dashes in front) `name` is likely meant to be,
 * or NULL. Knows some names that other servers use.
 */
const char *config_nearest_name(const char *name);

/** config_name returns the name of setting `i` < CONFIG_COUNT: "max-body-bytes". */
const char *config_name(size_t i);

/** config_is_set: whether a setting that may be `none` names something. */
static inline bool config_is_set(const char *value)
{
    return strcmp(value, "none") != 0;
}

/**
 * config_value returns setting `i` as text that reads back to the same value; either the config's
 * own string or written into `scratch`.
 */
const char *config_value(const struct config *config, size_t i, char scratch[static 32]);

/** config_add_json appends the value of setting `i` as JSON: a string, a number, true or false. */
void config_add_json(const struct config *config, size_t i, struct buf *out);

/** config_origin returns where setting `i` comes from, in words: "default", "file /etc/e.json",
 * "EMBEDD_LISTEN", "--listen"; written into `scratch` (cut if too long) or constant. */
const char *config_origin(const struct config *config, size_t i, char *scratch, size_t bytes);

/** config_print_help: the flags, their ranges and defaults, for --help. */
void config_print_help(FILE *out);

/** config_print_sample: a JSON file with every setting at its default. */
void config_print_sample(FILE *out);

/** config_print_markdown: docs/CONFIG.md. */
void config_print_markdown(FILE *out);
