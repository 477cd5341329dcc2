/* SPDX-License-Identifier: Apache-2.0 */
/* OpenAI's embeddings: https://platform.openai.com/docs/api-reference/embeddings */
#include "handlers/dialects/endpoints.h"

#include "handlers/dialects/openai.h"
#include "handlers/dialects/vllm.h"
#include "handlers/embedding.h"
#include "handlers/errors.h"
#include "handlers/input.h"
#include "handlers/reply.h"
#include "handlers/service.h"
#include "handlers/serving.h"
#include "model/registry.h"

#include <inttypes.h>
#include <string.h>

/* -- errors -- */

void openai_write_error(struct exchange *x, struct failure *failure, struct buf *out)
{
    const struct err *err = failure->err;
    const struct text message = {err->message, strlen(err->message)};
    const struct text param = {err->param, strlen(err->param)};
    const bool is_model = err->code == ERR_NOT_FOUND && strcmp(err->param, "model") == 0;
    const char *code = is_model ? "model_not_found" : failure->code;
    buf_add_str(out, "{\"error\":{\"message\":");
    write_text(out, message);
    buf_printf(out, ",\"type\":\"%s\",\"param\":",
               failure->status == 429  ? "rate_limit_error"
               : failure->status < 500 ? "invalid_request_error"
                                       : "server_error");
    if (param.bytes > 0) {
        write_text(out, param);
    } else {
        buf_add_str(out, "null");
    }
    if (code) {
        buf_printf(out, ",\"code\":\"%s\"}}", code);
    } else {
        buf_add_str(out, ",\"code\":null}}");
    }
    /* OpenAI's clients send a request again after 429 and any 5xx, unless told so. */
    const bool is_for_later = failure->status == 429 || failure->status == 503;
    if (is_for_later || failure->status >= 500)
        reply_add_header(x, "x-should-retry", is_for_later ? "true" : "false");
}

/* Clients look for the first words. */
static bool refuse_length(const char *field, size_t index, uint32_t n, size_t max, struct err *err)
{
    return err_set(err, ERR_INVALID, field,
                   "This model's maximum context length is %zu tokens, but input %zu has %" PRIu32
                   "; send shorter inputs, or \"truncate\": \"right\", \"left\" or \"window\"",
                   max, index, n);
}

const struct dialect dialect_openai = {
    .name = "OpenAI",
    .error_schema = "'anyOf':[{" OPENAI_ERROR_SCHEMA "},{'type':'object','required':['detail'],"
                    "'properties':{'detail':{'type':'string'}}}]",
    .write_error = openai_write_error,
    .too_large = OPENAI_TOO_LARGE,
    .overloaded = OPENAI_OVERLOADED,
    .refuse_length = refuse_length,
    .truncate = TRUNCATE_ERROR,
};

/* Voyage's client reads `detail`, and takes an object under `error` for no answer at all. */
static void write_voyage_error(struct exchange *x, struct failure *failure, struct buf *out)
{
    (void)x;
    buf_add_str(out, "{\"detail\":");
    write_string(out, failure->err->message);
    buf_add_char(out, '}');
}

static const struct dialect dialect_voyage = {
    .name = "Voyage",
    .error_schema =
        "'type':'object','required':['detail'],'properties':{'detail':{'type':'string'}}",
    .write_error = write_voyage_error,
    .too_large = "{\"detail\":\"" NO_MEMORY_TEXT "\"}",
    .overloaded = "{\"detail\":\"" OVERLOADED_TEXT "\"}",
    .truncate = TRUNCATE_RIGHT,
};

/* -- embeddings -- */

/* OpenAI's own fields, ours, and what servers that speak OpenAI's API have added: Jina, Voyage,
   vLLM. */
enum {
    INPUT,
    MODEL,
    ENCODING_FORMAT,
    DIMENSIONS,
    USER,
    POOLING,
    NORMALIZE,
    TRUNCATE,
    NORMALIZED,
    EMBEDDING_TYPE,
    TRUNCATION,
    OUTPUT_DIMENSION,
    OUTPUT_DTYPE,
    EMBED_DTYPE,
    ENDIANNESS,
    TRUNCATE_TOKENS,
    TRUNCATION_SIDE,
    N_FIELDS
};

