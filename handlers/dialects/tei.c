/* SPDX-License-Identifier: Apache-2.0 */
/* The native routes of text-embeddings-inference 1.9: names, shapes, messages and statuses are its
   own. Where it fails a whole batch for one empty text, that text gets the zero vector here. */
#include "handlers/dialects/endpoints.h"

#include "handlers/answer.h"
#include "handlers/dialect.h"
#include "handlers/embedding.h"
#include "handlers/errors.h"
#include "handlers/input.h"
#include "handlers/reply.h"
#include "model/registry.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* -- errors -- */

static void write_shape(struct buf *out, const char *type, const char *prefix, const char *message)
{
    char text[sizeof((struct err *)0)->message + 32];
    int bytes = snprintf(text, sizeof text, "%s%s", prefix, message);
    size_t kept = (size_t)bytes < sizeof text ? (size_t)bytes : sizeof text - 1;
    buf_add_str(out, "{\"error\":");
    write_text(out, (struct text){text, kept});
    buf_printf(out, ",\"error_type\":\"%s\"}", type);
}

/* What is no JSON, TEI's web framework answers before TEI does, in plain text. A wrong value is
 * 422.
 */
static void write_error(struct exchange *x, struct failure *failure, struct buf *out)
{
    (void)x;
    const struct err *err = failure->err;
    if (err->code == ERR_EMPTY) {
        char message[sizeof err->param + 32];
        snprintf(message, sizeof message, "`%s` cannot be empty", err->param);
        write_shape(out, "Empty", "", message);
        return;
    }
    const bool is_invalid = err->code == ERR_INVALID, is_type = err->code == ERR_MEDIA_TYPE;
    if (failure->is_bad_json || is_type) {
        failure->type = TYPE_TEXT;
        buf_printf(out, "%s%s",
                   is_type ? "" : "Failed to parse the request body as JSON: ", err->message);
        return;
    }
    if (is_invalid) failure->status = 422;
    write_shape(out,
                failure->status < 500    ? "Validation"
                : failure->status == 503 ? "Overloaded"
                                         : "Backend",
                is_invalid ? "Input validation error: " : "", err->message);
}

static bool refuse_count(const char *field, size_t n, size_t max, struct err *err)
{
    return err_set(err, ERR_UNPROCESSABLE, field, "batch size %zu > maximum allowed batch size %zu",
                   n, max);
}

static bool refuse_length(const char *field, size_t index, uint32_t n, size_t max, struct err *err)
{
    (void)index;
    return err_set(err, ERR_INVALID, field, "`%s` must have less than %zu tokens. Given: %" PRIu32,
                   field, max, n);
}

const struct dialect dialect_tei = {
    .name = "TEI",
    .error_schema = "'type':'object','required':['error','error_type'],'properties':{'error':"
                    "{'type':'string'},'error_type':{'type':'string'}}",
    .has_text_errors = true,
    .write_error = write_error,
    .too_large = "{\"error\":\"" NO_MEMORY_TEXT "\",\"error_type\":\"Validation\"}",
    .overloaded = "{\"error\":\"" OVERLOADED_TEXT "\",\"error_type\":\"Overloaded\"}",
    .refuse_count = refuse_count,
    .refuse_length = refuse_length,
    .truncate = TRUNCATE_RIGHT,
};

/* An error whose status and type are TEI's own. */
static void reply_error(struct exchange *x, unsigned status, const char *type, const char *message)
{
    struct buf out;
    buf_init(&out, x->arena);
    write_shape(&out, type, "", message);
    reply_buf(x, status, TYPE_JSON, &out);
}

/* Prompts belong to models that were trained with them; a static table has none. */
static bool check_prompt_name(const struct value *value, struct err *err)
{
    struct text name = {0};
    if (!value_get_text(value, "prompt_name", &name, err)) return false;
    if (!name.data) return true;
    int shown = text_quoted(name);
    return err_set(err, ERR_INVALID, "prompt_name",
                   "`default-prompt-name` is set to `%.*s` but no prompts were found in the "
                   "Sentence Transformers configuration",
                   shown, name.data);
}

/* -- /embed -- */

enum {
    EMBED_INPUTS,
    EMBED_TRUNCATE,
    EMBED_DIRECTION,
    EMBED_PROMPT,
    EMBED_NORMALIZE,
    EMBED_DIMENSIONS,
    EMBED_FIELDS
};

#define TRUNCATE_FIELD FIELD("truncate", SCHEMA_BOOL, "cut inputs that are too long")
#define DIRECTION_FIELD                                                                            \
    FIELD("truncation_direction", "'enum':['Left','Right','left','right']",                        \
          "the side on which tokens are cut off")
