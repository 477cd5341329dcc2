/* SPDX-License-Identifier: Apache-2.0 */
/* Thresholds of a head, chosen by labelled rows and written into its file. */
#include "base/grow.h"
#include "base/json.h"
#include "base/plural.h"
#include "base/ratio.h"
#include "base/save.h"
#include "commands/commands.h"
#include "commands/judge.h"
#include "commands/labelled_flags.h"
#include "commands/model_flags.h"
#include "model/bundle/bundle.h"
#include "model/head/files/head_rewrite.h"
#include "model/head/heads.h"
#include "model/head/thresholds.h"
#include "model/train/columns.h"
#include "model/train/labelled.h"
#include "model/train/version.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROW_ARENA_BYTES (64 * LABELLED_RECORD_BYTES_MAX)

/* Probabilities of all rows that are kept: 512 MB. */
#define CELLS_MAX ((size_t)64 << 20)

struct tune {
    struct asked asked;
    struct model_options model_options;
    struct labelled_flags given;
    const char *goal, *output_path;
    const char *version; /* NULL: not said */
    struct threshold_wish wish;
    int is_dry;

    struct judge judge;
    uint32_t n_columns;          /* thresholds: 1 of a binary head, else C */
    struct threshold_row *cells; /* (n_rows, n_columns) */
    size_t n_rows, n_unknown, n_cells, cap_cells;
    float *thresholds; /* (n_columns) */
    struct arena arena;
};

/* ---- what is wished for ---- */

static bool read_number(const char *text, double least, double most, const char **end, double *out)
{
    char *stop;
    *out = strtod(text, &stop);
    *end = stop;
    return stop != text && *out >= least && *out <= most;
}

static bool read_goal(struct tune *tune, struct err *err)
{
    const char *goal = tune->goal, *end = "x";
    struct threshold_wish *wish = &tune->wish;
    if (!goal || strcmp(goal, "f1") == 0) {
        wish->goal = GOAL_F1;
        return true;
    }
    if (strncmp(goal, "precision=", 10) == 0) {
        wish->goal = GOAL_PRECISION;
        if (read_number(goal + 10, 0, 1, &end, &wish->least) && !*end) return true;
    } else if (strncmp(goal, "recall=", 7) == 0) {
        wish->goal = GOAL_RECALL;
        if (read_number(goal + 7, 0, 1, &end, &wish->least) && !*end) return true;
    } else if (strncmp(goal, "cost=", 5) == 0) {
        wish->goal = GOAL_COST;
        if (read_number(goal + 5, 0, 1e9, &end, &wish->false_positive) && *end == ':' &&
            read_number(end + 1, 0, 1e9, &end, &wish->false_negative) && !*end &&
            wish->false_positive + wish->false_negative > 0)
            return true;
    }
    return err_set(err, ERR_USAGE, NULL,
                   "--for must be f1, precision=P, recall=R (0 to 1), or "
                   "cost=FALSE_POSITIVE:FALSE_NEGATIVE (not both 0), not '%.*s'",
                   ERR_VALUE_BYTES, goal);
}

/* A new file, so that nothing is lost by a name that was meant otherwise. */
static bool check_output(const struct tune *tune, struct err *err)
{
    const char *path = tune->output_path;
    if (!path || (path[0] && strcmp(path, "-") != 0 && access(path, F_OK) != 0)) return true;
    return err_set(err, ERR_USAGE, NULL,
                   "--output must name a new file, not '%.200s'; without it the head's own file is "
                   "replaced",
                   path);
}

/* ---- the rows ---- */

static bool check_head(struct tune *tune, struct err *err)
{
    const struct head_info *info = tune->judge.info;
    if (info->kind == HEAD_MULTI_CLASS)
        return err_set(err, ERR_USAGE, NULL,
                       "head '%.100s' answers with its best label, so it has no thresholds; to "
                       "leave answers open, use --reject, or `reject` of a request",
                       info->name);
    tune->n_columns = info->kind == HEAD_BINARY ? 1 : info->n_labels;
    tune->thresholds = calloc(tune->n_columns, sizeof *tune->thresholds);
    if (!tune->thresholds) return err_out_of_memory(err);
    memcpy(tune->thresholds, info->thresholds, tune->n_columns * sizeof *tune->thresholds);
    return true;
}

