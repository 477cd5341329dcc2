/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include "base/buf.h"
#include "base/grow.h"
#include "base/json.h"
#include "base/workers.h"
#include "commands/choose_head.h"
#include "commands/commands.h"
#include "commands/explanation.h"
#include "commands/model_flags.h"
#include "commands/output.h"
#include "commands/texts.h"
#include "commands/unknown.h"
#include "model/head/unsure.h"
#include "model/model.h"

#include <stdlib.h>
#include <string.h>

/* All memory of a worker for one line: its tokens, and what is written of it. */
#define WORKER_ARENA_BYTES (64 * LINES_BYTES_MAX)

/* Lines are answered in blocks, each line by one of the workers. */
#define BLOCK_LINES_MAX 1024
#define BLOCK_BYTES ((size_t)1 << 20)
#define BLOCK_SCORES ((uint64_t)1 << 17) /* of all lines together, so that memory stays bounded */

struct task {
    size_t at, bytes; /* of the text in the block's */
    const char *file;
    uint64_t number;
    unsigned worker;          /* who has answered it */
    size_t out_at, out_bytes; /* in the worker's answers */
};

/* What a worker has for itself, from block to block: memory that is used again costs no faults. */
struct worker {
    struct arena arena; /* for one line */
    char *answers;      /* to all its lines of the block */
    size_t bytes, cap;
    struct unknown_count unknown;
    bool has_failed;
    size_t failed; /* the task, and why */
    struct err err;
};

struct block {
    struct task *tasks; /* (n_max) */
    size_t n, n_max;
    char *texts;
    size_t bytes, cap;
    struct worker *workers;
};

/* What the head says of a line. */
struct answered {
    const float *p;        /* (C) */
    const uint32_t *order; /* labels from the highest logit down */
    float unsure;          /* NaN: it does not know */
    struct span text;      /* and its tokens, for an explanation */
    const struct tokens *tokens;
};

struct classify {
    const char *model_path, *heads_path, *head_name, *output_path;
    uint64_t top_k; /* 0: all labels */
    uint64_t threads;
    double threshold; /* below 0: the head's own */
    double reject;    /* above 1: none is */
    int explains;

    struct model_options model_options;
    struct model *model;
    const struct head *head;
    const struct head_info *info;
    uint32_t n_order; /* labels that are put in order */
    struct workers *workers;
    struct block block;
    struct texts texts;
    struct output output;
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
    buf_add_str(out, "}\n");
    return !out->failed || err_out_of_memory(err);
}

static bool answer(const struct classify *classify, const struct task *task, struct worker *worker,
                   struct buf *out, struct err *err)
{
    struct arena *arena = &worker->arena;
    const uint32_t n_labels = classify->info->n_labels;
    const char *text = classify->block.texts + task->at;
    size_t bytes = task->bytes;
    struct tokens tokens;
    struct err reason;
    if (!model_prompted(classify->model, arena, &text, &bytes, err) ||
        !model_tokenize(classify->model, arena, text, bytes,
                        TOKENIZE_LIMITS | (classify->explains ? TOKENIZE_SPANS : 0), &tokens, err))
        return false;
    unknown_add(&worker->unknown, classify->model, classify->block.texts + task->at, task->bytes,
                &tokens);
    float *vector = arena_array(arena, classify->info->dim, sizeof(*vector));
    float *logits = arena_array(arena, n_labels, sizeof(*logits));
    float *p = arena_array(arena, n_labels, sizeof(*p));
    uint32_t *order = arena_array(arena, n_labels, sizeof(*order));
    if (!vector || !logits || !p || !order) return err_out_of_memory(err);
    const struct passage passage = {tokens.ids, tokens.n, text, bytes};
    if (!head_vector(classify->head, arena, &passage, vector, &reason))
        return err_set(err, ERR_FORMAT, NULL, "%s, line %llu: %.300s", task->file,
                       (unsigned long long)task->number, reason.message);
    if (!head_logits(classify->head, arena, vector, tokens.ids, tokens.n, logits, err) ||
        !head_order(classify->head, arena, logits, classify->n_order, order, err))
        return false;
    head_probabilities(classify->head, logits, p);
    const struct answered answered = {
        .p = p,
        .order = order,
        .unsure = model_unsure(classify->model, classify->head, &passage, logits),
        .text = {text, bytes},
        .tokens = &tokens,
    };
    return write_answer(classify, &answered, arena, out, err);
}

static bool keep_bytes(char **list, size_t *bytes, size_t *cap, const char *data, size_t n)
{
    if (!grow_list(list, cap, *bytes + n, 1)) return false;
    if (n > 0) memcpy(*list + *bytes, data, n);
    *bytes += n;
    return true;
}

static bool answer_task(struct classify *classify, struct task *task, struct worker *worker,
                        struct err *err)
{
    struct buf out;
    arena_reset(&worker->arena);
    buf_init(&out, &worker->arena);
    if (!answer(classify, task, worker, &out, err)) return false;
    task->out_at = worker->bytes;
    task->out_bytes = out.bytes;
    return keep_bytes(&worker->answers, &worker->bytes, &worker->cap, out.data, out.bytes) ||
           err_out_of_memory(err);
}

static void answer_some(void *user, unsigned which, unsigned n_workers)
{
    struct classify *classify = user;
    struct block *block = &classify->block;
    struct worker *worker = &block->workers[which];
    worker->bytes = 0;
    for (size_t i = which; i < block->n && !worker->has_failed; i += n_workers) {
        struct task *task = &block->tasks[i];
        task->worker = which;
        worker->has_failed = !answer_task(classify, task, worker, &worker->err);
        worker->failed = i;
    }
}

