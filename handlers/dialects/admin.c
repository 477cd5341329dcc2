/* SPDX-License-Identifier: Apache-2.0 */
/* What operators have the service do: reload, and say what it serves. */
#include "handlers/dialects/endpoints.h"

#include "handlers/access.h"
#include "handlers/actions.h"
#include "handlers/errors.h"
#include "handlers/exchange.h"
#include "handlers/reply.h"
#include "handlers/service.h"
#include "handlers/serving.h"
#include "handlers/write.h"
#include "model/bundle/bundle.h"
#include "model/model.h"
#include "model/registry.h"

#include <inttypes.h>

/* ---- POST /admin/reload ---- */

static void write_number(struct buf *out, const char *name, uint64_t number)
{
    if (number > 0) buf_printf(out, ",\"%s\":%" PRIu64, name, number);
}

static void write_member(struct buf *out, const char *name, const char *text)
{
    if (!*text) return;
    buf_printf(out, ",\"%s\":", name);
    write_string(out, text);
}

static void write_change(struct buf *out, const struct model_change *change)
{
    buf_add_str(out, "{\"name\":");
    write_string(out, change->name);
    buf_printf(out, ",\"status\":\"%s\"", model_fate_names[change->fate]);
    write_member(out, "version", change->version);
    write_number(out, "number", change->number);
    if (change->old_number != change->number)
        write_number(out, "previous_number", change->old_number);
    write_member(out, "error", change->error);
    buf_add_char(out, '}');
}

static void write_result(struct buf *out, const struct reload_result *result)
{
    buf_printf(out, "{\"name\":\"%s\",\"status\":\"%s\"", result->name,
               result->is_done ? "ok" : "failed");
    write_member(out, "error", result->error);
    buf_add_char(out, '}');
}

static bool is_whole(const struct reload_report *report)
{
    for (size_t i = 0; i < report->n_parts; i++)
        if (!report->parts[i].is_done) return false;
    return true;
}

static void write_report(struct buf *out, const struct reload_report *report)
{
    buf_printf(out, "{\"status\":\"%s\",\"duration_s\":%.6f,\"models\":[",
               is_whole(report) ? "ok" : "partial", (double)report->duration_ns / 1e9);
    for (size_t i = 0; i < report->models.n; i++) {
        if (i > 0) buf_add_char(out, ',');
        write_change(out, &report->models.list[i]);
    }
    buf_add_str(out, "],\"parts\":[");
    for (size_t i = 0; i < report->n_parts; i++) {
        if (i > 0) buf_add_char(out, ',');
        write_result(out, &report->parts[i]);
    }
    buf_add_str(out, "]}");
}

static bool reload(struct exchange *x, struct reload_report *report, struct err *err)
{
    const struct service_actions *actions = x->service->actions;
    if (!access_is_of_operator(x, err)) return false;
    if (service_is_draining(x->service) || !actions)
        return err_set(err, ERR_UNAVAILABLE, NULL, "the server is stopping: nothing is reloaded");
    /* It takes as long as it takes: elsewhere. */
    x->is_deferred = x->work_max > 0;
    return !x->is_deferred && actions->reload(actions->user, report, err);
}

static void reload_post(struct exchange *x)
{
    struct reload_report report = {0};
    struct err err;
    struct buf out;
    x->sample.served = NULL; /* no request to a model */
    if (!reload(x, &report, &err)) {
        handlers_fail(x, &err);
        return;
    }
    buf_init(&out, x->arena);
    write_report(&out, &report);
    reply_buf(x, is_whole(&report) ? 200 : 422, TYPE_JSON, &out);
    reload_report_clear(&report);
}

/* ---- GET /admin/models ---- */

static void write_model(const struct exchange *x, const struct snapshot *snapshot, struct buf *out)
{
    (void)x;
    const struct model_info *info = model_info(snapshot->model);
    const struct heads *heads = model_heads(snapshot->model);
    buf_add_str(out, "{\"name\":");
    write_string(out, snapshot->name);
    buf_printf(out, ",\"state\":\"%s\"", snapshot_is_broken(snapshot) ? "unreadable" : "served");
    write_member(out, "version", info->version);
    write_member(out, "path", model_bundle(snapshot->model)->source.path);
    buf_printf(out, ",\"number\":%" PRIu64 ",\"loaded_at\":%" PRId64 ",\"bytes\":%" PRIu64,
               snapshot->number, snapshot->put_unix_s, info->table_bytes);
    buf_printf(out, ",\"vocab_size\":%" PRIu32 ",\"dim\":%" PRIu32 ",\"heads\":[", info->vocab_size,
               info->dim);
    for (size_t i = 0; i < heads->n; i++) {
        if (i > 0) buf_add_char(out, ',');
        write_string(out, head_info(heads->items[i])->name);
    }
    buf_add_str(out, "]}");
}

static void models_get(struct exchange *x)
{
    struct err err;
    struct buf out;
    if (!access_is_of_operator(x, &err)) {
        handlers_fail(x, &err);
        return;
    }
    buf_init(&out, x->arena);
    buf_add_str(&out, "{\"models\":[");
    serving_write_models(x, &out, write_model);
    buf_add_str(&out, "]}");
    reply_json(x, &out);
}

#define SCHEMA_TEXT "{'type':'string'}"
#define SCHEMA_WHOLE "{'type':'integer'}"
#define SCHEMA_RESULT "'name':" SCHEMA_TEXT ",'status':" SCHEMA_TEXT ",'error':" SCHEMA_TEXT

const struct endpoint admin_reload_endpoint = {
    .handle = reload_post,
    .reads_files = true,
    .summary = "Reads options, models and what else can change anew (also with status 422, where "
               "some of it was refused)",
    .reply = "'type':'object','required':['status','duration_s','models','parts'],'properties':{"
             "'status':{'type':'string','enum':['ok','partial']},'duration_s':{'type':'number'},"
             "'models':{'type':'array','items':{'type':'object','required':['name','status'],"
             "'properties':{" SCHEMA_RESULT ",'version':" SCHEMA_TEXT ",'number':" SCHEMA_WHOLE
             ",'previous_number':" SCHEMA_WHOLE "}}},"
             "'parts':{'type':'array','items':{'type':'object','required':['name','status'],"
             "'properties':{" SCHEMA_RESULT "}}}}",
};
const struct endpoint admin_models_endpoint = {
    .handle = models_get,
    .summary = "The models that are served, with their paths, and whether they can be read",
    .reply = "'type':'object','required':['models'],'properties':{'models':{'type':'array','items':"
             "{'type':'object','required':['name','state','path','number','loaded_at','bytes'],"
             "'properties':{'name':" SCHEMA_TEXT
             ",'state':{'type':'string','enum':['served','unreadable']},'version':" SCHEMA_TEXT
             ",'path':" SCHEMA_TEXT ",'number':" SCHEMA_WHOLE ",'loaded_at':" SCHEMA_WHOLE
             ",'bytes':" SCHEMA_WHOLE ",'vocab_size':" SCHEMA_WHOLE ",'dim':" SCHEMA_WHOLE
             ",'heads':{'type':'array','items':" SCHEMA_TEXT "}}}}}",
};
