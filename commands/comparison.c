/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/comparison.h"

#include "base/json_write.h"
#include "base/ratio.h"
#include "commands/report_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_MAX 30
#define NAMES_MAX 10

/* A label of both, or of one. */
struct both {
    const char *name;
    const struct evaluation_class *a, *b; /* NULL: does not know it */
};

bool comparison_check(const struct judge *a, const struct judge *b, struct err *err)
{
    if ((a->info->kind == HEAD_MULTI_LABEL) == (b->info->kind == HEAD_MULTI_LABEL)) return true;
    return err_set(err, ERR_USAGE, NULL,
                   "the head %.100s is %s and the head %.100s is %s; only heads that both answer "
                   "with one label, or both with several, can be compared",
                   a->info->name, head_kind_names[a->info->kind], b->info->name,
                   head_kind_names[b->info->kind]);
}

/* ---- labels ---- */

static const struct evaluation_result *result_of(const struct judge *judge)
{
    return evaluation_finish(judge->evaluation);
}

static const struct evaluation_class *class_of(const struct judge *judge, const char *name)
{
    const uint32_t label = label_names_find(judge->labels, (struct span){name, strlen(name)});
    return label == UINT32_MAX ? NULL : &result_of(judge)->classes[label];
}

/* All labels, in the arena of `buf`; NULL at its cap. */
static struct both *list_labels(struct buf *buf, const struct comparison *comparison, size_t *n)
{
    const struct judge *a = comparison->a, *b = comparison->b;
    const size_t n_max = (size_t)a->info->n_labels + b->info->n_labels;
    struct both *list = arena_array(buf->arena, n_max, sizeof *list);
    *n = 0;
    if (!list) {
        buf->failed = true;
        return NULL;
    }
    for (uint32_t i = 0; i < a->info->n_labels; i++) {
        const char *name = a->info->labels[i];
        list[(*n)++] = (struct both){name, &result_of(a)->classes[i], class_of(b, name)};
    }
    for (uint32_t i = 0; i < b->info->n_labels; i++) {
        const char *name = b->info->labels[i];
        if (!class_of(a, name)) list[(*n)++] = (struct both){name, NULL, &result_of(b)->classes[i]};
    }
    return list;
}

static uint64_t support_of(const struct both *both)
{
    return both->a ? both->a->support : both->b->support;
}

static double f1_difference(const struct both *both)
{
    return both->a && both->b ? both->b->f1 - both->a->f1 : NAN;
}

/* ---- figures ---- */

struct difference {
    double value;
    struct interval interval;
};

static struct difference accuracy_difference(const struct comparison *comparison)
{
    return (struct difference){paired_difference(&comparison->paired),
                               paired_interval(&comparison->paired)};
}

static struct difference macro_difference(const struct comparison *comparison)
{
    const struct judge *a = comparison->a, *b = comparison->b;
    const double value = result_of(b)->macro.f1 - result_of(a)->macro.f1;
    double draws[RESAMPLES];
    for (size_t i = 0; i < RESAMPLES; i++)
        draws[i] = b->f1->macro[i] - a->f1->macro[i];
    return (struct difference){value, interval_percentile(draws, RESAMPLES, value)};
}

/* ---- text ---- */

static void add_signed(struct buf *buf, double x)
{
    if (isnan(x))
        buf_add_str(buf, "         -");
    else
        buf_printf(buf, "%+10.4f", x);
}

static void add_difference(struct buf *buf, struct difference difference)
{
    add_signed(buf, difference.value);
    if (isnan(difference.interval.low))
        buf_add_str(buf, "                    -\n");
    else
        buf_printf(buf, "   %+.4f to %+.4f\n", difference.interval.low, difference.interval.high);
}

static void add_judge(struct buf *buf, const char *key, const struct judge *judge, const char *path)
{
    report_cell(buf, key, REPORT_KEY_COLUMNS);
    report_plain(buf, path, REPORT_WHOLE);
    buf_add_str(buf, ", head ");
    report_plain(buf, judge->info->name, REPORT_WHOLE);
    buf_printf(buf, ", %s, %u labels", head_kind_names[judge->info->kind], judge->info->n_labels);
    const uint64_t n_unknown = result_of(judge)->n_unknown;
    if (n_unknown > 0)
        buf_printf(buf, "; %llu examples with a label that it does not know: wrong",
                   (unsigned long long)n_unknown);
    buf_add_char(buf, '\n');
}