#define SCHEMA_NUMBERS "'enum':['float','float32','int8','uint8','binary','ubinary']"

static const struct field embeddings_fields[N_FIELDS] = {
    [INPUT] = REQUIRED_FIELD("input", SCHEMA_INPUT, "texts, or lists of token ids"),
    [MODEL] = FIELD("model", SCHEMA_STRING, "which of the served models answers"),
    [ENCODING_FORMAT] = FIELD("encoding_format", "'enum':['float','base64','bytes','bytes_only']",
                              "lists of numbers, or base64; or the bytes alone, as vLLM has it"),
    [DIMENSIONS] = FIELD("dimensions", SCHEMA_COUNT, "the first so many dimensions"),
    [USER] = FIELD("user", SCHEMA_STRING, "is not used"),
    [POOLING] = FIELD("pooling", "'enum':['mean','weighted','sum','max','unit']",
                      "how the rows of tokens become one vector"),
    [NORMALIZE] = FIELD("normalize", SCHEMA_BOOL, "divide by the L2 norm"),
    [TRUNCATE] =
        FIELD("truncate", "'oneOf':[{'type':'boolean'},{'enum':['error','right','left','window']}]",
              "what becomes of inputs that are too long"),
    [NORMALIZED] = FIELD("normalized", SCHEMA_BOOL, "Jina's normalize"),
    [EMBEDDING_TYPE] =
        FIELD("embedding_type", "'enum':['float','base64','binary','ubinary','int8','uint8']",
              "Jina's number type"),
    [TRUNCATION] = FIELD("truncation", SCHEMA_BOOL, "Voyage's truncate"),
    [OUTPUT_DIMENSION] = FIELD("output_dimension", SCHEMA_COUNT, "Voyage's dimensions"),
    [OUTPUT_DTYPE] = FIELD("output_dtype", SCHEMA_NUMBERS, "Voyage's number type"),
    [EMBED_DTYPE] = FIELD("embed_dtype",
                          "'enum':['float32','float16','bfloat16','fp8_e4m3','fp8_e5m2','int8',"
                          "'uint8','binary','ubinary']",
                          "vLLM's number type"),
    [ENDIANNESS] = FIELD("endianness", "'enum':['native','little','big']",
                         "the order of the bytes of base64 and bytes; native is little"),
    [TRUNCATE_TOKENS] =
        FIELD("truncate_prompt_tokens", "'oneOf':[{'const':-1},{'type':'integer','minimum':1}]",
              "the most tokens of an input, the rest is cut off; -1: the model's"),
    [TRUNCATION_SIDE] =
        FIELD("truncation_side", "'enum':['left','right']", "where truncate_prompt_tokens cuts"),
};

/* What embedding->more is where a header says what the bytes are. */
static const char described;

/* The message is OpenAI's own. */
static bool read_encoding(const struct value *value, struct embedding *embedding, struct err *err)
{
    static const enum encoding encodings[] = {ENCODING_FLOAT, ENCODING_BASE64, ENCODING_RAW,
                                              ENCODING_RAW};
    static const char *const names[] = {"float", "base64", "bytes", "bytes_only"};
    struct text given = {0};
    if (!value_get_text(value, "encoding_format", &given, err)) return false;
    if (!given.data) return true;
    for (int i = 0; i < 4; i++) {
        if (given.bytes != strlen(names[i]) || memcmp(given.data, names[i], given.bytes) != 0)
            continue;
        embedding->coding.encoding = encodings[i];
        if (i == 2) embedding->more = &described;
        return true;
    }
    int shown = text_quoted(given);
    return err_set(err, ERR_INVALID, "encoding_format",
                   "Invalid value for 'encoding_format' = %.*s. Supported values: ['float', "
                   "'base64'].",
                   shown, given.data);
}

