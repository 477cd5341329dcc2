/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/report.h"

#include "base/utf8.h"
#include "commands/report_parts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_MAX 30
#define PAIRS_MAX 10
#define TEXT_COLUMNS_MAX 100

static const char *name_of(const struct evaluation_result *result, uint32_t label)
{
    return label == EVALUATION_UNKNOWN ? "(unknown label)" : result->names[label];
}

static void add_seen(struct buf *buf, const struct report_seen *seen)
{
    if (!seen) return;
    report_cell(buf, "seen", REPORT_KEY_COLUMNS);
    buf_printf(buf, "%llu of %llu texts, in ", (unsigned long long)seen->n_seen,
               (unsigned long long)(seen->n_seen + seen->n_unseen));
    report_plain(buf, seen->file, REPORT_WHOLE);
    if (seen->n_seen > 0 && seen->n_unseen > 0) {
        const struct interval interval = interval_of(seen->n_right, seen->n_unseen);
        buf_printf(buf, "; accuracy without them %.4f, 95 %% interval %.4f-%.4f",
                   (double)seen->n_right / (double)seen->n_unseen, interval.low, interval.high);
    }
    buf_add_char(buf, '\n');
}

static void add_head(struct buf *buf, const struct evaluation_result *result,
                     const struct report_info *info)
{
    report_key_line(buf, "model", info->model);
    report_key_line(buf, "head", info->head);
    report_cell(buf, "kind", REPORT_KEY_COLUMNS);
    buf_printf(buf, "%s, %u labels\n", head_kind_names[result->kind], result->n_labels);
    report_key_line(buf, "input", info->input);
    report_key_line(buf, "date", info->date);
    report_cell(buf, "rows", REPORT_KEY_COLUMNS);
    buf_printf(buf, "%llu", (unsigned long long)info->n_rows);
    if (info->seconds >= 0) buf_printf(buf, " in %.1f s", info->seconds);
    buf_add_char(buf, '\n');
    report_cell(buf, "examples", REPORT_KEY_COLUMNS);
    buf_printf(buf, "%llu", (unsigned long long)result->n);
    if (result->n_unknown > 0)
        buf_printf(buf, ", %llu with a label that the head does not know: wrong",
                   (unsigned long long)result->n_unknown);
    buf_add_char(buf, '\n');
    add_seen(buf, info->seen);
    buf_add_char(buf, '\n');
}

static void add_averages(struct buf *buf, const struct evaluation_result *result,
                         const struct report_info *info)
{
    struct report_average averages[REPORT_AVERAGES];
    report_averages(result, info, averages);
    buf_add_char(buf, '\n');
    report_spaces(buf, REPORT_KEY_COLUMNS);
    buf_add_str(buf, " precision    recall        F1        95 % F1\n");
    for (size_t i = 0; i < REPORT_AVERAGES; i++) {
        report_cell(buf, averages[i].key, REPORT_KEY_COLUMNS);
        report_number(buf, averages[i].values->precision);
        report_number(buf, averages[i].values->recall);
        report_number(buf, averages[i].values->f1);
        report_interval(buf, averages[i].f1_interval);
        buf_add_char(buf, '\n');
    }
}

static void add_figures(struct buf *buf, const struct evaluation_result *result,
                        const struct report_info *info)
{
    struct report_figure figures[REPORT_FIGURES_MAX];
    const struct interval accuracy = interval_of(result->n_right, result->n);
    size_t n = report_figures(result, figures);
    for (size_t i = 0; i < n; i++) {
        report_cell(buf, figures[i].title, REPORT_KEY_COLUMNS);
        report_number(buf, figures[i].value);
        buf_printf(buf, "   %s", figures[i].note);
        if (i == 0 && !isnan(accuracy.low))
            buf_printf(buf, ", 95 %% interval %.4f-%.4f", accuracy.low, accuracy.high);
        buf_add_char(buf, '\n');
    }
    add_averages(buf, result, info);
}

