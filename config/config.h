/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file config.h
 * The settings of the service, from one list (options.def): struct, defaults, flags, EMBEDD_*
 * variables, the JSON file, --help, the sample file and docs/CONFIG.md all come from it.
 * Precedence: flag > variable > file > default. Read once at start, by one thread; immutable
 * afterwards.
 *
 * Values as text, wherever they come from: whole numbers; sizes also as 64K, 8M, 8MiB, 1G (powers
 * of 1,024); times as 30 or 30s, 500ms, 2m, 1h. An empty variable counts as not set.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum config_origin {
    CONFIG_DEFAULT,
    CONFIG_FILE,
    CONFIG_VARIABLE,
    CONFIG_FLAG,
};

/** Indexes of the settings: CONFIG_listen, ... and how many there are. */
enum config_index {
#define CONFIG_TEXT(field, ...) CONFIG_##field,
#define CONFIG_NUMBER(field, ...) CONFIG_##field,
#define CONFIG_SECONDS(field, ...) CONFIG_##field,
#define CONFIG_BOOL(field, ...) CONFIG_##field,
#define CONFIG_CHOICE(field, ...) CONFIG_##field,
#include "config/options.def"
    CONFIG_COUNT
};

/* One field an option: uint64_t, bool, int (an index into the option's choices) or a string.
   Durations are in milliseconds, whatever unit they were given in. */
struct config {
#define CONFIG_TEXT(field, ...) char *field;
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

/**
 * config_load reads everything: the flags of argv (argv[0] is the subcommand's name), the
 * variables, and the file that --config or EMBEDD_CONFIG names.
 * @return false with ERR_USAGE: a sentence naming the flag, variable or line of the file, the range
 *         and the value. `config` is then cleared.
 */
bool config_load(struct config *config, int argc, char **argv, struct err *err);

/**
 * A command with flags or arguments of its own does what config_load does in three steps:
 * config_init; for each argument config_take_flag, and what that does not know itself; then
 * config_finish. On failure of either the caller still owes config_clear.
 *
 * config_take_flag takes argv[at] if it is one of the settings' flags (--name value, --name=value;
 * --name or --name=false for true/false), or --config. One that comes twice is an error.
 * @return how many arguments were taken (1 or 2); 0 when it is not one of these flags; -1 with
 *         ERR_USAGE set
 */
int config_take_flag(struct config *config, int argc, char **argv, int at, struct err *err);

/**
 * config_refuse_argument sets err for an argument that nobody takes: an unknown flag, with the
 * nearest setting's flag, or something that is no flag. Returns false.
 */
bool config_refuse_argument(const char *command, const char *arg, struct err *err);

/** config_finish reads the variables and the file, which never override a flag. */
bool config_finish(struct config *config, struct err *err);

/**
 * config_nearest_name: which setting's name (without dashes in front) `name` is likely meant to be,
 * or NULL. Knows some names that other servers use.
 */
const char *config_nearest_name(const char *name);

/** config_name returns the name of setting `i` < CONFIG_COUNT: "max-body-bytes". */
const char *config_name(size_t i);

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
