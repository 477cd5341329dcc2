/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "base/plural.h"
#include "base/utf8.h"
#include "base/workers.h"
#include "commands/commands.h"
#include "commands/held_rows.h"
#include "commands/labelled_flags.h"
#include "commands/model_flags.h"
#include "commands/output.h"
#include "model/bundle/new_folder.h"
#include "model/bundle/settings.h"
#include "model/train/folder.h"
#include "model/train/split.h"
#include "model/train/training.h"
#include "model/train/version.h"

#include "base/clock.h"
#include "base/json.h"

#include <assert.h>
#include <math.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define SHOW_EVERY_NS 100000000u
#define VALIDATION_SHARE 0.1

static const char *const weight_names[] = {"none", "balanced", NULL};

struct train {
    const char *validation, *output, *from;
    const char *name, *version;      /* of the model; NULL: not said */
    const char *report, *suspicious; /* files to write; NULL: not asked for */
    int has_texts;                   /* of suspicious rows */
    int mode, label_weights, has_ngrams, reads_names, is_forced, resumes;
    uint64_t epochs, dim, patience, seed, threads;
    double validation_share; /* below 0: not said */
    uint64_t folds;
    struct labelled_flags rows;
    struct training_options options;
    char checkpoint[1040];

    struct model_options model_options;
    struct model *model;
    struct examples examples, held;
    bool is_terminal;
    uint64_t next_show_ns;
};

static volatile sig_atomic_t is_interrupted;

/* The second one ends the program as usual. */
static void on_signal(int number)
{
    is_interrupted = 1;
    signal(number, SIG_DFL);
}

static bool was_interrupted(void *user)
{
    (void)user;
    return is_interrupted;
}

/* ---- what is told on the way ---- */

static void clear_line(const struct train *train)
{
    if (train->is_terminal) fprintf(stderr, "\r\033[K");
}

static void tell_input(void *user, const struct labelled *labelled)
{
    (void)user;
    fprintf(stderr, "reading %s\n", labelled_about(labelled));
}

static void tell_count(size_t n, const char *what)
{
    if (n > 0) fprintf(stderr, "warning: %zu %s\n", n, what);
}

static void tell_first_row(const struct examples_report *report, const char *name)
{
    const char *label = report->first_label.text;
    if (report->first_row == FIRST_ROW_HEADER)
        fprintf(stderr,
                "%.200s: the first row is a header, and left out: its label '%s' is nowhere else "
                "(--header no keeps it)\n",
                name, label);
    if (report->first_row == FIRST_ROW_DOUBTFUL)
        fprintf(
            stderr,
            "warning: %.200s: the label '%s' of the first row is nowhere else; if that row is a "
            "header, give --header yes\n",
            name, label);
}

static void tell_file(const struct examples_report *report, const char *name)
{
    tell_first_row(report, name);
    labelled_tell_left_out(name, &report->left_out);
    if (report->n_headers > 0)
        fprintf(
            stderr,
            "warning: %.200s, line %llu: the label is the name of its column, as in a header%s; "
            "leave such rows out\n",
            name, (unsigned long long)report->header_line,
            report->n_headers > 1 ? ", and so it is in later rows" : "");
}

static void tell_rows(const struct examples_report *report, const char *name)
{
    if (report->n_empty + report->n_duplicates + report->n_contradictory + report->n_unlabelled +
            report->n_unknown_labels >
        0)
        fprintf(stderr, "%s:\n", name);
    tell_count(report->n_empty, "rows without a token that the model knows");
    tell_count(report->n_duplicates, "rows that repeat an earlier one");
    tell_count(report->n_contradictory, "rows whose text came earlier with another label");
    tell_count(report->n_unlabelled, "rows without a label");
    tell_count(report->n_unknown_labels, "rows with a label that no training row has: all wrong");
}

