/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/predictions.h"

#include "base/json_write.h"
#include "commands/records.h"

#include <string.h>

#define TOP_K 3

static bool is_json(const struct predictions_options *options)
{
    if (options->format != PREDICTIONS_AUTO) return options->format == PREDICTIONS_JSONL;
    return records_are_json(options->path);
}

static bool write_header(struct predictions *predictions, struct err *err)
{
    const char *start = predictions->has_file ? "row,file,line" : "row,line";
    const char *names = predictions->has_other ? ",truth,predicted,p,right,predicted_b,p_b,right_b"
                                               : ",truth,predicted,p,right";
    char top[64];
    bool is_ok = output_write(&predictions->output, start, strlen(start), err) &&
                 output_write(&predictions->output, names, strlen(names), err) &&
                 (!predictions->info->margins ||
                  output_write(&predictions->output, ",unsure_score", 13, err)) &&
                 (!predictions->has_seen || output_write(&predictions->output, ",seen", 5, err));
    for (uint32_t i = 1; is_ok && i <= predictions->top_k; i++) {
        const int bytes = snprintf(top, sizeof top, ",label_%u,p_%u", i, i);
        is_ok = output_write(&predictions->output, top, (size_t)bytes, err);
    }
    const char *end = predictions->options->has_texts ? ",text\r\n" : "\r\n";
    return is_ok && output_write(&predictions->output, end, strlen(end), err);
}

bool predictions_open(struct predictions *predictions, const struct predictions_options *options,
                      const struct head *head, bool has_file, bool has_other, bool has_seen,
                      struct err *err)
{
    const struct head_info *info = head_info(head);
    const uint32_t usual = info->n_labels < TOP_K ? info->n_labels : TOP_K;
    if (options->top_k > info->n_labels)
        return err_set(err, ERR_USAGE, NULL,
                       "--top-k must be a whole number from 1 to %u, the head's labels, not '%llu'",
                       info->n_labels, (unsigned long long)options->top_k);
    *predictions = (struct predictions){.options = options,
                                        .head = head,
                                        .info = info,
                                        .is_json = is_json(options),
                                        .has_file = has_file,
                                        .has_other = has_other,
                                        .has_seen = has_seen,
                                        .top_k = options->top_k ? (uint32_t)options->top_k : usual};
    return output_open(&predictions->output, options->path, err) &&
           (predictions->is_json || write_header(predictions, err));
}

/* ---- cells ---- */

static void add_label_cell(const struct head_info *info, struct buf *out, uint32_t label)
{
    record_add_cell(out, info->labels[label], strlen(info->labels[label]));
}

/* ---- lists of a multi-label head, and JSON ---- */

static void add_name(const struct head_info *info, struct buf *out, uint32_t label)
{
    json_write_string(out, info->labels[label], strlen(info->labels[label]));
}

static void add_truths(struct buf *out, const struct labelled_row *row)
{
    buf_add_char(out, '[');
    for (size_t i = 0; i < row->n_labels; i++) {
        if (i > 0) buf_add_char(out, ',');
        json_write_string(out, row->labels[i].data, row->labels[i].bytes);
    }
    buf_add_char(out, ']');
}

static void add_names(struct buf *out, const struct prediction *prediction)
{
    const struct answer *answer = prediction->answer;
    buf_add_char(out, '[');
    for (uint32_t i = 0; i < answer->n; i++) {
        if (i > 0) buf_add_char(out, ',');
        add_name(prediction->info, out, answer->labels[i]);
    }
    buf_add_char(out, ']');
}

static void add_shares(struct buf *out, const struct prediction *prediction)
{
    const struct answer *answer = prediction->answer;
    buf_add_char(out, '[');
    for (uint32_t i = 0; i < answer->n; i++) {
        if (i > 0) buf_add_char(out, ',');
        buf_add_float(out, prediction->p[answer->labels[i]]);
    }
    buf_add_char(out, ']');
}

/* ---- CSV ---- */

static void add_csv_truth(struct buf *out, const struct predicted_row *row)
{
    const size_t start = out->bytes;
    if (row->prediction.info->kind == HEAD_MULTI_LABEL) {
        add_truths(out, row->row);
        record_make_cell(out, start);
    } else {
        record_add_cell(out, row->row->labels[0].data, row->row->labels[0].bytes);
    }
}

static void add_csv_prediction(struct buf *out, const struct prediction *prediction)
{
    const struct answer *answer = prediction->answer;
    size_t start = out->bytes;
    if (prediction->info->kind == HEAD_MULTI_LABEL) {
        add_names(out, prediction);
        record_make_cell(out, start);
        buf_add_char(out, ',');
        start = out->bytes;
        add_shares(out, prediction);
        record_make_cell(out, start);
    } else {
        add_label_cell(prediction->info, out, answer->labels[0]);
        buf_add_char(out, ',');
        buf_add_float(out, prediction->p[answer->labels[0]]);
    }
    buf_add_str(out, answer->is_right ? ",true" : ",false");
}

