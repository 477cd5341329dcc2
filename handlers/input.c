/* SPDX-License-Identifier: Apache-2.0 */
#include "handlers/input.h"

#include "handlers/dialect.h"
#include "handlers/endpoint.h"
#include "handlers/raw_ids.h"
#include "handlers/serving.h"
#include "model/registry.h"

#include <string.h>

/* From an object that another endpoint has read; what it ignored is noted already. */
static bool take_members(struct exchange *x, struct value *values)
{
    const struct endpoint *endpoint = x->endpoint;
    x->sample.ignored_fields +=
        fields_of_object(x->object, endpoint->fields, endpoint->n_fields, values);
    return true;
}

bool exchange_read_fields(struct exchange *x, struct value *values, struct err *err)
{
    const struct endpoint *endpoint = x->endpoint;
    size_t ignored;
    if (x->object) return take_members(x, values);
    if (endpoint->raw_ids && raw_ids_is_type(x->content_type)) {
        memset(values, 0, endpoint->n_fields * sizeof *values); /* absent */
        return raw_ids_read(x->arena, x->content_type, x->body, x->body_bytes,
                            &values[endpoint->raw_ids - endpoint->fields], err);
    }
    if (!fields_read(x->arena, x->body, x->body_bytes, endpoint->fields, endpoint->n_fields, values,
                     &ignored, err)) {
        if (err->code == ERR_INVALID) x->sample.reject = REJECT_BAD_JSON;
        return false;
    }
    x->sample.ignored_fields = ignored;
    return true;
}

/* ---- fields of many endpoints ---- */

struct length_limit length_limit_of(const struct exchange *x)
{
    const enum truncate asked = x->service->truncate;
    return (struct length_limit){
        .tokens_max = x->service->input_tokens_max,
        .truncate = asked == TRUNCATE_AUTO ? x->dialect->truncate : asked,
        .is_asked = asked != TRUNCATE_AUTO,
    };
}

bool length_limit_read(const struct value *value, const char *name, struct length_limit *limit,
                       struct err *err)
{
    static const char *const names[] = {"error", "right", "left", "window"};
    size_t choice = 0;
    if (!value_is_given(value)) return true;
    if (value->kind == VALUE_BOOL) {
        /* Asked for without a way, the service's or the dialect's own. */
        if (!value->boolean)
            limit->truncate = TRUNCATE_ERROR;
        else if (limit->truncate == TRUNCATE_ERROR)
            limit->truncate = TRUNCATE_RIGHT;
    } else if (value_get_choice(value, name, names, 4, &choice, err)) {
        limit->truncate = (enum truncate)(TRUNCATE_ERROR + choice);
    } else {
        return false;
    }
    limit->is_asked = true;
    return true;
}

void length_limit_to(struct length_limit *limit, size_t tokens)
{
    if (limit->tokens_max == 0 || tokens < limit->tokens_max) limit->tokens_max = tokens;
}

size_t length_limit_said(const struct exchange *x, const struct model_info *info)
{
    return x->service->input_tokens_max ? x->service->input_tokens_max
           : info->limits.tokens_max    ? info->limits.tokens_max
                                        : x->service->body_bytes_max;
}

bool length_limit_lower(const struct value *value, const char *name, struct length_limit *limit,
                        struct err *err)
{
    int64_t max = 0;
    if (!value_get_whole(value, name, 1, INT32_MAX, &max, err)) return false;
    if (max > 0) length_limit_to(limit, (size_t)max);
    return true;
}

bool unknown_policy_read(const struct exchange *x, const struct value *value,
                         enum unknown_policy *policy, struct err *err)
{
    static const char *const names[] = {
        [UNKNOWN_UNK] = "unk", [UNKNOWN_SKIP] = "skip", [UNKNOWN_ERROR] = "error"};
    bool has_row = model_info(x->model)->unknown_id != TOKEN_ID_NONE;
    size_t chosen = has_row ? UNKNOWN_UNK : UNKNOWN_ERROR;
    if (!value_get_choice(value, "unknown", names, 3, &chosen, err)) return false;
    if (chosen == UNKNOWN_UNK && !has_row)
        return err_set(err, ERR_INVALID, "unknown",
                       "unknown \"unk\" needs a row for unknown tokens, which this model's table "
                       "does not have; send \"skip\" or \"error\"");
    *policy = (enum unknown_policy)chosen;
    return true;
}

bool model_name_read(struct exchange *x, const struct value *value, struct text *out,
                     struct err *err)
{
    *out = (struct text){0};
    if (!value_get_text(value, "model", out, err)) return false;
    if (out->data) return serving_choose(x, *out, err);
    *out = (struct text){x->snapshot->name, strlen(x->snapshot->name)};
    return true;
}
