/* SPDX-License-Identifier: Apache-2.0 */
/* OpenAI's fine-tuning: https://platform.openai.com/docs/api-reference/fine-tuning */
#include "handlers/dialects/openai_finetune.h"

#include "finetune/finetune.h"
#include "handlers/access.h"
#include "handlers/dialects/endpoints.h"
#include "handlers/errors.h"
#include "handlers/input.h"
#include "handlers/reply.h"
#include "handlers/service.h"
#include "handlers/write.h"
#include "model/bundle/bundle.h"
#include "model/model.h"
#include "model/registry.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define JOBS_LISTED 20
#define JOBS_LISTED_MAX 100
#define EPOCHS_MAX 10000
#define RATE_MULTIPLIER_MIN 1e-4
#define RATE_MULTIPLIER_MAX 100.0

/* ---- what is shared ---- */

bool finetune_begin(struct exchange *x, struct err *err)
{
    x->sample.served = NULL; /* no request to a model */
    if (!x->service->finetune)
        return err_set(err, ERR_NOT_FOUND, NULL,
                       "fine-tuning is off here: it needs a folder for files and models; start the "
                       "service with data-dir");
    if (!access_is_of_operator(x, err)) return false;
    x->is_deferred = x->work_max > 0;
    return !x->is_deferred;
}

static bool read_limit(const char *text, size_t max, size_t *limit, struct err *err)
{
    if (!text) return true;
    const size_t digits = strspn(text, "0123456789");
    const unsigned long long value = digits > 0 && digits < 10 ? strtoull(text, NULL, 10) : 0;
    if (text[digits] || value < 1 || value > max)
        return err_set(err, ERR_INVALID, "limit",
                       "limit must be a whole number from 1 to %zu, not \"%.*s\"", max,
                       (int)strnlen(text, ERR_VALUE_BYTES), text);
    *limit = (size_t)value;
    return true;
}

bool finetune_page_begin(struct finetune_page *page, struct exchange *x, size_t limit, size_t max,
                         struct err *err)
{
    *page = (struct finetune_page){.x = x, .limit = limit, .is_past = !x->query.after};
    buf_init(&page->out, x->arena);
    buf_add_str(&page->out, "{\"object\":\"list\",\"data\":[");
    return read_limit(x->query.limit, max, &page->limit, err);
}

bool finetune_page_has(struct finetune_page *page, const char *id)
{
    if (!page->is_past) {
        page->is_past = strcmp(id, page->x->query.after) == 0;
        return false;
    }
    page->has_more = page->n == page->limit;
    if (page->has_more) return false;
    if (page->n++ > 0)
        buf_add_char(&page->out, ',');
    else
        snprintf(page->first, sizeof page->first, "%s", id);
    snprintf(page->last, sizeof page->last, "%s", id);
    return true;
}

bool finetune_page_check(const struct finetune_page *page, struct err *err)
{
    const char *after = page->x->query.after;
    return page->is_past ||
           err_set(err, ERR_INVALID, "after", "after names nothing in this list: \"%.*s\"",
                   (int)strnlen(after, ERR_VALUE_BYTES), after);
}

static void write_id(struct buf *out, const char *key, const char *id)
{
    if (*id)
        buf_printf(out, "\"%s\":\"%s\",", key, id);
    else
        buf_printf(out, "\"%s\":null,", key);
}

void finetune_page_reply(struct exchange *x, struct finetune_page *page, bool done,
                         const struct err *err)
{
    if (!done) {
        handlers_fail(x, err);
        return;
    }
    buf_add_str(&page->out, "],");
    write_id(&page->out, "first_id", page->first);
    write_id(&page->out, "last_id", page->last);
    buf_printf(&page->out, "\"has_more\":%s}", page->has_more ? "true" : "false");
    reply_json(x, &page->out);
}

static bool read_whole(int fd, char *to, size_t bytes)
{
    for (size_t n = 0; n < bytes;) {
        const ssize_t got = read(fd, to + n, bytes - n);
        if (got == 0) errno = EIO; /* it was cut */
        if (got <= 0) return false;
        n += (size_t)got;
    }
    return true;
}

