/* SPDX-License-Identifier: Apache-2.0 */
/* The Open Inference Protocol, version 2, as KServe and Triton have it:
   https://github.com/kserve/open-inference-protocol, with Triton's extension for binary tensors:
   JSON whose length a header tells, and behind it the numbers, little-endian. */
#include "handlers/dialects/endpoints.h"

#include "handlers/dialects/plain.h"
#include "handlers/dialects/tensors.h"
#include "handlers/embedding.h"
#include "handlers/errors.h"
#include "handlers/reply.h"
#include "handlers/serving.h"
#include "model/registry.h"

#include <inttypes.h>
#include <string.h>

const struct dialect dialect_oip = {
    .name = "OIP",
    PLAIN_ERRORS,
    .write_error = plain_write_error,
    .truncate = TRUNCATE_RIGHT,
};

/* -- the model in the path -- */

/* Versions are words here; a model without one has this. */
static const char *model_version(const struct exchange *x)
{
    const char *version = model_info(x->model)->version;
    return *version ? version : "1";
}

/* "NAME" or "NAME/versions/VERSION". */
static bool choose_model(struct exchange *x, struct text *name, struct err *err)
{
    static const struct text mark = TEXT("/versions/");
    struct text version = {0};
    *name = x->path_tail;
    for (size_t i = name->bytes; i-- > 0 && !version.data;) {
        if (name->bytes - i <= mark.bytes || memcmp(name->data + i, mark.data, mark.bytes) != 0)
            continue;
        version.data = name->data + i + mark.bytes;
        version.bytes = name->bytes - i - mark.bytes;
        name->bytes = i;
    }
    if (!serving_choose(x, *name, err)) return false;
    const char *is = model_version(x);
    if (!version.data ||
        (version.bytes == strlen(is) && memcmp(version.data, is, version.bytes) == 0))
        return true;
    return err_set(err, ERR_NOT_FOUND, "version", "model \"%s\" has version \"%s\", not \"%.*s\"",
                   x->snapshot->name, is, text_quoted(version), version.data);
}

/* -- /infer: the request -- */

enum { ID, INPUTS, OUTPUTS, PARAMETERS, N_FIELDS };

#define SCHEMA_OBJECT "'type':'object'"

static const struct field infer_fields[N_FIELDS] = {
    [ID] = FIELD("id", SCHEMA_STRING, "comes back in the reply"),
    [INPUTS] = REQUIRED_FIELD(
        "inputs", SCHEMA_TENSORS,
        "one tensor: texts (BYTES) or token ids, a row an input, -1 where a row is shorter"),
    [OUTPUTS] = FIELD("outputs",
                      "'type':'array','items':{'type':'object','required':['name'],'properties':"
                      "{'name':{'const':'embedding'},'parameters':{'type':'object'}}}",
                      "which outputs; there is one"),
    [PARAMETERS] = FIELD("parameters",
                         "'type':'object','properties':{'binary_data_output':{'type':'boolean'},"
                         "'dimensions':{'type':'integer','minimum':1},'normalize':{'type':"
                         "'boolean'}}",
                         "how the vectors are made and sent"),
};

/* The JSON may be but the first part of the body. */
static bool read_fields(struct exchange *x, struct value *values, struct text *binary,
                        struct err *err)
{
    const size_t bytes = x->body_bytes;
    const char *length = x->inference_header_length;
    *binary = (struct text){"", 0};
    if (length) {
        size_t json_bytes = 0;
        for (const char *at = length; *at; at++) {
            const unsigned digit = (unsigned char)*at - (unsigned)'0';
            json_bytes = digit > 9 || json_bytes > bytes ? bytes + 1 : json_bytes * 10 + digit;
        }
        if (!*length || json_bytes > bytes)
            return err_set(err, ERR_INVALID, "inference-header-content-length",
                           "inference-header-content-length must be a number of bytes of the body, "
                           "from 0 to %zu, not %.*s",
                           bytes, (int)strnlen(length, ERR_VALUE_BYTES), length);
        *binary = (struct text){x->body + json_bytes, bytes - json_bytes};
    }
    x->body_bytes = bytes - binary->bytes;
    const bool is_read = exchange_read_fields(x, values, err);
    x->body_bytes = bytes;
    return is_read;
}

#define OUTPUT "embedding"