#define PROMPT_FIELD FIELD("prompt_name", SCHEMA_STRING, "a prompt of the model, by name")

static const struct field embed_fields[EMBED_FIELDS] = {
    [EMBED_INPUTS] = REQUIRED_FIELD("inputs", SCHEMA_INPUT, "texts, or lists of token ids"),
    [EMBED_TRUNCATE] = TRUNCATE_FIELD,
    [EMBED_DIRECTION] = DIRECTION_FIELD,
    [EMBED_PROMPT] = PROMPT_FIELD,
    [EMBED_NORMALIZE] = FIELD("normalize", SCHEMA_BOOL, "divide by the L2 norm; true by default"),
    [EMBED_DIMENSIONS] = FIELD("dimensions", SCHEMA_COUNT, "the first so many dimensions"),
};

/* The request's wish over the service's; asked for without a direction, TEI cuts on the right. */
static bool read_limit(const struct exchange *x, const struct value *truncate_value,
                       const struct value *direction_value, struct length_limit *limit,
                       struct err *err)
{
    static const char *const directions[] = {"Right", "Left", "right", "left"};
    *limit = length_limit_of(x);
    if (!value_is_given(truncate_value) && !value_is_given(direction_value)) return true;
    bool truncate = limit->truncate != TRUNCATE_ERROR;
    bool is_left = limit->truncate == TRUNCATE_LEFT && !value_is_given(truncate_value);
    size_t direction = is_left ? 1 : 0;
    if (!value_get_bool(truncate_value, "truncate", &truncate, err) ||
        !value_get_choice(direction_value, "truncation_direction", directions, 4, &direction, err))
        return false;
    limit->is_asked = true;
    limit->truncate = !truncate              ? TRUNCATE_ERROR
                      : (direction & 1) == 1 ? TRUNCATE_LEFT
                                             : TRUNCATE_RIGHT;
    return true;
}

static bool embed_read(struct exchange *x, struct embedding *embedding, struct err *err)
{
    struct value values[EMBED_FIELDS];
    if (!exchange_read_fields(x, values, err)) return false;
    embedding_init(embedding, x);
    embedding->pool.normalize = true;
    return check_prompt_name(&values[EMBED_PROMPT], err) &&
           read_limit(x, &values[EMBED_TRUNCATE], &values[EMBED_DIRECTION], &embedding->limit,
                      err) &&
           value_get_bool(&values[EMBED_NORMALIZE], "normalize", &embedding->pool.normalize, err) &&
           embedding_read_dimensions(embedding, x, &values[EMBED_DIMENSIONS], "dimensions", err) &&
           batch_read(x, &values[EMBED_INPUTS], "inputs", INPUT_TEXT | INPUT_IDS, true,
                      &embedding->batch, err);
}

static void embed_post(struct exchange *x)
{
    static const struct vector_frame frame = {.head = TEXT("["), .tail = TEXT("]")};
    reply_embedding(x, embed_read, &frame);
}

const struct endpoint embed_endpoint = {
    .handle = embed_post,
    FIELDS(embed_fields),
    .raw_ids = &embed_fields[EMBED_INPUTS],
    .summary = "Vectors of texts or token ids",
    .reply = "'type':'array','items':{'type':'array','items':{'type':'number'}}",
    .can_be_raw = true,
};

/* -- /predict -- */

enum { PREDICT_INPUTS, PREDICT_TRUNCATE, PREDICT_DIRECTION, PREDICT_RAW, PREDICT_FIELDS };

static const struct field predict_fields[PREDICT_FIELDS] = {
    [PREDICT_INPUTS] =
        REQUIRED_FIELD("inputs",
                       "'oneOf':[{'type':'string'},{'type':'array','items':{'type':'string'},"
                       "'minItems':1,'maxItems':2},{'type':'array','minItems':1,'items':{'type':"
                       "'array','items':{'type':'string'},'minItems':1,'maxItems':2}}]",
                       "a text, a pair of texts, or a list of lists of one or two texts"),
    [PREDICT_TRUNCATE] = TRUNCATE_FIELD,
    [PREDICT_DIRECTION] = DIRECTION_FIELD,
    [PREDICT_RAW] = FIELD("raw_scores", SCHEMA_BOOL, "logits instead of probabilities"),
};

