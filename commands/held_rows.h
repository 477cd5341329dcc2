/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file held_rows.h
 * What `embedd train` found on the rows that it held out, written down: the report of an
 * evaluation, and the rows whose labels are suspicious (model/train/suspects.h). One thread.
 *
 * The file of suspicious rows is CSV or JSON lines (records.h), the most suspicious first. Fields:
 *   row, line            as in predictions.h
 *   file                 between these two, where the rows come from several
 *   label, predicted     of a multi-label head lists
 *   p                    of what is predicted; of a multi-label head a list
 *   p_label              of the label, of a multi-label head the worst of: p of a label that the
 *                        row has, 1 - p of one that it has not
 *   text                 where asked for
 */
#pragma once

#include "model/train/suspects.h"
#include "model/train/training.h"

/** What was held out, and what is wanted of it. Plain data, all borrowed. */
struct held_rows {
    const struct training_result *result;
    const struct examples *examples; /* the rows are of these */
    const char *const *files;        /* (n_files) these were read from */
    size_t n_files;
    const char *model, *input;   /* names, for the report */
    const char *report_path;     /* HTML where it ends in .html, JSON in .json, else text; NULL */
    const char *suspicious_path; /* NULL: no such file */
    bool has_texts;              /* of suspicious rows, in both */
};

/**
 * held_rows_write finds the suspicious labels and writes what is wanted.
 * @param n_judged set to the rows that were judged, `n_suspicious` to those found
 * @return false with ERR_IO or ERR_MEMORY
 */
bool held_rows_write(const struct held_rows *rows, size_t *n_judged, size_t *n_suspicious,
                     struct err *err);