static int worst_first(const void *left, const void *right)
{
    const struct evaluation_class *a = *(const struct evaluation_class *const *)left;
    const struct evaluation_class *b = *(const struct evaluation_class *const *)right;
    if (a->f1 != b->f1) return a->f1 < b->f1 ? -1 : 1;
    if (a->support != b->support) return a->support > b->support ? -1 : 1;
    return (a > b) - (a < b);
}

/* The labels of the table, in the arena of `buf` (NULL and n = 0 at its cap): all in their order
 * when they are few, otherwise those that occur, the worst by F1 first, of equals the more
 * frequent. */
static const struct evaluation_class **
choose_rows(struct buf *buf, const struct evaluation_result *result, size_t *n)
{
    const struct evaluation_class **rows =
        arena_array(buf->arena, result->n_labels, sizeof(struct evaluation_class *));
    const bool is_few = result->n_labels <= ROWS_MAX;
    *n = 0;
    if (!rows) {
        buf->failed = true;
        return NULL;
    }
    for (uint32_t i = 0; i < result->n_labels; i++) {
        const struct evaluation_class *class = &result->classes[i];
        if (is_few || class->support > 0 || class->predicted > 0) rows[(*n)++] = class;
    }
    if (is_few) return rows;
    qsort(rows, *n, sizeof *rows, worst_first);
    if (*n > ROWS_MAX) *n = ROWS_MAX;
    return rows;
}

/* How many labels the rows (n) do not show; nothing when they show all. */
static void add_left_out(struct buf *buf, const struct evaluation_result *result, size_t n)
{
    uint32_t n_absent = result->n_labels - result->n_occur;
    if (n == result->n_labels) return;
    buf_printf(buf, "%zu of %u labels, the worst by F1 first", n, result->n_labels);
    if (result->n_occur > n) buf_printf(buf, "; %zu better ones are left out", result->n_occur - n);
    if (n_absent > 0)
        buf_printf(buf, "; %u %s neither in the input nor in the predictions", n_absent,
                   n_absent == 1 ? "is" : "are");
    buf_add_char(buf, '.');
}

static void add_rows(struct buf *buf, const struct evaluation_result *result)
{
    size_t n, width = REPORT_LABEL_COLUMNS_MIN;
    const struct evaluation_class **rows = choose_rows(buf, result, &n);
    for (size_t i = 0; i < n; i++)
        width = report_wider(width, name_of(result, (uint32_t)(rows[i] - result->classes)));
    buf_add_char(buf, '\n');
    report_cell(buf, "label", width);
    buf_add_str(buf, " precision    recall        F1      true predicted     right");
    buf_add_str(buf, " 95 % precision    95 % recall");
    if (result->kind == HEAD_MULTI_LABEL) buf_add_str(buf, " threshold");
    buf_add_char(buf, '\n');
    for (size_t i = 0; i < n; i++) {
        const struct evaluation_class *class = rows[i];
        const uint32_t label = (uint32_t)(class - result->classes);
        report_cell(buf, name_of(result, label), width);
        report_number(buf, class->precision);
        report_number(buf, class->recall);
        report_number(buf, class->f1);
        buf_printf(buf, "%10llu%10llu%10llu", (unsigned long long)class->support,
                   (unsigned long long)class->predicted, (unsigned long long)class->correct);
        report_interval(buf, interval_of(class->correct, class->predicted));
        report_interval(buf, interval_of(class->correct, class->support));
        if (result->kind == HEAD_MULTI_LABEL)
            buf_printf(buf, "%10.4g", report_threshold(result, label));
        buf_add_char(buf, '\n');
    }
    add_left_out(buf, result, n);
    if (n < result->n_labels) buf_add_char(buf, '\n');
}