/* One input: a text, a list of one, or a pair, which becomes one text, a space between. */
static bool take_predict_input(struct exchange *x, const struct value *value, struct value *out,
                               struct err *err)
{
    *out = *value;
    if (value->kind == VALUE_STRING) return true;
    const struct value *items = value->list.items;
    if (value->kind != VALUE_LIST || value->list.n < 1 || value->list.n > 2 ||
        items[0].kind != VALUE_STRING || items[value->list.n - 1].kind != VALUE_STRING)
        return err_set(err, ERR_INVALID, "inputs",
                       "`inputs` must be a string, a pair of strings, or a list of lists of one or "
                       "two strings");
    *out = items[0];
    if (value->list.n == 1) return true;
    struct buf text;
    buf_init(&text, x->arena);
    buf_add(&text, items[0].text.data, items[0].text.bytes);
    buf_add_char(&text, ' ');
    buf_add(&text, items[1].text.data, items[1].text.bytes);
    out->text = (struct text){text.data, text.bytes};
    return !text.failed || err_out_of_memory(err);
}

/* A list whose first item is a list is a batch. */
static bool read_predict_inputs(struct exchange *x, const struct value *value, bool *is_batch,
                                struct batch *batch, struct err *err)
{
    *is_batch =
        value->kind == VALUE_LIST && value->list.n > 0 && value->list.items[0].kind == VALUE_LIST;
    size_t n = *is_batch ? value->list.n : 1;
    struct value *texts = arena_array(x->arena, n, sizeof *texts);
    if (!texts) return err_out_of_memory(err);
    for (size_t i = 0; i < n; i++)
        if (!take_predict_input(x, *is_batch ? &value->list.items[i] : value, &texts[i], err))
            return false;
    const struct value list = {.kind = VALUE_LIST, .list = {texts, n}};
    return batch_read(x, &list, "inputs", INPUT_TEXT, false, batch, err);
}

static void write_predictions(struct buf *out, const struct question *question,
                              const struct answer *answer, bool is_raw)
{
    buf_add_char(out, '[');
    for (uint32_t i = 0; i < question->info->n_labels; i++) {
        uint32_t label = answer->order[i];
        buf_add_str(out, i > 0 ? ",{\"score\":" : "{\"score\":");
        buf_add_float(out, is_raw ? answer->logits[label] : answer->p[label]);
        buf_add_str(out, ",\"label\":");
        write_label(out, question, label);
        buf_add_char(out, '}');
    }
    buf_add_char(out, ']');
}

static bool predict_write(struct exchange *x, struct buf *out, struct err *err)
{
    static const struct value no_name = {.kind = VALUE_ABSENT};
    struct value values[PREDICT_FIELDS];
    struct length_limit limit;
    struct question question;
    struct answer answer;
    struct batch batch;
    bool is_raw = false, is_batch = false;
    if (!exchange_read_fields(x, values, err) || !question_choose(&question, x, &no_name, err) ||
        !read_limit(x, &values[PREDICT_TRUNCATE], &values[PREDICT_DIRECTION], &limit, err) ||
        !value_get_bool(&values[PREDICT_RAW], "raw_scores", &is_raw, err) ||
        !read_predict_inputs(x, &values[PREDICT_INPUTS], &is_batch, &batch, err))
        return false;
    stage_end(x, STAGE_PARSE);
    if (!batch_tokenize(x, &batch, &limit, err)) return false;
    stage_end(x, STAGE_TOKENIZE);
    if (!answer_plan(x, &question, &batch, err) || !answer_make(&answer, x, &question, err))
        return false;
    if (is_batch) buf_add_char(out, '[');
    for (size_t i = 0; i < batch.n; i++) {
        if (!answer_fill(&answer, x, &question, &batch.items[i], err)) return false;
        if (i > 0) buf_add_char(out, ',');
        write_predictions(out, &question, &answer, is_raw);
        stage_end(x, STAGE_WRITE);
    }
    if (is_batch) buf_add_char(out, ']');
    if (!out->failed) answer_count(&answer, x, &question);
    return true;
}

static void predict_post(struct exchange *x)
{
    if (model_heads(x->model)->n == 0) {
        x->sample.reject = REJECT_NOT_FOUND;
        reply_error(x, 424, "Backend", "Model is not a classifier model");
        return;
    }
    reply_by(x, predict_write);
}

#define SCHEMA_PREDICTIONS                                                                         \
    "'type':'array','items':{'type':'object','required':['score','label'],'properties':"           \
    "{'score':{'type':'number'},'label':{'type':'string'}}}"

const struct endpoint predict_endpoint = {
    .handle = predict_post,
    FIELDS(predict_fields),
    .summary = "Labels of texts, from the highest score down",
    .reply = "'oneOf':[{" SCHEMA_PREDICTIONS "},{'type':'array','items':{" SCHEMA_PREDICTIONS "}}]",
};

