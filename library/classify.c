/* SPDX-License-Identifier: Apache-2.0 */
#include "library/batch.h"
#include "library/handles.h"
#include "library/heads.h"
#include "model/model.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* What a head is asked, and where its answers go. */
struct question {
    const struct model *model;
    const struct head *head;
    const struct head_info *info;
    uint32_t top_k;
    float threshold; /* below 0: the head's own */
    float reject;    /* above 1: none is */
    embedd_answers answers;
};

/* What the head says of a text; in the arena of its piece. */
struct said {
    float *vector, *logits, *p;
    uint32_t *order;
};

/* ---- a text ---- */

static bool make_room(struct said *said, const struct head_info *info, struct arena *arena)
{
    said->vector = arena_array(arena, info->dim, sizeof *said->vector);
    said->logits = arena_array(arena, info->n_labels, sizeof *said->logits);
    said->p = arena_array(arena, info->n_labels, sizeof *said->p);
    said->order = arena_array(arena, info->n_labels, sizeof *said->order);
    return said->vector && said->logits && said->p && said->order;
}

/* Does the label at `place` of the order count as predicted? Of a multi-label head several may. */
static bool is_meant(const struct question *question, const struct said *said, uint32_t place)
{
    if (question->info->kind == HEAD_MULTI_LABEL)
        return head_passes(question->head, said->p, said->order[place], question->threshold);
    return place ==
           head_best(question->head, said->p, said->order, question->top_k, question->threshold);
}

static void write_said(const struct question *question, const struct said *said, float unsure,
                       uint64_t row)
{
    const embedd_answers *answers = &question->answers;
    const bool is_rejected = unsure > question->reject;
    for (uint32_t i = 0; i < question->top_k; i++) {
        const uint64_t at = row * question->top_k + i;
        if (answers->labels) answers->labels[at] = (int32_t)said->order[i];
        if (answers->probabilities) answers->probabilities[at] = said->p[said->order[i]];
        if (answers->passes) answers->passes[at] = !is_rejected && is_meant(question, said, i);
    }
    if (answers->unsure) answers->unsure[row] = unsure;
}

static bool answer_text(const struct question *question, const struct passage *passage,
                        uint64_t row, struct said *said, struct arena *arena, struct err *err)
{
    const struct head *head = question->head;
    if (!head_vector(head, arena, passage, said->vector, err) ||
        !head_logits(head, arena, said->vector, passage->ids, passage->n, said->logits, err) ||
        !head_order(head, arena, said->logits, question->top_k, said->order, err))
        return false;
    head_probabilities(head, said->logits, said->p);
    write_said(question, said, model_unsure(question->model, head, passage, said->logits), row);
    return true;
}

static size_t answer_piece(void *user, struct piece *piece, struct err *err)
{
    const struct question *question = user;
    struct said said;
    size_t i = 0;
    if (!make_room(&said, question->info, piece->arena)) {
        err_out_of_memory(err);
        return 0;
    }
    while (i < piece->n &&
           answer_text(question, &piece->passages[i], piece->rows[i], &said, piece->arena, err))
        i++;
    return i;
}

static void answer_null(void *user, uint64_t row)
{
    const struct question *question = user;
    const embedd_answers *answers = &question->answers;
    for (uint32_t i = 0; i < question->top_k; i++) {
        const uint64_t at = row * question->top_k + i;
        if (answers->labels) answers->labels[at] = -1;
        if (answers->probabilities) answers->probabilities[at] = NAN;
        if (answers->passes) answers->passes[at] = 0;
    }
    if (answers->unsure) answers->unsure[row] = NAN;
}

/* ---- what is asked for ---- */

static bool is_share(float value)
{
    return value >= 0 && value <= 1;
}

static bool check_scores(const struct head_info *info, const embedd_classify_options *options,
                         struct fault *fault)
{
    if (options->has_threshold && info->kind == HEAD_MULTI_CLASS)
        return fault_set(fault, EMBEDD_ERROR_ARGUMENT, "options.threshold",
                         "options.threshold must not be set: head '%.100s' answers with its best "
                         "label; look at probabilities",
                         info->name);
    if (options->has_threshold && !is_share(options->threshold))
        return fault_set(fault, EMBEDD_ERROR_ARGUMENT, "options.threshold",
                         "options.threshold must be from 0 to 1, not %g",
                         (double)options->threshold);
    if (options->has_reject && !info->margins)
        return fault_set(fault, EMBEDD_ERROR_ARGUMENT, "options.reject",
                         "options.reject must not be set: head '%.100s' does not know how unsure "
                         "it is; train it with embedd train, on 20 rows at least",
                         info->name);
    if (options->has_reject && !is_share(options->reject))
        return fault_set(fault, EMBEDD_ERROR_ARGUMENT, "options.reject",
                         "options.reject must be from 0 to 1, not %g", (double)options->reject);
    return true;
}

static bool choose_labels(struct question *question, const embedd_classify_options *options,
                          struct fault *fault)
{
    const struct head_info *info = question->info;
    if (options->top_k > info->n_labels)
        return fault_set(fault, EMBEDD_ERROR_ARGUMENT, "options.top_k",
                         "options.top_k must be a whole number from 1 to %u, the head's labels, or "
                         "0: all, not %u",
                         info->n_labels, options->top_k);
    question->top_k = options->top_k ? options->top_k : info->n_labels;
    question->threshold = options->has_threshold ? options->threshold : -1;
    question->reject = options->has_reject ? options->reject : 2;
    return true;
}

static bool choose(struct question *question, struct batch *batch,
                   const embedd_classify_options *given_options,
                   const embedd_answers *given_answers, struct fault *fault)
{
    embedd_classify_options options;
    if (!STRUCT_READ(options, given_options, true, "options", fault) ||
        !STRUCT_READ(question->answers, given_answers, false, "answers", fault) ||
        !find_head(batch->model, options.head, &question->head, fault))
        return false;
    question->model = batch->model;
    question->info = head_info(question->head);
    batch->prompt = model_info(batch->model)->prompt;
    batch->invalid = options.invalid;
    batch->validity = question->answers.validity;
    if (!batch_check_invalid(options.invalid, fault) ||
        !check_scores(question->info, &options, fault) || !choose_labels(question, &options, fault))
        return false;
    const uint64_t n = batch->texts->n, room = question->answers.room;
    if (room >= n) return true;
    fault->row = (int64_t)room;
    return fault_set(fault, EMBEDD_ERROR_ROOM, "answers.room",
                     "there is no room for it: answers.room is %" PRIu64 " for %" PRIu64 " texts",
                     room, n);
}

int embedd_classify(const embedd_model *model, embedd_pool *pool, const embedd_texts *texts,
                    const embedd_classify_options *options, const embedd_answers *answers,
                    embedd_counts *counts, embedd_error *error)
{
    struct fault fault = FAULT_NONE;
    struct texts_view view;
    struct question question;
    embedd_counts found, asked;
    if (!model) return call_end(fault_null(&fault, "model"), &fault, error);
    struct batch batch = {.model = model->model,
                          .texts = &view,
                          .answer = answer_piece,
                          .answer_null = answer_null,
                          .user = &question};
    memset(&found, 0, sizeof found);
    const bool is_ok = STRUCT_READ(asked, counts, true, "counts", &fault) &&
                       texts_view_open(&view, texts, &fault) &&
                       choose(&question, &batch, options, answers, &fault) &&
                       batch_run(&batch, pool, &found, &fault);
    if (is_ok && counts) struct_write(counts, &found, sizeof found);
    return call_end(is_ok, &fault, error);
}
