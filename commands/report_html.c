/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/charts.h"
#include "commands/report.h"
#include "commands/report_parts.h"

#include <math.h>
#include <stdio.h>

#define ROWS_MAX 100
#define PAIRS_MAX 30
#define PAIRS_BESIDE_MATRIX 10
#define LABEL_COLUMNS 44

/* Dark is for screens only: paper is white. */
static const char style[] =
    ":root{color-scheme:light;--bg:#f7f8f9;--card:#fff;--ink:#1c2430;--soft:#5a6573;"
    "--line:#dfe3e8;--cell:#eef1f4;--blue:#2563a8;--orange:#c2590c;--teal:#0e7c69;"
    "--purple:#7447b0;--on:#fff}\n"
    "@media screen and (prefers-color-scheme:dark){:root{color-scheme:dark;--bg:#12161c;"
    "--card:#1a2029;--ink:#e4e9f0;--soft:#9ba7b6;--line:#303945;--cell:#252d38;--blue:#6ba8ee;"
    "--orange:#f0935a;--teal:#4fc4ae;--purple:#b895ea;--on:#10151b}}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"
    "\"Segoe UI\",Roboto,\"Noto Sans\",sans-serif}\n"
    "header,main,footer{max-width:1040px;margin:0 auto;padding:0 20px}\n"
    "header{padding-top:32px}\n"
    "h1{font-size:26px;line-height:1.25;margin:0 0 4px;overflow-wrap:anywhere}\n"
    "h2{font-size:17px;margin:0 0 10px}\n"
    "p{margin:0 0 10px}\n"
    ".soft,caption,footer{color:var(--soft)}\n"
    "section{background:var(--card);border:1px solid var(--line);border-radius:10px;"
    "padding:18px 20px;margin:16px 0;min-width:0}\n"
    ".meta{display:flex;flex-wrap:wrap;gap:2px 28px;margin:8px 0 20px}\n"
    ".meta div{display:flex;gap:8px;min-width:0}\n"
    ".meta dt,.tiles dt{color:var(--soft)}\n"
    ".meta dd,.tiles dd{margin:0;overflow-wrap:anywhere}\n"
    ".tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(115px,1fr));gap:18px 20px;"
    "margin:0 0 20px}\n"
    ".tiles dt{font-size:14px}\n"
    ".tiles dd.big{font-size:28px;line-height:1.25;font-variant-numeric:tabular-nums}\n"
    ".tiles dd.soft{font-size:13px}\n"
    ".warn{border-left:3px solid var(--orange);padding-left:12px}\n"
    ".two{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(440px,100%),1fr));"
    "gap:16px;margin:16px 0}\n"
    ".two section{margin:0}\n"
    ".scroll{overflow-x:auto}.scroll+.scroll{margin-top:20px}\n"
    "table{border-collapse:collapse;font-variant-numeric:tabular-nums}\n"
    "caption{text-align:left;padding-bottom:6px}\n"
    "th,td{padding:4px 20px 4px 0;text-align:right;border-bottom:1px solid var(--line);"
    "white-space:nowrap}\n"
    "th{font-weight:600}\n"
    "thead th{color:var(--soft);font-weight:500}\n"
    "th[scope=row],th.name{text-align:left;font-weight:400}\n"
    "th[scope=row]{white-space:normal;overflow-wrap:anywhere;min-width:6em}\n"
    "tr:last-child>*{border-bottom:0}\n"
    "details{margin-top:10px}\n"
    "summary{cursor:pointer;color:var(--soft)}\n"
    "footer{padding-bottom:40px;font-size:13px}\n"
    "svg{vertical-align:middle}\n"
    ".chart{display:block;max-width:100%;height:auto;font-size:11px}\n"
    ".scroll .chart{max-width:none}\n"
    ".bar{margin-left:8px}\n"
    "svg text{fill:var(--ink)}svg .tick,svg .axis{fill:var(--soft)}svg .on{fill:var(--on)}\n"
    ".axis{font-size:12px}\n"
    ".grid{stroke:var(--line);fill:none}.cell{fill:var(--cell)}.few{fill:var(--soft)}\n"
    ".right,.p{fill:var(--blue)}.wrong,.r{fill:var(--orange)}.f{fill:var(--teal)}\n"
    ".ideal{stroke:var(--soft);stroke-dasharray:4 4;fill:none}\n"
    ".dot{fill:var(--card);stroke:var(--ink);stroke-width:1.5}\n"
    ".line{fill:none;stroke-width:2;stroke-linejoin:round}\n"
    ".blue{stroke:var(--blue)}.orange{stroke:var(--orange);stroke-dasharray:7 3}\n"
    ".teal{stroke:var(--teal);stroke-width:3}.purple{stroke:var(--purple);stroke-dasharray:2 3}\n"
    "@media print{body{background:#fff;font-size:12px;print-color-adjust:exact;"
    "-webkit-print-color-adjust:exact}section{border:0;padding:0}"
    ".two{grid-template-columns:1fr 1fr}.scroll{overflow:visible}.scroll .chart{max-width:100%}"
    "section,tr,.chart{break-inside:avoid}section.long{break-inside:auto}"
    "h2,h2+p{break-after:avoid}details:not([open]){display:none}}\n";