static void add_seen(struct buf *buf, const struct report_seen *seen)
{
    if (!seen) return;
    report_cell(buf, "seen", REPORT_KEY_COLUMNS);
    buf_printf(buf, "%llu of %llu texts, in ", (unsigned long long)seen->n_seen,
               (unsigned long long)(seen->n_seen + seen->n_unseen));
    report_plain(buf, seen->file, REPORT_WHOLE);
    if (seen->n_seen > 0 && seen->n_unseen > 0)
        buf_printf(buf, "; accuracy without them: A %.4f, B %.4f",
                   ratio_or_nan(seen->n_right, seen->n_unseen),
                   ratio_or_nan(seen->n_right_other, seen->n_unseen));
    buf_add_char(buf, '\n');
}

static void add_head(struct buf *buf, const struct comparison *comparison)
{
    add_judge(buf, "A", comparison->a, comparison->a_path);
    add_judge(buf, "B", comparison->b, comparison->b_path);
    report_key_line(buf, "input", comparison->input);
    report_key_line(buf, "date", comparison->date);
    report_cell(buf, "rows", REPORT_KEY_COLUMNS);
    buf_printf(buf, "%llu", (unsigned long long)comparison->n_rows);
    if (comparison->seconds >= 0) buf_printf(buf, " in %.1f s", comparison->seconds);
    buf_add_char(buf, '\n');
    add_seen(buf, comparison->seen);
    buf_add_char(buf, '\n');
}

static void add_figures(struct buf *buf, const struct comparison *comparison)
{
    const struct evaluation_result *a = result_of(comparison->a), *b = result_of(comparison->b);
    report_spaces(buf, REPORT_KEY_COLUMNS);
    buf_add_str(buf, "         A         B     B - A   95 % interval\n");
    report_cell(buf, "Accuracy", REPORT_KEY_COLUMNS);
    report_number(buf, a->accuracy);
    report_number(buf, b->accuracy);
    add_difference(buf, accuracy_difference(comparison));
    report_cell(buf, "Macro F1", REPORT_KEY_COLUMNS);
    report_number(buf, a->macro.f1);
    report_number(buf, b->macro.f1);
    add_difference(buf, macro_difference(comparison));
}

static void add_count(struct buf *buf, const char *key, uint64_t n, const char *note)
{
    report_cell(buf, key, REPORT_KEY_COLUMNS);
    buf_printf(buf, "%10llu%s\n", (unsigned long long)n, note);
}

static void add_changes(struct buf *buf, const struct comparison *comparison)
{
    const struct paired *paired = &comparison->paired;
    buf_add_char(buf, '\n');
    add_count(buf, "right to wrong", paired->a_alone, "   rows that A alone gets right");
    add_count(buf, "wrong to right", paired->b_alone, "   rows that B alone gets right");
    add_count(buf, "both right", paired->both_right, "");
    add_count(buf, "both wrong", paired->both_wrong, "");
    report_cell(buf, "McNemar's p", REPORT_KEY_COLUMNS);
    buf_printf(buf, "%10.4g   chance of a split as uneven, if both were equally good\n",
               paired_mcnemar(paired));
}

/* The names that one alone knows. */
static void add_names(struct buf *buf, const struct both *list, size_t n, bool of_a)
{
    size_t n_found = 0;
    for (size_t i = 0; i < n; i++) {
        if (of_a ? list[i].b != NULL : list[i].a != NULL) continue;
        if (n_found++ >= NAMES_MAX) continue;
        if (n_found == 1)
            buf_printf(buf, "\nOnly %c knows: ", of_a ? 'A' : 'B');
        else
            buf_add_str(buf, ", ");
        report_plain(buf, list[i].name, REPORT_LABEL_COLUMNS_MAX);
    }
    if (n_found > NAMES_MAX) buf_printf(buf, ", and %zu more", n_found - NAMES_MAX);
    if (n_found > 0) buf_add_char(buf, '\n');
}

