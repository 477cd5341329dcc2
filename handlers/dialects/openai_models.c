/* SPDX-License-Identifier: Apache-2.0 */
/* OpenAI's list of models: https://platform.openai.com/docs/api-reference/models */
#include "handlers/dialects/endpoints.h"

#include "handlers/errors.h"
#include "handlers/exchange.h"
#include "handlers/reply.h"
#include "handlers/service.h"
#include "handlers/serving.h"
#include "handlers/value.h"
#include "handlers/write.h"
#include "model/model.h"
#include "model/registry.h"

#include <inttypes.h>

/* A head with more labels than this says their number alone. */
#define LABELS_SAID_MAX 100

static void write_model(const struct exchange *x, const struct snapshot *snapshot, struct buf *out)
{
    buf_add_str(out, "{\"id\":");
    write_string(out, snapshot->name);
    buf_printf(out, ",\"object\":\"model\",\"created\":%" PRId64 ",\"owned_by\":\"embedd\"",
               x->service->started_unix_s);
    /* A key of ours, for whoever would show the model. */
    const struct model_info *info = model_info(snapshot->model);
    buf_add_str(out, ",\"embedd\":{\"version\":");
    write_string(out, info->version);
    buf_printf(out, ",\"vocab_size\":%" PRIu32 ",\"dim\":%" PRIu32 ",\"tokenizer\":\"%s\"",
               info->vocab_size, info->dim, info->tokenizer);
    buf_printf(out, ",\"pooling\":\"%s\",\"normalize\":%s,\"heads\":", pooling_names[info->pooling],
               info->normalize ? "true" : "false");
    write_heads(out, model_heads(snapshot->model), LABELS_SAID_MAX);
    buf_add_str(out, "}}");
}

static void models_get(struct exchange *x)
{
    struct buf out;
    buf_init(&out, x->arena);
    buf_add_str(&out, "{\"object\":\"list\",\"data\":[");
    serving_write_models(x, &out, write_model);
    buf_add_str(&out, "]}");
    reply_json(x, &out);
}

static void models_id_get(struct exchange *x)
{
    struct registry *registry = x->service->registry;
    const struct text id = x->path_tail;
    const struct snapshot *snapshot = registry_borrow(registry, id.data, id.bytes);
    struct err err;
    if (snapshot) {
        struct buf out;
        buf_init(&out, x->arena);
        write_model(x, snapshot, &out);
        registry_give_back(registry, snapshot);
        reply_json(x, &out);
        return;
    }
    const int shown = text_quoted(id);
    if (registry_count(registry) == 1)
        err_set(&err, ERR_NOT_FOUND, "model", "model \"%.*s\" is not served here; \"%s\" is", shown,
                id.data, x->snapshot->name);
    else
        err_set(&err, ERR_NOT_FOUND, "model",
                "model \"%.*s\" is not served here; GET /v1/models lists those that are", shown,
                id.data);
    handlers_fail(x, &err);
}

#define SCHEMA_MODEL                                                                               \
    "'type':'object','required':['id','object','created','owned_by'],'properties':{'id':"          \
    "{'type':'string'},'object':{'const':'model'},'created':{'type':'integer'},'owned_by':"        \
    "{'type':'string'},'embedd':{'type':'object'}}"

const struct endpoint models_endpoint = {
    .handle = models_get,
    .summary = "The models that are served",
    .reply = "'type':'object','required':['object','data'],'properties':{'object':{'const':"
             "'list'},'data':{'type':'array','items':{" SCHEMA_MODEL "}}}",
};

const struct endpoint models_id_endpoint = {
    .handle = models_id_get,
    .summary = "One of the models",
    .reply = SCHEMA_MODEL,
};
