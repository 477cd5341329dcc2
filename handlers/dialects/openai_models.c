/* SPDX-License-Identifier: Apache-2.0 */
/* OpenAI's list of models: https://platform.openai.com/docs/api-reference/models */
#include "handlers/dialects/endpoints.h"

#include "handlers/errors.h"
#include "handlers/exchange.h"
#include "handlers/reply.h"
#include "handlers/service.h"
#include "handlers/value.h"
#include "handlers/write.h"
#include "model/registry.h"

#include <inttypes.h>
#include <string.h>

static void write_model(const struct exchange *x, struct buf *out, const char *name)
{
    buf_add_str(out, "{\"id\":");
    write_text(out, (struct text){name, strlen(name)});
    buf_printf(out, ",\"object\":\"model\",\"created\":%" PRId64 ",\"owned_by\":\"embedd\"}",
               x->service->started_unix_s);
}

static void models_get(struct exchange *x)
{
    struct registry *registry = x->service->registry;
    const struct snapshot *snapshot;
    struct buf out;
    buf_init(&out, x->arena);
    buf_add_str(&out, "{\"object\":\"list\",\"data\":[");
    for (size_t i = 0; (snapshot = registry_borrow_nth(registry, i)); i++) {
        if (i > 0) buf_add_char(&out, ',');
        write_model(x, &out, snapshot->name);
        registry_give_back(registry, snapshot);
    }
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
        write_model(x, &out, snapshot->name);
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
    "{'type':'string'}}"

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
