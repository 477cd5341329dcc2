/* SPDX-License-Identifier: Apache-2.0 */
/* Ollama's routes for embedding models: https://github.com/ollama/ollama/blob/main/docs/api.md */
#include "handlers/dialects/endpoints.h"

#include "base/sha256.h"
#include "handlers/dialects/plain.h"
#include "handlers/embedding.h"
#include "handlers/reply.h"
#include "handlers/serving.h"
#include "model/registry.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

/* -- errors -- */

static void write_error(struct exchange *x, struct failure *failure, struct buf *out)
{
    if (failure->is_bad_json && x->body_bytes == 0)
        buf_add_str(out, "{\"error\":\"missing request body\"}");
    else
        plain_write_error(x, failure, out);
}

static bool refuse_length(const char *field, size_t index, uint32_t n, size_t max, struct err *err)
{
    (void)index, (void)n, (void)max;
    return err_set(err, ERR_INVALID, field, "the input length exceeds the context length");
}

const struct dialect dialect_ollama = {
    .name = "Ollama",
    PLAIN_ERRORS,
    .write_error = write_error,
    .refuse_length = refuse_length,
    .truncate = TRUNCATE_RIGHT,
};

/* -- the model -- */

/* A name without a tag has this one. */
#define TAG ":latest"
#define TAG_BYTES (sizeof TAG - 1)

/* As the registry has it: with the tag only where a model is served under such a name. */
static struct text registry_name(const struct exchange *x, struct text name)
{
    if (name.bytes <= TAG_BYTES || memcmp(name.data + name.bytes - TAG_BYTES, TAG, TAG_BYTES) != 0)
        return name;
    struct registry *registry = x->service->registry;
    const struct snapshot *found = registry_borrow(registry, name.data, name.bytes);
    if (!found) name.bytes -= TAG_BYTES;
    registry_give_back(registry, found);
    return name;
}

static bool choose_model(struct exchange *x, const struct value *value, const char *field,
                         struct text *name, struct err *err)
{
    *name = (struct text){0};
    if (!value_get_text(value, field, name, err)) return false;
    if (name->bytes == 0) return err_set(err, ERR_INVALID, field, "model is required");
    if (serving_choose(x, registry_name(x, *name), err)) return true;
    if (err->code != ERR_NOT_FOUND) return false;
    return err_set(err, ERR_NOT_FOUND, field, "model '%.*s' not found", text_quoted(*name),
                   name->data);
}

/* -- /api/embed -- */

enum {
    EMBED_MODEL,
    EMBED_INPUT,
    EMBED_TRUNCATE,
    EMBED_DIMENSIONS,
    EMBED_KEEP_ALIVE,
    EMBED_OPTIONS,
    EMBED_FIELDS
};

#define MODEL_FIELD REQUIRED_FIELD("model", SCHEMA_STRING, "which of the served models answers")
#define KEEP_ALIVE_FIELD                                                                           \
    FIELD("keep_alive", "'type':['string','number']", "is not used: models stay where they are")
#define OPTIONS_FIELD FIELD("options", "'type':'object'", "is not used")

static const struct field embed_fields[EMBED_FIELDS] = {
    [EMBED_MODEL] = MODEL_FIELD,
    [EMBED_INPUT] =
        FIELD("input", "'oneOf':[{" SCHEMA_STRING "},{'type':'array','items':{" SCHEMA_STRING "}}]",
              "a text, or a list of texts"),
    [EMBED_TRUNCATE] = FIELD("truncate", SCHEMA_BOOL, "cut inputs that are too long; the default"),
    [EMBED_DIMENSIONS] = FIELD("dimensions", "'type':'integer'",
                               "the first so many dimensions, where there are more"),
    [EMBED_KEEP_ALIVE] = KEEP_ALIVE_FIELD,
    [EMBED_OPTIONS] = OPTIONS_FIELD,
};

/* Nothing to embed only loads a model there. */
static bool is_nothing(const struct value *value)
{
    return !value_is_given(value) || (value->kind == VALUE_STRING && value->text.bytes == 0) ||
           (value->kind == VALUE_LIST && value->list.n == 0);
}