static bool is_known(const struct verdict *verdict, size_t n_truth)
{
    for (size_t i = 0; i < n_truth; i++)
        if (verdict->truth[i] == EVALUATION_UNKNOWN) return false;
    return true;
}

static bool has_label(const struct verdict *verdict, size_t n_truth, uint32_t label)
{
    for (size_t i = 0; i < n_truth; i++)
        if (verdict->truth[i] == label) return true;
    return false;
}

static bool keep_row(struct tune *tune, const char *input, const struct labelled_row *row,
                     struct err *err)
{
    const bool is_binary = tune->judge.info->kind == HEAD_BINARY;
    struct verdict verdict;
    arena_reset(&tune->arena);
    if (!judge_row(&tune->judge, &tune->arena, input, row, &verdict, err)) return false;
    if (!is_known(&verdict, row->n_labels)) {
        tune->n_unknown++;
        return true;
    }
    if (tune->n_cells + tune->n_columns > CELLS_MAX)
        return err_set(err, ERR_MEMORY, NULL,
                       "%.200s: more than %zu rows times labels; tune on fewer rows", input,
                       CELLS_MAX);
    if (!grow_list(&tune->cells, &tune->cap_cells, tune->n_cells + tune->n_columns,
                   sizeof *tune->cells))
        return err_out_of_memory(err);
    for (uint32_t k = 0; k < tune->n_columns; k++) {
        const uint32_t label = is_binary ? 1 : k;
        tune->cells[tune->n_cells++] =
            (struct threshold_row){verdict.p[label], has_label(&verdict, row->n_labels, label)};
    }
    tune->n_rows++;
    return true;
}

/* The first row, where it may be a header, is one of these only if the head knows its label. */
static bool keep_first(struct tune *tune, const char *input, struct labelled *rows, struct err *err)
{
    struct labelled_doubt doubt;
    const struct labelled_row *row = labelled_doubtful(rows, &doubt);
    return !row || !judge_knows(&tune->judge, row->labels[0]) || keep_row(tune, input, row, err);
}

static bool read_file(struct tune *tune, const char *input, struct err *err)
{
    struct labelled *rows;
    struct labelled_row row;
    int step = 0;
    if (!labelled_open(&rows, input, &tune->given.options, err)) return false;
    bool is_ok = keep_first(tune, input, rows, err);
    while (is_ok && (step = labelled_next(rows, &row, err)) > 0)
        is_ok = keep_row(tune, input, &row, err);
    is_ok = is_ok && step == 0;
    if (is_ok) labelled_tell_left_out("embedd tune", labelled_left_out(rows));
    labelled_close(rows);
    return is_ok;
}

static bool read_rows(struct tune *tune, struct err *err)
{
    for (size_t i = 0; i < tune->given.n_inputs; i++)
        if (!read_file(tune, tune->given.inputs[i], err)) return false;
    if (tune->n_unknown > 0)
        fprintf(stderr,
                "embedd tune: warning: %zu of %zu rows have a label that the head does not know, "
                "and are left out\n",
                tune->n_unknown, tune->n_unknown + tune->n_rows);
    if (tune->n_rows > 0) return true;
    return err_set(err, ERR_FORMAT, NULL, "%s holds no rows%s", labelled_name(&tune->given).text,
                   tune->n_unknown > 0 ? " whose labels the head knows" : " besides its header");
}

/* ---- the thresholds ---- */

static void tell(const struct tune *tune, uint32_t label, float before, bool is_found,
                 const struct threshold_found *found)
{
    const char *name = tune->judge.info->labels[label];
    const struct columns_shown shown = columns_show((struct span){name, strlen(name)});
    printf("%-20s %8.4f %8.4f %9.4f %9.4f %9.4f %7zu%s\n", shown.text, (double)before,
           (double)found->threshold, ratio_or_zero(found->n_correct, found->n_predicted),
           ratio_or_zero(found->n_correct, found->n_true),
           ratio_or_zero(2 * found->n_correct, found->n_predicted + found->n_true), found->n_true,
           is_found             ? ""
           : found->n_true == 0 ? "  kept: no row has it"
                                : "  kept: no threshold reaches that");
}

