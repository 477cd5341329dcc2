/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/held_rows.h"

#include "base/json_write.h"
#include "commands/judge.h"
#include "commands/labelled_flags.h"
#include "commands/output.h"
#include "commands/records.h"
#include "commands/report.h"

#include <string.h>
#include <time.h>

#define ROW_ARENA_BYTES (64 * LABELLED_RECORD_BYTES_MAX)
/* As that of embedd eval: a report of 100,000 labels. */
#define REPORT_ARENA_BYTES ((size_t)256 << 20)

struct writing {
    const struct held_rows *rows;
    struct head_info info;
    struct suspects suspects;
};

/* What the heads said of one row, in the arena. */
struct said {
    const struct example *item;
    const struct example_origin *origin;
    const uint32_t *labels; /* (item->n_labels) */
    const float *p;         /* (C) */
    struct answer answer;
};

static bool look_up(const struct writing *w, struct arena *arena, size_t at, struct said *said,
                    struct err *err)
{
    const struct held_out *held = &w->rows->result->held;
    const struct examples *examples = w->rows->examples;
    const uint32_t row = held->rows[at];
    float *p = arena_array(arena, w->info.n_labels, sizeof *p);
    if (!p) return err_out_of_memory(err);
    head_info_probabilities(&w->info, held->logits + at * w->info.rows, p);
    *said = (struct said){.item = &examples->items[row],
                          .origin = &examples->origins[row],
                          .labels = examples->labels + examples->items[row].labels_at,
                          .p = p};
    return true;
}

static bool look_up_answer(const struct writing *w, struct arena *arena, size_t at,
                           struct said *said, struct err *err)
{
    return look_up(w, arena, at, said, err) &&
           answer_judge(&said->answer, arena, &w->info, said->p, said->labels, said->item->n_labels,
                        err);
}

static const char *file_of(const struct writing *w, const struct said *said)
{
    return w->rows->n_files > 1 ? labelled_file_name(w->rows->files[said->origin->file]) : NULL;
}

/* ---- the file of suspicious rows ---- */

static void add_string(struct buf *out, const char *text)
{
    json_write_string(out, text, strlen(text));
}

static void add_names(const struct writing *w, struct buf *out, const uint32_t *labels, uint32_t n)
{
    buf_add_char(out, '[');
    for (uint32_t i = 0; i < n; i++) {
        if (i > 0) buf_add_char(out, ',');
        add_string(out, w->info.labels[labels[i]]);
    }
    buf_add_char(out, ']');
}

static void add_shares(struct buf *out, const struct said *said)
{
    buf_add_char(out, '[');
    for (uint32_t i = 0; i < said->answer.n; i++) {
        if (i > 0) buf_add_char(out, ',');
        buf_add_float(out, said->p[said->answer.labels[i]]);
    }
    buf_add_char(out, ']');
}

/* Of a head that answers with one label; else lists, as cells if need be. */
static void add_csv_labels(const struct writing *w, struct buf *out, const struct said *said)
{
    const struct answer *answer = &said->answer;
    size_t start = out->bytes;
    if (w->info.kind != HEAD_MULTI_LABEL) {
        const char *label = w->info.labels[said->labels[0]];
        const char *predicted = w->info.labels[answer->labels[0]];
        record_add_cell(out, label, strlen(label));
        buf_add_char(out, ',');
        record_add_cell(out, predicted, strlen(predicted));
        buf_add_char(out, ',');
        buf_add_float(out, said->p[answer->labels[0]]);
        return;
    }
    add_names(w, out, said->labels, said->item->n_labels);
    record_make_cell(out, start);
    buf_add_char(out, ',');
    start = out->bytes;
    add_names(w, out, answer->labels, answer->n);
    record_make_cell(out, start);
    buf_add_char(out, ',');
    start = out->bytes;
    add_shares(out, said);
    record_make_cell(out, start);
}

static void add_csv(const struct writing *w, struct buf *out, const struct said *said, double p)
{
    const char *file = file_of(w, said);
    buf_printf(out, "%llu,", (unsigned long long)said->origin->row);
    if (file) {
        record_add_cell(out, file, strlen(file));
        buf_add_char(out, ',');
    }
    buf_printf(out, "%llu,", (unsigned long long)said->origin->line);
    add_csv_labels(w, out, said);
    buf_add_char(out, ',');
    buf_add_float(out, (float)p);
    if (w->rows->has_texts) {
        buf_add_char(out, ',');
        record_add_cell(out, said->origin->text, said->origin->bytes);
    }
    buf_add_str(out, "\r\n");
}