static void tell_progress(void *user, const struct training_progress *progress)
{
    struct train *train = user;
    const uint64_t now_ns = clock_now_ns();
    if (!train->is_terminal || (!progress->is_epoch_over && now_ns < train->next_show_ns)) return;
    train->next_show_ns = now_ns + SHOW_EVERY_NS;
    fprintf(stderr, "\r\033[K");
    if (progress->n_runs > 2 && progress->run < progress->n_runs)
        fprintf(stderr, "fold %d of %d, ", progress->run, progress->n_runs - 1);
    else if (progress->n_runs > 1)
        fprintf(stderr, "%s, ", progress->run == 1 ? "with rows held out" : "on all rows");
    fprintf(stderr, "epoch %u of %u, %.0f %%", progress->epoch, progress->epochs,
            100 * (double)progress->n_done / (double)progress->n);
    if (!isnan(progress->loss)) fprintf(stderr, ", loss %.4f", progress->loss);
    if (!isnan(progress->score)) fprintf(stderr, ", score %.4f", progress->score);
    if (!isnan(progress->best)) fprintf(stderr, " (best %.4f)", progress->best);
    if (!isnan(progress->seconds_left))
        fprintf(stderr, ", %.0f s left", ceil(progress->seconds_left));
    fflush(stderr);
}

static void tell_resumed(void *user, int run, uint32_t epochs)
{
    const struct train *train = user;
    clear_line(train);
    fprintf(stderr, "continuing from %s: %u epoch%s of the %s run are done\n", train->checkpoint,
            epochs, plural(epochs), run == 1 ? "first" : "last");
}

static void tell_measured(const struct training_result *result)
{
    const struct measured *measured = &result->measured;
    if (measured->n == 0) {
        printf("nothing was held out: how good it is, and how sure it may be, is not known\n");
        return;
    }
    printf("on %zu %s rows: %s %.4f", measured->n,
           result->n_folds > 1 ? "cross-validated" : "held-out",
           result->kind == HEAD_MULTI_LABEL ? "micro F1" : "accuracy", measured->score);
    if (!isnan(measured->score_low))
        printf(" (95 %%: %.4f to %.4f)", measured->score_low, measured->score_high);
    printf(", macro F1 %.4f", measured->macro_f1);
    if (!isnan(measured->calibration_error))
        printf(", calibration error %.4f", measured->calibration_error);
    printf("\n");
    if (isnan(measured->calibration_error))
        printf("too few rows were held out to calibrate by: probabilities are only a guess\n");
}

static void tell_suspicious(const struct train *train, size_t n_judged, size_t n)
{
    if (n_judged == 0 || (n == 0 && !train->suspicious)) return;
    printf("suspicious labels: %zu of %zu held-out rows judged%s%s\n", n, n_judged,
           train->suspicious ? ", in " : "; --suspicious FILE lists them",
           train->suspicious ? train->suspicious : "");
}

static void tell_result(const struct train *train, const struct training_result *result,
                        size_t n_judged, size_t n_suspicious)
{
    static const char *const stops[] = {
        "", "stopped by --time-limit: another run may give another model\n",
        "interrupted: this is the best so far\n"};
    printf("%s", stops[result->stopped]);
    printf("%s: a %s head of %u labels, trained on %zu rows for %u epoch%s in %.1f s",
           train->output, head_kind_names[result->kind], examples_n_names(&train->examples),
           result->n_rows, result->epochs, plural(result->epochs), result->seconds);
    if (result->n_ngrams > 0) printf(", %u n-grams", result->n_ngrams);
    printf("\n");
    tell_measured(result);
    if (result->is_few)
        printf("few examples a label: settings for these were taken%s\n",
               result->has_names ? ", and names of labels read" : "");
    tell_suspicious(train, n_judged, n_suspicious);
    printf("serve it: embedd serve --model %s\n", train->output);
}

/* ---- what is done ---- */

static bool check_text(const char *flag, const char *text, struct err *err)
{
    return !text || settings_is_text(text) ||
           err_set(err, ERR_USAGE, NULL,
                   "--%s must be 1 to 200 bytes of UTF-8 without control characters", flag);
}

