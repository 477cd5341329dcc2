/* SPDX-License-Identifier: Apache-2.0 */
/* Gemini's embedContent: https://ai.google.dev/api/embeddings. Fields may be spelt as in its
   protocol, too (output_dimensionality), for its own server takes both. The model stands in the
   path; what a body says of it is not read. */
#include "handlers/dialects/endpoints.h"
#include "handlers/embedding.h"
#include "handlers/errors.h"
#include "handlers/parts.h"
#include "handlers/reply.h"
#include "handlers/service.h"
#include "handlers/serving.h"
#include "model/registry.h"

/* -- errors -- */

static const char *name_of_status(unsigned status)
{
    switch (status) {
    case 401:
        return "UNAUTHENTICATED";
    case 403:
        return "PERMISSION_DENIED";
    case 404:
        return "NOT_FOUND";
    case 405:
        return "UNIMPLEMENTED";
    case 413:
    case 429:
        return "RESOURCE_EXHAUSTED";
    case 503:
        return "UNAVAILABLE";
    case 504:
        return "DEADLINE_EXCEEDED";
    default:
        return status < 500 ? "INVALID_ARGUMENT" : "INTERNAL";
    }
}

static void write_error(struct exchange *x, struct failure *failure, struct buf *out)
{
    (void)x;
    buf_printf(out, "{\"error\":{\"code\":%u,\"message\":", failure->status);
    write_string(out, failure->err->message);
    buf_printf(out, ",\"status\":\"%s\"}}", name_of_status(failure->status));
}

const struct dialect dialect_gemini = {
    .name = "Gemini",
    .error_schema = "'type':'object','required':['error'],'properties':{'error':{'type':'object',"
                    "'required':['code','message','status'],'properties':{'code':{'type':"
                    "'integer'},'message':{'type':'string'},'status':{'type':'string'}}}}",
    .write_error = write_error,
    .too_large = "{\"error\":{\"code\":413,\"message\":\"" NO_MEMORY_TEXT
                 "\",\"status\":\"RESOURCE_EXHAUSTED\"}}",
    .overloaded = "{\"error\":{\"code\":429,\"message\":\"" OVERLOADED_TEXT
                  "\",\"status\":\"RESOURCE_EXHAUSTED\"}}",
    .truncate = TRUNCATE_RIGHT,
};

/* -- requests -- */

/* Of a request, and of each in a batch. */
enum {
    CONTENT,
    TASK_TYPE,
    TASK_TYPE_TOO,
    TITLE,
    DIMENSIONS,
    DIMENSIONS_TOO,
    CONFIG,
    CONFIG_TOO,
    N_FIELDS
};

#define DIMENSIONS_NAME "outputDimensionality"
#define DIMENSIONS_NAME_TOO "output_dimensionality"
#define PARTS_NAME "content.parts"
#define SCHEMA_CONTENT                                                                             \
    "'type':'object','required':['parts'],'properties':{'parts':{'type':'array','minItems':1,"     \
    "'items':{'type':'object','required':['text'],'properties':{'text':{'type':'string'}}}}}"

static const struct field embed_fields[N_FIELDS] = {
    [CONTENT] =
        REQUIRED_FIELD("content", SCHEMA_CONTENT, "a text in parts, which are joined with a space"),
    [TASK_TYPE] = FIELD("taskType", SCHEMA_STRING, "is not used"),
    [TASK_TYPE_TOO] = FIELD("task_type", SCHEMA_STRING, "is not used"),
    [TITLE] = FIELD("title", SCHEMA_STRING, "is not used"),
    [DIMENSIONS] = FIELD(DIMENSIONS_NAME, SCHEMA_COUNT, "the first so many dimensions"),
    [DIMENSIONS_TOO] = FIELD(DIMENSIONS_NAME_TOO, SCHEMA_COUNT, "outputDimensionality"),
    [CONFIG] = FIELD("embedContentConfig", "'type':'object'", "taskType and the like, within"),
    [CONFIG_TOO] = FIELD("embed_content_config", "'type':'object'", "embedContentConfig"),
};

static const struct field batch_fields[] = {
    REQUIRED_FIELD("requests",
                   "'type':'array','minItems':1,'items':{'type':'object','required':['content'],"
                   "'properties':{'content':{" SCHEMA_CONTENT
                   "},'outputDimensionality':{'type':'integer','minimum':1}}}",
                   "each as of embedContent; each may have its own outputDimensionality"),
};

/* What is asked for: texts, and how many dimensions each of their vectors has. */
struct wish {
    struct embedding embedding;
    struct value *texts; /* (n) */
    uint32_t *dims;      /* (n) */
    size_t n;
};