static void add_csv(const struct predictions *predictions, struct buf *out,
                    const struct predicted_row *row, const uint32_t *top)
{
    buf_printf(out, "%llu,", (unsigned long long)row->number);
    if (predictions->has_file) {
        record_add_cell(out, row->file, strlen(row->file));
        buf_add_char(out, ',');
    }
    buf_printf(out, "%llu,", (unsigned long long)row->row->line);
    add_csv_truth(out, row);
    buf_add_char(out, ',');
    add_csv_prediction(out, &row->prediction);
    if (row->other) {
        buf_add_char(out, ',');
        add_csv_prediction(out, row->other);
    }
    if (predictions->info->margins) {
        buf_add_char(out, ',');
        buf_add_float(out, row->unsure);
    }
    if (predictions->has_seen) buf_add_str(out, row->is_seen ? ",true" : ",false");
    for (uint32_t i = 0; i < predictions->top_k; i++) {
        buf_add_char(out, ',');
        add_label_cell(predictions->info, out, top[i]);
        buf_add_char(out, ',');
        buf_add_float(out, row->prediction.p[top[i]]);
    }
    if (predictions->options->has_texts) {
        buf_add_char(out, ',');
        record_add_cell(out, row->row->text, row->row->text_bytes);
    }
    buf_add_str(out, "\r\n");
}

/* ---- JSON lines ---- */

static void add_json_prediction(struct buf *out, const struct prediction *prediction,
                                const char *suffix)
{
    const struct answer *answer = prediction->answer;
    const bool is_multi = prediction->info->kind == HEAD_MULTI_LABEL;
    buf_printf(out, ",\"predicted%s\":", suffix);
    if (is_multi)
        add_names(out, prediction);
    else
        add_name(prediction->info, out, answer->labels[0]);
    buf_printf(out, ",\"p%s\":", suffix);
    if (is_multi)
        add_shares(out, prediction);
    else
        buf_add_float(out, prediction->p[answer->labels[0]]);
    buf_printf(out, ",\"right%s\":%s", suffix, answer->is_right ? "true" : "false");
}

static void add_json(const struct predictions *predictions, struct buf *out,
                     const struct predicted_row *row, const uint32_t *top)
{
    const struct labelled_row *input = row->row;
    buf_printf(out, "{\"row\":%llu", (unsigned long long)row->number);
    if (predictions->has_file) {
        buf_add_str(out, ",\"file\":");
        json_write_string(out, row->file, strlen(row->file));
    }
    buf_printf(out, ",\"line\":%llu,\"truth\":", (unsigned long long)input->line);
    if (predictions->info->kind == HEAD_MULTI_LABEL)
        add_truths(out, input);
    else
        json_write_string(out, input->labels[0].data, input->labels[0].bytes);
    add_json_prediction(out, &row->prediction, "");
    if (row->other) add_json_prediction(out, row->other, "_b");
    if (predictions->info->margins) {
        buf_add_str(out, ",\"unsure_score\":");
        buf_add_float(out, row->unsure);
    }
    if (predictions->has_seen)
        buf_add_str(out, row->is_seen ? ",\"seen\":true" : ",\"seen\":false");
    buf_add_str(out, ",\"top\":[");
    for (uint32_t i = 0; i < predictions->top_k; i++) {
        buf_add_str(out, i > 0 ? ",{\"label\":" : "{\"label\":");
        add_name(predictions->info, out, top[i]);
        buf_add_str(out, ",\"p\":");
        buf_add_float(out, row->prediction.p[top[i]]);
        buf_add_char(out, '}');
    }
    buf_add_char(out, ']');
    if (predictions->options->has_texts) {
        buf_add_str(out, ",\"text\":");
        json_write_string(out, input->text, input->text_bytes);
    }
    buf_add_str(out, "}\n");
}

/* ---- a row ---- */

static bool is_wanted(const struct predictions_options *options, const struct predicted_row *row)
{
    const bool is_right = row->prediction.answer->is_right;
    const bool is_other_right = row->other ? row->other->answer->is_right : is_right;
    return !(options->only_wrong && is_right && is_other_right) &&
           !(options->only_changed && is_right == is_other_right);
}

bool predictions_add(struct predictions *predictions, struct arena *arena,
                     const struct predicted_row *row, struct err *err)
{
    struct buf out;
    if (!is_wanted(predictions->options, row)) return true;
    uint32_t *top = arena_array(arena, predictions->top_k, sizeof *top);
    if (!top) return err_out_of_memory(err);
    if (!answer_top(predictions->head, arena, row->prediction.p, predictions->top_k, top, err))
        return false;
    buf_init(&out, arena);
    if (predictions->is_json)
        add_json(predictions, &out, row, top);
    else
        add_csv(predictions, &out, row, top);
    if (out.failed) return err_out_of_memory(err);
    return output_write(&predictions->output, out.data, out.bytes, err);
}

bool predictions_close(struct predictions *predictions, struct err *err)
{
    return output_close(&predictions->output, err);
}

void predictions_abort(struct predictions *predictions)
{
    output_abort(&predictions->output);
}