static void add_number(struct buf *buf, double x)
{
    if (isnan(x))
        buf_add_str(buf, "–");
    else
        buf_printf(buf, "%.3f", x);
}

/* ---- tables ---- */

/* The words of the columns are parted by '|'; the first `n_names` hold names. */
static void open_table(struct buf *buf, const char *caption, const char *columns, int n_names)
{
    buf_add_str(buf, "<div class=\"scroll\"><table>");
    if (caption) buf_printf(buf, "<caption>%s</caption>", caption);
    buf_add_str(buf, "<thead><tr>");
    for (int i = 0; *columns; i++) {
        buf_add_str(buf, i < n_names ? "<th scope=\"col\" class=\"name\">" : "<th scope=\"col\">");
        for (; *columns && *columns != '|'; columns++)
            buf_add_char(buf, *columns);
        buf_add_str(buf, "</th>");
        columns += *columns == '|';
    }
    buf_add_str(buf, "</tr></thead><tbody>\n");
}

static void close_table(struct buf *buf)
{
    buf_add_str(buf, "</tbody></table></div>\n");
}

/* A label heads its row; where it is cut the whole name is its title. */
static void add_label(struct buf *buf, const char *name)
{
    buf_add_str(buf, "<th scope=\"row\"");
    if (report_columns(name) > LABEL_COLUMNS) {
        buf_add_str(buf, " title=\"");
        report_escaped(buf, name, REPORT_WHOLE);
        buf_add_char(buf, '"');
    }
    buf_add_str(buf, "><bdi>");
    report_escaped(buf, name, LABEL_COLUMNS);
    buf_add_str(buf, "</bdi></th>");
}

static void add_cell(struct buf *buf, double x)
{
    buf_add_str(buf, "<td>");
    add_number(buf, x);
    buf_add_str(buf, "</td>");
}

static void add_count(struct buf *buf, uint64_t n)
{
    buf_printf(buf, "<td>%llu</td>", (unsigned long long)n);
}

static void add_barred(struct buf *buf, double x, const char *css)
{
    buf_add_str(buf, "<td>");
    add_number(buf, x);
    charts_bar(buf, x, css);
    buf_add_str(buf, "</td>");
}

/* ---- sections ---- */

static void add_meta(struct buf *buf, const char *key, const char *value)
{
    buf_printf(buf, "<div><dt>%s</dt><dd><bdi>", key);
    report_escaped(buf, value, REPORT_WHOLE);
    buf_add_str(buf, "</bdi></dd></div>\n");
}