static int largest_first(const void *left, const void *right)
{
    const struct both *a = left, *b = right;
    const double x = fabs(f1_difference(a)), y = fabs(f1_difference(b));
    if (isnan(x) != isnan(y)) return isnan(x) ? 1 : -1;
    if (x != y && !isnan(x)) return x > y ? -1 : 1;
    if (support_of(a) != support_of(b)) return support_of(a) > support_of(b) ? -1 : 1;
    return strcmp(a->name, b->name);
}

static void add_class(struct buf *buf, const struct evaluation_class *class)
{
    if (class)
        buf_printf(buf, "%10llu", (unsigned long long)class->correct);
    else
        buf_add_str(buf, "         -");
}

static void add_labels(struct buf *buf, struct both *list, size_t n)
{
    const size_t n_shown = n < ROWS_MAX ? n : ROWS_MAX;
    size_t width = REPORT_LABEL_COLUMNS_MIN;
    if (n > ROWS_MAX) qsort(list, n, sizeof *list, largest_first);
    for (size_t i = 0; i < n_shown; i++)
        width = report_wider(width, list[i].name);
    buf_add_char(buf, '\n');
    report_cell(buf, "label", width);
    buf_add_str(buf, "      true   right A   right B      F1 A      F1 B     B - A\n");
    for (size_t i = 0; i < n_shown; i++) {
        report_cell(buf, list[i].name, width);
        buf_printf(buf, "%10llu", (unsigned long long)support_of(&list[i]));
        add_class(buf, list[i].a);
        add_class(buf, list[i].b);
        report_number(buf, list[i].a ? list[i].a->f1 : NAN);
        report_number(buf, list[i].b ? list[i].b->f1 : NAN);
        add_signed(buf, f1_difference(&list[i]));
        buf_add_char(buf, '\n');
    }
    if (n > n_shown)
        buf_printf(buf, "%zu of %zu labels, those whose F1 differs most first.\n", n_shown, n);
}

void comparison_text(struct buf *buf, const struct comparison *comparison)
{
    size_t n;
    struct both *list = list_labels(buf, comparison, &n);
    if (!list) return;
    add_head(buf, comparison);
    add_figures(buf, comparison);
    add_changes(buf, comparison);
    add_names(buf, list, n, true);
    add_names(buf, list, n, false);
    add_labels(buf, list, n);
}

/* ---- JSON ---- */

static void add_json_average(struct buf *buf, const char *key,
                             const struct evaluation_average *average, struct interval interval)
{
    report_json_key(buf, key);
    buf_add_char(buf, '{');
    report_json_average(buf, average->precision, average->recall, average->f1);
    report_json_interval(buf, "f1_interval", interval);
    buf_add_char(buf, '}');
}

static void add_json_judge(struct buf *buf, const char *key, const struct judge *judge,
                           const char *path)
{
    const struct evaluation_result *result = result_of(judge);
    const struct report_intervals f1 = judge_intervals(judge);
    report_json_key(buf, key);
    buf_add_char(buf, '{');
    report_json_string(buf, "path", path);
    report_json_string(buf, "model", model_info(judge->model)->name);
    report_json_string(buf, "head", judge->info->name);
    report_json_string(buf, "kind", head_kind_names[judge->info->kind]);
    report_json_count(buf, "labels", judge->info->n_labels);
    report_json_count(buf, "unknown_labels", result->n_unknown);
    report_json_double(buf, "accuracy", result->accuracy);
    report_json_interval(buf, "accuracy_interval", interval_of(result->n_right, result->n));
    add_json_average(buf, "macro", &result->macro, f1.macro);
    add_json_average(buf, "micro", &result->micro, f1.micro);
    report_json_double(buf, "log_loss", result->log_loss);
    report_json_double(buf, "calibration_error", result->calibration_error);
    buf_add_char(buf, '}');
}

