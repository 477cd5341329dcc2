/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "commands/choose_head.h"
#include "commands/commands.h"
#include "commands/labelled_flags.h"
#include "commands/model_flags.h"
#include "commands/output.h"
#include "commands/progress.h"
#include "commands/report.h"
#include "model/head/evaluation.h"
#include "model/model.h"
#include "model/train/columns.h"
#include "model/train/label_names.h"
#include "model/train/labelled.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* All memory of one row: a text of LABELLED_RECORD_BYTES_MAX in which every byte is a token fits.
 */
#define ROW_ARENA_BYTES (64 * LABELLED_RECORD_BYTES_MAX)
/* A report of 100,000 labels, and the shorter buffers that it grew out of. */
#define REPORT_ARENA_BYTES ((size_t)256 << 20)

enum report_format { REPORT_TEXT, REPORT_JSON, REPORT_HTML };
static const char *const formats[] = {"text", "json", "html", NULL};

struct eval {
    const char *model_path, *heads_path, *head_name, *output_path;
    struct labelled_flags given;
    int format;

    struct model_options model_options;
    struct model *model;
    const struct head *head;
    const struct head_info *info;
    struct label_names *labels; /* of the head */
    struct labelled *rows;
    struct evaluation *evaluation;
    uint64_t n_rows;
    struct arena arena; /* reset at each row */
};

static bool read_labels(struct eval *eval, struct err *err)
{
    const struct head_info *info = eval->info;
    bool is_ok = (eval->labels = label_names_new()) != NULL;
    for (uint32_t i = 0; is_ok && i < info->n_labels; i++) {
        const struct span name = {info->labels[i], strlen(info->labels[i])};
        is_ok = label_names_add(eval->labels, name) == i;
    }
    return is_ok || err_set(err, ERR_MEMORY, NULL, "no memory for %u labels", info->n_labels);
}

static bool open_all(struct eval *eval, struct err *err)
{
    if (!model_open_as(&eval->model, eval->model_path, &eval->model_options, err) ||
        !choose_head(eval->model, eval->heads_path, eval->head_name, &eval->head, err))
        return false;
    eval->info = head_info(eval->head);
    if (!read_labels(eval, err)) return false;
    eval->evaluation = evaluation_new(eval->info->kind, eval->info->n_labels, eval->info->labels,
                                      eval->info->thresholds, err);
    return eval->evaluation &&
           labelled_open(&eval->rows, eval->given.input, &eval->given.options, err);
}

static bool fail_row(const struct eval *eval, const struct labelled_row *row, const char *why,
                     struct err *err)
{
    return err_set(err, ERR_FORMAT, NULL, "%.200s, line %llu: %.250s", eval->given.input,
                   (unsigned long long)row->line, why);
}

/* The probabilities of a row's text, in the arena. */
static float *predict(struct eval *eval, const struct labelled_row *row, struct err *err)
{
    const uint32_t n_labels = eval->info->n_labels;
    const char *text = row->text;
    size_t bytes = row->text_bytes;
    struct tokens tokens;
    struct err reason;
    if (!model_prompted(eval->model, &eval->arena, &text, &bytes, err) ||
        !model_tokenize(eval->model, &eval->arena, text, bytes, TOKENIZE_LIMITS, &tokens, err))
        return NULL;
    float *vector = arena_array(&eval->arena, eval->info->dim, sizeof(*vector));
    float *logits = arena_array(&eval->arena, n_labels, sizeof(*logits));
    float *p = arena_array(&eval->arena, n_labels, sizeof(*p));
    if (!vector || !logits || !p) {
        err_out_of_memory(err);
        return NULL;
    }
    const struct passage passage = {tokens.ids, tokens.n, text, bytes};
    if (!head_vector(eval->head, &eval->arena, &passage, vector, &reason)) {
        fail_row(eval, row, reason.message, err);
        return NULL;
    }
    if (!head_logits(eval->head, &eval->arena, vector, tokens.ids, tokens.n, logits, err))
        return NULL;
    head_probabilities(eval->head, logits, p);
    return p;
}

static bool eval_row(struct eval *eval, const struct labelled_row *row, struct err *err)
{
    struct err reason;
    arena_reset(&eval->arena);
    if (eval->info->kind != HEAD_MULTI_LABEL && row->n_labels != 1)
        return fail_row(eval, row,
                        "the head answers with one label, so a row must have one, not several; "
                        "use a multi-label head",
                        err);
    uint32_t *truth = arena_array(&eval->arena, row->n_labels, sizeof(*truth));
    const float *p = truth ? predict(eval, row, err) : NULL;
    if (!p) return truth ? false : err_out_of_memory(err);
    for (size_t i = 0; i < row->n_labels; i++)
        truth[i] = label_names_find(eval->labels, row->labels[i]); /* or EVALUATION_UNKNOWN */
    return evaluation_add(eval->evaluation, p, truth, row->n_labels, &reason) ||
           fail_row(eval, row, reason.message, err);
}