static void add_head(struct buf *buf, const struct evaluation_result *result,
                     const struct report_info *info)
{
    buf_add_str(buf, "<!DOCTYPE html>\n<html lang=\"en\" xmlns=\"http://www.w3.org/1999/xhtml\">\n"
                     "<head>\n<meta charset=\"utf-8\"/>\n<meta name=\"viewport\" "
                     "content=\"width=device-width, initial-scale=1\"/>\n<title>");
    report_escaped(buf, info->head, 60);
    buf_add_str(buf, ": evaluation</title>\n<style>\n");
    buf_add_str(buf, style);
    buf_add_str(buf, "</style>\n</head>\n<body>\n<header>\n<h1><bdi>");
    report_escaped(buf, info->head, REPORT_WHOLE);
    buf_printf(buf, "</bdi></h1>\n<p class=\"soft\">Evaluation of a %s head with %u label%s</p>\n",
               head_kind_names[result->kind], result->n_labels, result->n_labels == 1 ? "" : "s");
    buf_add_str(buf, "<dl class=\"meta\">\n");
    add_meta(buf, "Model", info->model);
    add_meta(buf, "Input", info->input);
    buf_printf(buf, "<div><dt>Rows</dt><dd>%llu</dd></div>\n", (unsigned long long)info->n_rows);
    add_meta(buf, "Date", info->date);
    if (info->seconds >= 0)
        buf_printf(buf, "<div><dt>Time</dt><dd>%.1f s</dd></div>\n", info->seconds);
    buf_add_str(buf, "</dl>\n</header>\n<main>\n");
}

static void add_tile(struct buf *buf, const char *title, double value, const char *note)
{
    buf_printf(buf, "<div><dt>%s</dt><dd class=\"big\">", title);
    add_number(buf, value);
    buf_printf(buf, "</dd><dd class=\"soft\">%s</dd></div>\n", note);
}

static void add_summary(struct buf *buf, const struct evaluation_result *result)
{
    struct report_figure figures[REPORT_FIGURES_MAX];
    struct report_average averages[REPORT_AVERAGES];
    size_t n = report_figures(result, figures);
    report_averages(result, averages);
    buf_printf(buf,
               "<section aria-label=\"Summary\">\n<dl class=\"tiles\">\n<div><dt>Examples</dt><dd "
               "class=\"big\">%llu</dd><dd class=\"soft\">evaluated</dd></div>\n",
               (unsigned long long)result->n);
    add_tile(buf, figures[0].title, figures[0].value, figures[0].note);
    add_tile(buf, "Macro F1", result->macro.f1, "every label counts the same");
    for (size_t i = 1; i < n; i++)
        add_tile(buf, figures[i].title, figures[i].value, figures[i].note);
    buf_add_str(buf, "</dl>\n");
    if (result->n_unknown > 0)
        buf_printf(buf,
                   "<p class=\"warn\">%llu of the examples %s a label that the head does not know, "
                   "and %s as wrong.</p>\n",
                   (unsigned long long)result->n_unknown, result->n_unknown == 1 ? "has" : "have",
                   result->n_unknown == 1 ? "counts" : "count");
    open_table(buf, NULL, "Average|Precision|Recall|F1", 1);
    for (size_t i = 0; i < REPORT_AVERAGES; i++) {
        buf_printf(buf, "<tr><th scope=\"row\">%s</th>", averages[i].key);
        add_cell(buf, averages[i].values->precision);
        add_cell(buf, averages[i].values->recall);
        add_cell(buf, averages[i].values->f1);
        buf_add_str(buf, "</tr>\n");
    }
    close_table(buf);
    buf_add_str(buf, "</section>\n");
}