/* The model is called as the folder where no name is given, if need be by its beginning. */
static bool check_names(const struct train *train, struct err *err)
{
    char name[SETTINGS_TEXT_MAX + 1];
    const char *end = train->output + file_path_bytes(train->output), *folder = end;
    while (folder > train->output && folder[-1] != '/')
        folder--;
    snprintf(name, sizeof name, "%.*s",
             (int)utf8_cut(folder, (size_t)(end - folder), SETTINGS_TEXT_MAX), folder);
    return check_text("name", train->name, err) && check_text("version", train->version, err) &&
           (train->name || !name[0] || settings_is_text(name) ||
            err_set(err, ERR_USAGE, NULL,
                    "the folder's name is no name for a model (UTF-8 without control characters); "
                    "give --name"));
}

/* What is written of the rows held out; a file that is read must not be replaced by it. */
static bool check_written(const struct train *train, struct err *err)
{
    const char *const written[] = {train->report, train->suspicious};
    static const char *const flags[] = {"report", "suspicious"};
    if (!train->report && !train->suspicious)
        return !train->has_texts ||
               err_set(err, ERR_USAGE, NULL,
                       "--texts says what is in the files that --report and --suspicious name; "
                       "give one of them");
    for (size_t i = 0; i < 2; i++) {
        if (!written[i]) continue;
        if (!written[i][0] || strcmp(written[i], "-") == 0)
            return err_set(err, ERR_USAGE, NULL, "--%s must name a file", flags[i]);
        for (size_t k = 0; k < train->rows.n_inputs; k++)
            if (output_replaces(written[i], train->rows.inputs[k]))
                return err_set(err, ERR_USAGE, NULL, "--%s is the input, %.200s; name another file",
                               flags[i], written[i]);
        if (train->validation && output_replaces(written[i], train->validation))
            return err_set(err, ERR_USAGE, NULL,
                           "--%s is what --validation names, %.200s; name another file", flags[i],
                           written[i]);
    }
    if (train->report && train->suspicious && output_replaces(train->report, train->suspicious))
        return err_set(err, ERR_USAGE, NULL,
                       "--report and --suspicious are the same file, %.200s; name two",
                       train->report);
    return train->validation || train->validation_share != 0 ||
           err_set(err, ERR_USAGE, NULL,
                   "--report and --suspicious tell of rows that are held out, but "
                   "--validation-share 0 holds out none");
}

/* Rows are held out in one way. */
static bool take_held(struct train *train, struct err *err)
{
    struct training_options *options = &train->options;
    const bool has_share = train->validation_share >= 0, has_folds = train->folds > 0;
    if (has_share + has_folds + (train->validation != NULL) > 1)
        return err_set(err, ERR_USAGE, NULL,
                       "--validation, --validation-share and --folds each say what is measured by; "
                       "give one of them");
    options->held_share = train->validation ? 0
                          : has_share       ? train->validation_share
                                            : VALIDATION_SHARE;
    options->folds = has_folds ? (uint32_t)train->folds : has_share || train->validation ? 1 : 0;
    return true;
}

static bool take_options(struct train *train, struct err *err)
{
    if (!labelled_take_flags(&train->rows, err)) return false;
    if (!train->output)
        return err_set(err, ERR_USAGE, NULL, "--output must name the model folder to write");
    if (train->dim > 0 && train->mode != TRAINING_SCRATCH)
        return err_set(err, ERR_USAGE, NULL, "--dim is for --mode scratch; leave it out");
    if (!check_names(train, err) || !take_held(train, err) || !check_written(train, err))
        return false;
    struct training_options *options = &train->options;
    options->mode = (enum training_mode)train->mode;
    options->epochs = (uint32_t)train->epochs;
    options->dim = (uint32_t)train->dim;
    options->has_ngrams = train->has_ngrams;
    options->balances_labels = train->label_weights == 1;
    options->reads_names = train->reads_names;
    options->patience = (uint32_t)train->patience;
    options->seed = train->seed;
    options->threads = workers_count(train->threads);
    return new_folder_check(train->output, train->is_forced, err);
}

static bool take_checkpoint(struct train *train, struct err *err)
{
    const size_t bytes = file_path_bytes(train->output);
    if (snprintf(train->checkpoint, sizeof train->checkpoint, "%.*s.checkpoint", (int)bytes,
                 train->output) >= (int)sizeof train->checkpoint)
        return err_set(err, ERR_USAGE, NULL, "--output: the path is too long");
    train->options.checkpoint = train->checkpoint;
    if (!train->resumes) unlink(train->checkpoint);
    return true;
}