static void add_pairs(struct buf *buf, const struct evaluation_result *result)
{
    size_t n = result->n_pairs < PAIRS_MAX ? result->n_pairs : PAIRS_MAX;
    size_t width = REPORT_LABEL_COLUMNS_MIN;
    if (n == 0) return;
    for (size_t i = 0; i < n; i++) {
        width = report_wider(width, name_of(result, result->pairs[i].truth));
        width = report_wider(width, name_of(result, result->pairs[i].predicted));
    }
    buf_add_char(buf, '\n');
    report_cell(buf, "true label", width + 2);
    report_cell(buf, "taken for", width);
    buf_add_str(buf, "     times\n");
    for (size_t i = 0; i < n; i++) {
        const struct evaluation_pair *pair = &result->pairs[i];
        report_cell(buf, name_of(result, pair->truth), width);
        report_spaces(buf, 2);
        report_cell(buf, name_of(result, pair->predicted), width);
        buf_printf(buf, "%10llu\n", (unsigned long long)pair->n);
    }
    if (result->n_pairs > n)
        buf_printf(buf, "The %zu most frequent of %zu confusions.\n", n, result->n_pairs);
}

/* On one line, cut where it is long. */
static void add_text(struct buf *buf, const char *text)
{
    char line[CONFUSED_TEXT_BYTES + 8];
    snprintf(line, sizeof line, "%s", text);
    for (char *at = line; *at; at++) {
        if (*at == '\n' || *at == '\r' || *at == '\t') *at = ' ';
    }
    report_plain(buf, line, TEXT_COLUMNS_MAX);
}

static void add_tokens(struct buf *buf, const struct evaluation_pair *pair,
                       const struct pulls *pulls)
{
    struct pull found[PULLS_SHOWN];
    const size_t n = pulls_find(pulls, pair->truth, pair->predicted, pair->n, found);
    for (size_t i = 0; i < n && found[i].share >= 0.005; i++) {
        char token[64];
        const size_t bytes = utf8_cut(found[i].token.data, found[i].token.bytes, sizeof token - 1);
        memcpy(token, found[i].token.data, bytes);
        token[bytes] = 0;
        buf_add_str(buf, i == 0 ? "    pulled by " : ", ");
        report_plain(buf, token, REPORT_WHOLE);
        buf_printf(buf, " %.2f", found[i].share);
    }
    if (n > 0 && found[0].share >= 0.005) buf_add_char(buf, '\n');
}

/* The texts of the confusions that the table above lists. */
static void add_examples(struct buf *buf, const struct evaluation_result *result,
                         const struct report_info *info)
{
    const struct confused *confused = info->confused;
    for (size_t i = 0; confused && i < result->n_pairs && i < PAIRS_MAX; i++) {
        const struct evaluation_pair *pair = &result->pairs[i];
        size_t n;
        const struct confused_text *texts =
            confused_find(confused, pair->truth, pair->predicted, &n);
        if (n == 0) continue;
        buf_add_char(buf, '\n');
        report_plain(buf, name_of(result, pair->truth), REPORT_LABEL_COLUMNS_MAX);
        buf_add_str(buf, ", taken for ");
        report_plain(buf, name_of(result, pair->predicted), REPORT_LABEL_COLUMNS_MAX);
        buf_add_str(buf, "\n         p      line\n");
        for (size_t j = 0; j < n; j++) {
            buf_printf(buf, "%10.4f%10llu   ", (double)texts[j].p,
                       (unsigned long long)texts[j].line);
            add_text(buf, texts[j].text.data);
            buf_add_char(buf, '\n');
        }
        if (info->pulls) add_tokens(buf, pair, info->pulls);
    }
}

