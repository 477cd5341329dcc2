/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "commands/choose_head.h"
#include "commands/commands.h"
#include "commands/corpus_flags.h"
#include "commands/explanation.h"
#include "commands/keep.h"
#include "commands/model_flags.h"
#include "model/head/unsure.h"
#include "model/model.h"

#include <inttypes.h>
#include <string.h>

enum format {
    FORMAT_ANSWERS,
    FORMAT_JSONL,
    FORMAT_ROWS,
};

static const char *const formats[] = {"answers", "jsonl", "rows", NULL};
static const char default_into[] = "prediction";

/* What the head says of a line. */
struct answered {
    const float *p;        /* (C) */
    const uint32_t *order; /* labels from the highest logit down */
    float unsure;          /* NaN: it does not know */
    struct span text;      /* and its tokens, for an explanation */
    const struct tokens *tokens;
};

struct classify {
    const char *model_path, *heads_path, *head_name, *into;
    uint64_t top_k;   /* 0: all labels */
    double threshold; /* below 0: the head's own */
    double reject;    /* above 1: none is */
    int explains;
    int format; /* -1: not said */
    struct keep keep;
    struct corpus_flags corpus;

    struct model_options model_options;
    struct model *model;
    const struct head *head;
    const struct head_info *info;
    uint32_t n_order; /* labels that are put in order */
    struct feed feed;
};

static bool set_head(struct classify *classify, struct err *err)
{
    if (!choose_head(classify->model, classify->heads_path, classify->head_name, &classify->head,
                     err))
        return false;
    classify->info = head_info(classify->head);
    if (classify->top_k > classify->info->n_labels) {
        return err_set(err, ERR_USAGE, NULL,
                       "--top-k must be a whole number from 1 to %u, the head's labels, not '%llu'",
                       classify->info->n_labels, (unsigned long long)classify->top_k);
    }
    if (classify->top_k == 0) classify->top_k = classify->info->n_labels;
    const bool is_best_meant = classify->info->kind == HEAD_MULTI_CLASS;
    classify->n_order = is_best_meant ? (uint32_t)classify->top_k : classify->info->n_labels;
    return true;
}

static float threshold_of(const struct classify *classify)
{
    return (float)classify->threshold;
}

static bool check_threshold(const struct classify *classify, struct err *err)
{
    if (classify->threshold < 0 || classify->info->kind != HEAD_MULTI_CLASS) return true;
    return err_set(err, ERR_USAGE, NULL,
                   "--threshold: head '%.100s' answers with its best label, so it takes none; "
                   "leave it out and look at scores",
                   classify->info->name);
}

static bool check_reject(const struct classify *classify, struct err *err)
{
    if (classify->reject > 1 || classify->info->margins) return true;
    return err_set(err, ERR_USAGE, NULL,
                   "--reject: head '%.100s' does not know how unsure it is; train it with embedd "
                   "train, on 20 rows at least, or leave the flag out",
                   classify->info->name);
}

static void write_label(const struct classify *classify, struct buf *out, uint32_t label)
{
    const char *text = classify->info->labels[label];
    json_write_string(out, text, strlen(text));
}

static void write_labels(const struct classify *classify, const float *p, const uint32_t *order,
                         bool is_rejected, struct buf *out)
{
    uint32_t n = 0;
    buf_add_str(out, ",\"labels\":[");
    for (uint32_t i = 0; i < classify->info->n_labels && !is_rejected; i++) {
        if (!head_passes(classify->head, p, order[i], threshold_of(classify))) continue;
        if (n++ > 0) buf_add_char(out, ',');
        write_label(classify, out, order[i]);
    }
    buf_add_char(out, ']');
}

/* As an item of /v1/classify; `labels` only where there may be several. */
static bool write_answer(const struct classify *classify, const struct answered *answered,
                         struct arena *arena, struct buf *out, struct err *err)
{
    const float *p = answered->p;
    const uint32_t *order = answered->order;
    const bool is_rejected = answered->unsure > (float)classify->reject;
    const uint32_t n_order = classify->n_order;
    const uint32_t best = head_best(classify->head, p, order, n_order, threshold_of(classify));
    buf_add_str(out, "{\"label\":");
    if (best < n_order && !is_rejected) {
        write_label(classify, out, order[best]);
    } else {
        buf_add_str(out, "null");
    }
    if (classify->info->kind == HEAD_MULTI_LABEL)
        write_labels(classify, p, order, is_rejected, out);
    unsure_write(out, answered->unsure, (float)classify->reject, is_rejected);
    buf_add_str(out, ",\"scores\":{");
    for (uint64_t i = 0; i < classify->top_k; i++) {
        if (i > 0) buf_add_char(out, ',');
        write_label(classify, out, order[i]);
        buf_add_char(out, ':');
        buf_add_float(out, p[order[i]]);
    }
    buf_add_char(out, '}');
    if (classify->explains &&
        !explanation_write(out, arena, classify->head, answered->text, answered->tokens,
                           order[best < n_order ? best : 0], err))
        return false;
    buf_add_char(out, '}');
    return !out->failed || err_out_of_memory(err);
}

