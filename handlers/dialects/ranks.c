/* SPDX-License-Identifier: Apache-2.0 */
/* Documents ranked by how near they are to a query, as Cohere has it: https://docs.cohere.com/
   reference/rerank. Jina, vLLM and Infinity took the fields over; a reply has what the clients of
   all of them read. */
#include "handlers/dialects/ranks.h"

#include "handlers/dialects/cohere.h"
#include "handlers/dialects/endpoints.h"
#include "handlers/ranking.h"
#include "handlers/reply.h"

#include <string.h>

/* -- errors -- */

/* Cohere's clients look for `message`, Jina's for `detail`. */
static void write_error(struct exchange *x, struct failure *failure, struct buf *out)
{
    (void)x;
    buf_add_str(out, "{\"message\":");
    write_string(out, failure->err->message);
    buf_add_str(out, ",\"detail\":");
    write_string(out, failure->err->message);
    buf_add_char(out, '}');
}

const struct dialect dialect_ranks = {
    .name = "Jina",
    .error_schema = "'type':'object','required':['message','detail'],'properties':{'message':"
                    "{'type':'string'},'detail':{'type':'string'}}",
    .write_error = write_error,
    .too_large = "{\"message\":\"" NO_MEMORY_TEXT "\",\"detail\":\"" NO_MEMORY_TEXT "\"}",
    .overloaded = "{\"message\":\"" OVERLOADED_TEXT "\",\"detail\":\"" OVERLOADED_TEXT "\"}",
    .truncate = TRUNCATE_RIGHT,
};

/* -- requests -- */

enum { QUERY, DOCUMENTS, MODEL, TOP_N, RETURN_DOCUMENTS, MAX_TOKENS, RANK_FIELDS, N_FIELDS };

static const struct field rerank_fields[N_FIELDS] = {
    [QUERY] = REQUIRED_FIELD("query", SCHEMA_STRING, "what the documents are compared with"),
    [DOCUMENTS] = REQUIRED_FIELD("documents",
                                 "'type':'array','minItems':1,'items':{'oneOf':[{'type':'string'},"
                                 "{'type':'object'}]}",
                                 "texts, or objects that hold a text"),
    [MODEL] = FIELD("model", SCHEMA_STRING, "which of the served models answers"),
    [TOP_N] =
        FIELD("top_n", "'type':'integer','minimum':0", "the best so many; 0, the default: all"),
    [RETURN_DOCUMENTS] = FIELD("return_documents", SCHEMA_BOOL, "whether results hold the texts"),
    [MAX_TOKENS] = FIELD("max_tokens_per_doc", SCHEMA_COUNT, "the most tokens of a text"),
    [RANK_FIELDS] = FIELD("rank_fields", SCHEMA_STRINGS ",'maxItems':64",
                          "which texts of the objects; text by default"),
};

/* What a request wants ranked: item 0 of the batch is the query. */
struct ranking {
    struct embedding embedding;
    int64_t n; /* results */
    bool has_documents;
};

/* The texts of an object that rank_fields names, a space between two. */
static bool join_fields(struct exchange *x, const struct value *object, const struct value *names,
                        size_t index, struct value *out, struct err *err)
{
    struct buf joined;
    buf_init(&joined, x->arena);
    size_t n = 0;
    for (size_t i = 0; i < names->list.n; i++) {
        const struct value *text = value_find(object, names->list.items[i].text);
        if (text->kind != VALUE_STRING) continue;
        if (n++ > 0) buf_add_char(&joined, ' ');
        buf_add(&joined, text->text.data, text->text.bytes);
    }
    if (n == 0)
        return err_set(err, ERR_INVALID, "rank_fields",
                       "documents[%zu] has no text under any of rank_fields", index);
    *out = (struct value){.kind = VALUE_STRING, .text = {joined.data, joined.bytes}};
    return !joined.failed || err_out_of_memory(err);
}

/* Each is looked for in each document: a short body could have many of both. */
#define NAMES_MAX 64

static bool check_names(const struct value *names, struct err *err)
{
    bool is_good = names->kind == VALUE_LIST && names->list.n > 0 && names->list.n <= NAMES_MAX;
    for (size_t i = 0; is_good && i < names->list.n; i++)
        is_good = names->list.items[i].kind == VALUE_STRING;
    return is_good || err_set(err, ERR_INVALID, "rank_fields",
                              "rank_fields must be a list of 1 to %d names of fields, such as "
                              "[\"title\", \"text\"]",
                              NAMES_MAX);
}

static bool read_documents(struct exchange *x, const struct value *documents,
                           const struct value *names, struct batch *batch, struct err *err)
{
    struct value list = *documents;
    if (value_is_given(names) && documents->kind == VALUE_LIST) {
        const size_t n = documents->list.n;
        struct value *texts = arena_array(x->arena, n, sizeof *texts);
        if (!texts) return err_out_of_memory(err);
        if (!check_names(names, err)) return false;
        for (size_t i = 0; i < n; i++) {
            texts[i] = documents->list.items[i];
            if (texts[i].kind == VALUE_OBJECT &&
                !join_fields(x, &documents->list.items[i], names, i, &texts[i], err))
                return false;
        }
        list.list.items = texts;
    }
    return batch_read(x, &list, "documents", INPUT_TEXT | INPUT_TEXT_OBJECT, false, batch, err);
}