static void add_curve_table(struct buf *buf, const struct evaluation_result *result)
{
    static const char *const columns[HEAD_KINDS] = {
        [HEAD_BINARY] = "Threshold|Predicted|Precision|Recall|F1|Accuracy",
        [HEAD_MULTI_CLASS] = "Confidence|Answered|Coverage|Accuracy",
        [HEAD_MULTI_LABEL] = "Threshold|Predicted|Precision|Recall|F1",
    };
    buf_add_str(buf, "<details><summary>Figures</summary>");
    open_table(buf, NULL, columns[result->kind], 1);
    for (int i = 0; i < EVALUATION_POINTS; i += 5) {
        const struct evaluation_point *point = &result->curve[i];
        buf_printf(buf, "<tr><th scope=\"row\">%.2f</th>", (double)point->threshold);
        add_count(buf, point->n);
        if (result->kind == HEAD_MULTI_CLASS) {
            add_cell(buf, point->coverage);
        } else {
            add_cell(buf, point->precision);
            add_cell(buf, point->recall);
            add_cell(buf, point->f1);
        }
        if (result->kind != HEAD_MULTI_LABEL) add_cell(buf, point->accuracy);
        buf_add_str(buf, "</tr>\n");
    }
    close_table(buf);
    buf_add_str(buf, "</details>\n");
}

static void add_curve(struct buf *buf, const struct evaluation_result *result)
{
    const struct evaluation_point *curve = result->curve;
    if (result->kind == HEAD_MULTI_CLASS) {
        buf_add_str(buf, "<section>\n<h2>Answering only when sure</h2>\n<p class=\"soft\">What is "
                         "answered, and how much of it is right, when less confident answers are "
                         "withheld.</p>\n");
    } else {
        buf_add_str(buf, "<section>\n<h2>Threshold</h2>\n<p class=\"soft\">");
        if (result->kind == HEAD_BINARY)
            buf_printf(buf, "The head's is %.4g. ", report_threshold(result, 0));
        else
            buf_add_str(buf, "Micro averages with one threshold for all labels. ");
        if (result->best_f1 >= 0)
            buf_printf(buf, "Best F1 %.3f at %.2f", curve[result->best_f1].f1,
                       (double)curve[result->best_f1].threshold);
        if (result->best_accuracy >= 0)
            buf_printf(buf, "%s accuracy %.3f at %.2f", result->best_f1 >= 0 ? "; best" : "Best",
                       curve[result->best_accuracy].accuracy,
                       (double)curve[result->best_accuracy].threshold);
        if (result->best_f1 >= 0 || result->best_accuracy >= 0) buf_add_char(buf, '.');
        buf_add_str(buf, "</p>\n");
    }
    charts_curve(buf, result);
    add_curve_table(buf, result);
    buf_add_str(buf, "</section>\n");
}

static void add_reliability(struct buf *buf, const struct evaluation_result *result)
{
    buf_add_str(buf, "<section>\n<h2>Reliability</h2>\n<p class=\"soft\">Bars below the diagonal: "
                     "more confident than right; above: less.</p>\n");
    charts_reliability(buf, result);
    buf_add_str(buf, "<details><summary>Figures</summary>");
    open_table(buf, NULL, "Confidence|n|Mean confidence|Accuracy", 1);
    for (int i = 0; i < EVALUATION_BINS; i++) {
        const struct evaluation_bin *bin = &result->bins[i];
        buf_printf(buf, "<tr><th scope=\"row\">%.2f to %.2f</th>", (double)i / EVALUATION_BINS,
                   (i + 1.0) / EVALUATION_BINS);
        add_count(buf, bin->n);
        add_cell(buf, bin->confidence);
        add_cell(buf, bin->accuracy);
        buf_add_str(buf, "</tr>\n");
    }
    close_table(buf);
    buf_add_str(buf, "</details>\n</section>\n");
}

static void add_pairs(struct buf *buf, const struct evaluation_result *result, size_t n_max)
{
    size_t n = result->n_pairs < n_max ? result->n_pairs : n_max;
    char caption[80] = "";
    if (n == 0) return;
    if (n < result->n_pairs)
        snprintf(caption, sizeof caption, "The %zu most frequent of %zu confusions", n,
                 result->n_pairs);
    open_table(buf, caption[0] ? caption : NULL, "True label|Taken for|Times|Share of the label",
               2);
    for (size_t i = 0; i < n; i++) {
        const struct evaluation_pair *pair = &result->pairs[i];
        uint64_t total = pair->truth == EVALUATION_UNKNOWN ? result->n_unknown
                                                           : result->classes[pair->truth].support;
        buf_add_str(buf, "<tr>");
        add_label(buf, report_name(result, pair->truth));
        add_label(buf, report_name(result, pair->predicted));
        add_count(buf, pair->n);
        add_barred(buf, (double)pair->n / (double)total, "r");
        buf_add_str(buf, "</tr>\n");
    }
    close_table(buf);
}

