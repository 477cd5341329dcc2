/* SPDX-License-Identifier: Apache-2.0 */
#include "handlers/answer.h"

#include "handlers/reply.h"
#include "handlers/write.h"
#include "model/registry.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static bool refuse_head(const struct heads *heads, const char *why, struct err *err)
{
    char names[200];
    heads_names(heads, names, sizeof names);
    return err_set(err, ERR_NOT_FOUND, "head", "%s; heads of this model: %s", why, names);
}

bool question_choose(struct question *question, const struct exchange *x, const struct value *value,
                     struct err *err)
{
    const struct heads *heads = model_heads(x->model);
    struct text name = {0};
    if (!value_get_text(value, "head", &name, err)) return false;
    if (heads->n == 0 && heads->refused.code != ERR_NONE)
        return err_set(err, ERR_NOT_FOUND, "head", "the model \"%.100s\" serves no head: %s",
                       x->snapshot->name, heads->refused.message);
    if (heads->n == 0)
        return err_set(err, ERR_NOT_FOUND, "head",
                       "the model \"%.100s\" has no classifier head; serve a folder with a "
                       "head.safetensors, or add one with --heads",
                       x->snapshot->name);
    question->head = name.data ? heads_find(heads, name.data, name.bytes) : heads_default(heads);
    question->threshold = -1;
    question->has_unsure = false;
    question->reject = 2;
    question->explain = false;
    if (question->head) {
        question->info = head_info(question->head);
        question->top_k = question->info->n_labels;
        return true;
    }
    char why[100 + ERR_VALUE_BYTES] = "send which head is meant";
    if (name.data)
        snprintf(why, sizeof why, "there is no head \"%.*s\"", text_quoted(name), name.data);
    return refuse_head(heads, why, err);
}

/* What a label takes at least, with its score and its logit. */
#define LABEL_BYTES 40
#define EXPLAINED_TOKEN_BYTES 50

bool answer_plan(struct exchange *x, const struct question *question, const struct batch *batch,
                 struct err *err)
{
    const struct head_info *info = question->info;
    struct plan plan = {
        .reply_bytes = batch->n * (uint64_t)question->top_k * LABEL_BYTES,
        .read_bytes = model_read_bytes(x->model, batch->tokens) +
                      batch->n * (uint64_t)info->n_labels * (info->dim + 64) * sizeof(float),
    };
    if (question->explain) plan.reply_bytes += batch->tokens * EXPLAINED_TOKEN_BYTES;
    return reply_plan(x, &plan, err);
}

bool answer_make(struct answer *answer, const struct exchange *x, const struct question *question,
                 struct err *err)
{
    const struct head_info *info = question->info;
    answer->vector = arena_array(x->arena, info->dim, sizeof *answer->vector);
    answer->logits = arena_array(x->arena, info->n_labels, sizeof *answer->logits);
    answer->p = arena_array(x->arena, info->n_labels, sizeof *answer->p);
    answer->order = arena_array(x->arena, info->n_labels, sizeof *answer->order);
    answer->n_order = info->kind == HEAD_MULTI_CLASS ? question->top_k : info->n_labels;
    answer->predicted = arena_array(x->arena, info->n_labels, sizeof *answer->predicted);
    if (!answer->vector || !answer->logits || !answer->p || !answer->order || !answer->predicted)
        return err_out_of_memory(err);
    memset(answer->predicted, 0, info->n_labels * sizeof *answer->predicted);
    answer->n_rejected = 0;
    return true;
}

static void add_predicted(struct answer *answer, const struct question *question)
{
    answer->n_rejected += answer->is_rejected;
    if (answer->is_rejected) return;
    if (question->info->kind != HEAD_MULTI_LABEL) {
        answer->predicted[answer_best(answer, question)]++;
        return;
    }
    for (uint32_t i = 0; i < question->info->n_labels; i++)
        answer->predicted[i] += head_passes(question->head, answer->p, i, question->threshold);
}

bool answer_fill(struct answer *answer, struct exchange *x, const struct question *question,
                 const struct sequence *item, struct err *err)
{
    const struct passage passage = sequence_passage(item);
    if (!head_vector(question->head, x->arena, &passage, answer->vector, err)) return false;
    stage_end(x, STAGE_LOOKUP);
    if (!head_logits(question->head, x->arena, answer->vector, item->ids, item->n, answer->logits,
                     err) ||
        !head_order(question->head, x->arena, answer->logits, answer->n_order, answer->order, err))
        return false;
    head_probabilities(question->head, answer->logits, answer->p);
    answer->unsure = question->has_unsure
                         ? model_unsure(x->model, question->head, &passage, answer->logits)
                         : NAN;
    answer->is_rejected = answer->unsure > question->reject;
    if (question->info->kind == HEAD_BINARY) {
        answer->logits[1] = answer->logits[0];
        answer->logits[0] = -answer->logits[1];
    }
    add_predicted(answer, question);
    stage_end(x, STAGE_HEAD);
    return true;
}

void answer_count(const struct answer *answer, struct exchange *x, const struct question *question)
{
    const struct heads *heads = model_heads(x->model);
    size_t head = 0;
    while (heads->items[head] != question->head)
        head++;
    x->sample.head = head;
    x->sample.predicted = answer->predicted;
    x->sample.rejected_answers = answer->n_rejected;
}

uint32_t answer_best(const struct answer *answer, const struct question *question)
{
    const uint32_t best =
        head_best(question->head, answer->p, answer->order, answer->n_order, question->threshold);
    return best < answer->n_order && !answer->is_rejected ? answer->order[best]
                                                          : question->info->n_labels;
}

void write_label(struct buf *out, const struct question *question, uint32_t label)
{
    const char *text = question->info->labels[label];
    write_text(out, (struct text){text, strlen(text)});
}
