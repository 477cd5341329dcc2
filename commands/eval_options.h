/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file eval_options.h
 * What `embedd eval` is asked for, as its flags have it, and whether that goes together. Plain
 * data; one thread.
 */
#pragma once

#include "commands/judge.h"
#include "commands/labelled_flags.h"
#include "commands/model_flags.h"
#include "commands/predictions.h"

enum report_format { REPORT_TEXT, REPORT_JSON, REPORT_HTML };

struct eval_options {
    struct asked asked;                 /* the head, A where there are two */
    struct asked compared;              /* B; whole after eval_options_check */
    bool has_other;                     /* there is a B; set by eval_options_check */
    struct model_options model_options; /* of both */
    struct labelled_flags given;        /* the rows */
    const char *seen_path;              /* NULL: not asked */
    const char *output_path;            /* NULL: standard output */
    int format;                         /* enum report_format */
    uint64_t n_examples;                /* texts a confusion, in the report */
    struct predictions_options wanted;
};

/**
 * eval_options_take reads the command's flags (commands_take_flags), each with its default.
 * @return false: the command ends with `exit_code`
 */
bool eval_options_take(struct eval_options *options, int argc, char **argv, int *exit_code);

/**
 * eval_options_check fills in what follows from what was given.
 * @return false with ERR_USAGE: flags that do not go together, files that would be replaced
 */
bool eval_options_check(struct eval_options *options, struct err *err);
