/* SPDX-License-Identifier: Apache-2.0 */
/* /v1/classify: labels, scores, logits, and why. */
#include "handlers/answer.h"
#include "handlers/dialects/endpoints.h"
#include "handlers/dialects/own.h"
#include "handlers/reply.h"
#include "handlers/write.h"
#include "model/head/unsure.h"

enum {
    CLASSIFY_HEAD = OWN_FIELDS,
    CLASSIFY_TOP_K,
    CLASSIFY_THRESHOLD,
    CLASSIFY_REJECT,
    CLASSIFY_EXPLAIN,
    CLASSIFY_FIELDS
};

static const struct field classify_fields[CLASSIFY_FIELDS] = {
    OWN_FIELD_LIST,
    [CLASSIFY_HEAD] = FIELD("head", SCHEMA_STRING, "which of the model's heads, by name"),
    [CLASSIFY_TOP_K] = FIELD("top_k", SCHEMA_COUNT, "how many labels to return"),
    [CLASSIFY_THRESHOLD] = FIELD("threshold", "'type':'number','minimum':0,'maximum':1",
                                 "the least probability of a label, instead of the head's own"),
    [CLASSIFY_REJECT] =
        FIELD("reject", "'type':['number','boolean'],'minimum':0,'maximum':1",
              "the unsure score above which no label is given; true: 0.95, which keeps 95 of 100 "
              "texts like those it was trained on"),
    [CLASSIFY_EXPLAIN] = FIELD("explain", SCHEMA_BOOL, "say what each token adds to the logit"),
};

static bool read_threshold(const struct value *value, struct question *question, struct err *err)
{
    double threshold = -1;
    if (!value_get_number(value, "threshold", 0, 1, &threshold, err)) return false;
    if (threshold >= 0 && question->info->kind == HEAD_MULTI_CLASS)
        return err_set(err, ERR_INVALID, "threshold",
                       "head \"%.100s\" answers with its best label, so it takes no threshold; "
                       "leave it out and look at scores",
                       question->info->name);
    question->threshold = (float)threshold;
    return true;
}

static bool read_reject(const struct value *value, struct question *question, struct err *err)
{
    double reject = 2;
    if (value->kind == VALUE_BOOL) {
        bool is_on = false;
        if (!value_get_bool(value, "reject", &is_on, err)) return false;
        if (is_on) reject = UNSURE_REJECT;
    } else if (!value_get_number(value, "reject", 0, 1, &reject, err)) {
        return false;
    }
    if (reject <= 1 && !question->info->margins)
        return err_set(err, ERR_INVALID, "reject",
                       "head \"%.100s\" does not know how unsure it is, so it cannot reject; train "
                       "it with embedd train, on 20 rows at least, or leave the field out",
                       question->info->name);
    question->reject = (float)reject;
    return true;
}

static bool read_question(const struct exchange *x, const struct value *values,
                          struct question *question, struct err *err)
{
    if (!question_choose(question, x, &values[CLASSIFY_HEAD], err)) return false;
    int64_t top_k = question->info->n_labels;
    if (!value_get_whole(&values[CLASSIFY_TOP_K], "top_k", 1, top_k, &top_k, err) ||
        !read_threshold(&values[CLASSIFY_THRESHOLD], question, err) ||
        !read_reject(&values[CLASSIFY_REJECT], question, err) ||
        !value_get_bool(&values[CLASSIFY_EXPLAIN], "explain", &question->explain, err))
        return false;
    question->top_k = (uint32_t)top_k;
    question->has_unsure = true;
    return true;
}

static void write_labels(struct buf *out, const struct question *question,
                         const struct answer *answer)
{
    const uint32_t best = answer_best(answer, question);
    buf_add_str(out, ",\"label\":");
    if (best < question->info->n_labels) {
        write_label(out, question, best);
    } else {
        buf_add_str(out, "null");
    }
    buf_add_str(out, ",\"labels\":[");
    if (question->info->kind == HEAD_MULTI_LABEL && !answer->is_rejected) {
        bool is_first = true;
        for (uint32_t i = 0; i < question->info->n_labels; i++) {
            uint32_t label = answer->order[i];
            if (!head_passes(question->head, answer->p, label, question->threshold)) continue;
            if (!is_first) buf_add_char(out, ',');
            write_label(out, question, label);
            is_first = false;
        }
    } else if (best < question->info->n_labels) {
        write_label(out, question, best);
    }
    buf_add_char(out, ']');
    unsure_write(out, answer->unsure, question->reject, answer->is_rejected);
}