static void add_confusions(struct buf *buf, const struct evaluation_result *result)
{
    const bool has_matrix = result->n_labels <= CHARTS_MATRIX_MAX;
    if (result->kind == HEAD_MULTI_LABEL) return;
    buf_add_str(buf, "<section class=\"long\">\n<h2>Confusions</h2>\n");
    if (has_matrix) {
        buf_add_str(buf, "<p class=\"soft\">Shaded by the share of the true label: blue is right, "
                         "orange is wrong.</p>\n<div class=\"scroll\">");
        charts_matrix(buf, result);
        buf_add_str(buf, "</div>\n");
    }
    if (result->n_pairs == 0) buf_add_str(buf, "<p>There are none.</p>\n");
    if (!has_matrix || result->n_labels > 2)
        add_pairs(buf, result, has_matrix ? PAIRS_BESIDE_MATRIX : PAIRS_MAX);
    buf_add_str(buf, "</section>\n");
}

static void add_labels(struct buf *buf, const struct evaluation_result *result)
{
    const bool is_multi_label = result->kind == HEAD_MULTI_LABEL;
    size_t n;
    const struct evaluation_class **rows = report_rows(buf, result, ROWS_MAX, &n);
    buf_add_str(buf, "<section class=\"long\">\n<h2>Labels</h2>\n");
    if (n < result->n_labels) {
        buf_add_str(buf, "<p class=\"soft\">");
        report_left_out(buf, result, n);
        buf_add_str(buf, "</p>\n");
    }
    open_table(buf, NULL,
               is_multi_label ? "Label|Precision|Recall|F1|True|Predicted|Right|Threshold"
                              : "Label|Precision|Recall|F1|True|Predicted|Right",
               1);
    for (size_t i = 0; i < n; i++) {
        const uint32_t label = (uint32_t)(rows[i] - result->classes);
        buf_add_str(buf, "<tr>");
        add_label(buf, report_name(result, label));
        add_barred(buf, rows[i]->precision, "p");
        add_barred(buf, rows[i]->recall, "r");
        add_barred(buf, rows[i]->f1, "f");
        add_count(buf, rows[i]->support);
        add_count(buf, rows[i]->predicted);
        add_count(buf, rows[i]->correct);
        if (is_multi_label) buf_printf(buf, "<td>%.4g</td>", report_threshold(result, label));
        buf_add_str(buf, "</tr>\n");
    }
    close_table(buf);
    buf_add_str(buf, "</section>\n");
}

static void add_foot(struct buf *buf, const struct evaluation_result *result)
{
    buf_printf(buf,
               "</main>\n<footer>\n<p>Precision: of what is predicted, the share that is true. "
               "Recall: of what is true, the share that is predicted. F1: their harmonic mean. "
               "Macro averages are over %s, weighted ones by how often a label is true, micro "
               "ones over all decisions. Definitions are scikit-learn's.</p>\n",
               result->kind == HEAD_MULTI_LABEL ? "all labels" : "the labels that occur");
    buf_add_str(buf, "</footer>\n</body>\n</html>\n");
}

void report_html(struct buf *buf, const struct evaluation_result *result,
                 const struct report_info *info)
{
    add_head(buf, result, info);
    add_summary(buf, result);
    if (result->n > 0) {
        buf_add_str(buf, "<div class=\"two\">\n");
        add_curve(buf, result);
        add_reliability(buf, result);
        buf_add_str(buf, "</div>\n");
        add_confusions(buf, result);
        add_labels(buf, result);
    } else {
        buf_add_str(buf,
                    "<section><p>There are no examples: nothing was measured.</p></section>\n");
    }
    add_foot(buf, result);
}
