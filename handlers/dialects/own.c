/* SPDX-License-Identifier: Apache-2.0 */
/* embedd's own routes (lookup.c, classify.c, ops.c). Their errors have OpenAI's shape, all four
 * keys.
 */
#include "handlers/dialects/own.h"

#include "handlers/dialects/endpoints.h"
#include "handlers/dialects/openai.h"
#include "handlers/write.h"

const struct dialect dialect_own = {
    .name = "embedd",
    .error_schema = OPENAI_ERROR_SCHEMA,
    .write_error = openai_write_error,
    .too_large = OPENAI_TOO_LARGE,
    .overloaded = OPENAI_OVERLOADED,
    .truncate = TRUNCATE_RIGHT,
};

static bool batch_read_own(struct exchange *x, const struct value values[static OWN_FIELDS],
                           struct batch *batch, struct err *err)
{
    static const struct {
        const char *name;
        unsigned form;
    } fields[] = {{"text", INPUT_TEXT}, {"tokens", INPUT_TOKENS}, {"ids", INPUT_IDS}};
    size_t given = 0, which = 0;
    for (size_t i = 0; i < 3; i++) {
        if (!value_is_given(&values[i])) continue;
        given++;
        which = i;
    }
    if (given != 1)
        return err_set(err, ERR_INVALID, given ? fields[which].name : "text",
                       "send exactly one of text, tokens and ids; %s",
                       given ? "more than one was given" : "none was given");
    return batch_read(x, &values[which], fields[which].name, fields[which].form, false, batch, err);
}

bool own_read_fields(struct exchange *x, struct value *values, struct text *model, struct err *err)
{
    return exchange_read_fields(x, values, err) &&
           model_name_read(x, &values[OWN_MODEL], model, err);
}

bool request_read_own(struct exchange *x, const struct value values[static OWN_FIELDS],
                      struct batch *batch, struct err *err)
{
    const struct length_limit limit = length_limit_of(x);
    if (!batch_read_own(x, values, batch, err)) return false;
    stage_end(x, STAGE_PARSE);
    if (!batch_tokenize(x, batch, &limit, err)) return false;
    stage_end(x, STAGE_TOKENIZE);
    return true;
}

void write_index(struct buf *out, size_t index)
{
    buf_add_str(out, index > 0 ? ",{\"index\":" : "{\"index\":");
    buf_add_u64(out, index);
}

void write_model_name(struct buf *out, struct text name)
{
    buf_add_str(out, "],\"model\":");
    write_text(out, name);
}
