/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file report.h
 * A finished evaluation of a head written down: as text for a terminal, as JSON, as one HTML page.
 *
 * Writers append to a buffer; whether its arena had room for all stands in `buf->failed`. What they
 * write depends on their arguments alone (the date is handed in). Label names may hold anything:
 * what is not UTF-8, and control characters, become U+FFFD; JSON keeps the latter as escapes. Pure
 * functions: any thread, each with a buffer of its own.
 *
 * Keys of the JSON object. What the kind of head does not have is left out; what has no value (no
 * examples, for one) is null; numbers have six significant digits.
 *   model, head, input, date        as handed in
 *   rows                            of the input
 *   seconds                         null when not known
 *   kind                            "binary", "multi-class", "multi-label"
 *   threshold                       binary: from which the second label is predicted
 *   examples                        that were evaluated
 *   unknown_labels                  examples with a label that the head does not know
 *   seen_in                         if it was asked for: {file, rows: whose text stands in that
 *                                   file, unseen_rows, unseen_accuracy,
 *                                   unseen_accuracy_interval: of the others}
 *   suspicious                      of a training's held-out rows: {judged: rows, rows: those whose
 *                                   label is suspicious (model/train/suspects.h), list: the first
 *                                   REPORT_SUSPECTS_MAX of them, the most suspicious first: {row,
 *                                   file (where there are several), line, label, predicted, p: of
 *                                   what is predicted, p_label: of the label, text (if asked for)}}
 *   accuracy, hamming_loss, log_loss, calibration_error, roc_auc, top_3_accuracy, top_5_accuracy
 *                                   as in model/head/evaluation.h
 *   accuracy_interval               [low, high], 95 % (Wilson); null, as all intervals, when it
 *                                   has no value
 *   micro, macro, weighted          {precision, recall, f1, f1_interval}: 95 % (bootstrap; micro F1
 *                                   of a head that answers with one label is its accuracy: Wilson)
 *   best_f1, best_accuracy          {threshold, f1 | accuracy}: of the curve; null when all are 0
 *   classes                         every label of the head, in its order: {label, support,
 *                                   predicted, correct, precision, recall, f1, precision_interval,
 *                                   recall_interval}: 95 % (Wilson); multi-label: threshold too
 *   confusions                      most frequent first: {truth (null: not known), predicted, n};
 *                                   of the first CONFUSED_PAIRS_MAX, if texts were kept, examples
 *                                   too, the most confident first: {row, line, p, text}, and
 *                                   tokens that pulled, the most first: {token, share}: what it
 *                                   added to the logit of the predicted label over that of the true
 *                                   one, on average over the texts of the confusion
 *   calibration                     15 bins: {from, to, n, confidence, accuracy}
 *   curve                           101 thresholds: {threshold, n, then precision, recall, f1;
 *                                   binary: accuracy too; multi-class: accuracy, coverage instead}
 */
#pragma once

#include "base/buf.h"
#include "commands/confused.h"
#include "commands/pulls.h"
#include "model/head/evaluation.h"
#include "model/head/intervals.h"

#include <stdint.h>

/** How sure the averages of F1 are. */
struct report_intervals {
    struct interval micro, macro, weighted;
};

/** What of the input stands in another file. */
struct report_seen {
    const char *file;
    uint64_t n_seen, n_unseen;       /* rows */
    uint64_t n_right, n_right_other; /* of the unseen ones; by the head, and by a second one */
};

/** Suspicious labels that a report lists. */
#define REPORT_SUSPECTS_MAX 100

struct report_suspect {
    const char *file; /* NULL: there is one */
    uint64_t row, line;
    const char *label, *predicted; /* of several labels all, with " | " between */
    double p, p_label;             /* of what is predicted, of the label */
    struct span text;              /* data NULL: not asked for */
};

/** Suspicious labels among rows that were held out. */
struct report_suspects {
    uint64_t n_judged, n; /* rows that were judged; that are suspicious */
    const struct report_suspect *list;
    size_t n_list;
};

/** What the evaluation itself does not know. All borrowed; no string is NULL. */
struct report_info {
    const char *model, *head, *input;       /* names, as the user gave them */
    const char *date;                       /* written as it is */
    uint64_t n_rows;                        /* of the input */
    double seconds;                         /* that it took; below 0: not known */
    struct report_intervals f1;             /* NaN where not known */
    const struct report_seen *seen;         /* NULL: not asked */
    const struct confused *confused;        /* texts of confusions; NULL: none are shown */
    const struct pulls *pulls;              /* their tokens; NULL: none are shown */
    const struct report_suspects *suspects; /* NULL: not looked for */
};

/**
 * report_text writes tables of at most 30 rows: with more labels than that the 30 worst by F1 of
 * those that occur, saying how many are left out, and the 10 most frequent confusions, with a line
 * a text where texts were kept.
 */
void report_text(struct buf *buf, const struct evaluation_result *result,
                 const struct report_info *info);

/** report_json writes one object with everything, and a newline. */
void report_json(struct buf *buf, const struct evaluation_result *result,
                 const struct report_info *info);

/**
 * report_html writes one page that needs nothing else: report.html, as it stands in the program,
 * with the JSON in it, where every '<' is escaped. The page's own script draws that in a browser;
 * no other script runs, and nothing is fetched.
 */
void report_html(struct buf *buf, const struct evaluation_result *result,
                 const struct report_info *info);