static void add_json_labels(const struct writing *w, struct buf *out, const struct said *said)
{
    const struct answer *answer = &said->answer;
    const bool is_multi = w->info.kind == HEAD_MULTI_LABEL;
    buf_add_str(out, ",\"label\":");
    if (is_multi)
        add_names(w, out, said->labels, said->item->n_labels);
    else
        add_string(out, w->info.labels[said->labels[0]]);
    buf_add_str(out, ",\"predicted\":");
    if (is_multi)
        add_names(w, out, answer->labels, answer->n);
    else
        add_string(out, w->info.labels[answer->labels[0]]);
    buf_add_str(out, ",\"p\":");
    if (is_multi)
        add_shares(out, said);
    else
        buf_add_float(out, said->p[answer->labels[0]]);
}

static void add_json(const struct writing *w, struct buf *out, const struct said *said, double p)
{
    const char *file = file_of(w, said);
    buf_printf(out, "{\"row\":%llu", (unsigned long long)said->origin->row);
    if (file) {
        buf_add_str(out, ",\"file\":");
        add_string(out, file);
    }
    buf_printf(out, ",\"line\":%llu", (unsigned long long)said->origin->line);
    add_json_labels(w, out, said);
    buf_add_str(out, ",\"p_label\":");
    buf_add_float(out, (float)p);
    if (w->rows->has_texts) {
        buf_add_str(out, ",\"text\":");
        json_write_string(out, said->origin->text, said->origin->bytes);
    }
    buf_add_str(out, "}\n");
}

static bool write_header(const struct writing *w, struct output *output, struct err *err)
{
    char names[100];
    const int n = snprintf(names, sizeof names, "row,%sline,label,predicted,p,p_label%s\r\n",
                           w->rows->n_files > 1 ? "file," : "", w->rows->has_texts ? ",text" : "");
    return output_write(output, names, (size_t)n, err);
}

static bool write_records(const struct writing *w, struct output *output, struct arena *arena,
                          struct err *err)
{
    const bool is_json = records_are_json(w->rows->suspicious_path);
    if (!is_json && !write_header(w, output, err)) return false;
    for (size_t i = 0; i < w->suspects.n; i++) {
        const struct suspect *suspect = &w->suspects.items[i];
        struct said said;
        struct buf out;
        arena_reset(arena);
        if (!look_up_answer(w, arena, suspect->at, &said, err)) return false;
        buf_init(&out, arena);
        (is_json ? add_json : add_csv)(w, &out, &said, suspect->p);
        if (out.failed) return err_out_of_memory(err);
        if (!output_write(output, out.data, out.bytes, err)) return false;
    }
    return true;
}

static bool write_suspicious(const struct writing *w, struct err *err)
{
    struct output output;
    struct arena arena;
    if (!w->rows->suspicious_path) return true;
    arena_init(&arena, ROW_ARENA_BYTES);
    const bool is_ok = output_open(&output, w->rows->suspicious_path, err) &&
                       write_records(w, &output, &arena, err) && output_close(&output, err);
    if (!is_ok) output_abort(&output);
    arena_clear(&arena);
    return is_ok;
}

/* ---- the report ---- */

static const char *join(const struct writing *w, struct arena *arena, const uint32_t *labels,
                        uint32_t n)
{
    struct buf out;
    buf_init(&out, arena);
    for (uint32_t i = 0; i < n; i++) {
        if (i > 0) buf_add_str(&out, " | ");
        buf_add_str(&out, w->info.labels[labels[i]]);
    }
    buf_add_char(&out, '\0');
    return out.failed ? NULL : out.data;
}

