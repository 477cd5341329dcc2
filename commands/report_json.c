/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "base/ratio.h"
#include "commands/report.h"
#include "commands/report_parts.h"

#include <math.h>
#include <string.h>

static void add_figures(struct buf *buf, const struct evaluation_result *result,
                        const struct report_info *info)
{
    struct report_figure figures[REPORT_FIGURES_MAX];
    struct report_average averages[REPORT_AVERAGES];
    size_t n = report_figures(result, figures);
    for (size_t i = 0; i < n; i++)
        report_json_double(buf, figures[i].key, figures[i].value);
    report_json_interval(buf, "accuracy_interval", interval_of(result->n_right, result->n));
    report_averages(result, info, averages);
    for (size_t i = 0; i < REPORT_AVERAGES; i++) {
        const struct evaluation_average *values = averages[i].values;
        report_json_key(buf, averages[i].key);
        buf_add_char(buf, '{');
        report_json_average(buf, values->precision, values->recall, values->f1);
        report_json_interval(buf, "f1_interval", averages[i].f1_interval);
        buf_add_char(buf, '}');
    }
}

static void add_best(struct buf *buf, const struct evaluation_result *result, const char *key,
                     int point, bool is_f1)
{
    report_json_key(buf, key);
    if (point < 0) {
        buf_add_str(buf, "null");
        return;
    }
    buf_add_char(buf, '{');
    report_json_double(buf, "threshold", (double)result->curve[point].threshold);
    report_json_double(buf, is_f1 ? "f1" : "accuracy",
                       is_f1 ? result->curve[point].f1 : result->curve[point].accuracy);
    buf_add_char(buf, '}');
}

static void add_classes(struct buf *buf, const struct evaluation_result *result)
{
    report_json_key(buf, "classes");
    buf_add_char(buf, '[');
    for (uint32_t i = 0; i < result->n_labels; i++) {
        const struct evaluation_class *class = &result->classes[i];
        report_json_item(buf, i);
        report_json_string(buf, "label", result->names[i]);
        report_json_count(buf, "support", class->support);
        report_json_count(buf, "predicted", class->predicted);
        report_json_count(buf, "correct", class->correct);
        report_json_average(buf, class->precision, class->recall, class->f1);
        report_json_interval(buf, "precision_interval",
                             interval_of(class->correct, class->predicted));
        report_json_interval(buf, "recall_interval", interval_of(class->correct, class->support));
        if (result->kind == HEAD_MULTI_LABEL)
            report_json_double(buf, "threshold", report_threshold(result, i));
        buf_add_char(buf, '}');
    }
    buf_add_char(buf, ']');
}

static void add_examples(struct buf *buf, const struct evaluation_pair *pair,
                         const struct confused *confused)
{
    size_t n;
    const struct confused_text *texts = confused_find(confused, pair->truth, pair->predicted, &n);
    report_json_key(buf, "examples");
    buf_add_char(buf, '[');
    for (size_t i = 0; i < n; i++) {
        report_json_item(buf, i);
        report_json_count(buf, "row", texts[i].row);
        report_json_count(buf, "line", texts[i].line);
        report_json_double(buf, "p", (double)texts[i].p);
        report_json_key(buf, "text");
        json_write_string(buf, texts[i].text.data, texts[i].text.bytes);
        buf_add_char(buf, '}');
    }
    buf_add_char(buf, ']');
}

static void add_tokens(struct buf *buf, const struct evaluation_pair *pair,
                       const struct pulls *pulls)
{
    struct pull found[PULLS_SHOWN];
    const size_t n = pulls_find(pulls, pair->truth, pair->predicted, pair->n, found);
    report_json_key(buf, "tokens");
    buf_add_char(buf, '[');
    for (size_t i = 0; i < n; i++) {
        report_json_item(buf, i);
        report_json_key(buf, "token");
        json_write_string(buf, found[i].token.data, found[i].token.bytes);
        report_json_double(buf, "share", found[i].share);
        buf_add_char(buf, '}');
    }
    buf_add_char(buf, ']');
}

static void add_confusions(struct buf *buf, const struct evaluation_result *result,
                           const struct report_info *info)
{
    report_json_key(buf, "confusions");
    buf_add_char(buf, '[');
    for (size_t i = 0; i < result->n_pairs; i++) {
        const struct evaluation_pair *pair = &result->pairs[i];
        report_json_item(buf, i);
        if (pair->truth == EVALUATION_UNKNOWN)
            buf_add_str(buf, "\"truth\":null");
        else
            report_json_string(buf, "truth", result->names[pair->truth]);
        report_json_string(buf, "predicted", result->names[pair->predicted]);
        report_json_count(buf, "n", pair->n);
        if (info->confused && i < CONFUSED_PAIRS_MAX) add_examples(buf, pair, info->confused);
        if (info->pulls && i < CONFUSED_PAIRS_MAX) add_tokens(buf, pair, info->pulls);
        buf_add_char(buf, '}');
    }
    buf_add_char(buf, ']');
}