/* -- /tokenize -- */

enum { TOKENIZE_INPUTS, TOKENIZE_SPECIAL, TOKENIZE_PROMPT, TOKENIZE_FIELDS };

static const struct field tokenize_fields[TOKENIZE_FIELDS] = {
    [TOKENIZE_INPUTS] =
        REQUIRED_FIELD("inputs", "'oneOf':[{" SCHEMA_STRING "},{" SCHEMA_STRINGS "}]", "texts"),
    [TOKENIZE_SPECIAL] =
        FIELD("add_special_tokens", SCHEMA_BOOL, "with [CLS] and the like; true by default"),
    [TOKENIZE_PROMPT] = PROMPT_FIELD,
};

/* A token of the text is shown as it stands there, its place in bytes as TEI counts them; one that
   was added, by its name and without a place. */
static void write_token(const struct exchange *x, struct text text, uint32_t id,
                        struct token_span span, struct slice_cursor *cursor, struct buf *out)
{
    const struct model *model = x->model;
    bool is_special = id != TOKEN_ID_NONE && span.end == 0 && model_is_special(model, id);
    struct text shown;
    if (is_special) {
        shown.data = model_token_text(model, id, &shown.bytes);
    } else {
        shown = slice_text(text, cursor, span);
    }
    buf_add_str(out, "{\"id\":");
    if (id == TOKEN_ID_NONE) {
        buf_add_str(out, "null");
    } else {
        buf_add_u64(out, id);
    }
    buf_add_str(out, ",\"text\":");
    write_text(out, shown);
    if (is_special) {
        buf_add_str(out, ",\"special\":true,\"start\":null,\"stop\":null}");
        return;
    }
    const uint64_t start = (uint64_t)(shown.data - text.data);
    buf_add_str(out, ",\"special\":false,\"start\":");
    buf_add_u64(out, start);
    buf_add_str(out, ",\"stop\":");
    buf_add_u64(out, start + shown.bytes);
    buf_add_char(out, '}');
}

static bool write_text_tokens(struct exchange *x, struct text text, bool add_special,
                              struct buf *out, struct err *err)
{
    struct tokens tokens;
    unsigned flags =
        TOKENIZE_SPANS | TOKENIZE_ALL_IDS | (add_special ? TOKENIZE_SPECIAL_TOKENS : 0);
    if (!model_tokenize(x->model, x->arena, text.data, text.bytes, flags, &tokens, err))
        return false;
    struct slice_cursor cursor = {0};
    buf_add_char(out, '[');
    for (uint32_t i = 0; i < tokens.n; i++) {
        if (i > 0) buf_add_char(out, ',');
        write_token(x, text, tokens.ids[i], tokens.spans[i], &cursor, out);
    }
    buf_add_char(out, ']');
    x->sample.tokens += tokens.n;
    x->sample.unknown_tokens += count_unknown(x, tokens.ids, tokens.n);
    return true;
}

static bool tokenize_write(struct exchange *x, struct buf *out, struct err *err)
{
    struct value values[TOKENIZE_FIELDS];
    struct batch batch;
    bool add_special = true;
    if (!exchange_read_fields(x, values, err) ||
        !check_prompt_name(&values[TOKENIZE_PROMPT], err) ||
        !value_get_bool(&values[TOKENIZE_SPECIAL], "add_special_tokens", &add_special, err) ||
        !batch_read(x, &values[TOKENIZE_INPUTS], "inputs", INPUT_TEXT, false, &batch, err))
        return false;
    stage_end(x, STAGE_PARSE);
    x->sample.inputs = batch.n;
    buf_add_char(out, '[');
    for (size_t i = 0; i < batch.n; i++) {
        if (i > 0) buf_add_char(out, ',');
        if (!write_text_tokens(x, batch.items[i].text, add_special, out, err)) return false;
    }
    buf_add_char(out, ']');
    stage_end(x, STAGE_TOKENIZE);
    return true;
}

static void tokenize_post(struct exchange *x)
{
    reply_by(x, tokenize_write);
}

const struct endpoint tokenize_endpoint = {
    .handle = tokenize_post,
    FIELDS(tokenize_fields),
    .summary = "Tokens of texts, with their places in bytes",
    .reply = "'type':'array','items':{'type':'array','items':{'type':'object','required':['id',"
             "'text','special','start','stop'],'properties':{'id':{'type':['integer','null']},"
             "'text':{'type':'string'},'special':{'type':'boolean'},'start':{'type':['integer',"
             "'null']},'stop':{'type':['integer','null']}}}}",
};

