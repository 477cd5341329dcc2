/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/eval_options.h"

#include "commands/commands.h"
#include "commands/output.h"

#include <string.h>

/* Texts a confusion. */
#define EXAMPLES_MAX 1000

static const char *const formats[] = {"text", "json", "html", NULL};
static const char *const predictions_formats[] = {"auto", "csv", "jsonl", NULL};

bool eval_options_take(struct eval_options *options, int argc, char **argv, int *exit_code)
{
    *options = (struct eval_options){.asked.model_path = "builtin",
                                     .model_options = COMMAND_MODEL_OPTIONS};
    const struct flag list[] = {
        MODEL_PATH_FLAG(options->asked.model_path),
        MODEL_FLAGS(options->model_options),
        HEAD_FLAGS(options->asked.heads_path, options->asked.head_name),
        LABELLED_FLAGS(options->given),
        {"format", FLAG_CHOICE, .out.choice = &options->format, .choices = formats,
         .help = "of the report (default: text); html is one page with charts"},
        {"output", FLAG_STRING, .out.string = &options->output_path, .value = "FILE",
         .help = "the report is written here (default: standard output)"},
        {"examples", FLAG_NUMBER, .out.number = &options->n_examples, .value = "N",
         .max = EXAMPLES_MAX,
         .help = "texts of each of the most frequent confusions in the report (default: 0)"},
        {"seen-in", FLAG_STRING, .out.string = &options->seen_path, .value = "FILE",
         .help = "labelled rows, as of the training: counts the texts that stand there, too, and "
                 "gives the accuracy without them"},
        {"compare", FLAG_STRING, .out.string = &options->compared.model_path, .value = "MODEL",
         .help = "a second model, asked about the same rows; the report says which is better"},
        {"compare-heads", FLAG_STRING, .out.string = &options->compared.heads_path, .value = "PATH",
         .help = "its --heads; without --compare these are heads of the first model"},
        {"compare-head", FLAG_STRING, .out.string = &options->compared.head_name, .value = "NAME",
         .help = "its --head; without --compare this is a head of the first model"},
        {"predictions", FLAG_STRING, .out.string = &options->wanted.path, .value = "FILE",
         .help = "what the head said of each row is written here"},
        {"predictions-format", FLAG_CHOICE, .out.choice = &options->wanted.format,
         .choices = predictions_formats,
         .help =
             "of that file (default: jsonl where its name ends in .jsonl or .ndjson, else csv)"},
        {"top-k", FLAG_NUMBER, .out.number = &options->wanted.top_k, .value = "K", .min = 1,
         .max = UINT32_MAX, .help = "labels a row in that file, the likeliest first (default: 3)"},
        {"wrong", FLAG_SWITCH, .out.is_on = &options->wanted.only_wrong,
         .help = "only rows that the head, or one of two, got wrong go into that file"},
        {"changed", FLAG_SWITCH, .out.is_on = &options->wanted.only_changed,
         .help = "only rows that just one of two heads got right go into that file"},
        {"texts", FLAG_SWITCH, .out.is_on = &options->wanted.has_texts,
         .help = "the rows' texts go into that file, too"},
    };
    const struct flags flags = {
        .usage = "embedd eval --input FILE [OPTION]...",
        .about = "Measures a classifier head on labelled rows: accuracy, precision, recall, F1, "
                 "confusions,\ncalibration and thresholds; or two heads, which is better.",
        .list = list,
        .n = sizeof(list) / sizeof(list[0]),
    };
    int n_files;
    return commands_take_flags(&flags, argc, argv, &n_files, exit_code);
}

/* ---- what goes together ---- */

static bool check_predictions(const struct eval_options *options, struct err *err)
{
    const struct predictions_options *wanted = &options->wanted;
    const bool is_report_on_stdout =
        !options->output_path || strcmp(options->output_path, "-") == 0;
    if (!wanted->path && (wanted->only_wrong || wanted->only_changed || wanted->has_texts ||
                          wanted->top_k || wanted->format))
        return err_set(err, ERR_USAGE, NULL,
                       "--wrong, --changed, --texts, --top-k and --predictions-format say what is "
                       "in the file that --predictions names; give --predictions FILE");
    if (!wanted->path) return true;
    if (strcmp(wanted->path, "-") == 0)
        return !is_report_on_stdout ||
               err_set(err, ERR_USAGE, NULL,
                       "--predictions - is standard output, where the report goes; give "
                       "--output FILE for the report, or a file as --predictions");
    if (options->output_path && output_replaces(wanted->path, options->output_path))
        return err_set(err, ERR_USAGE, NULL,
                       "--predictions and --output are the same file, %.200s; name two",
                       wanted->path);
    return true;
}

/* Where no model is named the second head is one of the first one's. */
static bool check_comparison(struct eval_options *options, struct err *err)
{
    struct asked *b = &options->compared;
    options->has_other = b->model_path || b->heads_path || b->head_name;
    if (!options->has_other && options->wanted.only_changed)
        return err_set(err, ERR_USAGE, NULL,
                       "--changed is for two heads; name the other one by --compare MODEL");
    if (!options->has_other) return true;
    if (options->format == REPORT_HTML || options->n_examples > 0)
        return err_set(err, ERR_USAGE, NULL,
                       "--compare reports as text or JSON, without %s; leave that out",
                       options->format == REPORT_HTML ? "--format html" : "--examples");
    b->is_second = true;
    if (!b->model_path) {
        b->model_path = options->asked.model_path;
        if (!b->heads_path) b->heads_path = options->asked.heads_path;
    }
    return true;
}

static bool check_seen(const struct eval_options *options, struct err *err)
{
    return !options->seen_path || strcmp(options->seen_path, "-") != 0 ||
           err_set(err, ERR_USAGE, NULL, "--seen-in must name a file, not standard input");
}

/* A file that is read must not be replaced by what comes of it. */
static bool check_files(const struct eval_options *options, struct err *err)
{
    const char *const written[] = {options->output_path, options->wanted.path};
    for (size_t i = 0; i < 2; i++) {
        const char *flag = i == 0 ? "--output" : "--predictions";
        for (size_t k = 0; written[i] && k < options->given.n_inputs; k++)
            if (output_replaces(written[i], options->given.inputs[k]))
                return err_set(err, ERR_USAGE, NULL, "%s is the input, %.200s; name another file",
                               flag, written[i]);
        if (written[i] && options->seen_path && output_replaces(written[i], options->seen_path))
            return err_set(err, ERR_USAGE, NULL,
                           "%s is what --seen-in names, %.200s; name another file", flag,
                           written[i]);
    }
    return check_predictions(options, err);
}

bool eval_options_check(struct eval_options *options, struct err *err)
{
    return labelled_take_flags(&options->given, err) && check_comparison(options, err) &&
           check_seen(options, err) && check_files(options, err);
}
