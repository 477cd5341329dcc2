/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "commands/commands.h"
#include "commands/comparison.h"
#include "commands/confused.h"
#include "commands/eval_options.h"
#include "commands/judge.h"
#include "commands/output.h"
#include "commands/predictions.h"
#include "commands/progress.h"
#include "commands/pulls.h"
#include "commands/report.h"
#include "commands/seen.h"
#include "model/train/columns.h"
#include "model/train/labelled.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* All memory of one row: a text of LABELLED_RECORD_BYTES_MAX in which every byte is a token fits.
 */
#define ROW_ARENA_BYTES (64 * LABELLED_RECORD_BYTES_MAX)
/* A report of 100,000 labels, and the shorter buffers that it grew out of. */
#define REPORT_ARENA_BYTES ((size_t)256 << 20)

struct eval {
    struct eval_options options;
    struct judge judge, other; /* A, and B where there are two */
    struct paired paired;
    const char *input; /* the file of `rows` */
    struct labelled *rows;
    struct seen *seen;              /* NULL: not asked */
    struct report_seen seen_counts; /* of it */
    struct predictions predictions;
    struct confused *confused; /* NULL: no texts are kept */
    struct pulls *pulls;       /* NULL: nor tokens */
    uint64_t n_rows;           /* counted */
    uint64_t n_read;           /* of them and the first ones, where these may be headers */
    uint64_t first_number;     /* of the file's first row, among these */
    bool is_first_settled;     /* that one is counted, or there is none */
    struct arena arena;        /* reset at each row */
};

/* ---- to begin with ---- */

static bool open_examples(struct eval *eval, struct err *err)
{
    if (eval->options.n_examples == 0) return true;
    if (eval->judge.info->kind == HEAD_MULTI_LABEL)
        return err_set(
            err, ERR_USAGE, NULL,
            "--examples needs a head that answers with one label, and the head %.100s is "
            "multi-label; give --predictions FILE --wrong --texts instead",
            eval->judge.info->name);
    eval->confused = confused_new((size_t)eval->options.n_examples, 0, err);
    eval->pulls = eval->confused ? pulls_new(eval->judge.model, err) : NULL;
    return eval->pulls != NULL;
}

static bool read_seen(struct eval *eval, struct err *err)
{
    if (!eval->options.seen_path) return true;
    eval->seen_counts.file = eval->options.seen_path;
    struct left_out left_out;
    char name[300];
    eval->seen = seen_read(eval->options.seen_path, &eval->options.given.options, &left_out, err);
    if (!eval->seen) return false;
    snprintf(name, sizeof name, "embedd eval: --seen-in %.200s", eval->options.seen_path);
    labelled_tell_left_out(name, &left_out);
    return true;
}

/* Heads given beside the same model have names of their own: one that is not named is the model's.
 */
static bool check_two(const struct eval *eval, struct err *err)
{
    const struct eval_options *options = &eval->options;
    const struct asked *a = &options->asked, *b = &options->compared;
    if (b->model_path != a->model_path || b->heads_path == a->heads_path || b->head_name ||
        strcmp(eval->judge.info->name, eval->other.info->name) != 0)
        return true;
    return err_set(
        err, ERR_USAGE, NULL,
        "both heads are '%.100s' of the same model; give --compare-head, the name of the "
        "other one",
        eval->judge.info->name);
}

static bool open_all(struct eval *eval, struct err *err)
{
    return judge_open(&eval->judge, &eval->options.asked, &eval->options.model_options, err) &&
           open_examples(eval, err) &&
           (!eval->options.has_other ||
            (judge_open(&eval->other, &eval->options.compared, &eval->options.model_options, err) &&
             check_two(eval, err) && comparison_check(&eval->judge, &eval->other, err))) &&
           read_seen(eval, err) &&
           (!eval->options.wanted.path ||
            predictions_open(&eval->predictions, &eval->options.wanted, eval->judge.head,
                             eval->options.given.n_inputs > 1, eval->options.has_other,
                             eval->seen != NULL, err));
}

/* ---- rows ---- */

/* Of a wrong answer: the text, and which of its tokens pulled. */
static bool keep_example(struct eval *eval, const struct labelled_row *row, uint64_t number,
                         const struct verdict *verdict, struct err *err)
{
    if (!eval->confused || verdict->answer.is_right) return true;
    const uint32_t truth = verdict->truth[0], label = verdict->answer.labels[0];
    const struct confused_text text = {
        verdict->p[label], number, row->line, {row->text, row->text_bytes}};
    const double *shares;
    if (!confused_add(eval->confused, truth, label, &text, err) ||
        !judge_pulls(&eval->judge, &eval->arena, verdict, &shares, err))
        return false;
    return !shares || pulls_add(eval->pulls, truth, label, verdict->tokens.ids, shares,
                                verdict->tokens.n, err);
}

