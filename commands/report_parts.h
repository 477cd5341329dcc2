/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file report_parts.h
 * Names made safe and short for a terminal, and the figures that text and JSON share. Pure
 * functions: any thread, each with a buffer of its own.
 */
#pragma once

#include "base/buf.h"
#include "commands/report.h"
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
    struct interval f1_interval;
};

#define REPORT_AVERAGES 3

/** report_averages fills in macro, micro, weighted. */
void report_averages(const struct evaluation_result *result, const struct report_info *info,
                     struct report_average out[static REPORT_AVERAGES]);

/** report_threshold: from which on a label is predicted. Not for a multi-class head. */
double report_threshold(const struct evaluation_result *result, uint32_t label);