static bool read_pooling(const struct exchange *x, const struct value *value,
                         struct pool_options *pool, struct err *err)
{
    size_t pooling = pool->pooling;
    if (!value_get_choice(value, "pooling", pooling_names, POOLINGS, &pooling, err)) return false;
    if (pooling == POOLING_WEIGHTED && !model_info(x->model)->has_weights)
        return err_set(err, ERR_INVALID, "pooling",
                       "pooling \"weighted\" needs token weights, but model \"%s\" has none; send "
                       "\"mean\", \"sum\", \"max\" or \"unit\"",
                       x->snapshot->name);
    pool->pooling = (enum pooling)pooling;
    return true;
}

/* Three servers' names for one thing. Jina's base64 is a way to write, not a type. */
static bool read_number_type(const struct value *values, struct coding *coding, struct err *err)
{
    static const char *const types[NUMBER_TYPES + 2] = {
        "float32", "float16", "bfloat16", "fp8_e4m3", "fp8_e5m2", "int8",
        "uint8",   "binary",  "ubinary",  "float",    "base64"};
    static const struct {
        int field;
        size_t n_types;
    } fields[] = {{EMBEDDING_TYPE, NUMBER_TYPES + 2},
                  {OUTPUT_DTYPE, NUMBER_TYPES + 1},
                  {EMBED_DTYPE, NUMBER_TYPES + 1}};
    for (size_t i = 0; i < 3; i++) {
        size_t type = coding->type;
        if (!value_get_choice(&values[fields[i].field],
                              embeddings_fields[fields[i].field].name.data, types,
                              fields[i].n_types, &type, err))
            return false;
        if (type == NUMBER_TYPES + 1) coding->encoding = ENCODING_BASE64;
        coding->type = type < NUMBER_TYPES ? (enum number_type)type : NUMBER_FLOAT32;
    }
    static const char *const orders[] = {"native", "little", "big"};
    size_t order = 0;
    if (!value_get_choice(&values[ENDIANNESS], "endianness", orders, 3, &order, err)) return false;
    coding->is_big_endian = order == 2;
    return true;
}

/* vLLM's: the smaller of the service's limit and the request's. */
static bool read_prompt_tokens(const struct value *values, struct length_limit *limit,
                               struct err *err)
{
    static const char *const sides[] = {"right", "left"};
    int64_t tokens = -1;
    size_t side = limit->truncate == TRUNCATE_LEFT;
    if (!value_get_whole(&values[TRUNCATE_TOKENS], "truncate_prompt_tokens", -1, INT64_MAX, &tokens,
                         err) ||
        !value_get_choice(&values[TRUNCATION_SIDE], "truncation_side", sides, 2, &side, err))
        return false;
    if (!value_is_given(&values[TRUNCATE_TOKENS])) return true;
    if (tokens == 0)
        return err_set(
            err, ERR_INVALID, "truncate_prompt_tokens",
            "truncate_prompt_tokens must be at least 1, or -1 for the model's own limit");
    if (tokens > 0) length_limit_to(limit, (size_t)tokens);
    limit->truncate = side ? TRUNCATE_LEFT : TRUNCATE_RIGHT;
    limit->is_asked = true;
    return true;
}

/* What other servers have added to OpenAI's fields. */
static bool read_others(struct exchange *x, const struct value *values, struct embedding *embedding,
                        struct err *err)
{
    int field = NORMALIZED;
    while (field < N_FIELDS && values[field].kind == VALUE_ABSENT)
        field++;
    if (field == N_FIELDS) return true; /* nearly always */
    return embedding_read_dimensions(embedding, x, &values[OUTPUT_DIMENSION], "output_dimension",
                                     err) &&
           value_get_bool(&values[NORMALIZED], "normalized", &embedding->pool.normalize, err) &&
           length_limit_read(&values[TRUNCATION], "truncation", &embedding->limit, err) &&
           read_prompt_tokens(values, &embedding->limit, err) &&
           read_number_type(values, &embedding->coding, err);
}

static bool read_fields(struct exchange *x, const struct value *values, unsigned forms,
                        struct embedding *embedding, struct err *err)
{
    return read_others(x, values, embedding, err) &&
           read_encoding(&values[ENCODING_FORMAT], embedding, err) &&
           embedding_read_dimensions(embedding, x, &values[DIMENSIONS], "dimensions", err) &&
           read_pooling(x, &values[POOLING], &embedding->pool, err) &&
           value_get_bool(&values[NORMALIZE], "normalize", &embedding->pool.normalize, err) &&
           length_limit_read(&values[TRUNCATE], "truncate", &embedding->limit, err) &&
           batch_read(x, &values[INPUT], "input", forms, false, &embedding->batch, err);
}