static bool read_dimensions(const struct exchange *x, const struct value *values,
                            const struct parts_place *place, uint32_t *out, struct err *err)
{
    const struct value *given[] = {
        value_member(&values[CONFIG], DIMENSIONS_NAME),
        value_member(&values[CONFIG], DIMENSIONS_NAME_TOO),
        value_member(&values[CONFIG_TOO], DIMENSIONS_NAME),
        value_member(&values[CONFIG_TOO], DIMENSIONS_NAME_TOO),
        &values[DIMENSIONS],
        &values[DIMENSIONS_TOO],
    };
    const uint32_t all = model_info(x->model)->dim;
    int64_t dims = all;
    for (size_t i = 0; i < sizeof given / sizeof given[0]; i++) {
        if (!value_is_given(given[i])) continue;
        struct parts_place own = *place;
        own.name = DIMENSIONS_NAME;
        char name[PARTS_PLACE_BYTES];
        if (!value_get_whole(given[i], parts_place_write(&own, name), 1, all, &dims, err))
            return false;
    }
    *out = (uint32_t)dims;
    return true;
}

static bool read_one(struct exchange *x, const struct value *values,
                     const struct parts_place *place, struct wish *wish, struct err *err)
{
    struct text unused;
    for (size_t i = TASK_TYPE; i <= TITLE; i++)
        if (!value_get_text(&values[i], embed_fields[i].name.data, &unused, err)) return false;
    for (size_t i = CONFIG; i <= CONFIG_TOO; i++)
        if (!value_check_object(&values[i], embed_fields[i].name.data, err)) return false;
    struct value *text = &wish->texts[wish->n];
    text->kind = VALUE_STRING;
    return read_dimensions(x, values, place, &wish->dims[wish->n++], err) &&
           parts_join(x, value_member(&values[CONTENT], "parts"), place, &text->text, err);
}

/* Room for n texts, to be answered by the model that the path names. */
static bool wish_begin(struct exchange *x, struct wish *wish, size_t n, struct err *err)
{
    if (!serving_choose(x, x->path_tail, err)) return false;
    embedding_init(&wish->embedding, x);
    wish->n = 0;
    wish->texts = arena_array(x->arena, n, sizeof *wish->texts);
    wish->dims = arena_array(x->arena, n, sizeof *wish->dims);
    return (wish->texts && wish->dims) || err_out_of_memory(err);
}

static bool wish_end(struct exchange *x, const char *field, struct wish *wish, struct err *err)
{
    const struct value list = {.kind = VALUE_LIST, .list = {wish->texts, wish->n}};
    return batch_read(x, &list, field, INPUT_TEXT, false, &wish->embedding.batch, err) &&
           embedding_tokenize(&wish->embedding, x, err);
}

static bool read_request(struct exchange *x, struct wish *wish, struct err *err)
{
    static const struct parts_place place = {.name = PARTS_NAME};
    struct value values[N_FIELDS];
    return exchange_read_fields(x, values, err) && wish_begin(x, wish, 1, err) &&
           read_one(x, values, &place, wish, err) && wish_end(x, "content", wish, err);
}

static bool read_batch(struct exchange *x, struct wish *wish, struct err *err)
{
    struct value requests, values[N_FIELDS];
    if (!exchange_read_fields(x, &requests, err)) return false;
    if (requests.kind != VALUE_LIST || requests.list.n == 0)
        return err_set(err, ERR_INVALID, "requests",
                       "requests must be a list of objects with content; it is %s",
                       requests.kind == VALUE_LIST ? "empty" : value_describe(&requests));
    if (!wish_begin(x, wish, requests.list.n, err)) return false;
    for (size_t i = 0; i < requests.list.n; i++) {
        const struct parts_place place = {"requests", i, PARTS_NAME};
        fields_of_object(&requests.list.items[i], embed_fields, N_FIELDS, values);
        if (!read_one(x, values, &place, wish, err)) return false;
    }
    return wish_end(x, "requests", wish, err);
}

/* -- replies -- */

static bool plan_reply(struct exchange *x, const struct wish *wish, struct err *err)
{
    struct plan plan = {.read_bytes = model_read_bytes(x->model, wish->embedding.batch.tokens)};
    for (size_t i = 0; i < wish->n; i++)
        plan.reply_bytes += coding_bytes(&wish->embedding.coding, wish->dims[i]);
    return reply_plan(x, &plan, err);
}

/* Those next to each other that have as many dimensions, at once. */
static bool write_wish(struct exchange *x, const struct wish *wish, struct buf *out,
                       struct err *err)
{
    static const struct vector_frame frame = {.before = TEXT("{\"values\":"), .after = TEXT("}")};
    if (!plan_reply(x, wish, err)) return false;
    struct embedding run = wish->embedding;
    for (size_t first = 0; first < wish->n; first += run.batch.n) {
        run.pool.dims = wish->dims[first];
        run.batch.items = wish->embedding.batch.items + first;
        run.batch.n = 1;
        while (first + run.batch.n < wish->n && wish->dims[first + run.batch.n] == run.pool.dims)
            run.batch.n++;
        if (first > 0) buf_add_char(out, ',');
        if (!write_vectors(x, &run, &frame, out, err)) return false;
    }
    return true;
}

