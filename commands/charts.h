/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file charts.h
 * The charts of a report's page, as inline SVG that is well-formed XML. Colours come from the
 * page's style sheet by class; each chart has a text alternative, each mark a title. Pure
 * functions.
 */
#pragma once

#include "base/buf.h"
#include "model/head/evaluation.h"

/** Up to so many labels a confusion matrix can be read. */
#define CHARTS_MATRIX_MAX 40

/** charts_bar: a small bar as long as `share` (0 to 1), of the class `css`; the number itself
 * stands beside it in the page. */
void charts_bar(struct buf *buf, double share, const char *css);

/** charts_matrix: rows are true labels, columns predicted ones, shaded by the share of the row. For
 * at most CHARTS_MATRIX_MAX labels of a head that answers with one. */
void charts_matrix(struct buf *buf, const struct evaluation_result *result);

/** charts_reliability: accuracy over confidence in bins, and how many are in each. */
void charts_reliability(struct buf *buf, const struct evaluation_result *result);

/** charts_curve: the measures over the threshold. */
void charts_curve(struct buf *buf, const struct evaluation_result *result);