static bool read_inputs(struct train *train, struct err *err)
{
    const struct labelled_flags *rows = &train->rows;
    struct examples *examples = &train->examples;
    const struct labelled_name name = labelled_name(rows);
    if (!examples_begin(examples, NULL, err)) return false;
    examples->keeps_texts = train->has_texts && !train->validation;
    for (size_t i = 0; i < rows->n_inputs; i++) {
        if (!examples_read_file(examples, train->model, rows->inputs[i], &rows->options, tell_input,
                                NULL, err))
            return false;
        tell_file(&examples->report, labelled_file_name(rows->inputs[i]));
    }
    if (!examples_end(examples, name.text, err)) return false;
    tell_rows(&examples->report, name.text);
    return true;
}

static bool read_examples(struct train *train, struct err *err)
{
    if (!read_inputs(train, err)) return false;
    if (!train->validation) return true;
    struct labelled_options options = train->rows.options;
    options.group = NULL; /* all of its rows are held out */
    const char *name = labelled_file_name(train->validation);
    if (!examples_begin(&train->held, &train->examples, err)) return false;
    train->held.keeps_texts = train->has_texts;
    if (!examples_read_file(&train->held, train->model, train->validation, &options, tell_input,
                            NULL, err) ||
        !examples_end(&train->held, name, err))
        return false;
    tell_file(&train->held.report, name);
    tell_rows(&train->held.report, name);
    if (train->held.is_multi && !train->examples.is_multi)
        return err_set(err, ERR_FORMAT, NULL,
                       "%.300s has rows with several labels or none, but the training rows have "
                       "one each",
                       train->validation);
    return true;
}

static bool write_folder(const struct train *train, const struct training_result *result,
                         struct err *err)
{
    const struct learned_files *files = &result->files;
    const struct version version = version_of((struct span){files->head, files->head_bytes},
                                              (struct span){files->table, files->table_bytes});
    const struct folder_naming naming = {.name = train->name,
                                         .version = train->version ? train->version : version.text,
                                         .is_new = train->options.mode == TRAINING_SCRATCH};
    return folder_write(train->output, train->is_forced, train->model, files, &naming, err);
}

/* Of whatever was held out: if nothing was that could be kept, there is nothing to write. */
static bool write_held(const struct train *train, const struct training_result *result,
                       size_t *n_judged, size_t *n_suspicious, struct err *err)
{
    const struct labelled_name name = labelled_name(&train->rows);
    const char *folder = train->output + file_path_bytes(train->output);
    char called[SETTINGS_TEXT_MAX + 1];
    const bool has_own = train->validation != NULL;
    *n_judged = *n_suspicious = 0;
    if (result->held.n == 0) {
        if (train->report || train->suspicious)
            fprintf(stderr, "warning: no row was judged that was held out, or they are too many "
                            "for so many labels; --report and --suspicious are not written\n");
        return true;
    }
    while (folder > train->output && folder[-1] != '/')
        folder--;
    snprintf(called, sizeof called, "%.*s", (int)file_path_bytes(folder), folder);
    const struct held_rows rows = {.result = result,
                                   .examples = has_own ? &train->held : &train->examples,
                                   .files = has_own ? &train->validation : train->rows.inputs,
                                   .n_files = has_own ? 1 : train->rows.n_inputs,
                                   .model = train->name ? train->name : called,
                                   .input =
                                       has_own ? labelled_file_name(train->validation) : name.text,
                                   .report_path = train->report,
                                   .suspicious_path = train->suspicious,
                                   .has_texts = train->has_texts};
    return held_rows_write(&rows, n_judged, n_suspicious, err);
}