static void add_json_class(struct buf *buf, const char *key, const struct evaluation_class *class)
{
    report_json_key(buf, key);
    if (!class) {
        buf_add_str(buf, "null");
        return;
    }
    buf_add_char(buf, '{');
    report_json_count(buf, "predicted", class->predicted);
    report_json_count(buf, "correct", class->correct);
    report_json_average(buf, class->precision, class->recall, class->f1);
    buf_add_char(buf, '}');
}

static void add_json_names(struct buf *buf, const char *key, const struct both *list, size_t n,
                           bool of_a)
{
    size_t n_found = 0;
    report_json_key(buf, key);
    buf_add_char(buf, '[');
    for (size_t i = 0; i < n; i++) {
        if (of_a ? list[i].b != NULL : list[i].a != NULL) continue;
        if (n_found++ > 0) buf_add_char(buf, ',');
        json_write_string(buf, list[i].name, strlen(list[i].name));
    }
    buf_add_char(buf, ']');
}

static void add_json_unseen(struct buf *buf, const char *key, uint64_t n_right, uint64_t n)
{
    report_json_key(buf, key);
    buf_add_char(buf, '{');
    report_json_double(buf, "unseen_accuracy", ratio_or_nan(n_right, n));
    report_json_interval(buf, "unseen_accuracy_interval", interval_of(n_right, n));
    buf_add_char(buf, '}');
}

static void add_json_seen(struct buf *buf, const struct report_seen *seen)
{
    if (!seen) return;
    report_json_key(buf, "seen_in");
    buf_add_char(buf, '{');
    report_json_string(buf, "file", seen->file);
    report_json_count(buf, "rows", seen->n_seen);
    report_json_count(buf, "unseen_rows", seen->n_unseen);
    add_json_unseen(buf, "a", seen->n_right, seen->n_unseen);
    add_json_unseen(buf, "b", seen->n_right_other, seen->n_unseen);
    buf_add_char(buf, '}');
}

static void add_json_differences(struct buf *buf, const struct comparison *comparison)
{
    const struct paired *paired = &comparison->paired;
    const struct difference accuracy = accuracy_difference(comparison);
    const struct difference macro = macro_difference(comparison);
    report_json_count(buf, "both_right", paired->both_right);
    report_json_count(buf, "right_to_wrong", paired->a_alone);
    report_json_count(buf, "wrong_to_right", paired->b_alone);
    report_json_count(buf, "both_wrong", paired->both_wrong);
    report_json_double(buf, "accuracy_difference", accuracy.value);
    report_json_interval(buf, "accuracy_difference_interval", accuracy.interval);
    report_json_double(buf, "mcnemar_p", paired_mcnemar(paired));
    report_json_double(buf, "macro_f1_difference", macro.value);
    report_json_interval(buf, "macro_f1_difference_interval", macro.interval);
}

static void add_json_labels(struct buf *buf, const struct both *list, size_t n)
{
    add_json_names(buf, "only_a", list, n, true);
    add_json_names(buf, "only_b", list, n, false);
    report_json_key(buf, "classes");
    buf_add_char(buf, '[');
    for (size_t i = 0; i < n; i++) {
        report_json_item(buf, i);
        report_json_string(buf, "label", list[i].name);
        report_json_count(buf, "support", support_of(&list[i]));
        add_json_class(buf, "a", list[i].a);
        add_json_class(buf, "b", list[i].b);
        report_json_double(buf, "f1_difference", f1_difference(&list[i]));
        buf_add_char(buf, '}');
    }
    buf_add_char(buf, ']');
}

void comparison_json(struct buf *buf, const struct comparison *comparison)
{
    size_t n;
    const struct both *list = list_labels(buf, comparison, &n);
    if (!list) return;
    buf_add_char(buf, '{');
    add_json_judge(buf, "a", comparison->a, comparison->a_path);
    add_json_judge(buf, "b", comparison->b, comparison->b_path);
    report_json_string(buf, "input", comparison->input);
    report_json_string(buf, "date", comparison->date);
    report_json_count(buf, "rows", comparison->n_rows);
    report_json_double(buf, "seconds", comparison->seconds >= 0 ? comparison->seconds : NAN);
    add_json_seen(buf, comparison->seen);
    add_json_differences(buf, comparison);
    add_json_labels(buf, list, n);
    buf_add_str(buf, "}\n");
}
