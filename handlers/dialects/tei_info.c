/* SPDX-License-Identifier: Apache-2.0 */
/* What TEI says of itself. */
#include "handlers/dialects/endpoints.h"

#include "handlers/dialects/tei.h"
#include "handlers/reply.h"
#include "handlers/service.h"
#include "handlers/serving.h"
#include "handlers/write.h"
#include "model/model.h"
#include "model/registry.h"

#include <string.h>

static const char *long_dtype(const char *dtype)
{
    if (strcmp(dtype, "F16") == 0) return "float16";
    if (strcmp(dtype, "BF16") == 0) return "bfloat16";
    if (strcmp(dtype, "I8") == 0 || strcmp(dtype, "PQ") == 0) return "int8";
    if (strcmp(dtype, "I4") == 0) return "int4";
    if (strcmp(dtype, "F64") == 0) return "float64";
    return "float32";
}

/* A limit; 0: there is none. */
static void write_limit(struct buf *out, const char *key, uint64_t limit)
{
    if (limit > 0)
        buf_printf(out, ",\"%s\":%llu", key, (unsigned long long)limit);
    else
        buf_printf(out, ",\"%s\":null", key);
}

/* Another key of ours: whose numbers these are. */
static void write_meaning(struct buf *out, const struct model_info *info)
{
    buf_printf(
        out, ",\"embedd\":{\"format\":\"%s\",\"compat\":\"%s\",\"normalize\":%s,\"unknown\":\"%s\"",
        info->format, compat_names[info->compat], info->normalize ? "true" : "false",
        info->limits.keeps_unknown ? "kept" : "left out");
    write_limit(out, "max_length", info->limits.tokens_max);
    buf_printf(out, ",\"truncation_side\":\"%s\"", info->limits.cuts_left ? "left" : "right");
    write_limit(out, "max_characters", info->limits.points_max);
    buf_add_char(out, '}');
}

static void info_get(struct exchange *x)
{
    const struct service *service = x->service;
    const struct model_info *info = model_info(x->model);
    struct text name = {x->snapshot->name, strlen(x->snapshot->name)};
    struct text version = {info->version, strlen(info->version)};
    struct buf out;
    buf_init(&out, x->arena);
    buf_add_str(&out, "{\"model_id\":");
    write_text(&out, name);
    buf_add_str(&out, ",\"model_sha\":");
    if (version.bytes > 0) {
        write_text(&out, version);
    } else {
        buf_add_str(&out, "null");
    }
    buf_printf(&out, ",\"model_dtype\":\"%s\",\"served_model_name\":", long_dtype(info->dtype));
    write_text(&out, name);
    /* Exactly one key, as TEI has it; its clients do not embed where it is another. */
    buf_printf(&out, ",\"model_type\":{\"embedding\":{\"pooling\":\"%s\"}}",
               pooling_names[info->pooling]);
    buf_printf(&out,
               ",\"max_concurrent_requests\":%zu,\"max_input_length\":%zu,\"max_batch_tokens\":%zu,"
               "\"max_batch_requests\":null,\"max_client_batch_size\":%zu,\"auto_truncate\":%s,"
               "\"tokenization_workers\":%zu",
               service->connections_max, length_limit_said(x, info), service->body_bytes_max,
               service->inputs_max,
               length_limit_of(x).truncate == TRUNCATE_ERROR ? "false" : "true", service->threads);
    buf_printf(&out, ",\"version\":\"%s\",\"sha\":null,\"docker_label\":null", service->version);
    if (model_heads(x->model)->n > 0) { /* a key of ours, where there is something to say */
        buf_add_str(&out, ",\"heads\":");
        write_heads(&out, model_heads(x->model), 0);
    }
    write_meaning(&out, info);
    buf_add_char(&out, '}');
    reply_json(x, &out);
}

static void health_get(struct exchange *x)
{
    if (serving_is_ready(x)) {
        reply_static(x, 200, NULL, "");
        return;
    }
    tei_reply_error(x, 503, "Unhealthy", "unhealthy");
}

const struct endpoint info_endpoint = {
    .handle = info_get,
    .summary = "The default model and the limits",
    .reply = "'type':'object','required':['model_id','model_type','max_input_length',"
             "'max_client_batch_size','version']",
};
const struct endpoint health_endpoint = {.handle = health_get, .summary = "Whether all is well"};