static bool train_run(struct train *train, struct err *err)
{
    const struct training_watcher watcher = {tell_progress, was_interrupted, tell_resumed, train};
    struct training_result result = {0};
    size_t n_judged, n_suspicious;
    bool ok = model_open_as(&train->model, train->from, &train->model_options, err);
    ok = ok && read_examples(train, err) &&
         training_run(train->model, &train->examples, train->validation ? &train->held : NULL,
                      &train->options, &watcher, &result, err);
    clear_line(train);
    ok = ok && write_folder(train, &result, err);
    if (ok) unlink(train->checkpoint);
    ok = ok && write_held(train, &result, &n_judged, &n_suspicious, err);
    if (ok) {
        tell_result(train, &result, n_judged, n_suspicious);
        ok = commands_close_stdout(err);
    }
    training_result_clear(&result);
    examples_clear(&train->held);
    examples_clear(&train->examples);
    model_close(train->model);
    return ok;
}

/* ---- flags ---- */

struct flag_list {
    struct flag flags[FLAGS_MAX];
    size_t n;
};

static void add_flags(struct flag_list *list, const struct flag *flags, size_t n)
{
    assert(list->n + n <= FLAGS_MAX);
    memcpy(list->flags + list->n, flags, n * sizeof *flags);
    list->n += n;
}

/* What is read, what is written, what is started from. */
static void add_main_flags(struct flag_list *list, struct train *train)
{
    const struct flag flags[] = {
        LABELLED_FLAGS(train->rows),
        {"group", FLAG_STRING, .out.string = &train->rows.options.group, .value = "COLUMN",
         .help = "rows with the same value there are held out together"},
        {"output", FLAG_STRING, .out.string = &train->output, .value = "DIR",
         .help = "the model folder to write, for embedd serve --model"},
        {"name", FLAG_STRING, .out.string = &train->name, .value = "NAME",
         .help = "of the model, in replies and metrics (default: the folder's)"},
        {"version", FLAG_STRING, .out.string = &train->version, .value = "VERSION",
         .help = "of the model (default: a hash of what was learned)"},
        {"force", FLAG_SWITCH, .out.is_on = &train->is_forced,
         .help = "replace the folder if it exists"},
        {"from", FLAG_STRING, .out.string = &train->from, .value = "MODEL",
         .help = "what to start from (default: the built-in model)"},
        MODEL_FLAGS(train->model_options),
        {"mode", FLAG_CHOICE, .out.choice = &train->mode, .choices = training_mode_names,
         .help = "what is trained (default: head; the table stays as it is)"},
        {"label-weights", FLAG_CHOICE, .out.choice = &train->label_weights, .choices = weight_names,
         .help = "balanced: rare labels count more (default: none)"},
        {"label-names", FLAG_SWITCH, .out.is_on = &train->reads_names,
         .help = "for a label of few rows its name counts as one more row (default: on)"},
    };
    add_flags(list, flags, sizeof flags / sizeof *flags);
}

/* What is held out, and what is told of it. */
static void add_held_flags(struct flag_list *list, struct train *train)
{
    const struct flag flags[] = {
        {"validation", FLAG_STRING, .out.string = &train->validation, .value = "FILE",
         .help = "rows to measure by (default: some of the input are held out first)"},
        {"validation-share", FLAG_REAL, .out.real = &train->validation_share, .value = "SHARE",
         .least = 0, .most = 0.5,
         .help = "of the input, held out once (default: 0.1 from 2,000 rows on; 0: none)"},
        {"folds", FLAG_NUMBER, .out.number = &train->folds, .value = "N", .min = 2,
         .max = SPLIT_FOLDS_MAX,
         .help = "parts held out one after the other (default: 5 below 2,000 rows)"},
        {"report", FLAG_STRING, .out.string = &train->report, .value = "FILE",
         .help = "what was found on the rows held out, as embedd eval reports it: a page where the "
                 "name ends in .html, JSON in .json, else text"},
        {"suspicious", FLAG_STRING, .out.string = &train->suspicious, .value = "FILE",
         .help = "held-out rows whose label the model denies are listed here: CSV, or JSON lines "
                 "where the name ends in .jsonl or .ndjson"},
        {"texts", FLAG_SWITCH, .out.is_on = &train->has_texts,
         .help = "the texts of these rows go into both files, too"},
    };
    add_flags(list, flags, sizeof flags / sizeof *flags);
}