/* A reply ends with it. */
static void write_usage(struct buf *out, const struct embedding *embedding)
{
    write_token_usage(out, embedding->batch.tokens);
    buf_add_char(out, '}');
}

static void add_ids_header(struct exchange *x, const struct embedding *embedding)
{
    if (embedding->batch.has_ids) reply_add_header(x, "x-embedd-ids", batch_ids_name(x));
}

static void write_tail(struct exchange *x, const struct embedding *embedding, struct buf *out)
{
    add_ids_header(x, embedding);
    buf_add_str(out, "],\"model\":");
    write_text(out, embedding->model);
    write_usage(out, embedding);
}

/* -- vLLM's bytes -- */

/* A header must fit into what libmicrohttpd has for the head of a reply. */
#define DESCRIPTION_BYTES_MAX 2048

static bool describe(struct exchange *x, const struct embedding *embedding, struct err *err)
{
    const struct coding *coding = &embedding->coding;
    const size_t each = number_bytes(coding->type, embedding->pool.dims);
    struct buf out;
    buf_init(&out, x->arena);
    buf_printf(&out, "{\"id\":\"embd-embedd\",\"created\":%" PRId64 ",\"model\":",
               x->service->started_unix_s);
    write_ascii(&out, embedding->model);
    buf_add_str(&out, ",\"data\":[");
    for (size_t i = 0; i < embedding->batch.n && out.bytes < DESCRIPTION_BYTES_MAX; i++)
        buf_printf(&out,
                   "%s{\"index\":%zu,\"embed_dtype\":\"%s\",\"endianness\":\"%s\",\"start\":%zu,"
                   "\"end\":%zu,\"shape\":[%zu]}",
                   i ? "," : "", i, number_type_names[coding->type],
                   coding->is_big_endian ? "big" : "little", i * each, (i + 1) * each,
                   number_count(coding->type, embedding->pool.dims));
    buf_add_char(&out, ']');
    write_usage(&out, embedding);
    if (out.bytes > DESCRIPTION_BYTES_MAX)
        return err_set(err, ERR_INVALID, "encoding_format",
                       "encoding_format \"bytes\" describes each vector in a header, which has no "
                       "room for %zu of them; send \"bytes_only\", or fewer inputs",
                       embedding->batch.n);
    buf_add_char(&out, '\0');
    if (out.failed) return err_out_of_memory(err);
    reply_add_header(x, "metadata", out.data);
    return true;
}

static bool describe_if_asked(struct exchange *x, const struct embedding *embedding,
                              struct err *err)
{
    return embedding->more != &described || describe(x, embedding, err);
}

static bool describe_raw(struct exchange *x, const struct embedding *embedding, struct err *err)
{
    add_ids_header(x, embedding);
    return describe_if_asked(x, embedding, err);
}

/* -- the endpoints -- */

/* The fields, but for the model, which is chosen before. */
static bool read_embedding(struct exchange *x, const struct value *values,
                           struct embedding *embedding, struct err *err)
{
    x->sample.te =
        (struct te_sample){.work = TE_EMBED, .is_batch = values[INPUT].kind == VALUE_LIST};
    embedding_init(embedding, x);
    return read_fields(x, values, INPUT_TEXT | INPUT_IDS | INPUT_OPENAI_IDS, embedding, err);
}

/* Voyage's client sends all three with every request, as null if need be; whoever else takes one of
   them over still speaks OpenAI's API. */
static void tell_voyage(struct exchange *x, const struct value *values)
{
    if (values[TRUNCATION].kind != VALUE_ABSENT && values[OUTPUT_DTYPE].kind != VALUE_ABSENT &&
        values[OUTPUT_DIMENSION].kind != VALUE_ABSENT)
        x->dialect = &dialect_voyage;
}

