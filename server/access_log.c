/* SPDX-License-Identifier: Apache-2.0 */
#include "server/access_log.h"

#include "base/log.h"
#include "handlers/handlers.h"
#include "handlers/key_counts.h"
#include "handlers/keys.h"
#include "model/registry.h"

#include <string.h>
#include <strings.h>

/* VERSION-TRACE-SPAN-FLAGS in lower-case hexadecimal digits (W3C Trace Context, 3.2). */
static bool is_traceparent(const char *text)
{
    static const size_t ends[] = {2, 35, 52, 55};
    size_t at = 0;
    for (size_t i = 0; i < 4; i++) {
        bool is_zero = true;
        for (; at < ends[i]; at++) {
            if (!strchr("0123456789abcdef", text[at]) || !text[at]) return false;
            is_zero &= text[at] == '0';
        }
        if ((i == 1 || i == 2) && is_zero) return false;
        if (text[at++] != (i < 3 ? '-' : '\0')) return false;
    }
    return memcmp(text, "ff", 2) != 0;
}

void access_log_request(const struct request *request)
{
    const struct exchange *x = &request->x;
    char client[ADDRESS_TEXT_BYTES];
    address_write(&x->client, client);
    struct log_request line = {
        .request_id = x->request_id,
        .client = client,
        .route = handlers_route_names()[x->sample.route],
        .method = request->method,
        .status = x->status,
        .inputs = x->sample.inputs,
        .tokens = x->sample.tokens,
        .duration_us = x->sample.duration_ns / 1000,
        .bytes = x->reply_bytes,
        .key = x->sample.key ? x->sample.key->name : NULL,
        .model = x->sample.served ? x->snapshot->name : NULL,
        .reason = metrics_reject_name(x->sample.reject),
    };
    if (x->traceparent && is_traceparent(x->traceparent)) {
        line.trace_id = x->traceparent + 3;
        line.span = x->traceparent + 36;
    }
    for (size_t i = 0; i < x->n_headers; i++) { /* as the client got it: it may be a new one */
        if (!strcasecmp(x->headers[i].name, "x-request-id")) line.request_id = x->headers[i].value;
    }
    log_access(&line);
}

void access_log_stray(const struct address *of, const struct metrics_sample *sample)
{
    char client[ADDRESS_TEXT_BYTES];
    address_write(of, client);
    log_access(&(struct log_request){.client = client,
                                     .route = handlers_route_names()[0],
                                     .status = sample->status,
                                     .reason = metrics_reject_name(sample->reject)});
}
