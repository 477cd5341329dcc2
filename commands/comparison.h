/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file comparison.h
 * Two heads, A and B, that answered the same rows, held against each other: as text for a terminal
 * or as JSON. Differences are always B - A. One thread.
 *
 * Keys of the JSON object; numbers as in report.h:
 *   a, b                     {path: of the model, as given; model, head, kind, labels: how many,
 * unknown_labels: examples with a label that the head does not know, accuracy, accuracy_interval,
 * macro, micro: {precision, recall, f1, f1_interval}, log_loss, calibration_error} input, date,
 * rows, seconds both_right, right_to_wrong, wrong_to_right, both_wrong rows; from A to B
 *   accuracy_difference, accuracy_difference_interval
 *   mcnemar_p                model/head/paired.h, as is the interval
 *   macro_f1_difference, macro_f1_difference_interval
 *                            of the same draws (model/head/resamples.h)
 *   only_a, only_b           labels that the other one does not know
 *   classes                  A's labels in their order, then those that B alone knows: {label,
 *                            support, a, b: {predicted, correct, precision, recall, f1} or null,
 *                            f1_difference: null where one of them is}
 */
#pragma once

#include "base/buf.h"
#include "commands/judge.h"
#include "model/head/paired.h"

#include <stdint.h>

/** All borrowed; both judges are finished, their draws matched. */
struct comparison {
    const struct judge *a, *b;
    const char *a_path, *b_path; /* of the models, as given */
    struct paired paired;
    const char *input, *date;
    const struct report_seen *seen; /* NULL: not asked */
    uint64_t n_rows;
    double seconds; /* below 0: not known */
};

/** comparison_check: whether the heads can be compared: both answer with one label, or both with
 * any number. ERR_USAGE. */
bool comparison_check(const struct judge *a, const struct judge *b, struct err *err);

/** comparison_text writes tables; of more than 30 labels the 30 whose F1 differs most. Whether
 * there was memory stands in `buf->failed`. */
void comparison_text(struct buf *buf, const struct comparison *comparison);

/** comparison_json writes one object, and a newline. */
void comparison_json(struct buf *buf, const struct comparison *comparison);
