/* SPDX-License-Identifier: Apache-2.0 */
#include "server/head.h"

#include "handlers/access.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The shorter of several; what is no number says nothing. */
static void take_timeout(struct head *head, const char *value)
{
    const size_t digits = strspn(value, "0123456789");
    const uint64_t ms = digits < 10 && !value[digits] ? strtoull(value, NULL, 10) : 0;
    if (ms > 0 && (head->timeout_ms == 0 || ms < head->timeout_ms)) head->timeout_ms = ms;
}

static void take_preflight(struct exchange *x, const char *name, const char *value)
{
    if (!strcasecmp(name, "access-control-request-method")) x->preflight.method = value;
    if (!strcasecmp(name, "access-control-request-headers")) x->preflight.headers = value;
    if (!strcasecmp(name, "access-control-request-private-network"))
        x->preflight.is_private = !strcmp(value, "true");
}

void head_take(struct head *head, const char *name, const char *value)
{
    switch (name[0] | 0x20) { /* most of a client's headers mean nothing here */
    case 'a':
        if (!strcasecmp(name, "accept"))
            head->x->accept = value;
        else if (!strcasecmp(name, "accept-encoding"))
            head->x->accept_encoding = value;
        else if (!strcasecmp(name, "authorization") || !strcasecmp(name, "api-key"))
            access_note(head->x, name[1] == 'u' || name[1] == 'U', value);
        else
            take_preflight(head->x, name, value);
        break;
    case 'c':
        if (!strcasecmp(name, "content-type")) head->x->content_type = value;
        if (!strcasecmp(name, "content-encoding")) /* one after the other is one too many */
            head->content_encoding = head->content_encoding ? "(several)" : value;
        if (!strcasecmp(name, "content-length")) head->content_length = strtoull(value, NULL, 10);
        break;
    case 'e':
        if (!strcasecmp(name, "expect")) head->expects_continue = true;
        break;
    case 'f':
        if (!strcasecmp(name, "forwarded")) forwarded_add(&head->forwarded, false, value);
        break;
    case 'i':
        if (!strcasecmp(name, "inference-header-content-length"))
            head->x->inference_header_length = value;
        if (!strcasecmp(name, "if-none-match")) head->x->if_none_match = value;
        break;
    case 'o':
        if (!strcasecmp(name, "origin")) head->x->origin = value;
        break;
    case 't':
        if (!strcasecmp(name, "transfer-encoding")) head->is_chunked = true;
        if (!strcasecmp(name, "traceparent")) head->x->traceparent = value;
        break;
    case 'x':
        if (!strcasecmp(name, "x-forwarded-for")) forwarded_add(&head->forwarded, true, value);
        if (!strcasecmp(name, "x-request-id")) head->x->request_id = value;
        if (!strcasecmp(name, "x-embedd-timing")) head->x->wants_timing = !strcmp(value, "1");
        if (!strcasecmp(name, "x-embedd-timeout-ms") ||
            !strcasecmp(name, "x-envoy-expected-rq-timeout-ms"))
            take_timeout(head, value);
        if (!strcasecmp(name, "x-api-key") || !strcasecmp(name, "x-goog-api-key"))
            access_note(head->x, false, value);
        break;
    }
}

enum method head_method(const char *name)
{
    if (!strcmp(name, "POST")) return METHOD_POST;
    if (!strcmp(name, "GET")) return METHOD_GET;
    if (!strcmp(name, "HEAD")) return METHOD_HEAD;
    if (!strcmp(name, "OPTIONS")) return METHOD_OPTIONS;
    if (!strcmp(name, "DELETE")) return METHOD_DELETE;
    return METHOD_OTHER;
}
