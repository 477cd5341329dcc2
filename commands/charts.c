/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/charts.h"

#include "commands/report_parts.h"

#include <math.h>
#include <stdio.h>

/* Where the unit square lies in a chart, in pixels. */
struct plot {
    double x, y, width, height;
};

#define CHART_WIDTH 440

static double across(const struct plot *plot, double value)
{
    return plot->x + value * plot->width;
}

static double up(const struct plot *plot, double value)
{
    return plot->y + (1 - value) * plot->height;
}

static void open_svg(struct buf *buf, double width, double height, const char *label)
{
    buf_printf(buf,
               "<svg class=\"chart\" role=\"img\" aria-label=\"%s\" width=\"%.0f\" "
               "height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\">",
               label, width, height, width, height);
}

void charts_bar(struct buf *buf, double share, const char *css)
{
    buf_printf(buf,
               "<svg class=\"bar\" aria-hidden=\"true\" width=\"64\" height=\"8\">"
               "<rect class=\"cell\" width=\"64\" height=\"8\" rx=\"2\"/>"
               "<rect class=\"%s\" width=\"%.1f\" height=\"8\" rx=\"2\"/></svg>",
               css, 64 * share);
}

static void add_axes(struct buf *buf, const struct plot *plot, double ticks_y, const char *x_title,
                     const char *y_title)
{
    for (int i = 0; i <= 5; i++) {
        double value = i / 5.0;
        buf_printf(buf, "<path class=\"grid\" d=\"M%.1f %.1fH%.1f\"/>", plot->x, up(plot, value),
                   plot->x + plot->width);
        buf_printf(buf,
                   "<text class=\"tick\" text-anchor=\"end\" x=\"%.1f\" y=\"%.1f\">%.1f</text>",
                   plot->x - 8, up(plot, value) + 4, value);
        buf_printf(buf,
                   "<text class=\"tick\" text-anchor=\"middle\" x=\"%.1f\" y=\"%.1f\">%.1f</text>",
                   across(plot, value), ticks_y, value);
    }
    buf_printf(buf, "<text class=\"axis\" text-anchor=\"middle\" x=\"%.1f\" y=\"%.1f\">%s</text>",
               across(plot, 0.5), ticks_y + 20, x_title);
    if (y_title)
        buf_printf(buf,
                   "<text class=\"axis\" text-anchor=\"middle\" transform=\"translate(14 %.1f) "
                   "rotate(-90)\">%s</text>",
                   up(plot, 0.5), y_title);
}

/* ---- confusion matrix ---- */

#define LABEL_PX 6.6 /* a column of a label's text, the widest letters apart */
#define SLANT 0.71   /* sin 45° */

struct matrix {
    const struct evaluation_result *result;
    uint32_t n_columns, n_rows; /* the last row may be the unknown labels */
    size_t label_columns;       /* most that a label's text takes */
    double cell, left, top;
};

static uint32_t label_of_row(const struct matrix *matrix, uint32_t row)
{
    return row < matrix->n_columns ? row : EVALUATION_UNKNOWN;
}

static double lay_out(struct matrix *matrix)
{
    size_t longest = 4;
    for (uint32_t i = 0; i < matrix->n_rows; i++) {
        size_t columns = report_columns(report_name(matrix->result, label_of_row(matrix, i)));
        if (columns > longest) longest = columns;
    }
    if (longest > matrix->label_columns) longest = matrix->label_columns;
    double room = (double)longest * LABEL_PX + 10;
    matrix->cell = fmin(fmax(560.0 / matrix->n_columns, 17), 56);
    matrix->left = 24 + room;
    matrix->top = 24 + room * SLANT;
    return room * SLANT;
}

/* Text that shows its whole name when pointed at. */
static void add_name(struct buf *buf, const struct matrix *matrix, uint32_t label)
{
    const char *name = report_name(matrix->result, label);
    if (report_columns(name) > matrix->label_columns) {
        buf_add_str(buf, "<title>");
        report_escaped(buf, name, REPORT_WHOLE);
        buf_add_str(buf, "</title>");
    }
    report_escaped(buf, name, matrix->label_columns);
    buf_add_str(buf, "</text>");
}

static void add_names(struct buf *buf, const struct matrix *matrix)
{
    for (uint32_t i = 0; i < matrix->n_columns; i++) {
        buf_printf(buf, "<text class=\"name\" transform=\"translate(%.1f %.1f) rotate(-45)\">",
                   matrix->left + (i + 0.5) * matrix->cell + 4, matrix->top - 6);
        add_name(buf, matrix, i);
    }
    for (uint32_t i = 0; i < matrix->n_rows; i++) {
        buf_printf(buf, "<text class=\"name\" text-anchor=\"end\" x=\"%.1f\" y=\"%.1f\">",
                   matrix->left - 6, matrix->top + (i + 0.5) * matrix->cell + 4);
        add_name(buf, matrix, label_of_row(matrix, i));
    }
}

