/* SPDX-License-Identifier: Apache-2.0 */
/* OpenAI's routes: https://platform.openai.com/docs/api-reference/embeddings, and its models list.
 */
#include "handlers/dialects/endpoints.h"

#include "handlers/dialects/openai.h"
#include "handlers/errors.h"
#include "handlers/input.h"
#include "handlers/reply.h"
#include "handlers/service.h"
#include "handlers/vectors.h"
#include "model/registry.h"

#include <inttypes.h>
#include <string.h>

/* -- errors -- */

void openai_write_error(struct exchange *x, struct failure *failure, struct buf *out)
{
    (void)x;
    const struct err *err = failure->err;
    const struct text message = {err->message, strlen(err->message)};
    const struct text param = {err->param, strlen(err->param)};
    const bool is_model = err->code == ERR_NOT_FOUND && strcmp(err->param, "model") == 0;
    const char *code = is_model ? "model_not_found" : failure->code;
    buf_add_str(out, "{\"error\":{\"message\":");
    write_text(out, message);
    buf_printf(out, ",\"type\":\"%s\",\"param\":",
               failure->status < 500 ? "invalid_request_error" : "server_error");
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
}

const struct dialect dialect_openai = {
    .name = "OpenAI",
    .write_error = openai_write_error,
    .too_large = OPENAI_TOO_LARGE,
    .overloaded = OPENAI_OVERLOADED,
    .truncate = TRUNCATE_AS_SERVICE,
};

/* -- embeddings -- */

enum { INPUT, MODEL, ENCODING_FORMAT, DIMENSIONS, USER, POOLING, NORMALIZE, N_FIELDS };

static const struct text field_names[N_FIELDS] = {
    [INPUT] = TEXT("input"),
    [MODEL] = TEXT("model"),
    [ENCODING_FORMAT] = TEXT("encoding_format"),
    [DIMENSIONS] = TEXT("dimensions"),
    [USER] = TEXT("user"),
    [POOLING] = TEXT("pooling"),
    [NORMALIZE] = TEXT("normalize"),
};

struct embeddings_request {
    struct text model;
    enum encoding encoding;
    struct pool_options pool;
    struct batch batch;
};

/* The message is OpenAI's own. */
static bool read_encoding(const struct value *value, enum encoding *encoding, struct err *err)
{
    struct text given = {0};
    if (!value_get_text(value, "encoding_format", &given, err)) return false;
    if (!given.data) return true;
    for (int i = 0; i < 2; i++) {
        if (given.bytes != strlen(encoding_names[i]) ||
            memcmp(given.data, encoding_names[i], given.bytes) != 0)
            continue;
        *encoding = (enum encoding)i;
        return true;
    }
    int shown = text_quoted(given);
    return err_set(err, ERR_INVALID, "encoding_format",
                   "Invalid value for 'encoding_format' = %.*s. Supported values: ['float', "
                   "'base64'].",
                   shown, given.data);
}

static bool read_pooling(const struct exchange *x, const struct value *values,
                         struct pool_options *pool, struct err *err)
{
    const struct model_info *info = model_info(x->model);
    size_t pooling = info->pooling;
    int64_t dims = info->dim;
    pool->normalize = info->normalize;
    if (!value_get_whole(&values[DIMENSIONS], "dimensions", 1, info->dim, &dims, err) ||
        !value_get_choice(&values[POOLING], "pooling", pooling_names, POOLINGS, &pooling, err) ||
        !value_get_bool(&values[NORMALIZE], "normalize", &pool->normalize, err))
        return false;
    if (pooling == POOLING_WEIGHTED && !info->has_weights)
        return err_set(err, ERR_INVALID, "pooling",
                       "pooling \"weighted\" needs token weights, but model \"%s\" has none; send "
                       "\"mean\", \"sum\", \"max\" or \"unit\"",
                       x->snapshot->name);
    pool->pooling = (enum pooling)pooling;
    pool->dims = (uint32_t)dims;
    return true;
}

static bool read_request(struct exchange *x, struct embeddings_request *request, struct err *err)
{
    struct value values[N_FIELDS];
    if (!exchange_read_fields(x, field_names, N_FIELDS, values, err)) return false;
    *request = (struct embeddings_request){.encoding = ENCODING_FLOAT};
    if (!model_name_read(x, &values[MODEL], &request->model, err) ||
        !read_encoding(&values[ENCODING_FORMAT], &request->encoding, err) ||
        !read_pooling(x, values, &request->pool, err) ||
        !batch_read(x, &values[INPUT], "input", INPUT_TEXT | INPUT_IDS, false, &request->batch,
                    err))
        return false;
    stage_end(x, STAGE_PARSE);
    return true;
}

static void write_tail(struct buf *out, const struct embeddings_request *request)
{
    buf_add_str(out, "],\"model\":");
    write_text(out, request->model);
    buf_add_str(out, ",\"usage\":{\"prompt_tokens\":");
    buf_add_u64(out, request->batch.tokens);
    buf_add_str(out, ",\"total_tokens\":");
    buf_add_u64(out, request->batch.tokens);
    buf_add_str(out, "}}");
}

void embeddings_post(struct exchange *x)
{
    static const struct vector_frame frame = {
        .head = TEXT("{\"object\":\"list\",\"data\":["),
        .before = TEXT("{\"object\":\"embedding\",\"index\":"),
        .has_index = true,
        .between = TEXT(",\"embedding\":"),
        .after = TEXT("}"),
    };
    struct embeddings_request request;
    struct err err;
    const struct length_limit limit = length_limit_of(x);
    if (!read_request(x, &request, &err) || !batch_tokenize(x, &request.batch, &limit, &err)) {
        handlers_fail(x, &err);
        return;
    }
    stage_end(x, STAGE_TOKENIZE);
    struct buf out;
    buf_init(&out, x->arena);
    if (!write_vectors(x, &request.batch, &request.pool, request.encoding, &frame, &out, &err)) {
        handlers_fail(x, &err);
        return;
    }
    write_tail(&out, &request);
    if (request.batch.has_ids) reply_add_header(x, "x-embedd-ids", "model");
    reply_json(x, &out);
}

/* -- models -- */

static void write_model(const struct exchange *x, struct buf *out, const char *name)
{
    buf_add_str(out, "{\"id\":");
    write_text(out, (struct text){name, strlen(name)});
    buf_printf(out, ",\"object\":\"model\",\"created\":%" PRId64 ",\"owned_by\":\"embedd\"}",
               x->service->started_unix_s);
}

void models_get(struct exchange *x)
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

void models_id_get(struct exchange *x)
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
    const int shown = (int)(id.bytes < ERR_VALUE_BYTES ? id.bytes : ERR_VALUE_BYTES);
    if (registry_count(registry) == 1)
        err_set(&err, ERR_NOT_FOUND, "model", "model \"%.*s\" is not served here; \"%s\" is", shown,
                id.data, x->snapshot->name);
    else
        err_set(&err, ERR_NOT_FOUND, "model",
                "model \"%.*s\" is not served here; GET /v1/models lists those that are", shown,
                id.data);
    handlers_fail(x, &err);
}
