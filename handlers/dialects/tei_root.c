/* SPDX-License-Identifier: Apache-2.0 */
/* Routes where what is asked for is told by the request: TEI goes by what the model is, but a model
   here may give vectors, labels and scores at once. */
#include "handlers/dialects/endpoints.h"

#include "handlers/access.h"
#include "handlers/errors.h"
#include "handlers/handlers.h"
#include "handlers/input.h"
#include "handlers/reply.h"

#include <string.h>

static bool has(const struct value *object, const char *name)
{
    return value_is_given(value_member(object, name));
}

/* What a request is one of. Hugging Face's client for labels sends `parameters`, and the one for
   vectors never does. */
static const struct endpoint *choose(const struct exchange *x, const struct value *object)
{
    if (has(object, "query") && has(object, "texts")) return &rerank_endpoint;
    if (value_member(object, "inputs")->kind == VALUE_OBJECT) return &similarity_endpoint;
    const bool is_predict = has(object, "parameters") || has(object, "raw_scores");
    return is_predict && model_heads(x->model)->n > 0 ? &predict_endpoint : &embed_endpoint;
}

/* Those clients read a list of labels for each text, also of a single one, and mean no pairs: each
   string becomes a list of one. */
static bool wrap_inputs(struct exchange *x, struct value *inputs, struct err *err)
{
    const size_t n = inputs->kind == VALUE_LIST ? inputs->list.n : 1;
    struct value *texts = arena_array(x->arena, n, sizeof *texts);
    struct value *lists = arena_array(x->arena, n, sizeof *lists);
    if (!texts || !lists) return err_out_of_memory(err);
    for (size_t i = 0; i < n; i++) {
        texts[i] = inputs->kind == VALUE_LIST ? inputs->list.items[i] : *inputs;
        lists[i] = texts[i];
        if (texts[i].kind == VALUE_STRING)
            lists[i] = (struct value){.kind = VALUE_LIST, .list = {&texts[i], 1}};
    }
    if (n > 0) *inputs = (struct value){.kind = VALUE_LIST, .list = {lists, n}};
    return true;
}

/* The members of an object, copied: wrap_inputs changes one. */
static bool wrap_object(struct exchange *x, struct value *object, struct err *err)
{
    const size_t n = object->object.n;
    struct member *items = arena_array(x->arena, n, sizeof *items);
    if (!items) return err_out_of_memory(err);
    for (size_t i = 0; i < n; i++) {
        items[i] = object->object.items[i];
        const bool is_inputs =
            items[i].name.bytes == 6 && memcmp(items[i].name.data, "inputs", 6) == 0;
        if (is_inputs && !wrap_inputs(x, &items[i].value, err)) return false;
    }
    object->object.items = items;
    return true;
}

/* Has the endpoint that an object asks for answer it. */
static void hand_over(struct exchange *x, const struct value *object)
{
    struct value copy = *object;
    struct err err;
    x->endpoint = choose(x, object);
    /* The route asked for what most of these endpoints do. */
    if (x->endpoint == &predict_endpoint && !access_admit_also(x, SCOPE_CLASSIFY)) return;
    if (x->endpoint == &predict_endpoint && has(object, "parameters") &&
        !wrap_object(x, &copy, &err)) {
        handlers_fail(x, &err);
        return;
    }
    x->object = &copy;
    x->endpoint->handle(x);
    x->object = NULL;
}

/* -- POST /, /invocations -- */

static const struct field root_fields[] = {
    FIELD("inputs",
          "'oneOf':[{" SCHEMA_INPUT "},{'type':'object','required':['source_sentence','sentences'],"
          "'properties':{'source_sentence':{" SCHEMA_STRING "},'sentences':{" SCHEMA_STRINGS "}}}]",
          "as /embed takes it, or /similarity, or /predict"),
    FIELD("parameters", "'type':'object'", "where it stands, a model with heads gives labels"),
    FIELD("query", SCHEMA_STRING, "with texts: as /rerank"),
    FIELD("texts", SCHEMA_STRINGS, "with query: as /rerank"),
    FIELD("truncate", SCHEMA_BOOL, "cut inputs that are too long"),
    FIELD("truncation_direction", "'enum':['Left','Right','left','right']",
          "the side on which tokens are cut off"),
    FIELD("prompt_name", SCHEMA_STRING, "a prompt of the model, by name"),
    FIELD("normalize", SCHEMA_BOOL, "as /embed"),
    FIELD("dimensions", SCHEMA_COUNT, "as /embed"),
    FIELD("raw_scores", SCHEMA_BOOL, "as /rerank or /predict"),
    FIELD("return_text", SCHEMA_BOOL, "as /rerank"),
};

#define N_ROOT_FIELDS (sizeof root_fields / sizeof root_fields[0])

static void invoke_post(struct exchange *x)
{
    struct value values[N_ROOT_FIELDS];
    struct member members[N_ROOT_FIELDS];
    struct value object = {.kind = VALUE_OBJECT, .object = {members, 0}};
    struct err err;
    if (!exchange_read_fields(x, values, &err)) {
        handlers_fail(x, &err);
        return;
    }
    for (size_t i = 0; i < N_ROOT_FIELDS; i++)
        if (values[i].kind != VALUE_ABSENT)
            members[object.object.n++] = (struct member){root_fields[i].name, values[i]};
    hand_over(x, &object);
}