/* -- /decode -- */

enum { DECODE_IDS, DECODE_SKIP, DECODE_FIELDS };

static const struct field decode_fields[DECODE_FIELDS] = {
    [DECODE_IDS] = REQUIRED_FIELD("ids",
                                  "'oneOf':[{" SCHEMA_IDS "},{'type':'array','minItems':1,"
                                  "'items':{" SCHEMA_IDS "}}]",
                                  "token ids"),
    [DECODE_SKIP] = FIELD("skip_special_tokens", SCHEMA_BOOL, "without [CLS] and the like"),
};

static bool decode_write(struct exchange *x, struct buf *out, struct err *err)
{
    struct value values[DECODE_FIELDS];
    struct batch batch;
    bool skip_special = true;
    if (!exchange_read_fields(x, values, err) ||
        !value_get_bool(&values[DECODE_SKIP], "skip_special_tokens", &skip_special, err) ||
        !batch_read(x, &values[DECODE_IDS], "ids", INPUT_IDS, false, &batch, err))
        return false;
    stage_end(x, STAGE_PARSE);
    x->sample.inputs = batch.n;
    struct buf text;
    buf_init(&text, x->arena);
    buf_add_char(out, '[');
    for (size_t i = 0; i < batch.n; i++) {
        const struct sequence *item = &batch.items[i];
        text.bytes = 0;
        model_decode(x->model, item->ids, item->n, skip_special, &text);
        if (text.failed) return err_out_of_memory(err);
        if (i > 0) buf_add_char(out, ',');
        write_text(out, (struct text){text.data, text.bytes});
        x->sample.tokens += item->n;
    }
    buf_add_char(out, ']');
    stage_end(x, STAGE_TOKENIZE);
    return true;
}

static void decode_post(struct exchange *x)
{
    reply_by(x, decode_write);
}

const struct endpoint decode_endpoint = {
    .handle = decode_post,
    FIELDS(decode_fields),
    .summary = "Texts of token ids",
    .reply = "'type':'array','items':{'type':'string'}",
};

/* -- /info, /health -- */

static const char *long_dtype(const char *dtype)
{
    if (strcmp(dtype, "F16") == 0) return "float16";
    if (strcmp(dtype, "BF16") == 0) return "bfloat16";
    if (strcmp(dtype, "I8") == 0 || strcmp(dtype, "PQ") == 0) return "int8";
    if (strcmp(dtype, "F64") == 0) return "float64";
    return "float32";
}

/* A key of ours, where there is something to say. */
static void write_heads(struct buf *out, const struct heads *heads)
{
    if (heads->n == 0) return;
    buf_add_str(out, ",\"heads\":[");
    for (size_t i = 0; i < heads->n; i++) {
        const struct head_info *info = head_info(heads->items[i]);
        buf_add_str(out, i > 0 ? ",{\"name\":" : "{\"name\":");
        write_text(out, (struct text){info->name, strlen(info->name)});
        buf_printf(out, ",\"kind\":\"%s\",\"labels\":%u}", head_kind_names[info->kind],
                   info->n_labels);
    }
    buf_add_char(out, ']');
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
    /* Without a limit of its own a text has at most as many tokens as a body has bytes. */
    size_t tokens_max = service->input_tokens_max     ? service->input_tokens_max
                        : info->limits.tokens_max > 0 ? info->limits.tokens_max
                                                      : service->body_bytes_max;
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
               service->connections_max, tokens_max, service->body_bytes_max, service->inputs_max,
               length_limit_of(x).truncate == TRUNCATE_ERROR ? "false" : "true", service->threads);
    buf_printf(&out, ",\"version\":\"%s\",\"sha\":null,\"docker_label\":null", service->version);
    write_heads(&out, model_heads(x->model));
    write_meaning(&out, info);
    buf_add_char(&out, '}');
    reply_json(x, &out);
}

static void health_get(struct exchange *x)
{
    if (!atomic_load(&x->service->is_draining)) {
        reply_static(x, 200, NULL, "");
        return;
    }
    reply_error(x, 503, "Unhealthy", "unhealthy");
}

const struct endpoint info_endpoint = {
    .handle = info_get,
    .summary = "The default model and the limits",
    .reply = "'type':'object','required':['model_id','model_type','max_input_length',"
             "'max_client_batch_size','version']",
};
const struct endpoint health_endpoint = {.handle = health_get, .summary = "Whether all is well"};