static bool compare_row(struct eval *eval, const struct labelled_row *row, bool is_right,
                        struct verdict *other, struct err *err)
{
    struct paired *paired = &eval->paired;
    if (!judge_row(&eval->other, &eval->arena, eval->input, row, other, err)) return false;
    if (is_right)
        ++*(other->answer.is_right ? &paired->both_right : &paired->a_alone);
    else
        ++*(other->answer.is_right ? &paired->b_alone : &paired->both_wrong);
    return true;
}

/* Whether the text was seen: 1 or 0; -1: err is set. */
static int look_up(struct eval *eval, const struct labelled_row *row, bool is_right,
                   bool is_other_right, struct err *err)
{
    struct report_seen *counts = &eval->seen_counts;
    if (!eval->seen) return 0;
    const int is_seen = seen_has(eval->seen, &eval->arena, row->text, row->text_bytes, err);
    if (is_seen < 0) return -1;
    counts->n_seen += is_seen == 1;
    counts->n_unseen += is_seen == 0;
    counts->n_right += is_seen == 0 && is_right;
    counts->n_right_other += is_seen == 0 && is_other_right;
    return is_seen;
}

static bool eval_row(struct eval *eval, const struct labelled_row *row, uint64_t number,
                     struct err *err)
{
    struct verdict verdict, other = {0};
    arena_reset(&eval->arena);
    if (!judge_row(&eval->judge, &eval->arena, eval->input, row, &verdict, err) ||
        (eval->options.has_other &&
         !compare_row(eval, row, verdict.answer.is_right, &other, err)) ||
        !keep_example(eval, row, number, &verdict, err))
        return false;
    eval->n_rows++;
    const int is_seen = look_up(eval, row, verdict.answer.is_right, other.answer.is_right, err);
    if (is_seen < 0 || !eval->options.wanted.path) return is_seen >= 0;
    const struct prediction second = {eval->other.info, &other.answer, other.p};
    const struct predicted_row predicted = {
        .number = number,
        .file = labelled_file_name(eval->input),
        .row = row,
        .prediction = {eval->judge.info, &verdict.answer, verdict.p},
        .other = eval->options.has_other ? &second : NULL,
        .unsure = verdict.unsure,
        .is_seen = is_seen};
    return predictions_add(&eval->predictions, &eval->arena, &predicted, err);
}

/* Whether a head has the label of that row. */
static bool is_known(const struct eval *eval, const struct labelled_row *row)
{
    return judge_knows(&eval->judge, row->labels[0]) ||
           (eval->options.has_other && judge_knows(&eval->other, row->labels[0]));
}

/* The first row, where it may be a header, but has a label that the head knows: it is none. */
static bool start_first(struct eval *eval, struct err *err)
{
    struct labelled_doubt doubt;
    const struct labelled_row *row = labelled_doubtful(eval->rows, &doubt);
    eval->first_number = eval->n_read + 1;
    eval->n_read += row != NULL;
    eval->is_first_settled = !row || is_known(eval, row);
    return !row || !eval->is_first_settled || eval_row(eval, row, eval->first_number, err);
}

/* Any other such row is a header if nobody else knows its label, and its cells look like names. */
static bool settle_first(struct eval *eval, struct err *err)
{
    struct labelled_doubt doubt;
    const struct labelled_row *row = labelled_doubtful(eval->rows, &doubt);
    if (eval->is_first_settled) return true;
    if (!doubt.recurs && !doubt.has_names)
        fprintf(stderr,
                "embedd eval: warning: neither the head nor another row has the label '%s' of the "
                "first row; if that row is a header, give --header yes\n",
                columns_show(row->labels[0]).text);
    if (doubt.recurs || !doubt.has_names) return eval_row(eval, row, eval->first_number, err);
    fprintf(
        stderr,
        "embedd eval: the first row is a header: neither the head nor another row has its label "
        "'%s' (--header no counts it)\n",
        columns_show(row->labels[0]).text);
    return true;
}

static bool eval_rows(struct eval *eval, struct progress *progress, size_t file, struct err *err)
{
    const double n_files = (double)eval->options.given.n_inputs;
    const uint64_t n_before = eval->n_rows;
    struct labelled_row row;
    int step;
    if (!start_first(eval, err)) return false;
    while ((step = labelled_next(eval->rows, &row, err)) > 0) {
        if (!eval_row(eval, &row, ++eval->n_read, err)) return false;
        progress_show(progress, eval->n_rows,
                      ((double)file + labelled_share(eval->rows)) / n_files);
    }
    if (step < 0 || !settle_first(eval, err)) return false;
    if (eval->n_rows == n_before) return labelled_fail_no_rows(eval->rows, err);
    labelled_tell_left_out("embedd eval", labelled_left_out(eval->rows));
    return true;
}

