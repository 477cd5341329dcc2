/* SPDX-License-Identifier: Apache-2.0 */
/* TEI's labels. */
#include "handlers/dialects/endpoints.h"

#include "handlers/answer.h"
#include "handlers/dialects/tei.h"
#include "handlers/reply.h"
#include "handlers/write.h"

enum { PREDICT_INPUTS, PREDICT_TRUNCATE, PREDICT_DIRECTION, PREDICT_RAW, PREDICT_FIELDS };

static const struct field predict_fields[PREDICT_FIELDS] = {
    [PREDICT_INPUTS] =
        REQUIRED_FIELD("inputs",
                       "'oneOf':[{'type':'string'},{'type':'array','items':{'type':'string'},"
                       "'minItems':1,'maxItems':2},{'type':'array','minItems':1,'items':{'type':"
                       "'array','items':{'type':'string'},'minItems':1,'maxItems':2}}]",
                       "a text, a pair of texts, or a list of lists of one or two texts"),
    [PREDICT_TRUNCATE] = TEI_TRUNCATE_FIELD,
    [PREDICT_DIRECTION] = TEI_DIRECTION_FIELD,
    [PREDICT_RAW] = FIELD("raw_scores", SCHEMA_BOOL, "logits instead of probabilities"),
};

/* One input: a text, a list of one, or a pair, which becomes one text, a space between. */
static bool take_predict_input(struct exchange *x, const struct value *value, struct value *out,
                               struct err *err)
{
    *out = *value;
    if (value->kind == VALUE_STRING) return true;
    const struct value *items = value->list.items;
    if (value->kind != VALUE_LIST || value->list.n < 1 || value->list.n > 2 ||
        items[0].kind != VALUE_STRING || items[value->list.n - 1].kind != VALUE_STRING)
        return err_set(err, ERR_INVALID, "inputs",
                       "`inputs` must be a string, a pair of strings, or a list of lists of one or "
                       "two strings");
    *out = items[0];
    if (value->list.n == 1) return true;
    struct buf text;
    buf_init(&text, x->arena);
    buf_add(&text, items[0].text.data, items[0].text.bytes);
    buf_add_char(&text, ' ');
    buf_add(&text, items[1].text.data, items[1].text.bytes);
    out->text = (struct text){text.data, text.bytes};
    return !text.failed || err_out_of_memory(err);
}

/* A list whose first item is a list is a batch. */
static bool read_predict_inputs(struct exchange *x, const struct value *value, bool *is_batch,
                                struct batch *batch, struct err *err)
{
    *is_batch =
        value->kind == VALUE_LIST && value->list.n > 0 && value->list.items[0].kind == VALUE_LIST;
    size_t n = *is_batch ? value->list.n : 1;
    struct value *texts = arena_array(x->arena, n, sizeof *texts);
    if (!texts) return err_out_of_memory(err);
    for (size_t i = 0; i < n; i++)
        if (!take_predict_input(x, *is_batch ? &value->list.items[i] : value, &texts[i], err))
            return false;
    const struct value list = {.kind = VALUE_LIST, .list = {texts, n}};
    return batch_read(x, &list, "inputs", INPUT_TEXT, false, batch, err);
}

static void write_predictions(struct buf *out, const struct question *question,
                              const struct answer *answer, bool is_raw)
{
    buf_add_char(out, '[');
    for (uint32_t i = 0; i < question->info->n_labels; i++) {
        uint32_t label = answer->order[i];
        buf_add_str(out, i > 0 ? ",{\"score\":" : "{\"score\":");
        buf_add_float(out, is_raw ? answer->logits[label] : answer->p[label]);
        buf_add_str(out, ",\"label\":");
        write_label(out, question, label);
        buf_add_char(out, '}');
    }
    buf_add_char(out, ']');
}

static bool predict_write(struct exchange *x, struct buf *out, struct err *err)
{
    static const struct value no_name = {.kind = VALUE_ABSENT};
    struct value values[PREDICT_FIELDS];
    struct length_limit limit;
    struct question question;
    struct answer answer;
    struct batch batch;
    bool is_raw = false, is_batch = false;
    if (!exchange_read_fields(x, values, err)) return false;
    x->sample.te.work = TE_PREDICT;
    if (!question_choose(&question, x, &no_name, err) ||
        !tei_read_limit(x, &values[PREDICT_TRUNCATE], &values[PREDICT_DIRECTION], &limit, err) ||
        !value_get_bool(&values[PREDICT_RAW], "raw_scores", &is_raw, err) ||
        !read_predict_inputs(x, &values[PREDICT_INPUTS], &is_batch, &batch, err))
        return false;
    x->sample.te.is_batch = is_batch;
    stage_end(x, STAGE_PARSE);
    if (!batch_tokenize(x, &batch, &limit, err)) return false;
    stage_end(x, STAGE_TOKENIZE);
    if (!answer_plan(x, &question, &batch, err) || !answer_make(&answer, x, &question, err))
        return false;
    if (is_batch) buf_add_char(out, '[');
    for (size_t i = 0; i < batch.n; i++) {
        if (!answer_fill(&answer, x, &question, &batch.items[i], err)) return false;
        if (i > 0) buf_add_char(out, ',');
        write_predictions(out, &question, &answer, is_raw);
        stage_end(x, STAGE_WRITE);
    }
    if (is_batch) buf_add_char(out, ']');
    if (!out->failed) answer_count(&answer, x, &question);
    return true;
}

static void predict_post(struct exchange *x)
{
    if (model_heads(x->model)->n == 0) {
        x->sample.reject = REJECT_NOT_FOUND;
        x->sample.te.work = TE_PREDICT;
        tei_reply_error(x, 424, "Backend", "Model is not a classifier model");
        return;
    }
    reply_by(x, predict_write);
}

#define SCHEMA_PREDICTIONS                                                                         \
    "'type':'array','items':{'type':'object','required':['score','label'],'properties':"           \
    "{'score':{'type':'number'},'label':{'type':'string'}}}"

const struct endpoint predict_endpoint = {
    .handle = predict_post,
    FIELDS(predict_fields),
    .summary = "Labels of texts, from the highest score down",
    .reply = "'oneOf':[{" SCHEMA_PREDICTIONS "},{'type':'array','items':{" SCHEMA_PREDICTIONS "}}]",
};
