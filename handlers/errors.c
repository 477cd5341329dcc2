/* SPDX-License-Identifier: Apache-2.0 */
#include "handlers/errors.h"

#include "base/numtext.h"
#include "handlers/dialect.h"
#include "handlers/headers.h"

#include <assert.h>

/* What a code becomes on the wire. */
struct error_form {
    unsigned status;
    const char *code;           /* NULL: none beside the status */
    enum metrics_reject reject; /* where nothing more exact was noted */
};

static struct error_form form_of(enum err_code code)
{
    switch (code) {
    case ERR_INVALID:
    case ERR_EMPTY:
    case ERR_RANGE:
        return (struct error_form){400, NULL, REJECT_BAD_VALUE};
    case ERR_UNAUTHORIZED:
        return (struct error_form){401, "invalid_api_key", REJECT_AUTH};
    case ERR_FORBIDDEN:
        return (struct error_form){403, "missing_scope", REJECT_SCOPE};
    case ERR_NOT_FOUND:
        return (struct error_form){404, "not_found", REJECT_NOT_FOUND};
    case ERR_METHOD:
        return (struct error_form){405, "method_not_allowed", REJECT_METHOD};
    case ERR_TOO_LARGE:
        return (struct error_form){413, "too_large", REJECT_BODY_TOO_LARGE};
    case ERR_MEMORY:
        return (struct error_form){413, "too_large", REJECT_MEMORY};
    case ERR_CONFLICT:
        return (struct error_form){409, "conflict", REJECT_NONE};
    case ERR_MEDIA_TYPE:
        return (struct error_form){415, "unsupported_media_type", REJECT_MEDIA_TYPE};
    case ERR_UNPROCESSABLE:
        return (struct error_form){422, NULL, REJECT_UNKNOWN_TOKEN};
    case ERR_UNAVAILABLE:
        return (struct error_form){503, "unavailable", REJECT_DRAINING};
    case ERR_OVERLOADED:
        return (struct error_form){429, "overloaded", REJECT_OVERLOAD};
    case ERR_RATE_LIMIT:
        return (struct error_form){429, "rate_limit_exceeded", REJECT_RATE_LIMIT};
    case ERR_DEADLINE:
        return (struct error_form){504, "deadline_exceeded", REJECT_DEADLINE};
    case ERR_NONE:
    case ERR_USAGE:
    case ERR_IO:
    case ERR_FORMAT:
    case ERR_INTERNAL:
        break;
    }
    return (struct error_form){500, NULL, REJECT_NONE};
}

/* Where there is no memory left even for the error. */
static void reply_no_memory(struct exchange *x)
{
    if (x->arena->is_starved)
        reply_static(x, form_of(ERR_OVERLOADED).status, TYPE_JSON, x->dialect->overloaded);
    else
        reply_static(x, form_of(ERR_MEMORY).status, TYPE_JSON, x->dialect->too_large);
}

bool handlers_overloaded(struct err *err)
{
    return err_set(
        err, ERR_OVERLOADED, NULL,
        "other requests have the memory that max-memory allows for all of them; send the "
        "request again later");
}

/* What looks like a request that is too large may be one that came at a bad time. */
static void name_limit(struct exchange *x, struct err *err)
{
    if (x->arena->is_starved) {
        handlers_overloaded(err);
        x->sample.reject = REJECT_OVERLOAD;
    } else {
        err_set(err, ERR_MEMORY, NULL,
                "the request needs more memory than max-request-memory allows; send fewer or "
                "shorter inputs, or raise max-request-memory");
    }
}

/* In seconds, which every client reads, and in milliseconds, which those of OpenAI's API prefer. */
static void add_retry_after(struct exchange *x)
{
    const uint64_t ms = x->retry_ms ? x->retry_ms : 1000;
    char *text = arena_alloc(x->arena, 48);
    if (!text) {
        reply_add_header(x, "retry-after", "1");
        return;
    }
    text[numtext_u64(text, (ms + 999) / 1000)] = '\0';
    reply_add_header(x, "retry-after", text);
    text[24 + numtext_u64(text + 24, ms)] = '\0';
    reply_add_header(x, "retry-after-ms", text + 24);
}

void handlers_fail(struct exchange *x, const struct err *err)
{
    assert(x->dialect); /* handlers_find_route comes first */
    if (x->is_deferred) return;
    struct err limit;
    if (err->code == ERR_MEMORY) {
        name_limit(x, &limit);
        err = &limit;
    }
    if (err->code == ERR_OVERLOADED || err->code == ERR_RATE_LIMIT) add_retry_after(x);
    const struct error_form form = form_of(err->code);
    if (x->sample.reject == REJECT_NONE) x->sample.reject = form.reject;
    struct failure failure = {.err = err,
                              .code = form.code,
                              .is_bad_json = x->sample.reject == REJECT_BAD_JSON,
                              .status = form.status,
                              .type = TYPE_JSON};
    struct buf out;
    buf_init(&out, x->arena);
    x->dialect->write_error(x, &failure, &out);
    if (out.failed)
        reply_no_memory(x);
    else
        reply_set(x, failure.status, failure.type, out.bytes ? out.data : "", out.bytes);
    reply_add_common(x);
}