static bool read_texts(struct exchange *x, const struct value *value, const char *name,
                       struct batch *batch, struct err *err)
{
    if (is_nothing(value)) return true;
    if (batch_read(x, value, name, INPUT_TEXT, false, batch, err)) return true;
    const struct err why = *err;
    return why.code == ERR_INVALID &&
           err_set(err, ERR_INVALID, name, "invalid input type: %.400s", why.message);
}

static bool read_dimensions(const struct value *value, struct pool_options *pool, struct err *err)
{
    int64_t dims = 0;
    if (!value_get_whole(value, "dimensions", INT64_MIN, INT64_MAX, &dims, err)) return false;
    if (dims > 0 && dims < pool->dims) pool->dims = (uint32_t)dims;
    return true;
}

static bool read_embed(struct exchange *x, struct embedding *embedding, struct err *err)
{
    struct value values[EMBED_FIELDS];
    if (!exchange_read_fields(x, values, err) ||
        !choose_model(x, &values[EMBED_MODEL], "model", &embedding->model, err))
        return false;
    embedding_init(embedding, x);
    embedding->pool.normalize = true;
    return length_limit_read(&values[EMBED_TRUNCATE], "truncate", &embedding->limit, err) &&
           read_dimensions(&values[EMBED_DIMENSIONS], &embedding->pool, err) &&
           read_texts(x, &values[EMBED_INPUT], "input", &embedding->batch, err);
}

/* What took no time, and what is 0, Ollama leaves out. No model is ever loaded here. */
static void write_embed_tail(struct exchange *x, const struct embedding *embedding, struct buf *out)
{
    uint64_t duration_ns = 0;
    for (int i = 0; i < STAGE_COUNT; i++)
        duration_ns += x->sample.stage_ns[i];
    buf_add_str(out, "],\"model\":");
    write_text(out, embedding->model);
    if (embedding->batch.n > 0 && duration_ns > 0) {
        buf_add_str(out, ",\"total_duration\":");
        buf_add_u64(out, duration_ns);
    }
    if (embedding->batch.tokens > 0) {
        buf_add_str(out, ",\"prompt_eval_count\":");
        buf_add_u64(out, embedding->batch.tokens);
    }
    buf_add_char(out, '}');
}

static void embed_post(struct exchange *x)
{
    static const struct vector_frame frame = {.head = TEXT("{\"embeddings\":["),
                                              .write_tail = write_embed_tail};
    reply_embedding(x, read_embed, &frame);
}

const struct endpoint ollama_embed_endpoint = {
    .handle = embed_post,
    FIELDS(embed_fields),
    .can_be_raw = true,
    .summary = "Vectors of texts, of length 1",
    .reply = "'type':'object','required':['model','embeddings'],'properties':{'model':{'type':"
             "'string'},'embeddings':{'type':'array','items':{'type':'array','items':{'type':"
             "'number'}}},'total_duration':{'type':'integer'},'prompt_eval_count':{'type':"
             "'integer'}}",
};

/* -- /api/embeddings -- */

enum {
    EMBEDDINGS_MODEL,
    EMBEDDINGS_PROMPT,
    EMBEDDINGS_KEEP_ALIVE,
    EMBEDDINGS_OPTIONS,
    EMBEDDINGS_FIELDS
};

static const struct field embeddings_fields[EMBEDDINGS_FIELDS] = {
    [EMBEDDINGS_MODEL] = MODEL_FIELD,
    [EMBEDDINGS_PROMPT] = FIELD("prompt", SCHEMA_STRING, "the text"),
    [EMBEDDINGS_KEEP_ALIVE] = KEEP_ALIVE_FIELD,
    [EMBEDDINGS_OPTIONS] = OPTIONS_FIELD,
};