/* The first row, where it may be a header: it is one if nobody else knows its label, and its cells
 * look like names. */
static bool settle_first(struct eval *eval, struct err *err)
{
    struct labelled_doubt doubt;
    const struct labelled_row *row = labelled_doubtful(eval->rows, &doubt);
    if (!row) return true;
    const bool is_known =
        doubt.recurs || label_names_find(eval->labels, row->labels[0]) != UINT32_MAX;
    if (!is_known && !doubt.has_names)
        fprintf(stderr,
                "embedd eval: warning: neither the head nor another row has the label '%s' of the "
                "first row; if that row is a header, give --header yes\n",
                columns_show(row->labels[0]).text);
    if (is_known || !doubt.has_names) {
        eval->n_rows++;
        return eval_row(eval, row, err);
    }
    fprintf(
        stderr,
        "embedd eval: the first row is a header: neither the head nor another row has its label "
        "'%s' (--header no counts it)\n",
        columns_show(row->labels[0]).text);
    return true;
}

static bool eval_rows(struct eval *eval, struct err *err)
{
    struct progress progress;
    struct labelled_row row;
    int step;
    progress_start(&progress, strcmp(eval->given.input, "-") != 0);
    while ((step = labelled_next(eval->rows, &row, err)) > 0) {
        if (!eval_row(eval, &row, err)) {
            step = -1;
            break;
        }
        progress_show(&progress, ++eval->n_rows, labelled_share(eval->rows));
    }
    progress_end(&progress);
    if (step == 0 && !settle_first(eval, err)) return false;
    if (step == 0 && eval->n_rows == 0)
        return err_set(err, ERR_FORMAT, NULL, "%.200s holds no rows besides its header",
                       eval->given.input);
    return step == 0;
}

static bool write_report(struct eval *eval, double seconds, struct err *err)
{
    void (*const writers[])(struct buf *, const struct evaluation_result *,
                            const struct report_info *) = {report_text, report_json, report_html};
    char date[16] = "";
    const time_t now = time(NULL);
    struct tm day;
    struct output output;
    struct arena arena;
    struct buf text;
    if (localtime_r(&now, &day)) strftime(date, sizeof(date), "%Y-%m-%d", &day);
    const struct report_info info = {
        .model = model_info(eval->model)->name,
        .head = eval->info->name,
        .input = strcmp(eval->given.input, "-") == 0 ? "standard input" : eval->given.input,
        .date = date,
        .n_rows = eval->n_rows,
        .seconds = seconds};
    arena_init(&arena, REPORT_ARENA_BYTES);
    buf_init(&text, &arena);
    writers[eval->format](&text, evaluation_finish(eval->evaluation), &info);
    bool is_ok = text.failed ? err_out_of_memory(err)
                             : output_open(&output, eval->output_path, err) &&
                                   output_write(&output, text.data, text.bytes, err) &&
                                   output_close(&output, err);
    if (!is_ok && !text.failed) output_abort(&output);
    arena_clear(&arena);
    return is_ok;
}

static bool eval_run(struct eval *eval, struct err *err)
{
    const uint64_t start_ns = clock_now_ns();
    arena_init(&eval->arena, ROW_ARENA_BYTES);
    bool is_ok = labelled_take_flags(&eval->given, err) && open_all(eval, err) &&
                 eval_rows(eval, err) &&
                 write_report(eval, (double)(clock_now_ns() - start_ns) / 1e9, err);
    labelled_close(eval->rows);
    evaluation_free(eval->evaluation);
    label_names_free(eval->labels);
    model_close(eval->model);
    arena_clear(&eval->arena);
    return is_ok;
}

int eval_main(int argc, char **argv)
{
    struct eval eval = {.model_path = "builtin", .model_options = COMMAND_MODEL_OPTIONS};
    const struct flag list[] = {
        MODEL_PATH_FLAG(eval.model_path),
        MODEL_FLAGS(eval.model_options),
        HEAD_FLAGS(eval.heads_path, eval.head_name),
        LABELLED_FLAGS(eval.given),
        {"format", FLAG_CHOICE, .out.choice = &eval.format, .choices = formats,
         .help = "of the report (default: text); html is one page with charts"},
        {"output", FLAG_STRING, .out.string = &eval.output_path, .value = "FILE",
         .help = "the report is written here (default: standard output)"},
    };
    const struct flags flags = {
        .usage = "embedd eval --input FILE [OPTION]...",
        .about = "Measures a classifier head on labelled rows: accuracy, precision, recall, F1, "
                 "confusions,\ncalibration and thresholds.",
        .list = list,
        .n = sizeof(list) / sizeof(list[0]),
    };
    struct err err;
    int n_files, exit_code;
    if (!commands_take_flags(&flags, argc, argv, &n_files, &exit_code)) return exit_code;
    return eval_run(&eval, &err) ? 0 : commands_fail(argv[0], &err);
}