/* Of a multi-label head p is that of its worst label, as the row goes by that. */
static bool list_suspects(const struct writing *w, struct arena *arena,
                          struct report_suspects *found, struct err *err)
{
    const size_t n = w->suspects.n < REPORT_SUSPECTS_MAX ? w->suspects.n : REPORT_SUSPECTS_MAX;
    struct report_suspect *list = arena_array(arena, n + 1, sizeof *list);
    if (!list) return err_out_of_memory(err);
    for (size_t i = 0; i < n; i++) {
        const struct suspect *suspect = &w->suspects.items[i];
        struct said said;
        if (!look_up_answer(w, arena, suspect->at, &said, err)) return false;
        const struct answer *answer = &said.answer;
        const bool is_multi = w->info.kind == HEAD_MULTI_LABEL;
        list[i] = (struct report_suspect){.file = file_of(w, &said),
                                          .row = said.origin->row,
                                          .line = said.origin->line,
                                          .label = join(w, arena, said.labels, said.item->n_labels),
                                          .predicted = join(w, arena, answer->labels, answer->n),
                                          .p = is_multi ? 1 - suspect->p
                                                        : (double)said.p[answer->labels[0]],
                                          .p_label = suspect->p};
        if (w->rows->has_texts) list[i].text = (struct span){said.origin->text, said.origin->bytes};
        if (!list[i].label || !list[i].predicted) return err_out_of_memory(err);
    }
    *found = (struct report_suspects){w->suspects.n_judged, w->suspects.n, list, n};
    return true;
}

static bool count_all(const struct writing *w, struct judge *judge, struct err *err)
{
    struct arena arena;
    bool is_ok = judge_begin(judge, &w->info, err);
    arena_init(&arena, ROW_ARENA_BYTES);
    for (size_t i = 0; is_ok && i < w->rows->result->held.n; i++) {
        struct said said;
        arena_reset(&arena);
        is_ok =
            look_up(w, &arena, i, &said, err) &&
            judge_count(judge, &arena, said.p, said.labels, said.item->n_labels, &said.answer, err);
    }
    arena_clear(&arena);
    return is_ok && judge_finish(judge, err);
}

static bool write_judged(const struct writing *w, struct judge *judge, struct arena *arena,
                         struct err *err)
{
    const struct held_rows *rows = w->rows;
    const char *path = rows->report_path;
    char date[16] = "";
    const time_t now = time(NULL);
    struct tm day;
    struct buf text;
    struct report_suspects suspects;
    if (localtime_r(&now, &day)) strftime(date, sizeof date, "%Y-%m-%d", &day);
    if (!list_suspects(w, arena, &suspects, err)) return false;
    const struct report_info info = {.model = rows->model,
                                     .head = "default",
                                     .input = rows->input,
                                     .date = date,
                                     .n_rows = rows->result->held.n,
                                     .seconds = -1,
                                     .f1 = judge_intervals(judge),
                                     .suspects = &suspects};
    buf_init(&text, arena);
    (output_ends_in(path, ".html") ? report_html
     : output_ends_in(path, ".json")
         ? report_json
         : report_text)(&text, evaluation_finish(judge->evaluation), &info);
    return text.failed ? err_out_of_memory(err) : output_save(path, text.data, text.bytes, err);
}

static bool write_report(const struct writing *w, struct err *err)
{
    struct judge judge = {0};
    struct arena arena;
    if (!w->rows->report_path) return true;
    arena_init(&arena, REPORT_ARENA_BYTES);
    const bool is_ok = count_all(w, &judge, err) && write_judged(w, &judge, &arena, err);
    judge_close(&judge);
    arena_clear(&arena);
    return is_ok;
}

bool held_rows_write(const struct held_rows *rows, size_t *n_judged, size_t *n_suspicious,
                     struct err *err)
{
    const struct training_result *result = rows->result;
    const uint32_t n_labels = examples_n_names(rows->examples);
    struct writing w = {.rows = rows,
                        .info = {.name = "default",
                                 .kind = result->kind,
                                 .n_labels = n_labels,
                                 .labels = examples_names(rows->examples),
                                 .temperature = (float)result->measured.temperature,
                                 .rows = result->kind == HEAD_BINARY ? 1 : n_labels}};
    const bool is_ok = suspects_find(&w.suspects, &w.info, rows->examples, &result->held, err) &&
                       write_suspicious(&w, err) && write_report(&w, err);
    *n_judged = w.suspects.n_judged;
    *n_suspicious = w.suspects.n;
    suspects_clear(&w.suspects);
    return is_ok;
}