/* A row as it came: files that are joined must have the same columns. */
static bool write_row(const struct classify *classify, const struct corpus_block *block,
                      const struct corpus_row *row, struct buf *out, struct err *err)
{
    const struct feed_file *file = row->file, *first = classify->feed.first;
    const struct span record = corpus_record(block, row);
    if (file->format != first->format || file->header.bytes != first->header.bytes ||
        (file->header.bytes > 0 &&
         memcmp(file->header.data, first->header.data, file->header.bytes) != 0))
        return err_set(err, ERR_FORMAT, NULL,
                       "its columns are not those of %.150s; filter such files one by one, or give "
                       "--format jsonl",
                       first->name);
    buf_add(out, record.data, record.bytes);
    buf_add_char(out, '\n');
    return true;
}

static bool write_answered(const struct classify *classify, const struct answered *answered,
                           struct corpus_block *block, const struct corpus_row *row,
                           struct arena *arena, struct err *err)
{
    struct buf *out = &block->out;
    if (classify->format == FORMAT_ROWS) return write_row(classify, block, row, out, err);
    const bool is_object = classify->format == FORMAT_JSONL;
    if (is_object) feed_open_object(row->file, corpus_record(block, row), arena, out);
    if (!write_answer(classify, answered, arena, out, err)) return false;
    buf_add_str(out, is_object ? "}\n" : "\n");
    return true;
}

static bool answer(const struct classify *classify, struct corpus_block *block,
                   const struct piece *piece, size_t i, struct err *err)
{
    struct arena *arena = piece->arena;
    const struct corpus_row *row = corpus_begin(block, piece, i);
    const struct passage *passage = &piece->passages[i];
    const uint32_t n_labels = classify->info->n_labels;
    float *vector = arena_array(arena, classify->info->dim, sizeof(*vector));
    float *logits = arena_array(arena, n_labels, sizeof(*logits));
    float *p = arena_array(arena, n_labels, sizeof(*p));
    uint32_t *order = arena_array(arena, n_labels, sizeof(*order));
    if (!vector || !logits || !p || !order) return err_out_of_memory(err);
    if (!head_vector(classify->head, arena, passage, vector, err) ||
        !head_logits(classify->head, arena, vector, passage->ids, passage->n, logits, err) ||
        !head_order(classify->head, arena, logits, classify->n_order, order, err))
        return false;
    head_probabilities(classify->head, logits, p);
    const bool is_kept = keep_passes(&classify->keep, p);
    const struct tokens tokens = {.ids = (uint32_t *)(uintptr_t)passage->ids,
                                  .n = (uint32_t)passage->n,
                                  .spans = (struct token_span *)(uintptr_t)piece->spans[i]};
    const struct answered answered = {
        .p = p,
        .order = order,
        .unsure = model_unsure(classify->model, classify->head, passage, logits),
        .text = {passage->text, passage->bytes},
        .tokens = &tokens,
    };
    const size_t begun = block->out.bytes;
    if (is_kept && !write_answered(classify, &answered, block, row, arena, err)) {
        block->out.bytes = begun;
        return false;
    }
    corpus_end(block, !is_kept);
    return true;
}

static size_t answer_piece(void *user, struct corpus_block *block, struct piece *piece,
                           struct err *err)
{
    size_t i = 0;
    while (i < piece->n && answer(user, block, piece, i, err))
        i++;
    return i;
}

/* It has no label, and passes no condition. */
static bool answer_null(void *user, struct corpus_block *block, const struct corpus_row *row,
                        struct arena *scratch)
{
    const struct classify *classify = user;
    struct buf *out = &block->out;
    if (classify->keep.n > 0 || classify->format == FORMAT_ROWS) return false;
    if (classify->format == FORMAT_JSONL && row->is_broken)
        feed_open_empty(row->file, out);
    else if (classify->format == FORMAT_JSONL)
        feed_open_object(row->file, corpus_record(block, row), scratch, out);
    buf_add_str(out, classify->format == FORMAT_JSONL ? "null}\n" : "null\n");
    return true;
}

/* Rows of a CSV stand below its header. */
static struct span header_of(void *user, uint64_t rows)
{
    const struct classify *classify = user;
    const struct feed_file *first = classify->feed.first;
    (void)rows;
    return first ? first->header_line : (struct span){NULL, 0};
}