/* There is one output, whether it is named or not; the last to say so decides its form. */
static bool read_outputs(const struct exchange *x, const struct value *outputs, bool *is_binary,
                         struct err *err)
{
    const bool is_list = outputs->kind == VALUE_LIST;
    if (value_is_given(outputs) && !is_list)
        return err_set(err, ERR_INVALID, "outputs", "outputs must be a list of objects, not %s",
                       value_describe(outputs));
    for (size_t i = 0; is_list && i < outputs->list.n; i++) {
        const struct value *output = &outputs->list.items[i];
        struct text name = {0};
        if (!value_get_text(value_member(output, "name"), "outputs.name", &name, err)) return false;
        if (name.bytes != strlen(OUTPUT) || memcmp(name.data, OUTPUT, name.bytes) != 0)
            return err_set(
                err, ERR_INVALID, "outputs",
                "unexpected inference output '%.*s' for model '%s'; it has one, '" OUTPUT "'",
                name.data ? text_quoted(name) : 0, name.data ? name.data : "", x->snapshot->name);
        const struct value *parameters = value_member(output, "parameters");
        if (!value_check_object(parameters, "outputs.parameters", err) ||
            !value_get_bool(value_member(parameters, "binary_data"),
                            "outputs.parameters.binary_data", is_binary, err))
            return false;
    }
    return true;
}

struct infer {
    struct embedding embedding;
    struct text id;
    bool is_binary; /* the reply */
};

static bool read_infer(struct exchange *x, struct infer *infer, struct err *err)
{
    struct value values[N_FIELDS];
    struct text binary;
    struct embedding *embedding = &infer->embedding;
    const struct value *parameters = &values[PARAMETERS];
    if (!read_fields(x, values, &binary, err) || !choose_model(x, &embedding->model, err))
        return false;
    embedding_init(embedding, x);
    return value_get_text(&values[ID], "id", &infer->id, err) &&
           value_check_object(parameters, "parameters", err) &&
           value_get_bool(value_member(parameters, "binary_data_output"),
                          "parameters.binary_data_output", &infer->is_binary, err) &&
           value_get_bool(value_member(parameters, "normalize"), "parameters.normalize",
                          &embedding->pool.normalize, err) &&
           embedding_read_dimensions(embedding, x, value_member(parameters, "dimensions"),
                                     "parameters.dimensions", err) &&
           read_outputs(x, &values[OUTPUTS], &infer->is_binary, err) &&
           tensors_read(x, &values[INPUTS], binary, &embedding->batch, err);
}

/* -- /infer: the reply -- */

static bool make_vectors(struct exchange *x, const struct infer *infer, float **out,
                         struct err *err)
{
    static const struct coding coding = {.encoding = ENCODING_FLOAT};
    const struct embedding *embedding = &infer->embedding;
    const size_t n = embedding->batch.n * embedding->pool.dims;
    const struct plan plan = {
        .reply_bytes =
            n * sizeof **out + (infer->is_binary ? n * sizeof **out : coding_bytes(&coding, n)),
        .read_bytes = model_read_bytes(x->model, embedding->batch.tokens),
    };
    if (!reply_plan(x, &plan, err)) return false;
    *out = arena_array(x->arena, n, sizeof **out);
    if (!*out) return err_out_of_memory(err);
    if (!embedding_vectors(embedding, x, *out, err)) return false;
    return true;
}

static void write_head(const struct exchange *x, const struct infer *infer, struct buf *out)
{
    buf_add_str(out, "{\"model_name\":");
    write_text(out, infer->embedding.model);
    buf_add_str(out, ",\"model_version\":");
    write_string(out, model_version(x));
    if (infer->id.data) {
        buf_add_str(out, ",\"id\":");
        write_text(out, infer->id);
    }
    buf_add_str(out, ",\"outputs\":[{\"name\":\"" OUTPUT "\",\"datatype\":\"FP32\",\"shape\":[");
    buf_add_u64(out, infer->embedding.batch.n);
    buf_add_char(out, ',');
    buf_add_u64(out, infer->embedding.pool.dims);
    buf_add_str(out, "],");
}

/* Where the JSON ends, a header says. */
static void write_binary(struct exchange *x, const float *vectors, size_t n, struct buf *out)
{
    struct buf length;
    buf_init(&length, x->arena);
    buf_add_str(out, "\"parameters\":{\"binary_data_size\":");
    buf_add_u64(out, n * sizeof *vectors);
    buf_add_str(out, "}}]}");
    buf_add_u64(&length, out->bytes);
    buf_add_char(&length, '\0');
    out->failed |= length.failed;
    if (out->failed) return;
    reply_add_header(x, "Inference-Header-Content-Length", length.data);
    buf_add(out, vectors, n * sizeof *vectors);
}