void finetune_reply_file(struct exchange *x, const char *path, const char *type)
{
    struct err err;
    struct stat st = {0};
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    char *data =
        fd >= 0 && fstat(fd, &st) == 0 ? arena_alloc(x->arena, (size_t)st.st_size + 1) : NULL;
    if (fd < 0) {
        err_set(&err, ERR_IO, NULL, "cannot read %.400s: %s", path, strerror(errno));
    } else if (!data) {
        err_out_of_memory(&err);
    } else if (read_whole(fd, data, (size_t)st.st_size)) {
        reply_set(x, 200, type, data, (size_t)st.st_size);
        close(fd);
        return;
    } else {
        err_set(&err, ERR_IO, NULL, "cannot read %.400s: %s", path, strerror(errno));
    }
    if (fd >= 0) close(fd);
    handlers_fail(x, &err);
}

/* ---- a job as JSON ---- */

static void write_date(struct buf *out, const char *key, int64_t s)
{
    if (s)
        buf_printf(out, ",\"%s\":%" PRId64, key, s);
    else
        buf_printf(out, ",\"%s\":null", key);
}

static void write_named(struct buf *out, const char *key, const char *text)
{
    buf_printf(out, ",\"%s\":", key);
    if (*text)
        write_string(out, text);
    else
        buf_add_str(out, "null");
}

static void write_hyperparameters(struct buf *out, const struct finetune_order *order)
{
    buf_add_str(out, "{\"n_epochs\":");
    if (order->epochs)
        buf_add_u64(out, order->epochs);
    else
        buf_add_str(out, "\"auto\"");
    buf_add_str(out, ",\"batch_size\":\"auto\",\"learning_rate_multiplier\":");
    if (order->rate_multiplier > 0)
        buf_add_float(out, (float)order->rate_multiplier);
    else
        buf_add_str(out, "\"auto\"");
    buf_add_char(out, '}');
}

static void write_error(struct buf *out, const struct finetune_job *job)
{
    if (job->status != FINETUNE_FAILED) {
        buf_add_str(out, ",\"error\":null");
        return;
    }
    buf_printf(out, ",\"error\":{\"code\":\"%s\",\"message\":", job->error_code);
    write_string(out, job->error);
    write_named(out, "param", job->error_param);
    buf_add_char(out, '}');
}

static void write_job(struct buf *out, const struct finetune_job *job)
{
    const struct finetune_order *order = &job->order;
    buf_printf(out, "{\"id\":\"%s\",\"object\":\"fine_tuning.job\",\"status\":\"%s\",\"model\":",
               order->job, finetune_status_names[job->status]);
    write_string(out, job->base);
    write_named(out, "fine_tuned_model",
                job->status == FINETUNE_SUCCEEDED && job->has_model ? order->name : "");
    write_named(out, "user_provided_suffix", job->suffix);
    write_date(out, "created_at", job->created_s);
    write_date(out, "started_at", job->started_s);
    write_date(out, "finished_at", job->finished_s);
    write_named(out, "training_file", order->training_file);
    write_named(out, "validation_file", order->validation_file);
    buf_printf(out,
               ",\"seed\":%" PRIu64
               ",\"trained_tokens\":null,\"estimated_finish\":null,\"organization_id\":\"embedd\","
               "\"result_files\":[],\"integrations\":[],\"metadata\":null,\"hyperparameters\":",
               order->seed);
    write_hyperparameters(out, order);
    buf_add_str(out, ",\"method\":{\"type\":\"supervised\",\"supervised\":{\"hyperparameters\":");
    write_hyperparameters(out, order);
    buf_add_str(out, "}}");
    write_error(out, job);
    buf_add_char(out, '}');
}

static void reply_job(struct exchange *x, bool done, const struct finetune_job *job,
                      const struct err *err)
{
    struct buf out;
    if (!done) {
        handlers_fail(x, err);
        return;
    }
    buf_init(&out, x->arena);
    write_job(&out, job);
    reply_json(x, &out);
}

/* ---- POST /v1/fine_tuning/jobs ---- */

enum { MODEL, TRAINING_FILE, VALIDATION_FILE, SUFFIX, SEED, HYPERPARAMETERS, METHOD, N_FIELDS };

