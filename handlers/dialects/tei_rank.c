/* SPDX-License-Identifier: Apache-2.0 */
/* TEI's scores of texts against one: cosines of their vectors. */
#include "handlers/dialects/endpoints.h"

#include "handlers/dialects/ranks.h"
#include "handlers/dialects/tei.h"
#include "handlers/ranking.h"
#include "handlers/reply.h"

/* -- /similarity -- */

enum { SIMILARITY_INPUTS, SIMILARITY_PARAMETERS, SIMILARITY_FIELDS };

static const struct field similarity_fields[SIMILARITY_FIELDS] = {
    [SIMILARITY_INPUTS] =
        REQUIRED_FIELD("inputs",
                       "'type':'object','required':['source_sentence','sentences'],'properties':"
                       "{'source_sentence':{" SCHEMA_STRING "},'sentences':{" SCHEMA_STRINGS "}}",
                       "a text, and those that it is compared with"),
    [SIMILARITY_PARAMETERS] =
        FIELD("parameters",
              "'type':'object','properties':{'truncate':{" SCHEMA_BOOL
              "},'truncation_direction':{'enum':['Left','Right','left','right']},'prompt_name':"
              "{" SCHEMA_STRING "}}",
              "as fields of the same names elsewhere"),
};

static bool read_similarity(struct exchange *x, const struct value *inputs,
                            const struct value *parameters, struct embedding *embedding,
                            struct err *err)
{
    struct text source = {0};
    if (inputs->kind != VALUE_OBJECT)
        return err_set(err, ERR_INVALID, "inputs",
                       "inputs must be an object with source_sentence and sentences, but is %s",
                       value_describe(inputs));
    return value_check_object(parameters, "parameters", err) &&
           value_need_text(value_member(inputs, "source_sentence"), "inputs.source_sentence",
                           &source, err) &&
           tei_read_limit(x, value_member(parameters, "truncate"),
                          value_member(parameters, "truncation_direction"), &embedding->limit,
                          err) &&
           batch_read(x, value_member(inputs, "sentences"), "inputs.sentences", INPUT_TEXT, false,
                      &embedding->batch, err) &&
           tei_read_prompt(x, value_member(parameters, "prompt_name"), &embedding->batch, err) &&
           batch_prepend(x, source, &embedding->batch, err);
}

static bool similarity_write(struct exchange *x, struct buf *out, struct err *err)
{
    struct value values[SIMILARITY_FIELDS];
    struct embedding embedding = {0};
    struct unit_vectors vectors;
    if (!exchange_read_fields(x, values, err)) return false;
    x->sample.te = (struct te_sample){.work = TE_EMBED, .is_batch = true};
    embedding_init(&embedding, x);
    if (!read_similarity(x, &values[SIMILARITY_INPUTS], &values[SIMILARITY_PARAMETERS], &embedding,
                         err) ||
        !unit_vectors_make(x, &embedding, &vectors, err))
        return false;
    buf_add_char(out, '[');
    for (size_t i = 1; i < embedding.batch.n; i++) {
        if (i > 1) buf_add_char(out, ',');
        write_real(out, unit_vectors_cosine(&vectors, 0, i));
    }
    buf_add_char(out, ']');
    stage_end(x, STAGE_WRITE);
    return true;
}

static void similarity_post(struct exchange *x)
{
    reply_by(x, similarity_write);
}

const struct endpoint similarity_endpoint = {
    .handle = similarity_post,
    FIELDS(similarity_fields),
    .summary = "Cosines of a text with others",
    .reply = "'type':'array','items':{'type':'number'}",
};

/* -- /rerank -- */

enum {
    RERANK_QUERY,
    RERANK_TEXTS,
    RERANK_TRUNCATE,
    RERANK_DIRECTION,
    RERANK_RAW,
    RERANK_RETURN,
    RERANK_FIELDS
};

static const struct field rerank_fields[RERANK_FIELDS] = {
    [RERANK_QUERY] = REQUIRED_FIELD("query", SCHEMA_STRING, "what the texts are ranked by"),
    [RERANK_TEXTS] = REQUIRED_FIELD("texts", SCHEMA_STRINGS, "the texts to be ranked"),
    [RERANK_TRUNCATE] = TEI_TRUNCATE_FIELD,
    [RERANK_DIRECTION] = TEI_DIRECTION_FIELD,
    [RERANK_RAW] =
        FIELD("raw_scores", SCHEMA_BOOL, "cosines, from -1 to 1, instead of scores from 0 to 1"),
    [RERANK_RETURN] = FIELD("return_text", SCHEMA_BOOL, "each text beside its score"),
};

struct ranking {
    struct embedding embedding;
    bool is_raw, has_text;
};

static bool read_ranking(struct exchange *x, const struct value values[static RERANK_FIELDS],
                         struct ranking *ranking, struct err *err)
{
    struct embedding *embedding = &ranking->embedding;
    struct text query = {0};
    return value_need_text(&values[RERANK_QUERY], "query", &query, err) &&
           tei_read_limit(x, &values[RERANK_TRUNCATE], &values[RERANK_DIRECTION], &embedding->limit,
                          err) &&
           value_get_bool(&values[RERANK_RAW], "raw_scores", &ranking->is_raw, err) &&
           value_get_bool(&values[RERANK_RETURN], "return_text", &ranking->has_text, err) &&
           batch_read(x, &values[RERANK_TEXTS], "texts", INPUT_TEXT, false, &embedding->batch,
                      err) &&
           batch_prepend(x, query, &embedding->batch, err);
}

/* TEI's models give a logit, which it brings between 0 and 1; so is a cosine, and its order stays.
 */
static void write_rank(struct buf *out, const struct ranked *ranked, const struct ranking *ranking)
{
    buf_add_str(out, "{\"index\":");
    buf_add_u64(out, ranked->index);
    if (ranking->has_text) {
        buf_add_str(out, ",\"text\":");
        write_text(out, sequence_sent(&ranking->embedding.batch.items[1 + ranked->index]));
    }
    buf_add_str(out, ",\"score\":");
    write_real(out, ranking->is_raw ? ranked->score : (1 + ranked->score) / 2);
    buf_add_char(out, '}');
}

static bool rerank_write(struct exchange *x, struct buf *out, struct err *err)
{
    struct value values[RERANK_FIELDS];
    struct ranking ranking = {0};
    struct ranked *ranked;
    if (!exchange_read_fields(x, values, err)) return false;
    x->sample.te = (struct te_sample){.work = TE_PREDICT, .is_batch = true};
    embedding_init(&ranking.embedding, x);
    if (!read_ranking(x, values, &ranking, err) || !rank(x, &ranking.embedding, &ranked, err))
        return false;
    const size_t n = ranking.embedding.batch.n - 1;
    buf_add_char(out, '[');
    for (size_t i = 0; i < n; i++) {
        if (i > 0) buf_add_char(out, ',');
        write_rank(out, &ranked[i], &ranking);
    }
    buf_add_char(out, ']');
    stage_end(x, STAGE_WRITE);
    return true;
}

/* Jina's, vLLM's and Infinity's requests come to this path, too. */
static void rerank_post(struct exchange *x)
{
    if (!ranks_take(x)) reply_by(x, rerank_write);
}

const struct endpoint rerank_endpoint = {
    .handle = rerank_post,
    FIELDS(rerank_fields),
    .summary = "Texts by how near they are to a query, the nearest first",
    .reply = "'type':'array','items':{'type':'object','required':['index','score'],'properties':"
             "{'index':{'type':'integer'},'text':{'type':'string'},'score':{'type':'number'}}}",
};
