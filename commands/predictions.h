/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file predictions.h
 * What a head, or two, said of every row of a labelled file, a record a row: CSV (RFC 4180, CRLF
 * line ends) or JSON lines, UTF-8. One thread.
 *
 * Fields, in this order; columns of the CSV are named alike:
 *   row, line            number of the row, through all files, and line of its file on which it
 *                        begins, both from 1; a first row that may be a header has its number, too
 *   file                 between these two, where the rows come from several: its name
 *   truth                label, as the input has it; of a multi-label head a list
 *   predicted            label, or list from the likeliest down
 *   p                    probability of `predicted`, or list of them
 *   right                true or false
 *   predicted_b, p_b, right_b
 *                        the same of a second head, if there is one
 *   seen                 true or false, where rows were looked for in another file
 *   top                  JSON lines: list of {label, p}; CSV: label_1, p_1, label_2, p_2 ...
 *   text                 where asked for
 * A list in a CSV cell is a JSON list, so that labels may hold anything.
 */
#pragma once

#include "commands/output.h"
#include "model/head/answer.h"
#include "model/train/labelled_types.h"

#include <stdbool.h>
#include <stdint.h>

enum predictions_format { PREDICTIONS_AUTO, PREDICTIONS_CSV, PREDICTIONS_JSONL };

/** What is written; of the flags. All zero at the start. */
struct predictions_options {
    const char *path; /* NULL: nothing is written; "-": standard output */
    int format;       /* auto: JSON lines where the path ends in .jsonl or .ndjson */
    uint64_t top_k;   /* 0: 3, or all labels where there are fewer */
    int only_wrong;   /* rows that a head got wrong */
    int only_changed; /* rows that one of two got right, and the other wrong */
    int has_texts;
};

/** What a head said. */
struct prediction {
    const struct head_info *info;
    const struct answer *answer;
    const float *p; /* (C) */
};

/** One row and what was said of it. */
struct predicted_row {
    uint64_t number;
    const char *file; /* not looked at without has_file */
    const struct labelled_row *row;
    struct prediction prediction;
    const struct prediction *other; /* of a second head; NULL: there is none */
    float unsure;                   /* unsure score; NaN: the head does not know */
    bool is_seen;
};

/** Hands off. */
struct predictions {
    const struct predictions_options *options;
    const struct head *head;
    const struct head_info *info;
    bool is_json, has_file, has_other, has_seen;
    uint32_t top_k;
    struct output output;
};

/**
 * predictions_open begins the file.
 * @param options   borrowed; with a path
 * @param has_file  whether rows come with the name of their file
 * @param has_other whether rows come with what a second head said
 * @param has_seen  whether they come with whether they were seen
 * @return false with ERR_USAGE (top_k) or ERR_IO
 */
bool predictions_open(struct predictions *predictions, const struct predictions_options *options,
                      const struct head *head, bool has_file, bool has_other, bool has_seen,
                      struct err *err);

/** predictions_add writes a row, if it is wanted; memory is taken from the arena. */
bool predictions_add(struct predictions *predictions, struct arena *arena,
                     const struct predicted_row *row, struct err *err);

/** predictions_close gives the file its name. */
bool predictions_close(struct predictions *predictions, struct err *err);

/** predictions_abort removes what was written; after predictions_close, or on a zeroed one, it does
 * nothing. */
void predictions_abort(struct predictions *predictions);
