/* SPDX-License-Identifier: Apache-2.0 */
/* What Weaviate's module text2vec-transformers asks of its inference container:
   https://github.com/weaviate/t2v-transformers-models */
#include "handlers/dialects/endpoints.h"

#include "handlers/dialects/plain.h"
#include "handlers/embedding.h"
#include "handlers/reply.h"
#include "handlers/serving.h"
#include "model/registry.h"

#include <inttypes.h>

const struct dialect dialect_weaviate = {
    .name = "Weaviate",
    PLAIN_ERRORS,
    .write_error = plain_write_error,
    .truncate = TRUNCATE_RIGHT,
};

/* -- /vectors -- */

/* Weaviate sends the fields of its reply along, empty. */
enum { SINGLE, TEXTS, CONFIG, DIMS, VECTOR, ERROR, N_FIELDS };

static const struct field vectors_fields[N_FIELDS] = {
    [SINGLE] = FIELD("text", SCHEMA_STRING, "a text"),
    [TEXTS] = FIELD("texts", SCHEMA_STRINGS, "or several"),
    [CONFIG] = FIELD("config",
                     "'type':'object','properties':{'dimensions':{'type':'integer','minimum':1},"
                     "'task_type':{'type':'string'},'pooling_strategy':{'type':'string'}}",
                     "dimensions: the first so many; the others are not used"),
    [DIMS] = FIELD("dims", "'type':'integer'", "is not used"),
    [VECTOR] = FIELD("vector", "'type':'null'", "is not used"),
    [ERROR] = FIELD("error", SCHEMA_STRING, "is not used"),
};

static void write_dims(struct exchange *x, const struct embedding *embedding, struct buf *out)
{
    (void)x;
    buf_add_str(out, "],\"dims\":");
    buf_add_u64(out, embedding->pool.dims);
    buf_add_char(out, '}');
}

static void write_one_tail(struct exchange *x, const struct embedding *embedding, struct buf *out)
{
    (void)x;
    buf_add_str(out, ",\"text\":");
    write_text(out, sequence_sent(&embedding->batch.items[0]));
    buf_add_str(out, ",\"dim\":");
    buf_add_u64(out, embedding->pool.dims);
    buf_add_char(out, '}');
}

static const struct vector_frame one_frame = {.head = TEXT("{\"vector\":"),
                                              .write_tail = write_one_tail};
static const struct vector_frame list_frame = {.head = TEXT("{\"vectors\":["),
                                               .write_tail = write_dims};

static bool read_texts(struct exchange *x, const struct value *values, struct embedding *embedding,
                       struct err *err)
{
    struct text text = {0};
    const bool is_list = value_is_given(&values[TEXTS]);
    if (is_list == value_is_given(&values[SINGLE]))
        return err_set(err, ERR_INVALID, "text", "send either text or texts; %s was given",
                       is_list ? "more than one" : "none");
    if (is_list) {
        embedding->frame = &list_frame;
        return batch_read(x, &values[TEXTS], "texts", INPUT_TEXT, false, &embedding->batch, err);
    }
    return value_get_text(&values[SINGLE], "text", &text, err) &&
           batch_read(x, &values[SINGLE], "text", INPUT_TEXT, false, &embedding->batch, err);
}

static bool read_vectors(struct exchange *x, struct embedding *embedding, struct err *err)
{
    struct value values[N_FIELDS];
    if (!exchange_read_fields(x, values, err)) return false;
    const struct value *config = &values[CONFIG];
    embedding_init(embedding, x);
    return value_check_object(config, "config", err) &&
           embedding_read_dimensions(embedding, x, value_member(config, "dimensions"),
                                     "config.dimensions", err) &&
           read_texts(x, values, embedding, err);
}

static void vectors_post(struct exchange *x)
{
    reply_embedding(x, read_vectors, &one_frame);
}

const struct endpoint weaviate_vectors_endpoint = {
    .handle = vectors_post,
    FIELDS(vectors_fields),
    .can_be_raw = true,
    .summary = "The vector of a text, or those of several",
    .reply = "'oneOf':[{'type':'object','required':['text','vector','dim']},{'type':'object',"
             "'required':['vectors','dims']}]",
};

/* -- what Weaviate asks at its start -- */

static void meta_get(struct exchange *x)
{
    const struct model_info *info = model_info(x->model);
    struct buf out;
    buf_init(&out, x->arena);
    buf_add_str(&out, "{\"model_name\":");
    write_string(&out, x->snapshot->name);
    buf_add_str(&out, ",\"model_version\":");
    write_string(&out, info->version);
    buf_printf(&out,
               ",\"model_type\":\"static\",\"hidden_size\":%" PRIu32 ",\"vocab_size\":%" PRIu32
               ",\"embedd_version\":\"%s\"}",
               info->dim, info->vocab_size, x->service->version);
    reply_json(x, &out);
}

static void live_get(struct exchange *x)
{
    reply_static(x, 204, NULL, "");
}

static void ready_get(struct exchange *x)
{
    if (serving_is_ready(x))
        reply_static(x, 204, NULL, "");
    else if (!service_is_draining(x->service))
        reply_static(x, 503, TYPE_JSON, "{\"error\":\"the default model can no longer be read\"}");
    else
        reply_static(x, 503, TYPE_JSON, "{\"error\":\"the service is shutting down\"}");
}

const struct endpoint weaviate_meta_endpoint = {
    .handle = meta_get, .summary = "What the default model is", .reply = "'type':'object'"};
const struct endpoint weaviate_live_endpoint = {
    .status = 204, .handle = live_get, .summary = "Whether the process is alive"};
const struct endpoint weaviate_ready_endpoint = {
    .status = 204, .handle = ready_get, .summary = "Whether requests are taken"};
