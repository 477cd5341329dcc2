/* SPDX-License-Identifier: Apache-2.0 */
/* OpenAI's files, those to train from: https://platform.openai.com/docs/api-reference/files */
#include "handlers/dialects/endpoints.h"

#include "finetune/finetune.h"
#include "handlers/dialects/openai_finetune.h"
#include "handlers/errors.h"
#include "handlers/exchange.h"
#include "handlers/form.h"
#include "handlers/reply.h"
#include "handlers/service.h"
#include "handlers/value.h"
#include "handlers/write.h"

#include <inttypes.h>
#include <limits.h>
#include <string.h>

#define PURPOSE "fine-tune"
#define LISTED_MAX 10000
/* Of a form: what clients send beside the file is not looked at. */
#define PARTS_MAX 16

static void write_file(struct buf *out, const struct finetune_file *file)
{
    buf_printf(out,
               "{\"id\":\"%s\",\"object\":\"file\",\"bytes\":%" PRIu64 ",\"created_at\":%" PRId64
               ",\"expires_at\":null,\"filename\":",
               file->id, file->bytes, file->created_s);
    write_string(out, file->name);
    buf_add_str(out,
                ",\"purpose\":\"" PURPOSE "\",\"status\":\"processed\",\"status_details\":null}");
}

/* ---- POST /v1/files ---- */

static const struct form_part *find_part(const struct form_part *parts, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (parts[i].name.bytes == strlen(name) &&
            memcmp(parts[i].name.data, name, parts[i].name.bytes) == 0)
            return &parts[i];
    return NULL;
}

static bool check_purpose(const struct form_part *purpose, struct err *err)
{
    const struct text text = purpose ? purpose->data : (struct text){0};
    if (text.bytes == strlen(PURPOSE) && memcmp(text.data, PURPOSE, text.bytes) == 0) return true;
    if (!purpose)
        return err_set(err, ERR_INVALID, "purpose",
                       "purpose is missing; send a part purpose that says " PURPOSE);
    return err_set(err, ERR_INVALID, "purpose",
                   "purpose must be " PURPOSE ", not \"%.*s\": files are for training here",
                   text_quoted(text), text.data);
}

static bool take_file(struct exchange *x, struct finetune_file *file, struct err *err)
{
    struct form_part parts[PARTS_MAX];
    size_t n;
    if (!finetune_begin(x, err) ||
        !form_read(x->content_type, x->body, x->body_bytes, parts, PARTS_MAX, &n, err) ||
        !check_purpose(find_part(parts, n, "purpose"), err))
        return false;
    const struct form_part *part = find_part(parts, n, "file");
    if (!part || !part->filename.data)
        return err_set(err, ERR_INVALID, "file",
                       "file is missing; send a part file with a filename and labelled rows in it");
    return finetune_add_file(x->service->finetune, part->filename.data, part->filename.bytes,
                             part->data.data, part->data.bytes, file, err);
}

static void reply_file(struct exchange *x, bool done, const struct finetune_file *file,
                       const struct err *err)
{
    struct buf out;
    if (!done) {
        handlers_fail(x, err);
        return;
    }
    buf_init(&out, x->arena);
    write_file(&out, file);
    reply_json(x, &out);
}

static void files_post(struct exchange *x)
{
    struct finetune_file file;
    struct err err;
    const bool done = take_file(x, &file, &err);
    reply_file(x, done, &file, &err);
}

/* ---- GET /v1/files ---- */

static bool list_file(void *user, const struct finetune_file *file)
{
    struct finetune_page *page = user;
    if (finetune_page_has(page, file->id)) write_file(&page->out, file);
    return true;
}

static void files_get(struct exchange *x)
{
    struct finetune_page page;
    struct err err;
    const char *purpose = x->query.purpose;
    const bool is_other = purpose && strcmp(purpose, PURPOSE) != 0;
    const bool done =
        finetune_begin(x, &err) && finetune_page_begin(&page, x, LISTED_MAX, LISTED_MAX, &err) &&
        (is_other || (finetune_each_file(x->service->finetune, list_file, &page, &err) &&
                      finetune_page_check(&page, &err)));
    finetune_page_reply(x, &page, done, &err);
}

/* ---- one file ---- */

static bool find_file(struct exchange *x, struct finetune_file *file, struct err *err)
{
    return finetune_begin(x, err) &&
           finetune_file(x->service->finetune, x->path_tail.data, x->path_tail.bytes, file, err);
}

static void file_get(struct exchange *x)
{
    struct finetune_file file;
    struct err err;
    const bool done = find_file(x, &file, &err);
    reply_file(x, done, &file, &err);
}

static void content_get(struct exchange *x)
{
    struct finetune_file file;
    struct err err;
    char path[PATH_MAX];
    if (!find_file(x, &file, &err)) {
        handlers_fail(x, &err);
        return;
    }
    finetune_file_path(x->service->finetune, file.id, path, sizeof path);
    finetune_reply_file(x, path, TYPE_BYTES);
}

static void file_delete(struct exchange *x)
{
    struct finetune_file file;
    struct err err;
    struct buf out;
    if (!find_file(x, &file, &err) ||
        !finetune_delete_file(x->service->finetune, file.id, strlen(file.id), &err)) {
        handlers_fail(x, &err);
        return;
    }
    buf_init(&out, x->arena);
    buf_printf(&out, "{\"id\":\"%s\",\"object\":\"file\",\"deleted\":true}", file.id);
    reply_json(x, &out);
}

/* ---- what there is to say of them ---- */

static const struct field upload_fields[] = {
    REQUIRED_FIELD("file", "'type':'string','format':'binary'",
                   "labelled rows: OpenAI's chats as JSON lines, or any file that embedd train "
                   "reads"),
    REQUIRED_FIELD("purpose", "'enum':['" PURPOSE "']", "what it is for"),
};

#define SCHEMA_FILE                                                                                \
    "'type':'object','required':['id','object','bytes','created_at','filename','purpose',"         \
    "'status'],'properties':{'id':{'type':'string'},'object':{'const':'file'},'bytes':"            \
    "{'type':'integer'},'created_at':{'type':'integer'},'filename':{'type':'string'},'purpose':"   \
    "{'const':'" PURPOSE "'},'status':{'const':'processed'}}"

const struct endpoint files_upload_endpoint = {
    .handle = files_post,
    FIELDS(upload_fields),
    .takes_form = true,
    .reads_files = true,
    .summary = "Uploads a file of labelled rows, to train from",
    .reply = SCHEMA_FILE,
};

const struct endpoint files_endpoint = {
    .handle = files_get,
    .has_pages = true,
    .reads_files = true,
    .summary = "The files that were uploaded, the newest first",
    .reply = "'type':'object','required':['object','data','has_more'],'properties':{'object':"
             "{'const':'list'},'data':{'type':'array','items':{" SCHEMA_FILE "}},'has_more':"
             "{'type':'boolean'}}",
};

const struct endpoint file_endpoint = {
    .handle = file_get,
    .reads_files = true,
    .summary = "One of the files",
    .reply = SCHEMA_FILE,
};

const struct endpoint file_content_endpoint = {
    .handle = content_get,
    .reads_files = true,
    .summary = "What is in a file, as it was uploaded",
    .reply_type = TYPE_BYTES,
};

const struct endpoint file_delete_endpoint = {
    .handle = file_delete,
    .reads_files = true,
    .summary = "Deletes a file",
    .reply = "'type':'object','required':['id','object','deleted'],'properties':{'id':"
             "{'type':'string'},'object':{'const':'file'},'deleted':{'const':true}}",
};
