/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file flags.h
 * Flags of a subcommand from one table: parsing, messages and `--help` all come from it. The one
 * grammar of all commands. One thread.
 *
 * `--name value`, where the value does not begin with `--`, or `--name=value`; a switch is `--name`
 * or `--no-name`, `--name=true` or `--name=false`. Flags and files may come in any order, `--` ends
 * the flags, `-` is a file. A flag that comes twice is an error, unless it is a list.
 * One thread.
 */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum flag_type {
    FLAG_STRING,
    FLAG_CHOICE,
    FLAG_SWITCH,
    FLAG_NUMBER,
    FLAG_REAL,
    FLAG_SETTING,        /* read by `read` */
    FLAG_SETTING_SWITCH, /* the same of a switch, whose values are "true" and "false" */
};

/** One flag. Its destination is written only where the flag is given: set the default before. */
struct flag {
    const char *name; /* without the dashes */
    enum flag_type type;
    union {
        const char **string; /* borrowed from argv */
        int *choice;         /* index into choices */
        int *is_on;          /* 1, or 0 after --no-name */
        uint64_t *number;
        double *real;
        void *setting; /* for `read` */
    } out;
    const char *value;          /* what --help calls the value: "FILE"; unused by a switch */
    const char *const *choices; /* FLAG_CHOICE: names, NULL at the end */
    uint64_t min, max;          /* FLAG_NUMBER: range, both included */
    double least, most;         /* FLAG_REAL: the same */
    /* FLAG_SETTING: takes the value of the flag `name`; NULL: it is missing, which is an error. */
    bool (*read)(void *setting, const char *name, const char *value, struct err *err);
    bool is_list;     /* it may come more than once */
    const char *help; /* one line */
};

/** What a subcommand takes. Plain data, made by the command. */
struct flags {
    const char *usage;       /* "embedd embed [OPTION]... [FILE|-]..." */
    const char *about;       /* what it does, one or more lines without the last newline */
    const struct flag *list; /* (n) */
    size_t n;
    int files_min, files_max; /* how many arguments that are not flags */

    /* NULL, or what others call these flags: pairs of their name and ours, {NULL} at the end. */
    const char *const (*aliases)[2];
    /* NULL, or what writes the lines of the flags for --help instead. */
    void (*print_list)(FILE *out);
};

enum flags_outcome {
    FLAGS_RUN,   /* go on */
    FLAGS_HELP,  /* --help or -h was given: print it, exit 0 */
    FLAGS_WRONG, /* err is set: exit 2 */
};

/**
 * flags_parse reads argv[1..argc). The arguments that are not flags are moved, in order, to
 * argv[1..*n_files].
 * @param err ERR_USAGE, naming the flag, its value and the range or the nearest name
 */
enum flags_outcome flags_parse(const struct flags *flags, int argc, char **argv, int *n_files,
                               struct err *err);

/** How many flags a command may have. */
#define FLAGS_MAX 96

/** flags_print_help writes usage, what the command does, and a line a flag. */
void flags_print_help(const struct flags *flags, FILE *out);