static void infer_post(struct exchange *x)
{
    struct infer infer = {.is_binary = false};
    float *vectors;
    struct err err;
    struct buf out;
    buf_init(&out, x->arena);
    if (!read_infer(x, &infer, &err) || !embedding_tokenize(&infer.embedding, x, &err) ||
        !make_vectors(x, &infer, &vectors, &err)) {
        handlers_fail(x, &err);
        return;
    }
    const size_t n = infer.embedding.batch.n * infer.embedding.pool.dims;
    write_head(x, &infer, &out);
    if (infer.is_binary) {
        write_binary(x, vectors, n, &out);
    } else {
        buf_add_str(&out, "\"data\":");
        write_floats(&out, ENCODING_FLOAT, vectors, n);
        buf_add_str(&out, "}]}");
    }
    stage_end(x, STAGE_WRITE);
    reply_buf(x, 200, infer.is_binary ? TYPE_BYTES : TYPE_JSON, &out);
}

const struct endpoint oip_infer_endpoint = {
    .handle = infer_post,
    FIELDS(infer_fields),
    .takes_tensors = true,
    .summary = "Vectors of texts or token ids, as a tensor",
    .reply = "'type':'object','required':['model_name','model_version','outputs'],'properties':"
             "{'model_name':{'type':'string'},'model_version':{'type':'string'},'id':{'type':"
             "'string'},'outputs':{'type':'array','items':{'type':'object','required':['name',"
             "'datatype','shape'],'properties':{'name':{'const':'embedding'},'datatype':{'const':"
             "'FP32'},'shape':{'type':'array','items':{'type':'integer'}},'data':{'type':'array',"
             "'items':{'type':'number'}},'parameters':{'type':'object'}}}}}",
    .can_be_raw = true,
};

/* -- what there is -- */

static void server_get(struct exchange *x)
{
    struct buf out;
    buf_init(&out, x->arena);
    buf_printf(&out,
               "{\"name\":\"embedd\",\"version\":\"%s\",\"extensions\":[\"binary_tensor_data\"]}",
               x->service->version);
    reply_json(x, &out);
}

static void live_get(struct exchange *x)
{
    reply_static(x, 200, TYPE_JSON, "{\"live\":true}");
}

static void ready_get(struct exchange *x)
{
    const bool is_ready = serving_is_ready(x);
    reply_static(x, is_ready ? 200 : 503, TYPE_JSON,
                 is_ready ? "{\"ready\":true}" : "{\"ready\":false}");
}

/* Where one model answers to every name, "m/config", a route that Triton has beside these, must not
   look like one. */
static bool find_model(struct exchange *x, struct err *err)
{
    struct registry *registry = x->service->registry;
    struct text name;
    if (!choose_model(x, &name, err)) return false;
    if (!memchr(name.data, '/', name.bytes)) return true;
    const struct snapshot *found = registry_borrow(registry, name.data, name.bytes);
    registry_give_back(registry, found);
    return found || err_set(err, ERR_NOT_FOUND, "model", "model \"%.*s\" is not served here",
                            text_quoted(name), name.data);
}

static bool model_write(struct exchange *x, struct buf *out, struct err *err)
{
    if (!find_model(x, err)) return false;
    buf_add_str(out, "{\"name\":");
    write_string(out, x->snapshot->name);
    buf_add_str(out, ",\"versions\":[");
    write_string(out, model_version(x));
    buf_printf(out,
               "],\"platform\":\"embedd\",\"inputs\":[{\"name\":\"text\",\"datatype\":\"BYTES\","
               "\"shape\":[-1]}],\"outputs\":[{\"name\":\"" OUTPUT
               "\",\"datatype\":\"FP32\",\"shape\":[-1,%" PRIu32 "]}]}",
               model_info(x->model)->dim);
    return true;
}

static void model_get(struct exchange *x)
{
    reply_by(x, model_write);
}

static bool model_ready_write(struct exchange *x, struct buf *out, struct err *err)
{
    if (!find_model(x, err) || !serving_check(x, err)) return false;
    buf_add_str(out, "{\"name\":");
    write_string(out, x->snapshot->name);
    buf_add_str(out, ",\"ready\":true}");
    return true;
}

static void model_ready_get(struct exchange *x)
{
    reply_by(x, model_ready_write);
}

const struct endpoint oip_server_endpoint = {
    .handle = server_get, .summary = "What the server is", .reply = SCHEMA_OBJECT};
const struct endpoint oip_live_endpoint = {
    .handle = live_get, .summary = "Whether the process is alive", .reply = SCHEMA_OBJECT};
const struct endpoint oip_ready_endpoint = {
    .handle = ready_get, .summary = "Whether requests are taken", .reply = SCHEMA_OBJECT};
const struct endpoint oip_model_endpoint = {
    .handle = model_get, .summary = "A model's inputs and outputs", .reply = SCHEMA_OBJECT};
const struct endpoint oip_model_ready_endpoint = {
    .handle = model_ready_get, .summary = "Whether a model is served", .reply = SCHEMA_OBJECT};