static bool read_prompt(struct exchange *x, struct embedding *embedding, struct err *err)
{
    struct value values[EMBEDDINGS_FIELDS];
    struct text prompt = {0};
    if (!exchange_read_fields(x, values, err) ||
        !choose_model(x, &values[EMBEDDINGS_MODEL], "model", &embedding->model, err) ||
        !value_get_text(&values[EMBEDDINGS_PROMPT], "prompt", &prompt, err))
        return false;
    embedding_init(embedding, x);
    embedding->pool.normalize = false;
    return read_texts(x, &values[EMBEDDINGS_PROMPT], "prompt", &embedding->batch, err);
}

static void write_prompt_tail(struct exchange *x, const struct embedding *embedding,
                              struct buf *out)
{
    (void)x;
    buf_add_str(out, embedding->batch.n > 0 ? "}" : "[]}");
}

static void embeddings_post(struct exchange *x)
{
    static const struct vector_frame frame = {.head = TEXT("{\"embedding\":"),
                                              .write_tail = write_prompt_tail};
    reply_embedding(x, read_prompt, &frame);
}

const struct endpoint ollama_embeddings_endpoint = {
    .handle = embeddings_post,
    FIELDS(embeddings_fields),
    .can_be_raw = true,
    .summary = "The vector of a text, as long as its rows make it",
    .reply = "'type':'object','required':['embedding'],'properties':{'embedding':{'type':'array',"
             "'items':{'type':'number'}}}",
};

/* -- what is served -- */

/* Stands for name, version and size: the files themselves take too long to read for a list. */
static void write_digest(const struct exchange *x, const struct snapshot *snapshot, struct buf *out)
{
    const struct model_info *info = model_info(snapshot->model);
    char digest[SHA256_TEXT_BYTES];
    struct buf what;
    buf_init(&what, x->arena);
    buf_printf(&what, "%s\n%s\n%s\n%" PRIu64, snapshot->name, info->version, info->dtype,
               info->table_bytes);
    sha256_text(digest, what.data, what.failed ? 0 : what.bytes);
    buf_printf(out, ",\"digest\":\"%s\"", digest);
}

/* 7.56M numbers. */
static void write_count(struct buf *out, double n)
{
    static const char *const units[] = {"", "K", "M", "B"};
    size_t unit = 0;
    for (; unit < 3 && n >= 1000; unit++)
        n /= 1000;
    buf_printf(out, "\"%.3g%s\"", n, units[unit]);
}

static void write_details(const struct model_info *info, struct buf *out)
{
    buf_printf(out,
               ",\"details\":{\"parent_model\":\"\",\"format\":\"%s\",\"family\":\"static\","
               "\"families\":[\"static\"],\"parameter_size\":",
               info->format);
    write_count(out, (double)info->vocab_size * info->dim);
    buf_printf(out, ",\"quantization_level\":\"%s\"}", info->dtype);
}

static void write_start(const struct exchange *x, struct buf *out)
{
    char text[32];
    struct tm utc;
    const time_t start = (time_t)x->service->started_unix_s;
    if (!gmtime_r(&start, &utc) || !strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc)) return;
    buf_printf(out, ",\"modified_at\":\"%s\"", text);
}

static void write_tagged(struct buf *out, const char *name)
{
    const struct text tag = TEXT(TAG);
    struct buf tagged;
    buf_init(&tagged, out->arena);
    buf_add_str(&tagged, name);
    if (!strchr(name, ':')) buf_add(&tagged, tag.data, tag.bytes);
    out->failed |= tagged.failed;
    if (!tagged.failed) write_text(out, (struct text){tagged.data, tagged.bytes});
}

static void write_listed(const struct exchange *x, const struct snapshot *snapshot, bool is_running,
                         struct buf *out)
{
    const struct model_info *info = model_info(snapshot->model);
    buf_add_str(out, "{\"name\":");
    write_tagged(out, snapshot->name);
    buf_add_str(out, ",\"model\":");
    write_tagged(out, snapshot->name);
    buf_printf(out, ",\"size\":%" PRIu64, info->table_bytes);
    write_digest(x, snapshot, out);
    write_details(info, out);
    if (is_running)
        buf_printf(out,
                   ",\"expires_at\":\"9999-12-31T23:59:59Z\",\"size_vram\":0,"
                   "\"context_length\":%zu",
                   length_limit_said(x, info));
    else
        write_start(x, out);
    buf_add_char(out, '}');
}

