/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/report_parts.h"

#include "base/json_write.h"
#include "base/utf8.h"

#include <math.h>
#include <string.h>

#define REPLACEMENT 0xFFFD
#define ELLIPSIS 0x2026

/* ---- names ---- */

struct range {
    uint32_t first, last;
};

/* East Asian wide and emoji (Unicode TR 11), whole blocks: near enough to line up tables. */
static const struct range wide[] = {
    {0x1100, 0x115F},   {0x2E80, 0x303E},   {0x3041, 0xA4CF},   {0xA960, 0xA97F},
    {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},   {0xFE30, 0xFE6F},   {0xFF00, 0xFF60},
    {0xFFE0, 0xFFE6},   {0x1F300, 0x1F64F}, {0x1F680, 0x1F6FF}, {0x1F900, 0x1F9FF},
    {0x20000, 0x3FFFD},
};

/* Marks, joiners and selectors that stand on or in the character before. */
static const struct range zero[] = {
    {0x0300, 0x036F}, {0x0483, 0x0489}, {0x0591, 0x05BD}, {0x0610, 0x061A},   {0x064B, 0x065F},
    {0x200B, 0x200D}, {0x20D0, 0x20F0}, {0xFE00, 0xFE0F}, {0x1F3FB, 0x1F3FF}, {0xE0020, 0xE007F},
};

/* Controls; characters that turn the direction of what follows; what is no character. */
static const struct range unsafe[] = {
    {0x00, 0x1F},     {0x7F, 0x9F},     {0x200E, 0x200F}, {0x2028, 0x202E},
    {0x2066, 0x2069}, {0xFDD0, 0xFDEF}, {0xFFFE, 0xFFFF},
};

static bool is_in(const struct range *ranges, size_t n, uint32_t code)
{
    for (size_t i = 0; i < n; i++) {
        if (code >= ranges[i].first && code <= ranges[i].last) return true;
    }
    return false;
}
#define IS_IN(ranges, code) is_in(ranges, sizeof(ranges) / sizeof *(ranges), code)

static uint32_t next_safe(const char **at, const char *end)
{
    size_t bytes = (size_t)(end - *at) < 4 ? (size_t)(end - *at) : 4;
    if (utf8_valid_bytes(*at, bytes) == 0) {
        (*at)++;
        return REPLACEMENT;
    }
    uint32_t code = utf8_next(at);
    return IS_IN(unsafe, code) ? REPLACEMENT : code;
}

static size_t columns_of(uint32_t code)
{
    return IS_IN(zero, code) ? 0 : IS_IN(wide, code) ? 2 : 1;
}

size_t report_columns(const char *text)
{
    size_t columns = 0;
    for (const char *at = text, *end = text + strlen(text); at < end;)
        columns += columns_of(next_safe(&at, end));
    return columns;
}

static void add_code(struct buf *buf, uint32_t code)
{
    char bytes[4];
    buf_add(buf, bytes, utf8_write(bytes, code));
}

size_t report_plain(struct buf *buf, const char *text, size_t columns_max)
{
    const char *at = text, *end = text + strlen(text);
    const bool is_cut = columns_max != REPORT_WHOLE && report_columns(text) > columns_max;
    size_t limit = is_cut && columns_max > 0 ? columns_max - 1 : columns_max, columns = 0;
    while (at < end) {
        uint32_t code = next_safe(&at, end);
        if (columns + columns_of(code) > limit) break;
        columns += columns_of(code);
        add_code(buf, code);
    }
    if (!is_cut) return columns;
    for (; columns > 0 && buf->bytes > 0 && buf->data[buf->bytes - 1] == ' '; columns--)
        buf->bytes--;
    add_code(buf, ELLIPSIS);
    return columns + 1;
}

/* ---- text ---- */

void report_spaces(struct buf *buf, size_t n)
{
    for (size_t i = 0; i < n; i++)
        buf_add_char(buf, ' ');
}

void report_cell(struct buf *buf, const char *text, size_t width)
{
    report_spaces(buf, width - report_plain(buf, text, width));
}

void report_number(struct buf *buf, double x)
{
    if (isnan(x))
        buf_add_str(buf, "         -");
    else
        buf_printf(buf, "%10.4f", x);
}