static void write_usage(const struct wish *wish, struct buf *out)
{
    buf_add_str(out, ",\"usageMetadata\":{\"promptTokenCount\":");
    buf_add_u64(out, wish->embedding.batch.tokens);
    buf_add_str(out, "}}");
}

/* Bytes alone are of vectors that have one length. */
static bool write_reply(struct exchange *x, struct wish *wish, const char *before,
                        const char *behind, struct buf *out, struct err *err)
{
    size_t same = 1;
    while (same < wish->n && wish->dims[same] == wish->dims[0])
        same++;
    if (wants_raw(x) && same == wish->n) {
        wish->embedding.pool.dims = wish->dims[0];
        return write_raw(x, &wish->embedding, out, err);
    }
    buf_add_str(out, before);
    if (!write_wish(x, wish, out, err)) return false;
    buf_add_str(out, behind);
    write_usage(wish, out);
    return true;
}

static bool write_embedding(struct exchange *x, struct buf *out, struct err *err)
{
    struct wish wish = {.n = 0};
    return read_request(x, &wish, err) && write_reply(x, &wish, "{\"embedding\":", "", out, err);
}

static bool write_embeddings(struct exchange *x, struct buf *out, struct err *err)
{
    struct wish wish = {.n = 0};
    return read_batch(x, &wish, err) && write_reply(x, &wish, "{\"embeddings\":[", "]", out, err);
}

static void embed_post(struct exchange *x)
{
    reply_by(x, write_embedding);
}

static void batch_post(struct exchange *x)
{
    reply_by(x, write_embeddings);
}

#define SCHEMA_VALUES                                                                              \
    "{'type':'object','required':['values'],'properties':{'values':{'type':'array','items':"       \
    "{'type':'number'}}}}"

const struct endpoint gemini_embed_endpoint = {
    .handle = embed_post,
    .can_be_raw = true,
    FIELDS(embed_fields),
    .summary = "The vector of a text",
    .reply = "'type':'object','required':['embedding'],'properties':{'embedding':" SCHEMA_VALUES
             ",'usageMetadata':{'type':'object'}}",
};

const struct endpoint gemini_batch_endpoint = {
    .handle = batch_post,
    .can_be_raw = true,
    FIELDS(batch_fields),
    .summary = "Vectors of texts",
    .reply = "'type':'object','required':['embeddings'],'properties':{'embeddings':{'type':"
             "'array','items':" SCHEMA_VALUES "},'usageMetadata':{'type':'object'}}",
};

/* -- models -- */

static void write_model(const struct exchange *x, const struct snapshot *snapshot, struct buf *out)
{
    (void)x;
    const struct text name = {snapshot->name, strlen(snapshot->name)};
    struct buf full;
    buf_init(&full, out->arena);
    buf_add_str(&full, "models/");
    buf_add(&full, name.data, name.bytes);
    out->failed |= full.failed;
    buf_add_str(out, "{\"name\":");
    if (!full.failed) write_text(out, (struct text){full.data, full.bytes});
    buf_add_str(out, ",\"version\":");
    write_string(out, model_info(snapshot->model)->version);
    buf_add_str(out, ",\"displayName\":");
    write_text(out, name);
    buf_add_str(out, ",\"supportedGenerationMethods\":[\"embedContent\"]}");
}

static void models_get(struct exchange *x)
{
    struct buf out;
    buf_init(&out, x->arena);
    buf_add_str(&out, "{\"models\":[");
    serving_write_models(x, &out, write_model);
    buf_add_str(&out, "]}");
    reply_json(x, &out);
}

static bool write_chosen(struct exchange *x, struct buf *out, struct err *err)
{
    if (!serving_choose(x, x->path_tail, err)) return false;
    write_model(x, x->snapshot, out);
    return true;
}

static void models_id_get(struct exchange *x)
{
    reply_by(x, write_chosen);
}

#define SCHEMA_MODEL                                                                               \
    "'type':'object','required':['name'],'properties':{'name':{'type':'string'},'version':"        \
    "{'type':'string'},'displayName':{'type':'string'},'supportedGenerationMethods':{'type':"      \
    "'array','items':{'type':'string'}}}"

const struct endpoint gemini_models_endpoint = {
    .handle = models_get,
    .summary = "The models that are served",
    .reply = "'type':'object','properties':{'models':{'type':'array','items':{" SCHEMA_MODEL "}}}",
};

const struct endpoint gemini_model_endpoint = {
    .handle = models_id_get,
    .summary = "The model that answers to a name",
    .reply = SCHEMA_MODEL,
};