static bool read_ranking(struct exchange *x, struct ranking *ranking, struct err *err)
{
    struct value values[N_FIELDS];
    struct embedding *embedding = &ranking->embedding;
    struct text query = {0};
    if (!exchange_read_fields(x, values, err) ||
        !model_name_read(x, &values[MODEL], &embedding->model, err))
        return false;
    embedding_init(embedding, x);
    if (!value_need_text(&values[QUERY], "query", &query, err) ||
        !value_get_whole(&values[TOP_N], "top_n", 0, INT32_MAX, &ranking->n, err) ||
        !value_get_bool(&values[RETURN_DOCUMENTS], "return_documents", &ranking->has_documents,
                        err) ||
        !length_limit_lower(&values[MAX_TOKENS], "max_tokens_per_doc", &embedding->limit, err) ||
        !read_documents(x, &values[DOCUMENTS], &values[RANK_FIELDS], &embedding->batch, err))
        return false;
    const int64_t n = (int64_t)embedding->batch.n;
    if (ranking->n == 0 || ranking->n > n) ranking->n = n;
    return batch_prepend(x, query, &embedding->batch, err);
}

/* -- replies -- */

static void write_result(struct buf *out, const struct ranked *ranked,
                         const struct sequence *document)
{
    buf_add_str(out, "{\"index\":");
    buf_add_u64(out, ranked->index);
    buf_add_str(out, ",\"relevance_score\":");
    write_real(out, ranked->score);
    if (document) {
        buf_add_str(out, ",\"document\":{\"text\":");
        write_text(out, sequence_sent(document));
        buf_add_char(out, '}');
    }
    buf_add_char(out, '}');
}

/* A hundred documents are one of Cohere's search units. */
static void write_tail(struct buf *out, const struct embedding *embedding, int version)
{
    buf_add_str(out, "],\"model\":");
    write_text(out, embedding->model);
    write_token_usage(out, embedding->batch.tokens);
    cohere_write_meta(out, version, "search_units", (embedding->batch.n - 1 + 99) / 100);
    buf_add_char(out, '}');
}

static bool write_ranks(struct exchange *x, int version, struct buf *out, struct err *err)
{
    struct ranking ranking = {.has_documents = version == 1};
    struct ranked *ranked;
    if (!read_ranking(x, &ranking, err) || !rank(x, &ranking.embedding, &ranked, err)) return false;
    cohere_write_id(x, out);
    buf_add_str(out, ",\"results\":[");
    for (int64_t i = 0; i < ranking.n; i++) {
        const struct sequence *item = &ranking.embedding.batch.items[1 + ranked[i].index];
        if (i > 0) buf_add_char(out, ',');
        write_result(out, &ranked[i], ranking.has_documents ? item : NULL);
    }
    write_tail(out, &ranking.embedding, version);
    stage_end(x, STAGE_WRITE);
    return true;
}

static bool write_v1(struct exchange *x, struct buf *out, struct err *err)
{
    return write_ranks(x, 1, out, err);
}

static bool write_v2(struct exchange *x, struct buf *out, struct err *err)
{
    return write_ranks(x, 2, out, err);
}

static void jina_rerank_post(struct exchange *x)
{
    reply_by(x, write_v1);
}

static void cohere_rerank_post(struct exchange *x)
{
    reply_by(x, write_v2);
}

#define RERANK_REPLY                                                                               \
    "'type':'object','required':['id','results','model','usage','meta'],'properties':{'id':"       \
    "{'type':'string'},'results':{'type':'array','items':{'type':'object','required':['index',"    \
    "'relevance_score'],'properties':{'index':{'type':'integer'},'relevance_score':{'type':"       \
    "'number'},'document':{'type':'object','properties':{'text':{'type':'string'}}}}}},'model':"   \
    "{'type':'string'},'usage':{'type':'object'},'meta':{'type':'object'}}"

const struct endpoint jina_rerank_endpoint = {
    .handle = jina_rerank_post,
    FIELDS(rerank_fields),
    .summary = "Documents by their nearness to a query, the nearest first",
    .reply = RERANK_REPLY,
};

const struct endpoint cohere_rerank_endpoint = {
    .handle = cohere_rerank_post,
    FIELDS(rerank_fields),
    .summary = "Documents by their nearness to a query, the nearest first",
    .reply = RERANK_REPLY,
};

bool ranks_take(struct exchange *x)
{
    static const struct field field[] = {FIELD("documents", "", "")};
    static const char key[] = "\"documents\"";
    struct value documents;
    size_t ignored;
    struct err err;
    /* Nearly all of TEI's requests need no look at their fields; what was read before this, and
       handed over, is one of them. */
    if (x->object || x->body_bytes == 0 || !memmem(x->body, x->body_bytes, key, sizeof key - 1))
        return false;
    if (!fields_read(x->arena, x->body, x->body_bytes, field, 1, &documents, &ignored, &err) ||
        !value_is_given(&documents))
        return false;
    x->dialect = &dialect_ranks;
    x->endpoint = &jina_rerank_endpoint;
    jina_rerank_post(x);
    return true;
}
