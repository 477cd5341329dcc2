/* SPDX-License-Identifier: Apache-2.0 */
#include "model/convert/convert.h"
#include "commands/commands.h"
#include "commands/model_flags.h"
#include "commands/progress.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

struct convert {
    const char *input, *output;
    int dtype, form, is_pca, is_forced;
    uint64_t dim, keep_top;
    struct model_options model_options;
    struct progress progress;
};

/* Set by a signal. */
static volatile sig_atomic_t is_interrupted;

static void interrupt(int signal_number)
{
    is_interrupted = signal_number;
}

static bool tell(void *user, uint64_t done, uint64_t all, const char *what)
{
    struct convert *convert = user;
    progress_show_what(&convert->progress, done, (double)done / (double)all, what);
    return !is_interrupted;
}

static bool check_flags(const struct convert *convert, struct err *err)
{
    if (!convert->input || !convert->output)
        return err_set(err, ERR_USAGE, NULL, "--%s must name %s",
                       convert->input ? "output" : "input",
                       convert->input ? "what to write" : "the model to read: a folder or a file");
    if (convert->is_pca && convert->dim == 0)
        return err_set(err, ERR_USAGE, NULL,
                       "--pca needs --dim, the number of components; the first columns are taken "
                       "without --pca");
    return true;
}

static bool run(struct convert *convert, struct err *err)
{
    struct convert_result result;
    const struct convert_options options = {
        .model = convert->model_options,
        .form = convert->form ? CONVERT_FOLDER : CONVERT_PACKED,
        .dtype = convert->dtype,
        .dim = (uint32_t)convert->dim,
        .is_pca = convert->is_pca,
        .keep_top = (uint32_t)convert->keep_top,
        .replaces = convert->is_forced,
        .by = "embedd " EMBEDD_VERSION,
        .tell = tell,
        .user = convert,
    };
    if (!check_flags(convert, err)) return false;
    signal(SIGINT, interrupt);
    signal(SIGTERM, interrupt);
    progress_start(&convert->progress, true);
    bool done = convert_run(convert->input, convert->output, &options, &result, err);
    progress_end(&convert->progress);
    if (done)
        printf("%s: %u tokens, %u columns, %s, %llu bytes\n", convert->output, result.vocab_size,
               result.dim, dtype_names[result.dtype], (unsigned long long)result.bytes);
    if (done && result.is_of_words)
        printf("it holds only the vectors of fastText's words: no n-grams, labels or heads\n");
    if (done && !result.is_of_words && result.heads_left > 0)
        printf("%zu head%s not in it: serve with --heads, or train again where columns or tokens "
               "are fewer\n",
               result.heads_left, result.heads_left == 1 ? " is" : "s are");
    if (done && result.has_left_unserved) printf("the head that is not served is not in it\n");
    return done && commands_close_stdout(err);
}

int convert_main(int argc, char **argv)
{
    static const char *const dtypes[] = {"f32", "f16", "bf16", "i8", "i4", NULL};
    static const char *const forms[] = {"packed", "folder", NULL};
    struct convert convert = {.dtype = -1, .model_options = COMMAND_MODEL_OPTIONS};
    const struct flag list[] = {
        {"input", FLAG_STRING, .out.string = &convert.input, .value = "PATH",
         .help = "the model: a folder, a file, or the name of a built-in one"},
        {"output", FLAG_STRING, .out.string = &convert.output, .value = "PATH",
         .help = "what is written; it appears when it is whole"},
        {"to", FLAG_CHOICE, .out.choice = &convert.form, .choices = forms,
         .help = "one file to map (default), or a folder as others read it"},
        {"dtype", FLAG_CHOICE, .out.choice = &convert.dtype, .choices = dtypes,
         .help = "of the rows (default: as they are; in a folder F32 for I8 and I4, which are "
                 "packed only)"},
        {"dim", FLAG_NUMBER, .out.number = &convert.dim, .value = "K", .min = 1, .max = UINT32_MAX,
         .help = "the first K columns (default: all)"},
        {"pca", FLAG_SWITCH, .out.is_on = &convert.is_pca,
         .help = "K principal components instead of the first columns"},
        {"keep-top", FLAG_NUMBER, .out.number = &convert.keep_top, .value = "N", .min = 1,
         .max = UINT32_MAX,
         .help = "the N tokens with the lowest ids, and those that are needed (default: all)"},
        MODEL_FLAGS(convert.model_options),
        {"force", FLAG_SWITCH, .out.is_on = &convert.is_forced,
         .help = "replace what is at the output"},
    };
    const struct flags flags = {
        .usage = "embedd convert --input PATH --output PATH [OPTION]...",
        .about =
            "Writes a model in another form: packed, one file that is mapped and served as it\n"
            "lies, or a folder for other programs. Every value is checked on the way.",
        .list = list,
        .n = sizeof(list) / sizeof(list[0]),
    };
    struct err err;
    int n_files, exit_code;
    if (!commands_take_flags(&flags, argc, argv, &n_files, &exit_code)) return exit_code;
    return run(&convert, &err) ? 0 : commands_fail(argv[0], &err);
}
