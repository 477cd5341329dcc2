/* SPDX-License-Identifier: Apache-2.0 */
/* What operators and their tools ask for. */
#include "handlers/dialects/endpoints.h"

#include "handlers/reply.h"
#include "handlers/service.h"
#include "handlers/serving.h"

#include <string.h>

/* Says only that the process answers: an orchestrator kills what is not alive, also in the middle
 * of a drain. */
static void live_get(struct exchange *x)
{
    reply_static(x, 200, TYPE_JSON, "{\"status\":\"ok\"}");
}

static void ready_get(struct exchange *x)
{
    if (serving_is_ready(x))
        reply_static(x, 200, TYPE_JSON, "{\"status\":\"ok\"}");
    else if (service_is_draining(x->service))
        reply_static(x, 503, TYPE_JSON, "{\"status\":\"draining\"}");
    else
        reply_static(x, 503, TYPE_JSON, "{\"status\":\"model_unreadable\"}");
}

static void metrics_get(struct exchange *x)
{
    bool openmetrics = x->accept && strstr(x->accept, "application/openmetrics-text");
    struct buf out;
    buf_init(&out, x->arena);
    if (x->service->metrics) metrics_write(x->service->metrics, openmetrics, &out);
    reply_buf(x, 200, metrics_content_type(openmetrics), &out);
}

#define SCHEMA_STATUS                                                                              \
    "'type':'object','required':['status'],'properties':{'status':{'type':'string'}}"

const struct endpoint live_endpoint = {
    .handle = live_get, .summary = "Whether the process is alive", .reply = SCHEMA_STATUS};
const struct endpoint ready_endpoint = {
    .handle = ready_get, .summary = "Whether requests are taken", .reply = SCHEMA_STATUS};
const struct endpoint metrics_endpoint = {
    .handle = metrics_get,
    .summary = "Counters and latencies in Prometheus' text format",
    .reply_type = TYPE_TEXT,
};