static void add_cell(struct buf *buf, const struct matrix *matrix, uint32_t row, uint32_t column,
                     uint64_t n)
{
    const struct evaluation_result *result = matrix->result;
    uint64_t total = row < matrix->n_columns ? result->classes[row].support : result->n_unknown;
    double share = (double)n / (double)total, cell = matrix->cell;
    double x = matrix->left + column * cell, y = matrix->top + row * cell;
    double shade = 0.08 + 0.92 * share;
    char digits[24];
    int width = snprintf(digits, sizeof digits, "%llu", (unsigned long long)n);
    buf_add_str(buf, "<g><title>true: ");
    report_escaped(buf, report_name(result, label_of_row(matrix, row)), 60);
    buf_add_str(buf, "; predicted: ");
    report_escaped(buf, report_name(result, column), 60);
    buf_printf(buf,
               "; %s of %llu (%.3f)</title><rect class=\"%s\" fill-opacity=\"%.2f\" x=\"%.1f\" "
               "y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>",
               digits, (unsigned long long)total, share, row == column ? "right" : "wrong", shade,
               x + 0.5, y + 0.5, cell - 1, cell - 1);
    if (width * 6.5 + 2 <= cell)
        buf_printf(buf, "<text class=\"%s\" text-anchor=\"middle\" x=\"%.1f\" y=\"%.1f\">%s</text>",
                   shade > 0.6 ? "count on" : "count", x + cell / 2, y + cell / 2 + 4, digits);
    buf_add_str(buf, "</g>");
}

static void add_cells(struct buf *buf, const struct matrix *matrix)
{
    const struct evaluation_result *result = matrix->result;
    for (uint32_t i = 0; i < matrix->n_columns; i++) {
        for (uint32_t row = 0; row < matrix->n_rows; row++)
            buf_printf(buf,
                       "<rect class=\"cell\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
                       "height=\"%.1f\"/>",
                       matrix->left + i * matrix->cell + 0.5,
                       matrix->top + row * matrix->cell + 0.5, matrix->cell - 1, matrix->cell - 1);
        if (result->classes[i].correct > 0) add_cell(buf, matrix, i, i, result->classes[i].correct);
    }
    for (size_t i = 0; i < result->n_pairs; i++) {
        const struct evaluation_pair *pair = &result->pairs[i];
        uint32_t row = pair->truth == EVALUATION_UNKNOWN ? matrix->n_columns : pair->truth;
        add_cell(buf, matrix, row, pair->predicted, pair->n);
    }
}

void charts_matrix(struct buf *buf, const struct evaluation_result *result)
{
    struct matrix matrix = {.result = result,
                            .n_columns = result->n_labels,
                            .n_rows = result->n_labels + (result->n_unknown > 0),
                            .label_columns = result->n_labels <= 12 ? 24 : 20};
    double right = lay_out(&matrix);
    double width = matrix.n_columns * matrix.cell, height = matrix.n_rows * matrix.cell;
    open_svg(buf, matrix.left + width + right, matrix.top + height + 4,
             "Confusion matrix: true labels in rows, predicted labels in columns");
    buf_printf(buf,
               "<text class=\"axis\" text-anchor=\"middle\" x=\"%.1f\" y=\"12\">predicted</text>",
               matrix.left + width / 2);
    buf_printf(buf,
               "<text class=\"axis\" text-anchor=\"middle\" transform=\"translate(12 %.1f) "
               "rotate(-90)\">true</text>",
               matrix.top + height / 2);
    add_names(buf, &matrix);
    add_cells(buf, &matrix);
    buf_add_str(buf, "</svg>");
}

/* ---- reliability ---- */

static void add_bin(struct buf *buf, const struct plot *plot, const struct plot *strip, int i,
                    const struct evaluation_bin *bin, uint64_t most)
{
    double from = (double)i / EVALUATION_BINS, width = plot->width / EVALUATION_BINS - 2;
    double x = across(plot, from) + 1, n = (double)bin->n / (double)most;
    if (bin->n == 0) return;
    buf_printf(buf,
               "<g><title>confidence %.2f to %.2f: %llu, mean confidence %.3f, accuracy "
               "%.3f</title>",
               from, (i + 1.0) / EVALUATION_BINS, (unsigned long long)bin->n, bin->confidence,
               bin->accuracy);
    buf_printf(buf,
               "<rect class=\"right\" fill-opacity=\"0.75\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
               "height=\"%.1f\"/>",
               x, up(plot, bin->accuracy), width, plot->height * bin->accuracy);
    buf_printf(buf, "<rect class=\"few\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>", x,
               up(strip, n), width, strip->height * n);
    buf_printf(buf, "<circle class=\"dot\" cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\"/></g>",
               across(plot, bin->confidence), up(plot, bin->accuracy));
}