/* How it learns. */
static void add_learning_flags(struct flag_list *list, struct train *train)
{
    const struct flag flags[] = {
        {"ngrams", FLAG_SWITCH, .out.is_on = &train->has_ngrams,
         .help = "learn n-grams too (default: unless there are few examples)"},
        {"epochs", FLAG_NUMBER, .out.number = &train->epochs, .value = "N", .min = 1, .max = 10000,
         .help = "passes over the rows (default: by their number)"},
        {"patience", FLAG_NUMBER, .out.number = &train->patience, .value = "N", .max = 10000,
         .help = "epochs without a better score before training ends (default: 4; 0: all)"},
        {"learning-rate", FLAG_REAL, .out.real = &train->options.learning_rate, .value = "RATE",
         .least = 1e-6, .most = 10, .help = "of the head (default: 0.1), falling to 0"},
        {"table-rate", FLAG_REAL, .out.real = &train->options.table_rate, .value = "RATE",
         .least = 1e-6, .most = 10, .help = "of the table's rows (default: by the mode)"},
        {"token-dropout", FLAG_REAL, .out.real = &train->options.token_dropout, .value = "SHARE",
         .least = 0, .most = 0.9, .help = "of a text's tokens left out at random (default: 0)"},
        {"ngram-dropout", FLAG_REAL, .out.real = &train->options.ngram_dropout, .value = "SHARE",
         .least = 0, .most = 0.9, .help = "the same of its n-grams (default: 0.3)"},
        {"dim", FLAG_NUMBER, .out.number = &train->dim, .value = "D", .min = 1, .max = 4096,
         .help = "columns of a table from scratch (default: those of the model)"},
        {"seed", FLAG_NUMBER, .out.number = &train->seed, .value = "N", .max = INT64_MAX,
         .help = "of everything that is random (default: 1)"},
        {"threads", FLAG_NUMBER, .out.number = &train->threads, .value = "N", .max = 256,
         .help = "(default: 0, one a core); the result does not depend on it"},
        {"time-limit", FLAG_REAL, .out.real = &train->options.time_limit, .value = "SECONDS",
         .least = 0, .most = 1e9, .help = "ends with the best so far (default: 0, none)"},
        {"checkpoint-every", FLAG_REAL, .out.real = &train->options.checkpoint_every,
         .value = "SECONDS", .least = 0, .most = 1e9,
         .help = "at least between two, written to DIR.checkpoint (default: 10)"},
        {"resume", FLAG_SWITCH, .out.is_on = &train->resumes,
         .help = "continue from DIR.checkpoint if it exists (default: on)"},
    };
    add_flags(list, flags, sizeof flags / sizeof *flags);
}

static bool take_flags(struct train *train, int argc, char **argv, int *exit_code)
{
    struct flag_list list = {.n = 0};
    int n_files;
    add_main_flags(&list, train);
    add_held_flags(&list, train);
    add_learning_flags(&list, train);
    const struct flags flags = {
        .usage = "embedd train --input FILE --output DIR [OPTION]...",
        .about = "Trains a classifier on labelled rows and writes a model folder that serves it.\n"
                 "The same rows, model and options give the same bytes (--time-limit apart).\n"
                 "Ctrl-C ends with the best so far.",
        .list = list.flags,
        .n = list.n,
    };
    return commands_take_flags(&flags, argc, argv, &n_files, exit_code);
}

int train_main(int argc, char **argv)
{
    struct train train = {
        .from = "builtin",
        .has_ngrams = -1,
        .reads_names = 1,
        .resumes = 1,
        .patience = 4,
        .seed = 1,
        .validation_share = -1,
        .options = {.checkpoint_every = 10, .ngram_dropout = 0.3},
        .is_terminal = isatty(STDERR_FILENO),
        .model_options = COMMAND_MODEL_OPTIONS,
    };
    struct err err;
    int exit_code;
    if (!take_flags(&train, argc, argv, &exit_code)) return exit_code;
    json_init();
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);
    bool ok =
        take_options(&train, &err) && take_checkpoint(&train, &err) && train_run(&train, &err);
    return ok ? 0 : commands_fail(argv[0], &err);
}
