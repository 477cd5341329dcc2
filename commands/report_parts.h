/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file report_parts.h
 * What the writers of a report share: names made safe and short, the figures, the rows of the table
 * of labels. Pure functions.
 */
#pragma once

#include "base/buf.h"
#include "model/head/evaluation.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** No limit to the columns of a text. */
#define REPORT_WHOLE SIZE_MAX

/** report_columns: how many columns of a terminal `text` takes; an ideograph or emoji takes two. */
size_t report_columns(const char *text);

/**
 * report_plain writes `text` in at most `columns_max` columns, its end an ellipsis where it is too
 * long; control characters, those that turn the direction of writing, and what is not UTF-8 become
 * U+FFFD.
 * @return the columns that were written
 */
size_t report_plain(struct buf *buf, const char *text, size_t columns_max);

/** report_escaped: the same for HTML and XML, in text and in quoted attributes. */
size_t report_escaped(struct buf *buf, const char *text, size_t columns_max);

/** report_name: of a label; EVALUATION_UNKNOWN has one too. */
const char *report_name(const struct evaluation_result *result, uint32_t label);

struct report_figure {
    const char *key, *title;
    const char *note; /* what it means, a few words */
    double value;     /* may be NaN */
};

#define REPORT_FIGURES_MAX 8

/** report_figures fills in the single figures that this kind of head has and returns how many. */
size_t report_figures(const struct evaluation_result *result,
                      struct report_figure out[static REPORT_FIGURES_MAX]);

struct report_average {
    const char *key;
    const struct evaluation_average *values;
};

#define REPORT_AVERAGES 3

/** report_averages fills in macro, micro, weighted. */
void report_averages(const struct evaluation_result *result,
                     struct report_average out[static REPORT_AVERAGES]);

/** Up to so many labels are listed in their own order. */
#define REPORT_ORDERED_MAX 30

/**
 * report_rows returns the labels of the table: all in their order when they are few, otherwise
 * those that occur, the worst by F1 first, of equals the more frequent, at most `rows_max`.
 * @param n how many
 * @return (n) in the arena of `buf`; NULL with n 0 and buf->failed at its cap
 */
const struct evaluation_class **report_rows(struct buf *buf, const struct evaluation_result *result,
                                            size_t rows_max, size_t *n);

/** report_left_out writes how many labels the rows (n) do not show; nothing when they show all. */
void report_left_out(struct buf *buf, const struct evaluation_result *result, size_t n);

/** report_threshold: from which on a label is predicted. Not for a multi-class head. */
double report_threshold(const struct evaluation_result *result, uint32_t label);