static bool choose(struct tune *tune, struct err *err)
{
    const bool is_binary = tune->judge.info->kind == HEAD_BINARY;
    struct threshold_row *column = malloc(tune->n_rows * sizeof *column);
    if (!column) return err_out_of_memory(err);
    printf("%-20s %8s %8s %9s %9s %9s %7s\n", "label", "before", "now", "precision", "recall", "F1",
           "true");
    for (uint32_t k = 0; k < tune->n_columns; k++) {
        for (size_t i = 0; i < tune->n_rows; i++)
            column[i] = tune->cells[i * tune->n_columns + k];
        const float before = tune->thresholds[k];
        struct threshold_found found;
        const bool is_found = thresholds_choose(column, tune->n_rows, &tune->wish, &found);
        if (!is_found) found = thresholds_count(column, tune->n_rows, before);
        tune->thresholds[k] = found.threshold;
        tell(tune, is_binary ? 1 : k, before, is_found, &found);
    }
    free(column);
    return true;
}

/* ---- the file ---- */

/* The file that a link leads to, with the rights of the old one. */
static bool open_file(struct save *save, const char *path, struct err *err)
{
    struct stat old;
    char *whole = realpath(path, NULL);
    bool is_ok = save_open(save, whole ? whole : path, err);
    if (is_ok && whole && stat(whole, &old) == 0) fchmod(fileno(save->stream), old.st_mode & 07777);
    free(whole);
    return is_ok;
}

static const struct head_file *file_of(const struct tune *tune)
{
    const struct heads *heads = model_heads(tune->judge.model);
    size_t at = 0;
    while (heads->items[at] != tune->judge.head)
        at++;
    return &heads->files[at];
}

/* The head lies in the model's folder, and nowhere else is written: then the model's version says
   which thresholds it has. */
static bool is_of_model(const struct tune *tune, const struct head_file *file)
{
    const struct source *source = &model_bundle(tune->judge.model)->source;
    const size_t bytes = strlen(source->path);
    return !tune->output_path && source->is_folder && file->path &&
           strncmp(file->path, source->path, bytes) == 0 && file->path[bytes] == '/';
}

static bool check_version(const struct tune *tune, struct err *err)
{
    const struct settings *settings = &model_bundle(tune->judge.model)->settings;
    if (!tune->version) return true;
    if (!settings_is_text(tune->version))
        return err_set(err, ERR_USAGE, NULL,
                       "--version must be 1 to 200 bytes of UTF-8 without control characters");
    if (!is_of_model(tune, file_of(tune)))
        return err_set(err, ERR_USAGE, NULL,
                       "--version is of a model folder whose own head is replaced; leave it out");
    return settings->owner == SETTINGS_OWN || settings->owner == SETTINGS_MODEL2VEC ||
           err_set(err, ERR_USAGE, NULL,
                   "--version: the config.json beside the head is of %s, where a version of ours "
                   "does not count; leave it out",
                   settings_owners[settings->owner]);
}

/* What the model is called from now on; NULL: as before. A version that somebody gave stays until
   somebody gives another one. */
static const char *next_version(const struct tune *tune, const struct head_file *file,
                                const struct version *own)
{
    const struct head_info *info = tune->judge.info;
    const char *now = model_info(tune->judge.model)->version;
    const bool is_changed =
        memcmp(tune->thresholds, info->thresholds, tune->n_columns * sizeof *tune->thresholds) != 0;
    if (tune->version) return tune->version;
    return is_of_model(tune, file) && is_changed && version_is_hash(now) ? own->text : NULL;
}

static void tell_written(const struct tune *tune, const struct head_file *file, const char *version)
{
    const char *before = model_info(tune->judge.model)->version;
    printf("head '%s' of %s: thresholds by %zu row%s%s%s\n", tune->judge.info->name,
           tune->asked.model_path, tune->n_rows, plural(tune->n_rows),
           tune->output_path ? ", in " : "", tune->output_path ? tune->output_path : "");
    if (version)
        printf("version %s%s%s\n", version, *before ? ", before: " : "", before);
    else if (*before && is_of_model(tune, file))
        printf("version %s, as before%s\n", before,
               version_is_hash(before) ? "" : " (--version gives another)");
}

/* The head, and the config.json beside it where the version changes: both are whole before one of
   them takes its place. */