static const struct field job_fields[N_FIELDS] = {
    [MODEL] = REQUIRED_FIELD("model", SCHEMA_STRING, "the served model to start from"),
    [TRAINING_FILE] = REQUIRED_FIELD("training_file", SCHEMA_STRING, "the id of a file"),
    [VALIDATION_FILE] = FIELD("validation_file", SCHEMA_STRING,
                              "the id of a file to measure by; the report is made from it"),
    [SUFFIX] = FIELD("suffix", "'type':'string','maxLength':64", "a part of the new model's name"),
    [SEED] = FIELD("seed", "'type':'integer','minimum':0", "of everything that is random"),
    [HYPERPARAMETERS] = FIELD("hyperparameters", "'type':'object'",
                              "n_epochs, learning_rate_multiplier: a number, or auto"),
    [METHOD] = FIELD("method", "'type':'object'",
                     "type (supervised), supervised.hyperparameters: the same"),
};

static bool is_auto(const struct value *value)
{
    return !value_is_given(value) || (value->kind == VALUE_STRING && value->text.bytes == 4 &&
                                      memcmp(value->text.data, "auto", 4) == 0);
}

static bool read_hyperparameters(const struct value *object, struct finetune_order *order,
                                 struct err *err)
{
    const struct value *epochs = value_member(object, "n_epochs");
    const struct value *rate = value_member(object, "learning_rate_multiplier");
    int64_t n = 0;
    if (!value_is_given(object)) return true;
    if (!value_check_object(object, "hyperparameters", err)) return false;
    if (!is_auto(value_member(object, "batch_size")))
        return err_set(err, ERR_INVALID, "batch_size",
                       "batch_size cannot be chosen here; leave it out, or send \"auto\"");
    if (!is_auto(epochs) && !value_get_whole(epochs, "n_epochs", 1, EPOCHS_MAX, &n, err))
        return false;
    if (n > 0) order->epochs = (uint64_t)n;
    return is_auto(rate) || value_get_number(rate, "learning_rate_multiplier", RATE_MULTIPLIER_MIN,
                                             RATE_MULTIPLIER_MAX, &order->rate_multiplier, err);
}

static bool read_method(const struct value *method, struct finetune_order *order, struct err *err)
{
    static const char *const types[] = {"supervised"};
    size_t type = 0;
    if (!value_is_given(method)) return true;
    if (!value_check_object(method, "method", err) ||
        !value_get_choice(value_member(method, "type"), "method.type", types, 1, &type, err))
        return false;
    const struct value *supervised = value_member(method, "supervised");
    return read_hyperparameters(value_member(supervised, "hyperparameters"), order, err);
}

static bool copy_text(const struct value *value, const char *name, bool is_needed, char *to,
                      size_t bytes, struct err *err)
{
    struct text text = {0};
    if (!(is_needed ? value_need_text : value_get_text)(value, name, &text, err)) return false;
    if (text.bytes >= bytes)
        return err_set(err, ERR_INVALID, name, "%s has %zu bytes; it may have at most %zu", name,
                       text.bytes, bytes - 1);
    if (text.data) memcpy(to, text.data, text.bytes);
    to[text.bytes] = '\0';
    return strlen(to) == text.bytes ||
           err_set(err, ERR_INVALID, name, "%s must not hold a zero byte", name);
}

/* Where the model that answers lies, for another process in another folder. */
static bool take_base(struct exchange *x, struct finetune_job *job, struct err *err)
{
    const struct source *source = &model_bundle(x->model)->source;
    char path[PATH_MAX], target[PATH_MAX];
    snprintf(job->base, sizeof job->base, "%s", x->snapshot->name);
    if (!source->is_mapped) {
        snprintf(job->order.from, sizeof job->order.from, "%s", source->path);
        return true;
    }
    snprintf(path, sizeof path, "%s%s%s", source->path, source->is_folder ? "" : "/",
             source->is_folder ? "" : source->weights_name);
    if (realpath(path, target) && strlen(target) < sizeof job->order.from) {
        memcpy(job->order.from, target, strlen(target) + 1);
        return true;
    }
    return err_set(err, ERR_UNAVAILABLE, "model",
                   "the files of model \"%.200s\" are not where they were, so nothing can be "
                   "trained from it",
                   x->snapshot->name);
}

