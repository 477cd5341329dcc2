/* SPDX-License-Identifier: Apache-2.0 */
/* Thresholds of a head, chosen by labelled rows and written into its file. */
#include "base/grow.h"
#include "base/json.h"
#include "base/plural.h"
#include "base/save.h"
#include "commands/commands.h"
#include "commands/judge.h"
#include "commands/labelled_flags.h"
#include "commands/model_flags.h"
#include "model/head/files/head_rewrite.h"
#include "model/head/heads.h"
#include "model/head/thresholds.h"
#include "model/train/columns.h"
#include "model/train/labelled.h"

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

static double share(size_t part, size_t whole)
{
    return whole ? (double)part / (double)whole : 0;
}

static void tell(const struct tune *tune, uint32_t label, float before, bool is_found,
                 const struct threshold_found *found)
{
    const char *name = tune->judge.info->labels[label];
    const struct columns_shown shown = columns_show((struct span){name, strlen(name)});
    printf("%-20s %8.4f %8.4f %9.4f %9.4f %9.4f %7zu%s\n", shown.text, (double)before,
           (double)found->threshold, share(found->n_correct, found->n_predicted),
           share(found->n_correct, found->n_true),
           share(2 * found->n_correct, found->n_predicted + found->n_true), found->n_true,
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

static bool write_head(struct tune *tune, struct err *err)
{
    const struct heads *heads = model_heads(tune->judge.model);
    size_t at = 0, bytes;
    while (heads->items[at] != tune->judge.head)
        at++;
    const struct head_file *file = &heads->files[at];
    const char *path = tune->output_path ? tune->output_path : file->path;
    struct save save = {0};
    if (!path)
        return err_set(err, ERR_USAGE, NULL,
                       "head '%.100s' has no file of its own; give --output FILE, and serve that "
                       "with --heads",
                       tune->judge.info->name);
    char *data = head_rewrite(file->bytes, path, tune->thresholds, tune->n_columns, &bytes, err);
    if (!data) return false;
    bool is_ok = open_file(&save, path, err) && save_write(&save, data, bytes, err) &&
                 save_close(&save, err);
    free(data);
    if (is_ok)
        printf("head '%s' of %s: thresholds by %zu row%s%s%s\n", tune->judge.info->name,
               tune->asked.model_path, tune->n_rows, plural(tune->n_rows),
               tune->output_path ? ", in " : "", tune->output_path ? tune->output_path : "");
    return is_ok;
}

static bool tune_run(struct tune *tune, struct err *err)
{
    arena_init(&tune->arena, ROW_ARENA_BYTES);
    bool is_ok = labelled_take_flags(&tune->given, err) && read_goal(tune, err) &&
                 check_output(tune, err) &&
                 judge_open(&tune->judge, &tune->asked, &tune->model_options, err) &&
                 check_head(tune, err) && read_rows(tune, err) && choose(tune, err) &&
                 (tune->is_dry || write_head(tune, err)) && commands_close_stdout(err);
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