void report_key_line(struct buf *buf, const char *key, const char *value)
{
    report_cell(buf, key, REPORT_KEY_COLUMNS);
    report_plain(buf, value, REPORT_WHOLE);
    buf_add_char(buf, '\n');
}

void report_interval(struct buf *buf, struct interval interval)
{
    if (isnan(interval.low))
        buf_add_str(buf, "              -");
    else
        buf_printf(buf, "  %.4f-%.4f", interval.low, interval.high);
}

size_t report_wider(size_t width, const char *name)
{
    size_t columns = report_columns(name);
    if (columns > REPORT_LABEL_COLUMNS_MAX) columns = REPORT_LABEL_COLUMNS_MAX;
    return columns > width ? columns : width;
}

/* ---- JSON ---- */

void report_json_key(struct buf *buf, const char *key)
{
    char last = buf->bytes > 0 ? buf->data[buf->bytes - 1] : 0;
    if (last != '{' && last != '[') buf_add_char(buf, ',');
    buf_printf(buf, "\"%s\":", key);
}

void report_json_string(struct buf *buf, const char *key, const char *value)
{
    report_json_key(buf, key);
    json_write_string(buf, value, strlen(value));
}

void report_json_double(struct buf *buf, const char *key, double x)
{
    report_json_key(buf, key);
    if (isnan(x))
        buf_add_str(buf, "null");
    else
        buf_printf(buf, "%.6g", x);
}

void report_json_interval(struct buf *buf, const char *key, struct interval interval)
{
    report_json_key(buf, key);
    if (isnan(interval.low))
        buf_add_str(buf, "null");
    else
        buf_printf(buf, "[%.6g,%.6g]", interval.low, interval.high);
}

void report_json_count(struct buf *buf, const char *key, uint64_t n)
{
    report_json_key(buf, key);
    buf_printf(buf, "%llu", (unsigned long long)n);
}

void report_json_average(struct buf *buf, double precision, double recall, double f1)
{
    report_json_double(buf, "precision", precision);
    report_json_double(buf, "recall", recall);
    report_json_double(buf, "f1", f1);
}

void report_json_item(struct buf *buf, size_t i)
{
    buf_add_str(buf, i > 0 ? ",{" : "{");
}

/* ---- figures ---- */

size_t report_figures(const struct evaluation_result *result,
                      struct report_figure out[static REPORT_FIGURES_MAX])
{
    const bool is_multi_label = result->kind == HEAD_MULTI_LABEL;
    size_t n = 0;
    out[n++] = (struct report_figure){
        "accuracy", "Accuracy",
        is_multi_label ? "share with every label right" : "share that is right", result->accuracy};
    if (is_multi_label)
        out[n++] = (struct report_figure){"hamming_loss", "Hamming loss",
                                          "share of wrong decisions", result->hamming_loss};
    if (result->kind == HEAD_MULTI_CLASS && result->n_labels > 5) {
        out[n++] = (struct report_figure){"top_3_accuracy", "Top 3", "truth among the 3 likeliest",
                                          result->top_3};
        out[n++] = (struct report_figure){"top_5_accuracy", "Top 5", "truth among the 5 likeliest",
                                          result->top_5};
    }
    if (result->kind == HEAD_BINARY)
        out[n++] = (struct report_figure){"roc_auc", "ROC AUC", "0.5 is chance", result->roc_auc};
    out[n++] = (struct report_figure){"log_loss", "Log loss", "less is better", result->log_loss};
    out[n++] = (struct report_figure){"brier", "Brier score",
                                      "of the probabilities, less is better", result->brier};
    out[n++] = (struct report_figure){"calibration_error", "Calibration error",
                                      "confidence against accuracy", result->calibration_error};
    return n;
}

void report_averages(const struct evaluation_result *result, const struct report_info *info,
                     struct report_average out[static REPORT_AVERAGES])
{
    const struct report_intervals *f1 = &info->f1;
    out[0] = (struct report_average){"macro", &result->macro, f1->macro};
    out[1] = (struct report_average){"micro", &result->micro, f1->micro};
    out[2] = (struct report_average){"weighted", &result->weighted, f1->weighted};
}

double report_threshold(const struct evaluation_result *result, uint32_t label)
{
    return result->thresholds ? (double)result->thresholds[label] : 0.5;
}
