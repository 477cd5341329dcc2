/* SPDX-License-Identifier: Apache-2.0 */
/* Cohere's embed, v1 and v2: https://docs.cohere.com/reference/embed. Where it takes 96 texts a
   call, max-inputs are taken here. */
#include "handlers/dialects/cohere.h"

#include "handlers/dialects/endpoints.h"
#include "handlers/embedding.h"
#include "handlers/headers.h"
#include "handlers/parts.h"
#include "handlers/reply.h"

#include <inttypes.h>
#include <string.h>

/* -- errors -- */

static void write_error(struct exchange *x, struct failure *failure, struct buf *out)
{
    (void)x;
    buf_add_str(out, "{\"message\":");
    write_string(out, failure->err->message);
    buf_add_char(out, '}');
}

static bool refuse_length(const char *field, size_t index, uint32_t n, size_t max, struct err *err)
{
    return err_set(err, ERR_INVALID, field,
                   "text %zu has %" PRIu32 " tokens, more than %zu; send a shorter one, or "
                   "truncate: \"END\" or \"START\"",
                   index, n, max);
}

const struct dialect dialect_cohere = {
    .name = "Cohere",
    .error_schema =
        "'type':'object','required':['message'],'properties':{'message':{'type':'string'}}",
    .write_error = write_error,
    .too_large = "{\"message\":\"" NO_MEMORY_TEXT "\"}",
    .overloaded = "{\"message\":\"" OVERLOADED_TEXT "\"}",
    .refuse_length = refuse_length,
    .truncate = TRUNCATE_RIGHT,
};

/* -- requests -- */

enum {
    TEXTS,
    INPUTS,
    MODEL,
    INPUT_KIND,
    EMBEDDING_TYPES,
    TRUNCATE,
    OUTPUT_DIMENSION,
    MAX_TOKENS,
    N_FIELDS
};

#define SCHEMA_CONTENT                                                                             \
    "'type':'array','minItems':1,'items':{'type':'object','required':['content'],'properties':"    \
    "{'content':{'type':'array','minItems':1,'items':{'type':'object','required':['text'],"        \
    "'properties':{'type':{'const':'text'},'text':{'type':'string'}}}}}}"

static const struct field embed_fields[N_FIELDS] = {
    [TEXTS] = FIELD("texts", SCHEMA_STRINGS, "texts; these or inputs"),
    [INPUTS] = FIELD("inputs", SCHEMA_CONTENT, "texts in parts, which are joined with a space"),
    [MODEL] = FIELD("model", SCHEMA_STRING, "which of the served models answers"),
    [INPUT_KIND] = FIELD("input_type",
                         "'enum':['search_document','search_query','classification','clustering']",
                         "is not used"),
    [EMBEDDING_TYPES] = FIELD("embedding_types",
                              "'type':'array','minItems':1,'items':{'enum':['float','int8',"
                              "'uint8','binary','ubinary','base64']}",
                              "the number types to reply with"),
    [TRUNCATE] = FIELD("truncate", "'enum':['NONE','START','END']",
                       "where texts that are too long are cut; END by default"),
    [OUTPUT_DIMENSION] = FIELD("output_dimension", SCHEMA_COUNT, "the first so many dimensions"),
    [MAX_TOKENS] = FIELD("max_tokens", SCHEMA_COUNT, "the most tokens of a text"),
};

#define N_TYPES 6

static const char *const type_names[N_TYPES] = {"float",  "int8",    "uint8",
                                                "binary", "ubinary", "base64"};

static const struct coding type_codings[N_TYPES] = {
    {.type = NUMBER_FLOAT32}, {.type = NUMBER_INT8},    {.type = NUMBER_UINT8},
    {.type = NUMBER_BINARY},  {.type = NUMBER_UBINARY}, {.encoding = ENCODING_BASE64},
};

/* As bits; none where the field is not there. */
static bool read_types(const struct value *value, unsigned *types, struct err *err)
{
    if (!value_is_given(value)) return true;
    if (value->kind != VALUE_LIST || value->list.n == 0)
        return err_set(err, ERR_INVALID, "embedding_types",
                       "embedding_types must be a list of one or more of \"float\", \"int8\", "
                       "\"uint8\", \"binary\", \"ubinary\" and \"base64\"; it is %s",
                       value->kind == VALUE_LIST ? "empty" : value_describe(value));
    for (size_t i = 0; i < value->list.n; i++) {
        size_t type = N_TYPES;
        if (!value_get_choice(&value->list.items[i], "embedding_types", type_names, N_TYPES, &type,
                              err))
            return false;
        if (type == N_TYPES)
            return err_set(err, ERR_INVALID, "embedding_types",
                           "embedding_types[%zu] must be a string, not null", i);
        *types |= 1u << type;
    }
    return true;
}

