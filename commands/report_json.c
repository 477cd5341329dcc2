/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "commands/report.h"
#include "commands/report_parts.h"

#include <math.h>
#include <string.h>

static void add_key(struct buf *buf, const char *key)
{
    char last = buf->bytes > 0 ? buf->data[buf->bytes - 1] : 0;
    if (last != '{' && last != '[') buf_add_char(buf, ',');
    buf_printf(buf, "\"%s\":", key);
}

static void add_string(struct buf *buf, const char *key, const char *value)
{
    add_key(buf, key);
    json_write_string(buf, value, strlen(value));
}

static void add_double(struct buf *buf, const char *key, double x)
{
    add_key(buf, key);
    if (isnan(x))
        buf_add_str(buf, "null");
    else
        buf_printf(buf, "%.6g", x);
}

static void add_interval(struct buf *buf, const char *key, struct interval interval)
{
    add_key(buf, key);
    if (isnan(interval.low))
        buf_add_str(buf, "null");
    else
        buf_printf(buf, "[%.6g,%.6g]", interval.low, interval.high);
}

static void add_count(struct buf *buf, const char *key, uint64_t n)
{
    add_key(buf, key);
    buf_printf(buf, "%llu", (unsigned long long)n);
}

static void add_average(struct buf *buf, double precision, double recall, double f1)
{
    add_double(buf, "precision", precision);
    add_double(buf, "recall", recall);
    add_double(buf, "f1", f1);
}

/* Opens item i of a list. */
static void add_item(struct buf *buf, size_t i)
{
    buf_add_str(buf, i > 0 ? ",{" : "{");
}

static void add_figures(struct buf *buf, const struct evaluation_result *result,
                        const struct report_info *info)
{
    struct report_figure figures[REPORT_FIGURES_MAX];
    struct report_average averages[REPORT_AVERAGES];
    size_t n = report_figures(result, figures);
    for (size_t i = 0; i < n; i++)
        add_double(buf, figures[i].key, figures[i].value);
    add_interval(buf, "accuracy_interval", interval_of(result->n_right, result->n));
    report_averages(result, info, averages);
    for (size_t i = 0; i < REPORT_AVERAGES; i++) {
        const struct evaluation_average *values = averages[i].values;
        add_key(buf, averages[i].key);
        buf_add_char(buf, '{');
        add_average(buf, values->precision, values->recall, values->f1);
        add_interval(buf, "f1_interval", averages[i].f1_interval);
        buf_add_char(buf, '}');
    }
}

static void add_best(struct buf *buf, const struct evaluation_result *result, const char *key,
                     int point, bool is_f1)
{
    add_key(buf, key);
    if (point < 0) {
        buf_add_str(buf, "null");
        return;
    }
    buf_add_char(buf, '{');
    add_double(buf, "threshold", (double)result->curve[point].threshold);
    add_double(buf, is_f1 ? "f1" : "accuracy",
               is_f1 ? result->curve[point].f1 : result->curve[point].accuracy);
    buf_add_char(buf, '}');
}

static void add_classes(struct buf *buf, const struct evaluation_result *result)
{
    add_key(buf, "classes");
    buf_add_char(buf, '[');
    for (uint32_t i = 0; i < result->n_labels; i++) {
        const struct evaluation_class *class = &result->classes[i];
        add_item(buf, i);
        add_string(buf, "label", result->names[i]);
        add_count(buf, "support", class->support);
        add_count(buf, "predicted", class->predicted);
        add_count(buf, "correct", class->correct);
        add_average(buf, class->precision, class->recall, class->f1);
        add_interval(buf, "precision_interval", interval_of(class->correct, class->predicted));
        add_interval(buf, "recall_interval", interval_of(class->correct, class->support));
        if (result->kind == HEAD_MULTI_LABEL)
            add_double(buf, "threshold", report_threshold(result, i));
        buf_add_char(buf, '}');
    }
    buf_add_char(buf, ']');
}