static bool read_job(struct exchange *x, struct finetune_job *job, struct err *err)
{
    struct value values[N_FIELDS];
    struct finetune_order *order = &job->order;
    struct text model;
    int64_t seed = 1;
    const bool done =
        exchange_read_fields(x, values, err) &&
        value_need_text(&values[MODEL], "model", &model, err) &&
        model_name_read(x, &values[MODEL], &model, err) &&
        copy_text(&values[TRAINING_FILE], "training_file", true, order->training_file,
                  sizeof order->training_file, err) &&
        copy_text(&values[VALIDATION_FILE], "validation_file", false, order->validation_file,
                  sizeof order->validation_file, err) &&
        copy_text(&values[SUFFIX], "suffix", false, job->suffix, sizeof job->suffix, err) &&
        value_get_whole(&values[SEED], "seed", 0, INT64_MAX, &seed, err) &&
        read_hyperparameters(&values[HYPERPARAMETERS], order, err) &&
        read_method(&values[METHOD], order, err) && take_base(x, job, err);
    order->seed = (uint64_t)seed;
    x->sample.served = NULL;
    return done;
}

static void jobs_post(struct exchange *x)
{
    struct finetune_job job = {.bytes = 0};
    struct err err;
    const bool done = finetune_begin(x, &err) && read_job(x, &job, &err) &&
                      finetune_add_job(x->service->finetune, &job, &err);
    reply_job(x, done, &job, &err);
}

/* ---- GET /v1/fine_tuning/jobs ---- */

static bool list_job(void *user, const struct finetune_job *job)
{
    struct finetune_page *page = user;
    if (finetune_page_has(page, job->order.job)) write_job(&page->out, job);
    return true;
}

static void jobs_get(struct exchange *x)
{
    struct finetune_page page;
    struct err err;
    const bool done = finetune_begin(x, &err) &&
                      finetune_page_begin(&page, x, JOBS_LISTED, JOBS_LISTED_MAX, &err) &&
                      finetune_each_job(x->service->finetune, list_job, &page, &err) &&
                      finetune_page_check(&page, &err);
    finetune_page_reply(x, &page, done, &err);
}

/* ---- one job ---- */

static bool find_job(struct exchange *x, struct finetune_job *job, struct err *err)
{
    return finetune_begin(x, err) &&
           finetune_job(x->service->finetune, x->path_tail.data, x->path_tail.bytes, job, err);
}

static void job_get(struct exchange *x)
{
    struct finetune_job job;
    struct err err;
    const bool done = find_job(x, &job, &err);
    reply_job(x, done, &job, &err);
}

static void cancel_post(struct exchange *x)
{
    struct finetune_job job;
    struct err err;
    const bool done =
        finetune_begin(x, &err) &&
        finetune_cancel(x->service->finetune, x->path_tail.data, x->path_tail.bytes, &job, &err);
    reply_job(x, done, &job, &err);
}

static void write_event(struct buf *out, const char *id, const struct finetune_event *event)
{
    buf_printf(out,
               "{\"id\":\"%s\",\"object\":\"fine_tuning.job.event\",\"created_at\":%" PRId64
               ",\"level\":\"%s\",\"type\":\"message\",\"data\":null,\"message\":",
               id, event->at_s, event->is_error ? "error" : "info");
    write_string(out, event->message);
    buf_add_char(out, '}');
}

static void list_events(struct finetune_page *page, const struct finetune_job *job)
{
    for (size_t i = job->n_events; i-- > 0;) {
        char id[64];
        snprintf(id, sizeof id, "ftevent-%s-%zu", job->order.job + strlen("ftjob-"), i);
        if (finetune_page_has(page, id)) write_event(&page->out, id, &job->events[i]);
    }
}

static void reply_list(struct exchange *x,
                       void (*list)(struct finetune_page *page, const struct finetune_job *job))
{
    struct finetune_page page;
    struct finetune_job job;
    struct err err;
    bool done = find_job(x, &job, &err) &&
                finetune_page_begin(&page, x, JOBS_LISTED, JOBS_LISTED_MAX, &err);
    if (done && list) list(&page, &job);
    done = done && (!list || finetune_page_check(&page, &err));
    finetune_page_reply(x, &page, done, &err);
}

static void events_get(struct exchange *x)
{
    reply_list(x, list_events);
}

/* What a training keeps to go on from is none that could be asked. */
static void checkpoints_get(struct exchange *x)
{
    reply_list(x, NULL);
}