static bool read_truncate(const struct value *value, struct length_limit *limit, struct err *err)
{
    static const char *const names[] = {"NONE", "END", "START"};
    static const enum truncate ways[] = {TRUNCATE_ERROR, TRUNCATE_RIGHT, TRUNCATE_LEFT};
    size_t way = 0;
    if (!value_is_given(value)) return true;
    if (!value_get_choice(value, "truncate", names, 3, &way, err)) return false;
    limit->truncate = ways[way];
    limit->is_asked = true;
    return true;
}

static bool check_kind(const struct value *value, struct err *err)
{
    static const char *const names[] = {"search_document", "search_query", "classification",
                                        "clustering"};
    size_t kind = 0;
    return value_get_choice(value, "input_type", names, 4, &kind, err);
}

/* {"content":[{"type":"text","text"}]} is one text. */
static bool read_inputs(struct exchange *x, const struct value *inputs, struct batch *batch,
                        struct err *err)
{
    if (inputs->kind != VALUE_LIST)
        return err_set(err, ERR_INVALID, "inputs",
                       "inputs must be a list of objects with content, not %s",
                       value_describe(inputs));
    const size_t n = inputs->list.n;
    struct value *texts = arena_array(x->arena, n, sizeof *texts);
    if (!texts) return err_out_of_memory(err);
    for (size_t i = 0; i < n; i++) {
        const struct parts_place place = {"inputs", i, "content"};
        texts[i].kind = VALUE_STRING;
        if (!parts_join(x, value_member(&inputs->list.items[i], "content"), &place, &texts[i].text,
                        err))
            return false;
    }
    const struct value list = {.kind = VALUE_LIST, .list = {texts, n}};
    return batch_read(x, &list, "inputs", INPUT_TEXT, false, batch, err);
}

static bool read_texts(struct exchange *x, const struct value *values, struct batch *batch,
                       struct err *err)
{
    const bool has_texts = value_is_given(&values[TEXTS]);
    if (has_texts == value_is_given(&values[INPUTS]))
        return err_set(err, ERR_INVALID, "texts", "send either texts or inputs; %s",
                       has_texts ? "both were given"
                                 : "neither was given, and images are not embedded here");
    if (!has_texts) return read_inputs(x, &values[INPUTS], batch, err);
    return batch_read(x, &values[TEXTS], "texts", INPUT_TEXT, false, batch, err);
}

static bool read_embed(struct exchange *x, struct embedding *embedding, unsigned *types,
                       struct err *err)
{
    struct value values[N_FIELDS];
    if (!exchange_read_fields(x, values, err) ||
        !model_name_read(x, &values[MODEL], &embedding->model, err))
        return false;
    embedding_init(embedding, x);
    return check_kind(&values[INPUT_KIND], err) &&
           read_types(&values[EMBEDDING_TYPES], types, err) &&
           read_truncate(&values[TRUNCATE], &embedding->limit, err) &&
           length_limit_lower(&values[MAX_TOKENS], "max_tokens", &embedding->limit, err) &&
           embedding_read_dimensions(embedding, x, &values[OUTPUT_DIMENSION], "output_dimension",
                                     err) &&
           read_texts(x, values, &embedding->batch, err);
}

/* -- replies -- */

void cohere_write_id(struct exchange *x, struct buf *out)
{
    const char *id = reply_id(x);
    buf_add_str(out, "{\"id\":");
    write_string(out, id ? id : "");
}

void cohere_write_meta(struct buf *out, int version, const char *unit, uint64_t n)
{
    buf_add_str(out, ",\"meta\":{\"api_version\":{\"version\":\"");
    buf_add_u64(out, (uint64_t)version);
    buf_add_str(out, "\"},\"billed_units\":{\"");
    buf_add_str(out, unit);
    buf_add_str(out, "\":");
    buf_add_u64(out, n);
    buf_add_str(out, "}}");
}

/* All types at once, before the first of them is written. */
static bool plan_reply(struct exchange *x, const struct embedding *embedding, unsigned types,
                       struct err *err)
{
    const struct batch *batch = &embedding->batch;
    struct plan plan = {.read_bytes = model_read_bytes(x->model, batch->tokens)};
    for (size_t i = 0; i < N_TYPES; i++)
        if (types & 1u << i)
            plan.reply_bytes += batch->n * coding_bytes(&type_codings[i], embedding->pool.dims);
    for (size_t i = 0; i < batch->n; i++)
        plan.reply_bytes += batch->items[i].text.bytes + 4;
    return reply_plan(x, &plan, err);
}