static void add_examples(struct buf *buf, const struct evaluation_pair *pair,
                         const struct confused *confused)
{
    size_t n;
    const struct confused_text *texts = confused_find(confused, pair->truth, pair->predicted, &n);
    add_key(buf, "examples");
    buf_add_char(buf, '[');
    for (size_t i = 0; i < n; i++) {
        add_item(buf, i);
        add_count(buf, "row", texts[i].row);
        add_count(buf, "line", texts[i].line);
        add_double(buf, "p", (double)texts[i].p);
        add_key(buf, "text");
        json_write_string(buf, texts[i].text.data, texts[i].text.bytes);
        buf_add_char(buf, '}');
    }
    buf_add_char(buf, ']');
}

static void add_confusions(struct buf *buf, const struct evaluation_result *result,
                           const struct confused *confused)
{
    add_key(buf, "confusions");
    buf_add_char(buf, '[');
    for (size_t i = 0; i < result->n_pairs; i++) {
        const struct evaluation_pair *pair = &result->pairs[i];
        add_item(buf, i);
        if (pair->truth == EVALUATION_UNKNOWN)
            buf_add_str(buf, "\"truth\":null");
        else
            add_string(buf, "truth", result->names[pair->truth]);
        add_string(buf, "predicted", result->names[pair->predicted]);
        add_count(buf, "n", pair->n);
        if (confused && i < CONFUSED_PAIRS_MAX) add_examples(buf, pair, confused);
        buf_add_char(buf, '}');
    }
    buf_add_char(buf, ']');
}

static void add_calibration(struct buf *buf, const struct evaluation_result *result)
{
    add_key(buf, "calibration");
    buf_add_char(buf, '[');
    for (size_t i = 0; i < EVALUATION_BINS; i++) {
        const struct evaluation_bin *bin = &result->bins[i];
        add_item(buf, i);
        add_double(buf, "from", (double)i / EVALUATION_BINS);
        add_double(buf, "to", (double)(i + 1) / EVALUATION_BINS);
        add_count(buf, "n", bin->n);
        add_double(buf, "confidence", bin->confidence);
        add_double(buf, "accuracy", bin->accuracy);
        buf_add_char(buf, '}');
    }
    buf_add_char(buf, ']');
}

static void add_curve(struct buf *buf, const struct evaluation_result *result)
{
    add_key(buf, "curve");
    buf_add_char(buf, '[');
    for (size_t i = 0; i < EVALUATION_POINTS; i++) {
        const struct evaluation_point *point = &result->curve[i];
        add_item(buf, i);
        add_double(buf, "threshold", (double)point->threshold);
        add_count(buf, "n", point->n);
        if (result->kind != HEAD_MULTI_CLASS)
            add_average(buf, point->precision, point->recall, point->f1);
        if (result->kind != HEAD_MULTI_LABEL) add_double(buf, "accuracy", point->accuracy);
        if (result->kind == HEAD_MULTI_CLASS) add_double(buf, "coverage", point->coverage);
        buf_add_char(buf, '}');
    }
    buf_add_char(buf, ']');
}

void report_json(struct buf *buf, const struct evaluation_result *result,
                 const struct report_info *info)
{
    buf_add_char(buf, '{');
    add_string(buf, "model", info->model);
    add_string(buf, "head", info->head);
    add_string(buf, "input", info->input);
    add_string(buf, "date", info->date);
    add_count(buf, "rows", info->n_rows);
    add_double(buf, "seconds", info->seconds >= 0 ? info->seconds : NAN);
    add_string(buf, "kind", head_kind_names[result->kind]);
    if (result->kind == HEAD_BINARY) add_double(buf, "threshold", report_threshold(result, 0));
    add_count(buf, "examples", result->n);
    add_count(buf, "unknown_labels", result->n_unknown);
    add_figures(buf, result, info);
    if (result->kind != HEAD_MULTI_CLASS) add_best(buf, result, "best_f1", result->best_f1, true);
    if (result->kind == HEAD_BINARY)
        add_best(buf, result, "best_accuracy", result->best_accuracy, false);
    add_classes(buf, result);
    if (result->kind != HEAD_MULTI_LABEL) add_confusions(buf, result, info->confused);
    add_calibration(buf, result);
    add_curve(buf, result);
    buf_add_str(buf, "}\n");
}