static void write_tag(const struct exchange *x, const struct snapshot *snapshot, struct buf *out)
{
    write_listed(x, snapshot, false, out);
}

static void write_running(const struct exchange *x, const struct snapshot *snapshot,
                          struct buf *out)
{
    write_listed(x, snapshot, true, out);
}

static void reply_list(struct exchange *x, bool is_running)
{
    struct buf out;
    buf_init(&out, x->arena);
    buf_add_str(&out, "{\"models\":[");
    serving_write_models(x, &out, is_running ? write_running : write_tag);
    buf_add_str(&out, "]}");
    reply_json(x, &out);
}

static void tags_get(struct exchange *x)
{
    reply_list(x, false);
}

static void ps_get(struct exchange *x)
{
    reply_list(x, true);
}

static void version_get(struct exchange *x)
{
    struct buf out;
    buf_init(&out, x->arena);
    buf_printf(&out, "{\"version\":\"%s\"}", x->service->version);
    reply_json(x, &out);
}

enum { SHOW_MODEL, SHOW_NAME, SHOW_VERBOSE, SHOW_FIELDS };

static const struct field show_fields[SHOW_FIELDS] = {
    [SHOW_MODEL] = FIELD("model", SCHEMA_STRING, "which model"),
    [SHOW_NAME] = FIELD("name", SCHEMA_STRING, "the same, as older clients call it"),
    [SHOW_VERBOSE] = FIELD("verbose", SCHEMA_BOOL, "is not used"),
};

static bool show_write(struct exchange *x, struct buf *out, struct err *err)
{
    struct value values[SHOW_FIELDS];
    struct text name;
    if (!exchange_read_fields(x, values, err)) return false;
    const bool is_old = !value_is_given(&values[SHOW_MODEL]);
    if (!choose_model(x, &values[is_old ? SHOW_NAME : SHOW_MODEL], is_old ? "name" : "model", &name,
                      err))
        return false;
    const struct model_info *info = model_info(x->model);
    buf_add_str(out, "{\"license\":");
    write_string(out, info->license);
    buf_add_str(out, ",\"modelfile\":\"\",\"parameters\":\"\",\"template\":\"{{ .Prompt }}\"");
    write_details(info, out);
    buf_printf(out,
               ",\"model_info\":{\"general.architecture\":\"static\",\"general.parameter_count\":"
               "%" PRIu64 ",\"static.context_length\":%zu,\"static.embedding_length\":%" PRIu32
               ",\"tokenizer.ggml.model\":\"%s\"},\"capabilities\":[\"embedding\"]",
               (uint64_t)info->vocab_size * info->dim, length_limit_said(x, info), info->dim,
               info->tokenizer);
    write_start(x, out);
    buf_add_char(out, '}');
    return true;
}

static void show_post(struct exchange *x)
{
    reply_by(x, show_write);
}

#define SCHEMA_MODELS                                                                              \
    "'type':'object','required':['models'],'properties':{'models':{'type':'array','items':"        \
    "{'type':'object','required':['name','model','size','digest','details']}}}"

const struct endpoint ollama_tags_endpoint = {
    .handle = tags_get, .summary = "The models that are served", .reply = SCHEMA_MODELS};
const struct endpoint ollama_ps_endpoint = {
    .handle = ps_get, .summary = "The models that are loaded: all of them", .reply = SCHEMA_MODELS};
const struct endpoint ollama_version_endpoint = {
    .handle = version_get,
    .summary = "The version of embedd",
    .reply = "'type':'object','required':['version'],'properties':{'version':{'type':'string'}}",
};
const struct endpoint ollama_show_endpoint = {
    .handle = show_post,
    FIELDS(show_fields),
    .summary = "What a model is",
    .reply = "'type':'object','required':['details','model_info','capabilities']",
};