void charts_reliability(struct buf *buf, const struct evaluation_result *result)
{
    const struct plot plot = {52, 12, CHART_WIDTH - 68, 230};
    const struct plot strip = {plot.x, plot.y + plot.height + 8, plot.width, 44};
    uint64_t most = 1;
    for (int i = 0; i < EVALUATION_BINS; i++)
        most = result->bins[i].n > most ? result->bins[i].n : most;
    open_svg(buf, CHART_WIDTH, 336, "Reliability diagram: accuracy over confidence, in 15 bins");
    add_axes(buf, &plot, strip.y + strip.height + 16,
             result->kind == HEAD_MULTI_LABEL ? "probability of a label" : "confidence",
             result->kind == HEAD_MULTI_LABEL ? "share that is true" : "accuracy");
    buf_printf(buf, "<path class=\"grid\" d=\"M%.1f %.1fh%.1f\"/>", strip.x, strip.y + strip.height,
               strip.width);
    buf_printf(buf, "<text class=\"tick\" text-anchor=\"end\" x=\"%.1f\" y=\"%.1f\">n</text>",
               strip.x - 8, strip.y + strip.height);
    for (int i = 0; i < EVALUATION_BINS; i++)
        add_bin(buf, &plot, &strip, i, &result->bins[i], most);
    buf_printf(buf,
               "<path class=\"ideal\" d=\"M%.1f %.1fL%.1f %.1f\"><title>confidence is "
               "accuracy</title></path></svg>",
               across(&plot, 0), up(&plot, 0), across(&plot, 1), up(&plot, 1));
}

/* ---- curve ---- */

enum measure { PRECISION, RECALL, F1, ACCURACY, COVERAGE };

struct series {
    enum measure measure;
    const char *name, *css;
};

static double measure_at(const struct evaluation_point *point, enum measure measure)
{
    switch (measure) {
    case PRECISION: /* 0 by definition, and misleading, where nothing is predicted */
        return point->n > 0 ? point->precision : NAN;
    case RECALL:
        return point->recall;
    case F1:
        return point->f1;
    case ACCURACY:
        return point->accuracy;
    case COVERAGE:
        return point->coverage;
    }
    return NAN;
}

static void add_series(struct buf *buf, const struct plot *plot,
                       const struct evaluation_result *result, const struct series *series)
{
    bool is_drawing = false;
    buf_printf(buf, "<path class=\"%s\" d=\"", series->css);
    for (int i = 0; i < EVALUATION_POINTS; i++) {
        double value = measure_at(&result->curve[i], series->measure);
        if (!isnan(value))
            buf_printf(buf, "%s%.1f %.1f", is_drawing ? "L" : "M", across(plot, i / 100.0),
                       up(plot, value));
        is_drawing = !isnan(value);
    }
    buf_printf(buf, "\"><title>%s</title></path>", series->name);
}

static void add_legend(struct buf *buf, const struct plot *plot, double y,
                       const struct series *series, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        double x = plot->x + (double)i * 92;
        buf_printf(buf,
                   "<path class=\"%s\" d=\"M%.1f %.1fh22\"/><text class=\"name\" x=\"%.1f\" "
                   "y=\"%.1f\">%s</text>",
                   series[i].css, x, y - 4, x + 27, y, series[i].name);
    }
}

static void add_marks(struct buf *buf, const struct plot *plot,
                      const struct evaluation_result *result)
{
    if (result->kind == HEAD_BINARY) {
        double threshold = fmin(fmax(report_threshold(result, 0), 0), 1);
        buf_printf(buf,
                   "<path class=\"ideal\" d=\"M%.1f %.1fv%.1f\"><title>the head's threshold, "
                   "%.4g</title></path>",
                   across(plot, threshold), plot->y, plot->height, report_threshold(result, 0));
    }
    if (result->best_f1 >= 0) {
        const struct evaluation_point *best = &result->curve[result->best_f1];
        buf_printf(buf,
                   "<circle class=\"dot\" cx=\"%.1f\" cy=\"%.1f\" r=\"4\"><title>best F1 %.3f, at "
                   "%.2f</title></circle>",
                   across(plot, (double)best->threshold), up(plot, best->f1), best->f1,
                   (double)best->threshold);
    }
}

void charts_curve(struct buf *buf, const struct evaluation_result *result)
{
    static const struct series decide[] = {{PRECISION, "precision", "line blue"},
                                           {RECALL, "recall", "line orange"},
                                           {F1, "F1", "line teal"},
                                           {ACCURACY, "accuracy", "line purple"}};
    static const struct series sure[] = {{ACCURACY, "accuracy", "line blue"},
                                         {COVERAGE, "coverage", "line orange"}};
    const struct plot plot = {52, 12, CHART_WIDTH - 68, 246};
    const bool is_sure = result->kind == HEAD_MULTI_CLASS;
    const struct series *series = is_sure ? sure : decide;
    size_t n = is_sure ? 2 : result->kind == HEAD_BINARY ? 4 : 3;
    open_svg(buf, CHART_WIDTH, 336,
             is_sure  ? "Accuracy and coverage over the least confidence that is answered from"
             : n == 4 ? "Precision, recall, F1 and accuracy over the threshold"
                      : "Precision, recall and F1 over the threshold of all labels");
    add_axes(buf, &plot, plot.y + plot.height + 18, is_sure ? "least confidence" : "threshold",
             NULL);
    for (size_t i = 0; i < n; i++)
        add_series(buf, &plot, result, &series[i]);
    add_marks(buf, &plot, result);
    add_legend(buf, &plot, 324, series, n);
    buf_add_str(buf, "</svg>");
}