static bool write_type(struct exchange *x, struct embedding *embedding, size_t type,
                       struct buf *out, struct err *err)
{
    static const struct vector_frame frame = {.head = TEXT("["), .tail = TEXT("]")};
    embedding->coding = type_codings[type];
    return write_vectors(x, embedding, &frame, out, err);
}

static bool write_by_type(struct exchange *x, struct embedding *embedding, unsigned types,
                          struct buf *out, struct err *err)
{
    const char *before = "{\"";
    for (size_t i = 0; i < N_TYPES; i++) {
        if (!(types & 1u << i)) continue;
        buf_add_str(out, before);
        buf_add_str(out, type_names[i]);
        buf_add_str(out, "\":");
        if (!write_type(x, embedding, i, out, err)) return false;
        before = ",\"";
    }
    buf_add_char(out, '}');
    return true;
}

static void write_texts(const struct batch *batch, struct buf *out)
{
    buf_add_str(out, ",\"texts\":");
    for (size_t i = 0; i < batch->n; i++) {
        buf_add_char(out, i > 0 ? ',' : '[');
        write_text(out, sequence_sent(&batch->items[i]));
    }
    buf_add_char(out, ']');
}

/* v1 without types has the vectors themselves in the place of the lists by type. Bytes alone are of
   one type. */
static bool write_embed(struct exchange *x, int version, struct buf *out, struct err *err)
{
    struct embedding embedding = {0};
    unsigned types = 0;
    if (!read_embed(x, &embedding, &types, err) || !embedding_tokenize(&embedding, x, err))
        return false;
    const bool is_bare = version == 1 && types == 0;
    if (types == 0) types = 1;
    if (wants_raw(x) && (types & (types - 1)) == 0) {
        embedding.coding = type_codings[__builtin_ctz(types)];
        return write_raw(x, &embedding, out, err);
    }
    if (!plan_reply(x, &embedding, types, err)) return false;
    cohere_write_id(x, out);
    buf_add_str(out, ",\"embeddings\":");
    if (!(is_bare ? write_type(x, &embedding, 0, out, err)
                  : write_by_type(x, &embedding, types, out, err)))
        return false;
    write_texts(&embedding.batch, out);
    cohere_write_meta(out, version, "input_tokens", embedding.batch.tokens);
    buf_add_str(out, is_bare ? ",\"response_type\":\"embeddings_floats\"}"
                             : ",\"response_type\":\"embeddings_by_type\"}");
    return true;
}

static bool write_v1(struct exchange *x, struct buf *out, struct err *err)
{
    return write_embed(x, 1, out, err);
}

static bool write_v2(struct exchange *x, struct buf *out, struct err *err)
{
    return write_embed(x, 2, out, err);
}

static void embed_v1_post(struct exchange *x)
{
    reply_by(x, write_v1);
}

static void embed_v2_post(struct exchange *x)
{
    reply_by(x, write_v2);
}

#define SCHEMA_FLOATS "{'type':'array','items':{'type':'array','items':{'type':'number'}}}"
#define SCHEMA_WHOLES "{'type':'array','items':{'type':'array','items':{'type':'integer'}}}"
#define SCHEMA_BY_TYPE                                                                             \
    "{'type':'object','properties':{'float':" SCHEMA_FLOATS ",'int8':" SCHEMA_WHOLES               \
    ",'uint8':" SCHEMA_WHOLES ",'binary':" SCHEMA_WHOLES ",'ubinary':" SCHEMA_WHOLES               \
    ",'base64':{'type':'array','items':{'type':'string'}}}}"
#define EMBED_REPLY(embeddings)                                                                    \
    "'type':'object','required':['id','embeddings','texts','meta'],'properties':{'id':{'type':"    \
    "'string'},'embeddings':" embeddings ",'texts':{'type':'array','items':{'type':'string'}},"    \
    "'meta':{'type':'object'},'response_type':{'type':'string'}}"

const struct endpoint cohere_embed_v1_endpoint = {
    .handle = embed_v1_post,
    .can_be_raw = true,
    FIELDS(embed_fields),
    .summary = "Vectors of texts, as Cohere's first API has them",
    .reply = EMBED_REPLY("{'oneOf':[" SCHEMA_FLOATS "," SCHEMA_BY_TYPE "]}"),
};

const struct endpoint cohere_embed_v2_endpoint = {
    .handle = embed_v2_post,
    .can_be_raw = true,
    FIELDS(embed_fields),
    .summary = "Vectors of texts in one or more number types",
    .reply = EMBED_REPLY(SCHEMA_BY_TYPE),
};