static bool read_request(struct exchange *x, struct embedding *embedding, struct err *err)
{
    struct value values[N_FIELDS];
    if (!exchange_read_fields(x, values, err)) return false;
    tell_voyage(x, values);
    return model_name_read(x, &values[MODEL], &embedding->model, err) &&
           read_embedding(x, values, embedding, err);
}

/* vLLM's: ids are the model's own. */
static bool read_pooling_request(struct exchange *x, struct embedding *embedding, struct err *err)
{
    struct value values[N_FIELDS];
    if (!exchange_read_fields(x, values, err) ||
        !model_name_read(x, &values[MODEL], &embedding->model, err))
        return false;
    embedding_init(embedding, x);
    return read_fields(x, values, INPUT_TEXT | INPUT_IDS, embedding, err);
}

/* Azure's: the model stands in the path. */
static bool read_deployment_request(struct exchange *x, struct embedding *embedding,
                                    struct err *err)
{
    struct value values[N_FIELDS];
    embedding->model = x->path_tail;
    return exchange_read_fields(x, values, err) && serving_choose(x, x->path_tail, err) &&
           read_embedding(x, values, embedding, err);
}

static const struct vector_frame frame = {
    .head = TEXT("{\"object\":\"list\",\"data\":["),
    .before = TEXT("{\"object\":\"embedding\",\"index\":"),
    .has_index = true,
    .between = TEXT(",\"embedding\":"),
    .after = TEXT("}"),
    .write_tail = write_tail,
    .describe_raw = describe_raw,
};

static void write_pooling_tail(struct exchange *x, const struct embedding *embedding,
                               struct buf *out)
{
    vllm_write_origin(x, embedding->model, out);
    write_usage(out, embedding);
}

static const struct vector_frame pooling_frame = {
    .head = TEXT("{\"object\":\"list\",\"data\":["),
    .before = TEXT("{\"object\":\"pooling\",\"index\":"),
    .has_index = true,
    .between = TEXT(",\"data\":"),
    .after = TEXT("}"),
    .write_tail = write_pooling_tail,
    .describe_raw = describe_if_asked,
};

static void pooling_post(struct exchange *x)
{
    reply_embedding(x, read_pooling_request, &pooling_frame);
}

static void embeddings_post(struct exchange *x)
{
    reply_embedding(x, read_request, &frame);
}

static void deployment_embeddings_post(struct exchange *x)
{
    reply_embedding(x, read_deployment_request, &frame);
}

#define EMBEDDINGS_REPLY                                                                           \
    "'type':'object','required':['object','data','model','usage'],'properties':{'object':"         \
    "{'const':'list'},'data':{'type':'array','items':{'type':'object','required':['object',"       \
    "'index','embedding'],'properties':{'object':{'const':'embedding'},'index':{'type':"           \
    "'integer'},'embedding':{'oneOf':[{'type':'array','items':{'type':'number'}},{'type':"         \
    "'string'}]}}}},'model':{'type':'string'},'usage':{'type':'object','required':"                \
    "['prompt_tokens','total_tokens'],'properties':{'prompt_tokens':{'type':'integer'},"           \
    "'total_tokens':{'type':'integer'}}}}"

const struct endpoint embeddings_endpoint = {
    .handle = embeddings_post,
    FIELDS(embeddings_fields),
    .raw_ids = &embeddings_fields[INPUT],
    .summary = "Vectors of texts or token ids",
    .reply = EMBEDDINGS_REPLY,
    .can_be_raw = true,
};

const struct endpoint deployment_embeddings_endpoint = {
    .handle = deployment_embeddings_post,
    FIELDS(embeddings_fields),
    .raw_ids = &embeddings_fields[INPUT],
    .summary = "Vectors of texts or token ids, the model named in the path",
    .reply = EMBEDDINGS_REPLY,
    .can_be_raw = true,
};

const struct endpoint pooling_endpoint = {
    .handle = pooling_post,
    FIELDS(embeddings_fields),
    .summary = "Vectors of texts or token ids, as vLLM has them",
    .reply = VLLM_REPLY("'data'",
                        "'oneOf':[{'type':'array','items':{'type':'number'}},{'type':'string'}]"),
    .can_be_raw = true,
};
