/* SPDX-License-Identifier: Apache-2.0 */
/* What the native routes of text-embeddings-inference 1.9 have in common: names, shapes, messages
   and statuses are its own. Where it fails a whole batch for one empty text, that text gets the
   zero vector here. */
#include "handlers/dialects/tei.h"

#include "handlers/dialect.h"
#include "handlers/errors.h"
#include "handlers/reply.h"
#include "handlers/write.h"

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
    const struct err *err = failure->err;
    if (err->code == ERR_EMPTY) {
        char message[sizeof err->param + 32];
        snprintf(message, sizeof message, "`%s` cannot be empty", err->param);
        write_shape(out, "Empty", "", message);
        return;
    }
    if (err->code == ERR_UNAUTHORIZED) { /* its own says no more than the status */
        failure->type = NULL;
        return;
    }
    const bool is_invalid = err->code == ERR_INVALID, is_type = err->code == ERR_MEDIA_TYPE;
    if (failure->is_bad_json || is_type) {
        failure->type = TYPE_TEXT;
        buf_printf(out, "%s%s",
                   is_type ? "" : "Failed to parse the request body as JSON: ", err->message);
        return;
    }
    const bool is_overload = failure->status == 429 || failure->status == 503;
    if (is_invalid) failure->status = 422;
    if (failure->status == 422 && x->service->tei_validation_413) failure->status = 413;
    write_shape(out,
                is_overload             ? "Overloaded"
                : failure->status < 500 ? "Validation"
                                        : "Backend",
                is_invalid ? "Input validation error: "
                : failure->status == 429 && x->sample.reject != REJECT_RATE_LIMIT
                    ? "Model is overloaded: "
                    : "",
                err->message);
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
    .overloaded =
        "{\"error\":\"Model is overloaded: " OVERLOADED_TEXT "\",\"error_type\":\"Overloaded\"}",
    .refuse_count = refuse_count,
    .refuse_length = refuse_length,
    .truncate = TRUNCATE_RIGHT,
};

void tei_reply_error(struct exchange *x, unsigned status, const char *type, const char *message)
{
    struct buf out;
    buf_init(&out, x->arena);
    write_shape(&out, type, "", message);
    reply_buf(x, status, TYPE_JSON, &out);
}

/* -- fields -- */

bool tei_read_limit(const struct exchange *x, const struct value *truncate_value,
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
    /* Windows cut nothing, so they are on no side. */
    if (truncate && limit->truncate == TRUNCATE_WINDOW && !value_is_given(direction_value))
        return true;
    limit->truncate = !truncate              ? TRUNCATE_ERROR
                      : (direction & 1) == 1 ? TRUNCATE_LEFT
                                             : TRUNCATE_RIGHT;
    return true;
}

static bool refuse_prompt(const struct prompts *prompts, struct text name, struct err *err)
{
    char names[200] = "";
    const int shown = text_quoted(name);
    if (prompts->n == 0)
        return err_set(err, ERR_INVALID, "prompt_name",
                       "`default-prompt-name` is set to `%.*s` but no prompts were found in the "
                       "Sentence Transformers configuration",
                       shown, name.data);
    for (size_t i = 0, used = 0; i < prompts->n && used < sizeof names; i++)
        used += (size_t)snprintf(names + used, sizeof names - used, "%s\"%.60s\"",
                                 i > 0 ? ", " : "", prompts->items[i].name);
    return err_set(err, ERR_INVALID, "prompt_name",
                   "`default-prompt-name` is set to `%.*s` but it was not found in the Sentence "
                   "Transformers prompts. Available prompts: [%s]",
                   shown, name.data, names);
}

/* A prompt by name before ids: before the text that they stand for. */
static bool decode_ids(const struct exchange *x, struct sequence *item, struct err *err)
{
    struct buf text;
    if (item->form != INPUT_IDS) return true;
    buf_init(&text, x->arena);
    model_decode(x->model, item->ids, item->n, true, &text);
    *item = (struct sequence){.form = INPUT_TEXT,
                              .text = {text.bytes > 0 ? text.data : "", text.bytes}};
    return !text.failed || err_out_of_memory(err);
}

bool tei_read_prompt(const struct exchange *x, const struct value *value, struct batch *batch,
                     struct err *err)
{
    struct text name = {0};
    if (!value_get_text(value, "prompt_name", &name, err)) return false;
    if (!name.data) return true;
    const struct prompts *prompts = model_info(x->model)->prompts;
    batch->prompt = prompts_find(prompts, name.data, name.bytes);
    if (!batch->prompt) return refuse_prompt(prompts, name, err);
    for (size_t i = 0; i < batch->n && batch->prompt->bytes > 0; i++)
        if (!decode_ids(x, &batch->items[i], err)) return false;
    return true;
}

bool tei_read_inputs(struct exchange *x, const struct value values[static TEI_INPUT_FIELDS],
                     struct length_limit *limit, struct batch *batch, struct err *err)
{
    x->sample.te.work = TE_EMBED;
    x->sample.te.is_batch = values[TEI_INPUTS].kind == VALUE_LIST;
    return tei_read_limit(x, &values[TEI_TRUNCATE], &values[TEI_DIRECTION], limit, err) &&
           batch_read(x, &values[TEI_INPUTS], "inputs", INPUT_TEXT | INPUT_IDS, true, batch, err) &&
           tei_read_prompt(x, &values[TEI_PROMPT], batch, err);
}