static void report_get(struct exchange *x)
{
    struct finetune_job job;
    struct err err;
    char path[PATH_MAX];
    if (!find_job(x, &job, &err)) {
        handlers_fail(x, &err);
        return;
    }
    if (!job.has_report || job.status <= FINETUNE_RUNNING) {
        err_set(&err, ERR_NOT_FOUND, NULL,
                "job %s has no report%s: one is made by a validation_file, when the model is ready",
                job.order.job, job.status <= FINETUNE_RUNNING ? " yet" : "");
        handlers_fail(x, &err);
        return;
    }
    const bool is_html = x->accept && strstr(x->accept, "text/html");
    finetune_report_path(x->service->finetune, job.order.job, is_html, path, sizeof path);
    finetune_reply_file(x, path, is_html ? TYPE_HTML : TYPE_JSON);
}

/* ---- DELETE /v1/models/{id} ---- */

static void model_delete(struct exchange *x)
{
    struct err err;
    struct buf out;
    if (!finetune_begin(x, &err) ||
        !finetune_delete_model(x->service->finetune, x->path_tail.data, x->path_tail.bytes, &err)) {
        handlers_fail(x, &err);
        return;
    }
    buf_init(&out, x->arena);
    buf_add_str(&out, "{\"id\":");
    write_text(&out, x->path_tail);
    buf_add_str(&out, ",\"object\":\"model\",\"deleted\":true}");
    reply_json(x, &out);
}

/* ---- what there is to say of them ---- */

#define SCHEMA_TEXT_OR_NULL "{'type':['string','null']}"
#define SCHEMA_JOB                                                                                 \
    "'type':'object','required':['id','object','status','model','fine_tuned_model','created_at',"  \
    "'training_file','validation_file','seed','error','hyperparameters'],'properties':{'id':"      \
    "{'type':'string'},'object':{'const':'fine_tuning.job'},'status':{'enum':['queued','running'," \
    "'succeeded','failed','cancelled']},'model':{'type':'string'},'fine_tuned_model'"              \
    ":" SCHEMA_TEXT_OR_NULL ",'created_at':{'type':'integer'},'training_file':{'type':'string'},"  \
    "'validation_file':" SCHEMA_TEXT_OR_NULL                                                       \
    ",'seed':{'type':'integer'},'error':{'type':['object','null']}}"
#define SCHEMA_LIST(item)                                                                          \
    "'type':'object','required':['object','data','has_more'],'properties':{'object':{'const':"     \
    "'list'},'data':{'type':'array','items':{" item "}},'has_more':{'type':'boolean'}}"
#define SCHEMA_EVENT                                                                               \
    "'type':'object','required':['id','object','created_at','level','message'],'properties':"      \
    "{'level':{'enum':['info','error']},'message':{'type':'string'}}"

const struct endpoint finetune_create_endpoint = {
    .handle = jobs_post,
    FIELDS(job_fields),
    .reads_files = true,
    .summary = "Trains a classifier on a file's rows, which is then served under a name of its own",
    .reply = SCHEMA_JOB,
};
const struct endpoint finetune_jobs_endpoint = {
    .handle = jobs_get,
    .has_pages = true,
    .reads_files = true,
    .summary = "The jobs, the newest first",
    .reply = SCHEMA_LIST(SCHEMA_JOB),
};
const struct endpoint finetune_job_endpoint = {
    .handle = job_get, .reads_files = true, .summary = "One of the jobs", .reply = SCHEMA_JOB};
const struct endpoint finetune_cancel_endpoint = {
    .handle = cancel_post, .reads_files = true, .summary = "Ends a job", .reply = SCHEMA_JOB};
const struct endpoint finetune_events_endpoint = {
    .handle = events_get,
    .has_pages = true,
    .reads_files = true,
    .summary = "What a job has gone through, the newest first",
    .reply = SCHEMA_LIST(SCHEMA_EVENT),
};
const struct endpoint finetune_checkpoints_endpoint = {
    .handle = checkpoints_get,
    .has_pages = true,
    .reads_files = true,
    .summary = "None: there is one model of a job",
    .reply = SCHEMA_LIST("'type':'object'"),
};
const struct endpoint finetune_report_endpoint = {
    .handle = report_get,
    .reads_files = true,
    .summary = "How good the model is on the validation file: JSON, or a page for browsers",
    .reply = "'type':'object'",
};
const struct endpoint model_delete_endpoint = {
    .handle = model_delete,
    .reads_files = true,
    .summary = "Deletes a model that was trained here",
    .reply = "'type':'object','required':['id','object','deleted'],'properties':{'id':"
             "{'type':'string'},'object':{'const':'model'},'deleted':{'const':true}}",
};