static bool write_files(const struct tune *tune, const char *path, struct span head,
                        const char *version, struct err *err)
{
    const struct source *source = &model_bundle(tune->judge.model)->source;
    struct save save = {0}, config = {0};
    char config_path[sizeof source->path + sizeof "/config.json"], *text = NULL;
    size_t bytes = 0;
    snprintf(config_path, sizeof config_path, "%s/config.json", source->path);
    bool is_ok =
        !version || ((text = version_rewrite(source->config, config_path, version, &bytes, err)) &&
                     open_file(&config, config_path, err) && save_write(&config, text, bytes, err));
    is_ok = is_ok && open_file(&save, path, err) && save_write(&save, head.data, head.bytes, err) &&
            save_close(&save, err) && (!version || save_close(&config, err));
    if (!is_ok) {
        save_abort(&save);
        save_abort(&config);
    }
    free(text);
    return is_ok;
}

static bool write_head(struct tune *tune, struct err *err)
{
    const struct head_file *file = file_of(tune);
    const char *path = tune->output_path ? tune->output_path : file->path;
    size_t bytes;
    if (!path)
        return err_set(err, ERR_USAGE, NULL,
                       "head '%.100s' has no file of its own; give --output FILE, and serve that "
                       "with --heads",
                       tune->judge.info->name);
    char *data = head_rewrite(file->bytes, path, tune->thresholds, tune->n_columns, &bytes, err);
    if (!data) return false;
    const struct version own = version_of((struct span){data, bytes}, (struct span){0});
    const char *version = next_version(tune, file, &own);
    const bool is_ok = write_files(tune, path, (struct span){data, bytes}, version, err);
    free(data);
    if (is_ok) tell_written(tune, file, version);
    return is_ok;
}

static bool tune_run(struct tune *tune, struct err *err)
{
    arena_init(&tune->arena, ROW_ARENA_BYTES);
    bool is_ok =
        labelled_take_flags(&tune->given, err) && read_goal(tune, err) && check_output(tune, err) &&
        judge_open(&tune->judge, &tune->asked, &tune->model_options, err) &&
        check_head(tune, err) && check_version(tune, err) && read_rows(tune, err) &&
        choose(tune, err) && (tune->is_dry || write_head(tune, err)) && commands_close_stdout(err);
    arena_clear(&tune->arena);
    judge_close(&tune->judge);
    free(tune->cells);
    free(tune->thresholds);
    return is_ok;
}

int tune_main(int argc, char **argv)
{
    struct tune tune = {.asked.model_path = "builtin", .model_options = COMMAND_MODEL_OPTIONS};
    const struct flag list[] = {
        LABELLED_FLAGS(tune.given),
        MODEL_PATH_FLAG(tune.asked.model_path),
        MODEL_FLAGS(tune.model_options),
        HEAD_FLAGS(tune.asked.heads_path, tune.asked.head_name),
        {"for", FLAG_STRING, .out.string = &tune.goal, .value = "WISH",
         .help = "f1 (the best; default), precision=P or recall=R (at least), cost=FP:FN (the "
                 "lowest: what a false positive and a false negative cost)"},
        {"output", FLAG_STRING, .out.string = &tune.output_path, .value = "FILE",
         .help = "a new file for the head (default: its own is replaced)"},
        {"version", FLAG_STRING, .out.string = &tune.version, .value = "VERSION",
         .help = "of the model from now on (default: a new hash; one that was given to embedd "
                 "train stays)"},
        {"dry-run", FLAG_SWITCH, .out.is_on = &tune.is_dry, .help = "write nothing"},
    };
    const struct flags flags = {
        .usage = "embedd tune --model FOLDER --input FILE [OPTION]...",
        .about = "Chooses, by labelled rows that the head has not seen, from which probability on "
                 "a label is\nmeant: the second one of a binary head, each of a multi-label head. "
                 "Writes it into the head.",
        .list = list,
        .n = sizeof(list) / sizeof(list[0]),
    };
    struct err err;
    int n_files, exit_code;
    if (!commands_take_flags(&flags, argc, argv, &n_files, &exit_code)) return exit_code;
    json_init();
    return tune_run(&tune, &err) ? 0 : commands_fail(argv[0], &err);
}