static bool set_format(struct classify *classify, struct err *err)
{
    if (classify->format < 0)
        classify->format = classify->keep.n > 0 ? FORMAT_ROWS : FORMAT_ANSWERS;
    if (classify->into && classify->format != FORMAT_JSONL)
        return err_set(err, ERR_USAGE, NULL, "--into works only with --format jsonl");
    if (classify->format == FORMAT_JSONL)
        classify->corpus.feed.into = classify->into ? classify->into : default_into;
    return true;
}

static void describe(const struct classify *classify, char *out, size_t cap)
{
    int used = snprintf(out, cap, "classify %s %.80s top=%" PRIu64 " at=%g reject=%g %d into=%.80s",
                        formats[classify->format], classify->info->name, classify->top_k,
                        classify->threshold, classify->reject, classify->explains,
                        classify->corpus.feed.into ? classify->corpus.feed.into : "");
    for (size_t i = 0; i < classify->keep.n && used >= 0 && (size_t)used < cap; i++)
        used += snprintf(out + used, cap - (size_t)used, " keep=%.80s", classify->keep.texts[i]);
}

static bool classify_run(struct classify *classify, char **files, int n_files, struct err *err)
{
    char settings[1024];
    if (!set_format(classify, err) ||
        !model_open_as(&classify->model, classify->model_path, &classify->model_options, err) ||
        !set_head(classify, err) || !check_threshold(classify, err) ||
        !check_reject(classify, err) || !keep_find(&classify->keep, classify->info, err))
        return false;
    describe(classify, settings, sizeof settings);
    const struct corpus_options corpus = {
        .command = "classify",
        .model = classify->model,
        .takes_null = true,
        .tokenize = classify->explains ? TOKENIZE_SPANS : 0,
        .row_floats = classify->info->n_labels,
        .answer = answer_piece,
        .answer_null = answer_null,
        .user = classify,
    };
    const struct sink_options sink = {
        .head = classify->format == FORMAT_ROWS ? header_of : NULL,
        .user = classify,
    };
    return corpus_run_flags(&classify->corpus, &classify->feed, &corpus, &sink, settings, files,
                            n_files, err);
}

int classify_main(int argc, char **argv)
{
    struct classify classify = {.model_path = "builtin",
                                .threshold = -1,
                                .reject = 2,
                                .format = -1,
                                .corpus = CORPUS_FLAGS_NONE,
                                .model_options = COMMAND_MODEL_OPTIONS};
    const struct flag list[] = {
        MODEL_PATH_FLAG(classify.model_path),
        MODEL_FLAGS(classify.model_options),
        HEAD_FLAGS(classify.heads_path, classify.head_name),
        {"top-k", FLAG_NUMBER, .out.number = &classify.top_k, .value = "K", .min = 1,
         .max = UINT32_MAX, .help = "scores of the K best labels (default: all)"},
        {"threshold", FLAG_REAL, .out.real = &classify.threshold, .value = "P", .least = 0,
         .most = 1, .help = "the least probability of a label, instead of the head's own"},
        {"reject", FLAG_REAL, .out.real = &classify.reject, .value = "SCORE", .least = 0, .most = 1,
         .help = "no label above this unsure score (0.95 keeps 95 of 100 texts like those the head "
                 "was trained on; default: none is rejected)"},
        {"explain", FLAG_SWITCH, .out.is_on = &classify.explains,
         .help = "what each token adds to the logit of the label"},
        {"format", FLAG_CHOICE, .out.choice = &classify.format, .choices = formats,
         .help = "an answer per line (default), objects with the columns of the input, or the rows "
                 "of the input as they came (default with --keep)"},
        {"into", FLAG_STRING, .out.string = &classify.into, .value = "KEY",
         .help = "the answer's key under --format jsonl (default: prediction)"},
        {"keep", FLAG_SETTING, .out.setting = &classify.keep, .read = keep_read, .is_list = true,
         .value = "LABEL>P",
         .help = "write only rows whose label has such a probability (also >=, <, <=); several: "
                 "all must hold"},
        CORPUS_FLAGS(classify.corpus),
    };
    const struct flags flags = {
        .usage = "embedd classify [OPTION]... [FILE|-]...",
        .about =
            "Writes a JSON object for each line of the files (or of standard input), or for the\n"
            "text in each row of JSON lines, CSV or TSV: its label, the labels of a multi-label\n"
            "head, and scores from the highest down. Or writes the rows that --keep lets pass.",
        .list = list,
        .n = sizeof(list) / sizeof(list[0]),
        .files_max = argc,
    };
    struct err err;
    int n_files, exit_code;
    if (!commands_take_flags(&flags, argc, argv, &n_files, &exit_code)) return exit_code;
    const bool is_ok = classify_run(&classify, argv + 1, n_files, &err);
    model_close(classify.model);
    return is_ok ? 0 : commands_fail(argv[0], &err);
}