const struct endpoint invoke_endpoint = {
    .handle = invoke_post,
    FIELDS(root_fields),
    .raw_ids = &root_fields[0],
    .summary = "Vectors, labels, similarities or ranks: whichever the request looks like",
    .reply = "'type':'array'",
    .can_be_raw = true,
};

/* -- /vertex -- */

static const struct field vertex_fields[] = {
    REQUIRED_FIELD("instances", "'type':'array','items':{'type':'object'}",
                   "requests, each as POST / takes them"),
};

/* What the requests come to together; each notes its own alone. */
struct sum {
    uint64_t inputs, tokens, unknown_tokens, truncated_inputs;
    uint32_t *predicted; /* of the default head */
};

static bool add_sample(struct exchange *x, struct sum *sum, struct err *err)
{
    struct metrics_sample *sample = &x->sample;
    sum->inputs += sample->inputs;
    sum->tokens += sample->tokens;
    sum->unknown_tokens += sample->unknown_tokens;
    sum->truncated_inputs += sample->truncated_inputs;
    if (!sample->predicted) return true;
    const uint32_t n = head_info(model_heads(x->model)->items[sample->head])->n_labels;
    const bool is_first = !sum->predicted;
    if (is_first) sum->predicted = arena_array(x->arena, n, sizeof *sum->predicted);
    if (!sum->predicted) return err_out_of_memory(err);
    for (uint32_t i = 0; i < n; i++)
        sum->predicted[i] = (is_first ? 0 : sum->predicted[i]) + sample->predicted[i];
    sample->predicted = NULL;
    return true;
}

static void set_sample(struct exchange *x, const struct sum *sum)
{
    x->sample.inputs = sum->inputs;
    x->sample.tokens = sum->tokens;
    x->sample.unknown_tokens = sum->unknown_tokens;
    x->sample.truncated_inputs = sum->truncated_inputs;
    x->sample.predicted = sum->predicted;
    x->sample.te.is_batch = true;
    x->sample.te.lengths = NULL;
}

static bool read_instances(struct exchange *x, struct value *instances, struct err *err)
{
    static const char name[] = "instances";
    if (!exchange_read_fields(x, instances, err)) return false;
    if (instances->kind == VALUE_INTEGERS)
        return err_set(err, ERR_INVALID, name, "instances[0] must be an object, not a number");
    if (instances->kind != VALUE_LIST)
        return err_set(err, ERR_INVALID, name, "instances must be a list of objects, but is %s",
                       value_describe(instances));
    for (size_t i = 0; i < instances->list.n; i++)
        if (instances->list.items[i].kind != VALUE_OBJECT)
            return err_set(err, ERR_INVALID, name, "instances[%zu] must be an object, not %s", i,
                           value_describe(&instances->list.items[i]));
    if (instances->list.n <= x->service->inputs_max) return true;
    x->sample.reject = REJECT_TOO_MANY_INPUTS;
    return x->dialect->refuse_count(name, instances->list.n, x->service->inputs_max, err);
}

/* The reply that an instance got, whole or in pieces. */
static void take_reply(struct exchange *x, struct buf *out)
{
    if (!x->make_piece) buf_add(out, x->reply, x->reply_bytes);
    while (x->make_piece && !out->failed && handlers_next_piece(x))
        buf_add(out, x->piece.data, x->piece.bytes);
    out->failed |= x->piece.failed;
    x->make_piece = NULL;
    x->status = 0;
}

/* False: an error was answered, or the work is to be done elsewhere. */
static bool answer_instance(struct exchange *x, const struct value *instance, struct buf *out,
                            struct sum *sum)
{
    struct err err;
    x->sample.inputs = x->sample.tokens = 0;
    x->sample.unknown_tokens = x->sample.truncated_inputs = 0;
    hand_over(x, instance);
    if (x->is_deferred || x->status != 200) return false;
    take_reply(x, out);
    if (x->work_max > 0 && out->bytes > x->work_max) x->is_deferred = true;
    if (x->is_deferred) return false;
    if (add_sample(x, sum, &err)) return true;
    handlers_fail(x, &err);
    return false;
}

static void vertex_post(struct exchange *x)
{
    struct value instances;
    struct err err;
    struct sum sum = {0};
    struct buf out;
    x->accept = NULL; /* vectors are lists here, whatever else the client would take */
    if (!read_instances(x, &instances, &err)) {
        handlers_fail(x, &err);
        return;
    }
    buf_init(&out, x->arena);
    buf_add_str(&out, "{\"predictions\":[");
    for (size_t i = 0; i < instances.list.n; i++) {
        if (i > 0) buf_add_char(&out, ',');
        if (!answer_instance(x, &instances.list.items[i], &out, &sum)) return;
    }
    buf_add_str(&out, "]}");
    set_sample(x, &sum);
    x->endpoint = &vertex_endpoint;
    reply_json(x, &out);
}

const struct endpoint vertex_endpoint = {
    .handle = vertex_post,
    FIELDS(vertex_fields),
    .summary = "Several requests in one, as Vertex AI sends them",
    .reply = "'type':'object','required':['predictions'],'properties':{'predictions':{'type':"
             "'array'}}",
};
