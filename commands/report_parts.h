/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file report_parts.h
 * Names made safe and short for a terminal, the figures that text and JSON share, and how reports
 * write them. Pure
 * functions: any thread, each with a buffer of its own.
 */
#pragma once

#include "base/buf.h"
#include "commands/report.h"
#include "model/head/evaluation.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- text ---- */

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

/** report_spaces writes n of them. */
void report_spaces(struct buf *buf, size_t n);

/** report_cell writes `text`, cut if need be, left-aligned in `width` columns. */
void report_cell(struct buf *buf, const char *text, size_t width);

/** report_number writes x in 10 columns with 4 decimals; "-" for NaN. */
void report_number(struct buf *buf, double x);

/** report_interval writes "0.1234-0.5678", right-aligned in 15 columns; "-" where it is not known.
 */
void report_interval(struct buf *buf, struct interval interval);

/** report_key_line writes a line of a key, in REPORT_KEY_COLUMNS, and its value. */
void report_key_line(struct buf *buf, const char *key, const char *value);

#define REPORT_KEY_COLUMNS 18

/** Columns that names of labels get. */
#define REPORT_LABEL_COLUMNS_MIN 18
#define REPORT_LABEL_COLUMNS_MAX 36

/** report_wider: columns for the longest of the names, from one of which `width` is, within the
 * bounds above. */
size_t report_wider(size_t width, const char *name);

/* ---- JSON: each member writes a comma where it is not the first ---- */

/** report_json_key begins a member. */
void report_json_key(struct buf *buf, const char *key);

void report_json_string(struct buf *buf, const char *key, const char *value);

/** report_json_double writes six significant digits; null for NaN. */
void report_json_double(struct buf *buf, const char *key, double x);

void report_json_count(struct buf *buf, const char *key, uint64_t n);

/** report_json_interval writes [low,high]; null where it is not known. */
void report_json_interval(struct buf *buf, const char *key, struct interval interval);

/** report_json_item opens the object that is item i of a list. */
void report_json_item(struct buf *buf, size_t i);

/** report_json_average writes precision, recall and f1. */
void report_json_average(struct buf *buf, double precision, double recall, double f1);

/* ---- figures ---- */

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