static void add_calibration(struct buf *buf, const struct evaluation_result *result)
{
    report_json_key(buf, "calibration");
    buf_add_char(buf, '[');
    for (size_t i = 0; i < EVALUATION_BINS; i++) {
        const struct evaluation_bin *bin = &result->bins[i];
        report_json_item(buf, i);
        report_json_double(buf, "from", (double)i / EVALUATION_BINS);
        report_json_double(buf, "to", (double)(i + 1) / EVALUATION_BINS);
        report_json_count(buf, "n", bin->n);
        report_json_double(buf, "confidence", bin->confidence);
        report_json_double(buf, "accuracy", bin->accuracy);
        buf_add_char(buf, '}');
    }
    buf_add_char(buf, ']');
}

static void add_curve(struct buf *buf, const struct evaluation_result *result)
{
    report_json_key(buf, "curve");
    buf_add_char(buf, '[');
    for (size_t i = 0; i < EVALUATION_POINTS; i++) {
        const struct evaluation_point *point = &result->curve[i];
        report_json_item(buf, i);
        report_json_double(buf, "threshold", (double)point->threshold);
        report_json_count(buf, "n", point->n);
        if (result->kind != HEAD_MULTI_CLASS)
            report_json_average(buf, point->precision, point->recall, point->f1);
        if (result->kind != HEAD_MULTI_LABEL) report_json_double(buf, "accuracy", point->accuracy);
        if (result->kind == HEAD_MULTI_CLASS) report_json_double(buf, "coverage", point->coverage);
        buf_add_char(buf, '}');
    }
    buf_add_char(buf, ']');
}

static void add_seen(struct buf *buf, const struct report_seen *seen)
{
    if (!seen) return;
    report_json_key(buf, "seen_in");
    buf_add_char(buf, '{');
    report_json_string(buf, "file", seen->file);
    report_json_count(buf, "rows", seen->n_seen);
    report_json_count(buf, "unseen_rows", seen->n_unseen);
    report_json_double(buf, "unseen_accuracy", ratio_or_nan(seen->n_right, seen->n_unseen));
    report_json_interval(buf, "unseen_accuracy_interval",
                         interval_of(seen->n_right, seen->n_unseen));
    buf_add_char(buf, '}');
}

static void add_suspects(struct buf *buf, const struct report_suspects *suspects)
{
    if (!suspects) return;
    report_json_key(buf, "suspicious");
    buf_add_char(buf, '{');
    report_json_count(buf, "judged", suspects->n_judged);
    report_json_count(buf, "rows", suspects->n);
    report_json_key(buf, "list");
    buf_add_char(buf, '[');
    for (size_t i = 0; i < suspects->n_list; i++) {
        const struct report_suspect *one = &suspects->list[i];
        report_json_item(buf, i);
        report_json_count(buf, "row", one->row);
        if (one->file) report_json_string(buf, "file", one->file);
        report_json_count(buf, "line", one->line);
        report_json_string(buf, "label", one->label);
        report_json_string(buf, "predicted", one->predicted);
        report_json_double(buf, "p", one->p);
        report_json_double(buf, "p_label", one->p_label);
        if (one->text.data) {
            report_json_key(buf, "text");
            json_write_string(buf, one->text.data, one->text.bytes);
        }
        buf_add_char(buf, '}');
    }
    buf_add_str(buf, "]}");
}

void report_json(struct buf *buf, const struct evaluation_result *result,
                 const struct report_info *info)
{
    buf_add_char(buf, '{');
    report_json_string(buf, "model", info->model);
    report_json_string(buf, "head", info->head);
    report_json_string(buf, "input", info->input);
    report_json_string(buf, "date", info->date);
    report_json_count(buf, "rows", info->n_rows);
    report_json_double(buf, "seconds", info->seconds >= 0 ? info->seconds : NAN);
    report_json_string(buf, "kind", head_kind_names[result->kind]);
    if (result->kind == HEAD_BINARY)
        report_json_double(buf, "threshold", report_threshold(result, 0));
    report_json_count(buf, "examples", result->n);
    report_json_count(buf, "unknown_labels", result->n_unknown);
    add_seen(buf, info->seen);
    add_suspects(buf, info->suspects);
    add_figures(buf, result, info);
    if (result->kind != HEAD_MULTI_CLASS) add_best(buf, result, "best_f1", result->best_f1, true);
    if (result->kind == HEAD_BINARY)
        add_best(buf, result, "best_accuracy", result->best_accuracy, false);
    add_classes(buf, result);
    if (result->kind != HEAD_MULTI_LABEL) add_confusions(buf, result, info);
    add_calibration(buf, result);
    add_curve(buf, result);
    buf_add_str(buf, "}\n");
}