/* Of what came with at least that confidence; the curve itself is for the other two formats. */
static void add_sure(struct buf *buf, const struct evaluation_result *result)
{
    static const int points[] = {0, 30, 50, 60, 70, 80, 90, 95, 99};
    buf_add_str(buf, "\nanswered only from\n");
    report_cell(buf, "a confidence of", REPORT_KEY_COLUMNS);
    buf_add_str(buf, "  coverage  accuracy\n");
    for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
        const struct evaluation_point *point = &result->curve[points[i]];
        buf_printf(buf, "%.2f", (double)point->threshold);
        report_spaces(buf, REPORT_KEY_COLUMNS - 4);
        report_number(buf, point->coverage);
        report_number(buf, point->accuracy);
        buf_add_char(buf, '\n');
    }
}

static void add_best(struct buf *buf, const struct evaluation_result *result)
{
    buf_add_char(buf, '\n');
    if (result->kind == HEAD_BINARY) {
        buf_printf(buf, "%-*s%10.4g   for the probability of ", REPORT_KEY_COLUMNS, "threshold",
                   report_threshold(result, 0));
        report_plain(buf, name_of(result, 1), REPORT_LABEL_COLUMNS_MAX);
        buf_add_char(buf, '\n');
    }
    if (result->best_f1 >= 0) {
        const struct evaluation_point *point = &result->curve[result->best_f1];
        buf_printf(buf, "%-*s%10.4f   at the threshold %.2f%s\n", REPORT_KEY_COLUMNS, "best F1",
                   point->f1, (double)point->threshold,
                   result->kind == HEAD_MULTI_LABEL ? " for all labels" : "");
    }
    if (result->best_accuracy >= 0) {
        const struct evaluation_point *point = &result->curve[result->best_accuracy];
        buf_printf(buf, "%-*s%10.4f   at the threshold %.2f\n", REPORT_KEY_COLUMNS, "best accuracy",
                   point->accuracy, (double)point->threshold);
    }
}

/* Suspicious labels that are listed; the file of them has all. */
#define SUSPECTS_MAX 20

static void add_suspects(struct buf *buf, const struct report_suspects *suspects)
{
    size_t width = REPORT_LABEL_COLUMNS_MIN;
    if (!suspects) return;
    const size_t n = suspects->n_list < SUSPECTS_MAX ? suspects->n_list : SUSPECTS_MAX;
    buf_printf(buf, "\nsuspicious labels: %llu of %llu rows judged\n",
               (unsigned long long)suspects->n, (unsigned long long)suspects->n_judged);
    if (n == 0) return;
    for (size_t i = 0; i < n; i++)
        width =
            report_wider(report_wider(width, suspects->list[i].label), suspects->list[i].predicted);
    buf_add_str(buf, "       row      line  ");
    report_cell(buf, "label", width + 2);
    report_cell(buf, "predicted", width);
    buf_add_str(buf, "         p   p label\n");
    for (size_t i = 0; i < n; i++) {
        const struct report_suspect *one = &suspects->list[i];
        buf_printf(buf, "%10llu%10llu  ", (unsigned long long)one->row,
                   (unsigned long long)one->line);
        report_cell(buf, one->label, width);
        report_spaces(buf, 2);
        report_cell(buf, one->predicted, width);
        report_number(buf, one->p);
        report_number(buf, one->p_label);
        buf_add_str(buf, one->file || one->text.data ? "  " : "");
        if (one->file) report_plain(buf, one->file, REPORT_LABEL_COLUMNS_MAX);
        buf_add_str(buf, one->file && one->text.data ? "  " : "");
        if (one->text.data) add_text(buf, one->text.data);
        buf_add_char(buf, '\n');
    }
    if (suspects->n > n)
        buf_printf(buf, "The %zu most suspicious of %llu.\n", n, (unsigned long long)suspects->n);
}

void report_text(struct buf *buf, const struct evaluation_result *result,
                 const struct report_info *info)
{
    add_head(buf, result, info);
    add_figures(buf, result, info);
    add_rows(buf, result);
    add_pairs(buf, result);
    add_examples(buf, result, info);
    add_suspects(buf, info->suspects);
    if (result->kind == HEAD_MULTI_CLASS)
        add_sure(buf, result);
    else
        add_best(buf, result);
}
