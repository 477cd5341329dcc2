/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/judge.h"

#include "commands/choose_head.h"

#include <stdlib.h>
#include <string.h>

static bool read_labels(struct judge *judge, struct err *err)
{
    const struct head_info *info = judge->info;
    bool is_ok = (judge->labels = label_names_new()) != NULL;
    for (uint32_t i = 0; is_ok && i < info->n_labels; i++) {
        const struct span name = {info->labels[i], strlen(info->labels[i])};
        is_ok = label_names_add(judge->labels, name) == i;
    }
    return is_ok || err_set(err, ERR_MEMORY, NULL, "no memory for %u labels", info->n_labels);
}

bool judge_open(struct judge *judge, const struct asked *asked, const struct model_options *options,
                struct err *err)
{
    if (!model_open_as(&judge->model, asked->model_path, options, err) ||
        !(asked->is_second ? choose_compared_head : choose_head)(
            judge->model, asked->heads_path, asked->head_name, &judge->head, err))
        return false;
    return judge_begin(judge, head_info(judge->head), err) && read_labels(judge, err);
}

bool judge_begin(struct judge *judge, const struct head_info *info, struct err *err)
{
    judge->info = info;
    judge->evaluation =
        evaluation_new(info->kind, info->n_labels, info->labels, info->thresholds, err);
    if (!judge->evaluation) return false;
    judge->resamples = resamples_new(info->kind, info->n_labels, 0, err);
    judge->f1 = calloc(1, sizeof *judge->f1);
    if (!judge->f1) err_set(err, ERR_MEMORY, NULL, "no memory for intervals");
    return judge->resamples && judge->f1;
}

bool judge_count(struct judge *judge, struct arena *arena, const float *p, const uint32_t *truth,
                 size_t n, struct answer *answer, struct err *err)
{
    return evaluation_add(judge->evaluation, p, truth, n, err) &&
           answer_judge(answer, arena, judge->info, p, truth, n, err) &&
           resamples_add(judge->resamples, truth, n, answer, err);
}

bool judge_knows(const struct judge *judge, struct span label)
{
    return label_names_find(judge->labels, label) != UINT32_MAX;
}

static bool fail_row(const char *input, const struct labelled_row *row, const char *why,
                     struct err *err)
{
    return err_set(err, ERR_FORMAT, NULL, "%.200s, line %llu: %.250s", input,
                   (unsigned long long)row->line, why);
}

/* What the head says of a row's text, but for the answer. */
static bool ask(struct judge *judge, struct arena *arena, const char *input,
                const struct labelled_row *row, struct verdict *verdict, struct err *err)
{
    const uint32_t n_labels = judge->info->n_labels;
    struct tokens *tokens = &verdict->tokens;
    const char *text = row->text;
    size_t bytes = row->text_bytes;
    struct err reason;
    if (!model_prompted(judge->model, arena, &text, &bytes, err) ||
        !model_tokenize(judge->model, arena, text, bytes, TOKENIZE_LIMITS, tokens, err))
        return false;
    float *vector = arena_array(arena, judge->info->dim, sizeof(*vector));
    float *logits = arena_array(arena, n_labels, sizeof(*logits));
    float *p = arena_array(arena, n_labels, sizeof(*p));
    if (!vector || !logits || !p) return err_out_of_memory(err);
    const struct passage passage = {tokens->ids, tokens->n, text, bytes};
    if (!head_vector(judge->head, arena, &passage, vector, &reason))
        return fail_row(input, row, reason.message, err);
    if (!head_logits(judge->head, arena, vector, tokens->ids, tokens->n, logits, err)) return false;
    head_probabilities(judge->head, logits, p);
    verdict->p = p;
    verdict->unsure = model_unsure(judge->model, judge->head, &passage, logits);
    return true;
}

bool judge_row(struct judge *judge, struct arena *arena, const char *input,
               const struct labelled_row *row, struct verdict *verdict, struct err *err)
{
    struct err reason;
    if (judge->info->kind != HEAD_MULTI_LABEL && row->n_labels != 1)
        return fail_row(input, row,
                        "the head answers with one label, so a row must have one, not several; "
                        "use a multi-label head",
                        err);
    uint32_t *truth = arena_array(arena, row->n_labels, sizeof(*truth));
    if (!truth) return err_out_of_memory(err);
    for (size_t i = 0; i < row->n_labels; i++)
        truth[i] = label_names_find(judge->labels, row->labels[i]); /* or EVALUATION_UNKNOWN */
    verdict->truth = truth;
    if (!ask(judge, arena, input, row, verdict, err)) return false;
    if (judge_count(judge, arena, verdict->p, truth, row->n_labels, &verdict->answer, &reason))
        return true;
    if (reason.code == ERR_INVALID) return fail_row(input, row, reason.message, err);
    *err = reason;
    return false;
}

static bool explain(const struct judge *judge, struct arena *arena, const struct tokens *tokens,
                    uint32_t row, double **shares, struct err *err)
{
    double bias;
    *shares = arena_array(arena, tokens->n, sizeof **shares);
    if (!*shares) return err_out_of_memory(err);
    return head_explain(judge->head, arena, tokens->ids, tokens->n, row, *shares, &bias, err);
}

bool judge_pulls(const struct judge *judge, struct arena *arena, const struct verdict *verdict,
                 const double **pulls, struct err *err)
{
    const bool is_binary = judge->info->kind == HEAD_BINARY;
    const uint32_t predicted = verdict->answer.labels[0], truth = verdict->truth[0];
    const struct tokens *tokens = &verdict->tokens;
    double *shares, *others;
    *pulls = NULL;
    if (!explain(judge, arena, tokens, is_binary ? 0 : predicted, &shares, err))
        return err->code == ERR_INVALID;
    *pulls = shares;
    /* A binary head's logit is the second label's over the first one's. */
    for (size_t i = 0; is_binary && predicted == 0 && i < tokens->n; i++)
        shares[i] = -shares[i];
    if (is_binary || truth == EVALUATION_UNKNOWN) return true;
    if (!explain(judge, arena, tokens, truth, &others, err)) return false;
    for (size_t i = 0; i < tokens->n; i++)
        shares[i] -= others[i];
    return true;
}

bool judge_finish(struct judge *judge, struct err *err)
{
    evaluation_finish(judge->evaluation);
    return resamples_draw(judge->resamples, judge->f1, err);
}

static struct interval interval_of_draws(const double *draws, double figure)
{
    double values[RESAMPLES];
    memcpy(values, draws, sizeof values);
    return interval_percentile(values, RESAMPLES, figure);
}

struct report_intervals judge_intervals(const struct judge *judge)
{
    const struct evaluation_result *result = evaluation_finish(judge->evaluation);
    struct report_intervals intervals = {
        .micro = interval_of_draws(judge->f1->micro, result->micro.f1),
        .macro = interval_of_draws(judge->f1->macro, result->macro.f1),
        .weighted = interval_of_draws(judge->f1->weighted, result->weighted.f1)};
    /* One answer a row: micro F1 is the accuracy, a share. */
    if (result->kind != HEAD_MULTI_LABEL) intervals.micro = interval_of(result->n_right, result->n);
    return intervals;
}

void judge_close(struct judge *judge)
{
    free(judge->f1);
    resamples_free(judge->resamples);
    evaluation_free(judge->evaluation);
    label_names_free(judge->labels);
    model_close(judge->model);
    *judge = (struct judge){0};
}