static void write_values(struct buf *out, const char *name, const struct question *question,
                         const struct answer *answer, const float *values)
{
    buf_add_str(out, name);
    for (uint32_t i = 0; i < question->top_k; i++) {
        if (i > 0) buf_add_char(out, ',');
        write_label(out, question, answer->order[i]);
        buf_add_char(out, ':');
        buf_add_float(out, values[answer->order[i]]);
    }
    buf_add_char(out, '}');
}

static void write_shares(struct buf *out, const struct sequence *item, const struct text *sources,
                         const struct token_span *spans, const double *shares, double sign)
{
    for (uint32_t i = 0; i < item->n; i++) {
        buf_add_str(out, i > 0 ? ",{\"token\":" : "{\"token\":");
        write_text(out, sources[i]);
        if (spans) {
            buf_add_str(out, ",\"start\":");
            buf_add_u64(out, spans[i].start);
            buf_add_str(out, ",\"end\":");
            buf_add_u64(out, spans[i].end);
        } else {
            buf_add_str(out, ",\"start\":null,\"end\":null");
        }
        buf_add_str(out, ",\"share\":");
        buf_add_float(out, (float)(sign * shares[i]));
        buf_add_char(out, '}');
    }
}

/* Why the best label has the logit it has. A binary head's first label has the second's, turned
   round. */
static bool write_explanation(struct buf *out, struct exchange *x, const struct question *question,
                              const struct answer *answer, const struct sequence *item,
                              struct err *err)
{
    const bool is_binary = question->info->kind == HEAD_BINARY;
    uint32_t label = answer_best(answer, question);
    if (label == question->info->n_labels) label = answer->order[0];
    const double sign = is_binary && label == 0 ? -1 : 1;
    const struct token_span *spans;
    const struct text *sources;
    double bias, *shares = arena_array(x->arena, item->n, sizeof *shares);
    if (!shares) return err_out_of_memory(err);
    if (!head_explain(question->head, x->arena, item->ids, item->n, is_binary ? 0 : label, shares,
                      &bias, err) ||
        !sequence_sources(x, item, &sources, &spans, err))
        return false;
    buf_add_str(out, ",\"explanation\":{\"label\":");
    write_label(out, question, label);
    buf_add_str(out, ",\"bias\":");
    buf_add_float(out, (float)(sign * bias));
    buf_add_str(out, ",\"tokens\":[");
    write_shares(out, item, sources, spans, shares, sign);
    buf_add_str(out, "]}");
    return true;
}

static bool classify_write(struct exchange *x, struct buf *out, struct err *err)
{
    struct value values[CLASSIFY_FIELDS];
    struct question question;
    struct answer answer;
    struct text model;
    struct batch batch;
    if (!own_read_fields(x, values, &model, err) || !read_question(x, values, &question, err) ||
        !request_read_own(x, values, &batch, err) || !answer_plan(x, &question, &batch, err) ||
        !answer_make(&answer, x, &question, err))
        return false;
    buf_add_str(out, "{\"data\":[");
    for (size_t i = 0; i < batch.n; i++) {
        if (!answer_fill(&answer, x, &question, &batch.items[i], err)) return false;
        write_index(out, i);
        write_labels(out, &question, &answer);
        write_values(out, ",\"scores\":{", &question, &answer, answer.p);
        write_values(out, ",\"logits\":{", &question, &answer, answer.logits);
        if (question.explain &&
            !write_explanation(out, x, &question, &answer, &batch.items[i], err))
            return false;
        buf_add_char(out, '}');
        stage_end(x, STAGE_WRITE);
    }
    write_model_name(out, model);
    buf_add_char(out, '}');
    if (!out->failed) answer_count(&answer, x, &question);
    return true;
}

static void classify_post(struct exchange *x)
{
    reply_by(x, classify_write);
}

const struct endpoint classify_endpoint = {
    .handle = classify_post,
    FIELDS(classify_fields),
    .summary = "Labels of texts, with scores",
    .reply = OWN_REPLY("'label':{'type':['string','null']},'labels':{'type':'array','items':"
                       "{'type':'string'}},'unsure':{'type':'boolean'},'unsure_score':{'type':"
                       "'number'},'scores':{'type':'object'},'logits':{'type':'object'},"
                       "'explanation':{'type':'object'}"),
};