/* The first line that could not be answered, as if they had been answered one by one; or NULL. */
static const struct worker *first_failed(const struct classify *classify)
{
    const struct worker *first = NULL;
    for (unsigned i = 0; i < workers_size(classify->workers); i++) {
        const struct worker *worker = &classify->block.workers[i];
        if (worker->has_failed && (!first || worker->failed < first->failed)) first = worker;
    }
    return first;
}

/* Answers the lines of the block and writes the answers in their order. */
static bool finish_block(struct classify *classify, struct err *err)
{
    struct block *block = &classify->block;
    workers_run(classify->workers, answer_some, classify);
    const struct worker *failed = first_failed(classify);
    const size_t n_answered = failed ? failed->failed : block->n;
    for (size_t i = 0; i < n_answered; i++) {
        const struct task *task = &block->tasks[i];
        const char *answers = block->workers[task->worker].answers;
        if (!output_write(&classify->output, answers + task->out_at, task->out_bytes, err))
            return false;
    }
    if (failed) {
        *err = failed->err;
        return false;
    }
    block->n = block->bytes = 0;
    fflush(classify->output.stream); /* what cannot be written is seen at the next write */
    return true;
}

static bool keep_text(struct block *block, const char *text, size_t bytes, struct err *err)
{
    return keep_bytes(&block->texts, &block->bytes, &block->cap, text, bytes) ||
           err_set(err, ERR_MEMORY, NULL, "no memory for a line of %zu bytes", bytes);
}

/* A block is full, or all that has come so far: whoever writes line by line is answered so. */
static bool classify_line(void *user, struct err *err)
{
    struct classify *classify = user;
    struct block *block = &classify->block;
    const struct lines *line = &classify->texts.line;
    const size_t at = block->bytes;
    if (!keep_text(block, line->text, line->bytes, err)) return false;
    block->tasks[block->n++] =
        (struct task){.at = at, .bytes = line->bytes, .file = line->file, .number = line->number};
    if (block->n < block->n_max && block->bytes < BLOCK_BYTES && lines_has_next(line)) return true;
    return finish_block(classify, err);
}

static bool make_block(struct classify *classify, struct err *err)
{
    struct block *block = &classify->block;
    const unsigned n = workers_count(classify->threads);
    const uint64_t lines = BLOCK_SCORES / classify->info->n_labels + 1;
    block->n_max = lines < BLOCK_LINES_MAX ? (size_t)lines : BLOCK_LINES_MAX;
    block->tasks = calloc(block->n_max, sizeof(*block->tasks));
    block->workers = calloc(n, sizeof(*block->workers));
    if (!block->tasks || !block->workers)
        return err_set(err, ERR_MEMORY, NULL, "no memory for %u threads", n);
    for (unsigned i = 0; i < n; i++)
        arena_init(&block->workers[i].arena, WORKER_ARENA_BYTES);
    classify->workers = workers_new(n, err);
    return classify->workers != NULL;
}

static void close_block(struct classify *classify)
{
    for (unsigned i = 0; classify->workers && i < workers_size(classify->workers); i++) {
        arena_clear(&classify->block.workers[i].arena);
        free(classify->block.workers[i].answers);
    }
    workers_free(classify->workers);
    free(classify->block.workers);
    free(classify->block.tasks);
    free(classify->block.texts);
}

static void tell_unknown(const struct classify *classify)
{
    struct unknown_count all = {0};
    for (unsigned i = 0; i < workers_size(classify->workers); i++)
        unknown_add_all(&all, &classify->block.workers[i].unknown);
    unknown_tell(&all, "classify");
}

static bool classify_run(struct classify *classify, char **files, int n_files, struct err *err)
{
    texts_init(&classify->texts, files, n_files);
    bool is_ok =
        model_open_as(&classify->model, classify->model_path, &classify->model_options, err) &&
        set_head(classify, err) && check_threshold(classify, err) && check_reject(classify, err) &&
        make_block(classify, err) && output_open(&classify->output, classify->output_path, err) &&
        texts_each(&classify->texts, classify_line, classify, n_files > 0, err) &&
        finish_block(classify, err) && output_close(&classify->output, err);
    if (is_ok) tell_unknown(classify);
    output_abort(&classify->output);
    texts_close(&classify->texts);
    close_block(classify);
    model_close(classify->model);
    return is_ok;
}

int classify_main(int argc, char **argv)
{
    struct classify classify = {.model_path = "builtin",
                                .threshold = -1,
                                .reject = 2,
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
        {"threads", FLAG_NUMBER, .out.number = &classify.threads, .value = "N", .max = 256,
         .help = "(default: 0, one a core); answers come in the order of the lines"},
        {"output", FLAG_STRING, .out.string = &classify.output_path, .value = "FILE",
         .help = "written here when all is done (default: standard output)"},
    };
    const struct flags flags = {
        .usage = "embedd classify [OPTION]... [FILE|-]...",
        .about =
            "Writes a JSON object for each line of the files (or of standard input): its label,\n"
            "the labels of a multi-label head, and scores from the highest down.",
        .list = list,
        .n = sizeof(list) / sizeof(list[0]),
        .files_max = argc,
    };
    struct err err;
    int n_files, exit_code;
    if (!commands_take_flags(&flags, argc, argv, &n_files, &exit_code)) return exit_code;
    return classify_run(&classify, argv + 1, n_files, &err) ? 0 : commands_fail(argv[0], &err);
}