static bool eval_files(struct eval *eval, struct err *err)
{
    const struct labelled_flags *given = &eval->options.given;
    struct progress progress;
    bool is_ok = true;
    progress_start(&progress, strcmp(given->inputs[0], "-") != 0);
    for (size_t i = 0; is_ok && i < given->n_inputs; i++) {
        eval->input = given->inputs[i];
        is_ok = labelled_open(&eval->rows, eval->input, &given->options, err);
        if (is_ok && labelled_was_looked_at(eval->rows))
            fprintf(stderr, "embedd eval: reading %s\n", labelled_about(eval->rows));
        is_ok = is_ok && eval_rows(eval, &progress, i, err);
        labelled_close(eval->rows);
    }
    progress_end(&progress);
    return is_ok && (!eval->options.wanted.path || predictions_close(&eval->predictions, err));
}

/* ---- the report ---- */

static void add_report(const struct eval *eval, struct buf *text, const struct report_info *info)
{
    void (*const writers[])(struct buf *, const struct evaluation_result *,
                            const struct report_info *) = {report_text, report_json, report_html};
    writers[eval->options.format](text, evaluation_finish(eval->judge.evaluation), info);
}

static void add_comparison(const struct eval *eval, struct buf *text,
                           const struct report_info *info)
{
    const struct comparison comparison = {.a = &eval->judge,
                                          .b = &eval->other,
                                          .a_path = eval->options.asked.model_path,
                                          .b_path = eval->options.compared.model_path,
                                          .paired = eval->paired,
                                          .input = info->input,
                                          .date = info->date,
                                          .seen = info->seen,
                                          .n_rows = info->n_rows,
                                          .seconds = info->seconds};
    (eval->options.format == REPORT_JSON ? comparison_json : comparison_text)(text, &comparison);
}

static bool write_report(struct eval *eval, double seconds, struct err *err)
{
    char date[16] = "";
    const time_t now = time(NULL);
    struct tm day;
    struct arena arena;
    struct buf text;
    if (localtime_r(&now, &day)) strftime(date, sizeof(date), "%Y-%m-%d", &day);
    const struct labelled_flags *given = &eval->options.given;
    const struct labelled_name name = labelled_name(given);
    const struct report_info info = {
        .model = model_info(eval->judge.model)->name,
        .head = eval->judge.info->name,
        .input = given->n_inputs == 1 ? labelled_file_name(given->inputs[0]) : name.text,
        .date = date,
        .n_rows = eval->n_rows,
        .seconds = seconds,
        .f1 = judge_intervals(&eval->judge),
        .seen = eval->seen ? &eval->seen_counts : NULL,
        .confused = eval->confused,
        .pulls = eval->pulls};
    arena_init(&arena, REPORT_ARENA_BYTES);
    buf_init(&text, &arena);
    (eval->options.has_other ? add_comparison : add_report)(eval, &text, &info);
    const bool is_ok = text.failed
                           ? err_out_of_memory(err)
                           : output_save(eval->options.output_path, text.data, text.bytes, err);
    arena_clear(&arena);
    return is_ok;
}

static bool finish(struct eval *eval, struct err *err)
{
    if (!eval->options.has_other) return judge_finish(&eval->judge, err);
    return resamples_match(eval->judge.resamples, eval->other.resamples, err) &&
           judge_finish(&eval->judge, err) && judge_finish(&eval->other, err);
}

static bool eval_run(struct eval *eval, struct err *err)
{
    const uint64_t start_ns = clock_now_ns();
    arena_init(&eval->arena, ROW_ARENA_BYTES);
    bool is_ok = eval_options_check(&eval->options, err) && open_all(eval, err) &&
                 eval_files(eval, err) && finish(eval, err) &&
                 write_report(eval, (double)(clock_now_ns() - start_ns) / 1e9, err);
    predictions_abort(&eval->predictions);
    confused_free(eval->confused);
    pulls_free(eval->pulls);
    seen_free(eval->seen);
    judge_close(&eval->judge);
    judge_close(&eval->other);
    arena_clear(&eval->arena);
    return is_ok;
}

int eval_main(int argc, char **argv)
{
    struct eval eval = {0};
    struct err err;
    int exit_code;
    if (!eval_options_take(&eval.options, argc, argv, &exit_code)) return exit_code;
    return eval_run(&eval, &err) ? 0 : commands_fail(argv[0], &err);
}
