/* SPDX-License-Identifier: Apache-2.0 */
#include "finetune/store.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/grow.h"
#include "base/json.h"
#include "base/log.h"
#include "base/save.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Of a job.json, whose texts are bounded. */
#define JSON_BYTES_MAX ((size_t)1 << 20)

const char *const finetune_status_names[FINETUNE_STATUSES] = {"queued", "running", "succeeded",
                                                              "failed", "cancelled"};

void store_path(const struct finetune *finetune, char path[static STORE_PATH_BYTES],
                const char *kind, const char *name, const char *file)
{
    snprintf(path, STORE_PATH_BYTES, "%s/%s/%s%s%s", finetune->folder, kind, name, file ? "/" : "",
             file ? file : "");
}

static bool make_folder(const char *path, struct err *err)
{
    struct stat st;
    if (mkdir(path, 0777) == 0 || (errno == EEXIST && stat(path, &st) == 0 && S_ISDIR(st.st_mode)))
        return true;
    return err_set(err, ERR_IO, "data-dir", "data-dir: cannot make the folder %.400s: %s", path,
                   strerror(errno));
}

bool store_make_folders(const char *folder, struct err *err)
{
    static const char *const kinds[] = {"files", "jobs"};
    char path[STORE_PATH_BYTES];
    if (strlen(folder) >= sizeof((struct finetune *)0)->folder)
        return err_set(err, ERR_USAGE, "data-dir", "data-dir: the path is too long");
    bool done = make_folder(folder, err);
    for (size_t i = 0; i < 2 && done; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, kinds[i]);
        done = make_folder(path, err);
    }
    return done;
}

bool store_new_id(char id[static FINETUNE_ID_BYTES], const char *prefix, struct err *err)
{
    unsigned char bytes[12];
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        return err_set(err, ERR_INTERNAL, NULL, "the system has no random numbers");
    size_t n = (size_t)snprintf(id, FINETUNE_ID_BYTES, "%s", prefix);
    for (size_t i = 0; i < sizeof bytes; i++)
        n += (size_t)snprintf(id + n, FINETUNE_ID_BYTES - n, "%02x", bytes[i]);
    return true;
}

bool store_write(const char *path, const void *data, size_t bytes, struct err *err)
{
    struct save save;
    if (save_open(&save, path, err) && save_write(&save, data, bytes, err) &&
        save_close(&save, err))
        return true;
    save_abort(&save);
    return false;
}

/* ---- removing ---- */

static bool remove_at(int folder, const char *name);

static bool empty_folder(int fd)
{
    DIR *entries = fdopendir(fd);
    if (!entries) {
        close(fd);
        return false;
    }
    bool done = true;
    for (const struct dirent *entry; (entry = file_next_entry(entries));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            done &= remove_at(dirfd(entries), entry->d_name);
    closedir(entries);
    return done;
}

static bool remove_at(int folder, const char *name)
{
    if (unlinkat(folder, name, 0) == 0 || errno == ENOENT) return true;
    const int fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return false;
    const bool done = empty_folder(fd);
    return unlinkat(folder, name, AT_REMOVEDIR) == 0 && done;
}

bool store_remove(const char *path)
{
    return remove_at(AT_FDCWD, path);
}

/* ---- lists ---- */

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_MEMORY, NULL, "no memory for the list of files and jobs");
}

static bool is_id(const char *id, const char *text, size_t bytes)
{
    return strlen(id) == bytes && memcmp(id, text, bytes) == 0;
}

size_t store_file_at(const struct finetune *finetune, const char *id, size_t bytes)
{
    size_t i = 0;
    while (i < finetune->n_files && !is_id(finetune->files[i].id, id, bytes))
        i++;
    return i;
}

size_t store_job_at(const struct finetune *finetune, const char *id, size_t bytes)
{
    size_t i = 0;
    while (i < finetune->n_jobs && !is_id(finetune->jobs[i]->order.job, id, bytes))
        i++;
    return i;
}

bool store_put_file(struct finetune *finetune, const struct finetune_file *file, struct err *err)
{
    if (!grow_list(&finetune->files, &finetune->files_cap, finetune->n_files + 1,
                   sizeof *finetune->files))
        return no_memory(err);
    finetune->files[finetune->n_files++] = *file;
    return true;
}

bool store_put_job(struct finetune *finetune, const struct finetune_job *job, struct err *err)
{
    struct finetune_job *copy = malloc(sizeof *copy);
    if (!copy || !grow_list(&finetune->jobs, &finetune->jobs_cap, finetune->n_jobs + 1,
                            sizeof *finetune->jobs)) {
        free(copy);
        return no_memory(err);
    }
    *copy = *job;
    finetune->jobs[finetune->n_jobs++] = copy;
    return true;
}

uint64_t store_bytes(const struct finetune *finetune)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < finetune->n_files; i++)
        bytes += finetune->files[i].bytes;
    for (size_t i = 0; i < finetune->n_jobs; i++)
        bytes += finetune->jobs[i]->bytes;
    return bytes;
}

void store_note(struct finetune_job *job, bool is_error, const char *format, ...)
{
    if (job->n_events == FINETUNE_EVENTS_MAX) job->n_events--;
    struct finetune_event *event = &job->events[job->n_events++];
    event->at_s = (int64_t)time(NULL);
    event->is_error = is_error;
    va_list values;
    va_start(values, format);
    vsnprintf(event->message, sizeof event->message, format, values);
    va_end(values);
}

/* ---- what a job has left ---- */

static uint64_t bytes_below(int folder, const char *name)
{
    struct stat st;
    if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) != 0) return 0;
    uint64_t bytes = S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
    if (!S_ISDIR(st.st_mode)) return bytes;
    const int fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *entries = fd >= 0 ? fdopendir(fd) : NULL;
    for (const struct dirent *entry; entries && (entry = file_next_entry(entries));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            bytes += bytes_below(dirfd(entries), entry->d_name);
    if (entries)
        closedir(entries);
    else if (fd >= 0)
        close(fd);
    return bytes;
}

void store_look(const struct finetune *finetune, struct finetune_job *job)
{
    char path[STORE_PATH_BYTES];
    store_path(finetune, path, "jobs", job->order.job, job->order.name);
    job->has_model = access(path, F_OK) == 0;
    store_path(finetune, path, "jobs", job->order.job, "report.html"); /* the last one */
    job->has_report = access(path, F_OK) == 0;
    store_path(finetune, path, "jobs", job->order.job, NULL);
    job->bytes = bytes_below(AT_FDCWD, path);
}

/* The files of a job that stay; another one is its model. */
static bool is_kept(const char *name)
{
    static const char *const kept[] = {".",           "..",          "job.json",
                                       "report.json", "report.html", "train.log"};
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        if (strcmp(kept[i], name) == 0) return true;
    return false;
}

void store_clean(const struct finetune *finetune, const struct finetune_job *job, bool keeps_model)
{
    char path[STORE_PATH_BYTES];
    store_path(finetune, path, "jobs", job->order.job, NULL);
    DIR *entries = opendir(path);
    for (const struct dirent *entry; entries && (entry = file_next_entry(entries));)
        if (!is_kept(entry->d_name) &&
            !(keeps_model && strcmp(entry->d_name, job->order.name) == 0))
            remove_at(dirfd(entries), entry->d_name);
    if (entries) closedir(entries);
}

/* ---- JSON ---- */

static void write_text(struct buf *out, const char *key, const char *text)
{
    buf_printf(out, "%s\"%s\":", out->bytes > 1 ? "," : "", key);
    json_write_string(out, text, strlen(text));
}

static void write_whole(struct buf *out, const char *key, int64_t whole)
{
    buf_printf(out, "%s\"%s\":%" PRId64, out->bytes > 1 ? "," : "", key, whole);
}

static void write_events(struct buf *out, const struct finetune_job *job)
{
    buf_add_str(out, ",\"events\":[");
    for (size_t i = 0; i < job->n_events; i++) {
        const struct finetune_event *event = &job->events[i];
        buf_printf(out, "%s[%" PRId64 ",%s,", i > 0 ? "," : "", event->at_s,
                   event->is_error ? "true" : "false");
        json_write_string(out, event->message, strlen(event->message));
        buf_add_char(out, ']');
    }
    buf_add_char(out, ']');
}

static void write_job(struct buf *out, const struct finetune_job *job)
{
    const struct finetune_order *order = &job->order;
    buf_add_char(out, '{');
    write_text(out, "id", order->job);
    write_text(out, "training_file", order->training_file);
    write_text(out, "validation_file", order->validation_file);
    write_whole(out, "is_from_trained", order->is_from_trained);
    write_text(out, "from", order->from);
    write_text(out, "name", order->name);
    write_text(out, "base", job->base);
    write_text(out, "suffix", job->suffix);
    write_text(out, "status", finetune_status_names[job->status]);
    write_text(out, "error_code", job->error_code);
    write_text(out, "error_param", job->error_param);
    write_text(out, "error", job->error);
    write_whole(out, "number", (int64_t)job->number);
    write_whole(out, "is_cancelled", job->is_cancelled);
    write_whole(out, "seed", (int64_t)order->seed);
    write_whole(out, "epochs", (int64_t)order->epochs);
    buf_printf(out, ",\"rate_multiplier\":%.17g", order->rate_multiplier);
    write_whole(out, "created", job->created_s);
    write_whole(out, "started", job->started_s);
    write_whole(out, "finished", job->finished_s);
    write_whole(out, "starts", (int64_t)job->starts);
    write_events(out, job);
    buf_add_str(out, "}\n");
}

static bool save(const char *path, struct arena *arena, const struct buf *out, struct err *err)
{
    const bool done = out->failed ? no_memory(err) : store_write(path, out->data, out->bytes, err);
    arena_clear(arena);
    return done;
}

bool store_save_job(struct finetune *finetune, const struct finetune_job *job, struct err *err)
{
    char path[STORE_PATH_BYTES];
    struct arena arena;
    struct buf out;
    arena_init(&arena, JSON_BYTES_MAX);
    buf_init(&out, &arena);
    write_job(&out, job);
    store_path(finetune, path, "jobs", job->order.job, "job.json");
    return save(path, &arena, &out, err);
}

bool store_save_file(struct finetune *finetune, const struct finetune_file *file, struct err *err)
{
    char path[STORE_PATH_BYTES], name[FINETUNE_ID_BYTES + 8];
    struct arena arena;
    struct buf out;
    arena_init(&arena, JSON_BYTES_MAX);
    buf_init(&out, &arena);
    buf_add_char(&out, '{');
    write_text(&out, "id", file->id);
    write_text(&out, "name", file->name);
    write_whole(&out, "bytes", (int64_t)file->bytes);
    write_whole(&out, "created", file->created_s);
    buf_add_str(&out, "}\n");
    snprintf(name, sizeof name, "%s.json", file->id);
    store_path(finetune, path, "files", name, NULL);
    return save(path, &arena, &out, err);
}

/* What is not there is "" and 0. */
static void take_text(const json_t *object, const char *key, char *out, size_t bytes)
{
    const char *text = json_string_value(json_object_get(object, key));
    snprintf(out, bytes, "%s", text ? text : "");
}

static int64_t take_whole(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static json_t *read_json(const char *path, struct err *err)
{
    char *data;
    size_t bytes;
    if (!file_read(path, JSON_BYTES_MAX, &data, &bytes, err)) return NULL;
    json_t *value = json_read_file(data, bytes, false, err);
    free(data);
    return value;
}

static void take_events(const json_t *object, struct finetune_job *job)
{
    const json_t *events = json_object_get(object, "events");
    for (size_t i = 0; i < json_array_size(events) && job->n_events < FINETUNE_EVENTS_MAX; i++) {
        const json_t *from = json_array_get(events, i);
        struct finetune_event *event = &job->events[job->n_events++];
        const char *message = json_string_value(json_array_get(from, 2));
        event->at_s = json_integer_value(json_array_get(from, 0));
        event->is_error = json_is_true(json_array_get(from, 1));
        snprintf(event->message, sizeof event->message, "%s", message ? message : "");
    }
}

static bool take_status(const json_t *object, struct finetune_job *job)
{
    char status[16];
    take_text(object, "status", status, sizeof status);
    for (size_t i = 0; i < FINETUNE_STATUSES; i++) {
        job->status = (enum finetune_status)i;
        if (strcmp(status, finetune_status_names[i]) == 0) return true;
    }
    return false;
}

static bool take_job(const json_t *object, struct finetune_job *job)
{
    struct finetune_order *order = &job->order;
    *job = (struct finetune_job){0};
    take_text(object, "id", order->job, sizeof order->job);
    take_text(object, "training_file", order->training_file, sizeof order->training_file);
    take_text(object, "validation_file", order->validation_file, sizeof order->validation_file);
    order->is_from_trained = take_whole(object, "is_from_trained") != 0;
    take_text(object, "from", order->from, sizeof order->from);
    take_text(object, "name", order->name, sizeof order->name);
    take_text(object, "base", job->base, sizeof job->base);
    take_text(object, "suffix", job->suffix, sizeof job->suffix);
    take_text(object, "error_code", job->error_code, sizeof job->error_code);
    take_text(object, "error_param", job->error_param, sizeof job->error_param);
    take_text(object, "error", job->error, sizeof job->error);
    order->seed = (uint64_t)take_whole(object, "seed");
    order->epochs = (uint64_t)take_whole(object, "epochs");
    order->rate_multiplier = json_number_value(json_object_get(object, "rate_multiplier"));
    job->number = (uint64_t)take_whole(object, "number");
    job->is_cancelled = take_whole(object, "is_cancelled") != 0;
    job->created_s = take_whole(object, "created");
    job->started_s = take_whole(object, "started");
    job->finished_s = take_whole(object, "finished");
    job->starts = (uint64_t)take_whole(object, "starts");
    take_events(object, job);
    return take_status(object, job);
}

/* ---- reading the folder ---- */

static bool is_sound_name(const char *name, const char *prefix)
{
    const size_t bytes = strlen(prefix);
    return strncmp(name, prefix, bytes) == 0 && name[bytes] &&
           strspn(name + bytes, "0123456789abcdef") == strlen(name + bytes) &&
           strlen(name) < FINETUNE_ID_BYTES;
}

static void load_job(struct finetune *finetune, const char *id)
{
    char path[STORE_PATH_BYTES];
    struct finetune_job job;
    struct err err = {0};
    if (!is_sound_name(id, "ftjob-")) return;
    store_path(finetune, path, "jobs", id, "job.json");
    json_t *object = read_json(path, &err);
    const bool is_read = object && take_job(object, &job) && strcmp(job.order.job, id) == 0;
    json_decref(object);
    if (is_read) {
        store_look(finetune, &job);
        store_put_job(finetune, &job, &err);
    } else {
        log_warn("data-dir: the job in %s is passed over: %s", path,
                 err.message[0] ? err.message : "it is not one that this program wrote");
    }
}

static void load_file(struct finetune *finetune, const char *name)
{
    char path[STORE_PATH_BYTES], id[FINETUNE_ID_BYTES] = "";
    struct finetune_file file = {.bytes = 0};
    struct err err = {0};
    struct stat st;
    const char *dot = strrchr(name, '.');
    if (!dot || strcmp(dot, ".json") != 0 || dot - name >= (int)sizeof id) return;
    memcpy(id, name, (size_t)(dot - name));
    if (!is_sound_name(id, "file-")) return;
    store_path(finetune, path, "files", name, NULL);
    json_t *object = read_json(path, &err);
    take_text(object, "id", file.id, sizeof file.id);
    take_text(object, "name", file.name, sizeof file.name);
    file.created_s = take_whole(object, "created");
    json_decref(object);
    store_path(finetune, path, "files", id, NULL);
    if (strcmp(file.id, id) != 0 || stat(path, &st) != 0) {
        log_warn("data-dir: the file %s is passed over: it is not whole", path);
        return;
    }
    file.bytes = (uint64_t)st.st_size;
    store_put_file(finetune, &file, &err);
}

/* What was being written when the process before ended is nobody's. */
static void drop_stray(struct finetune *finetune, const char *name)
{
    char path[STORE_PATH_BYTES];
    if (strncmp(name, "file-", 5) != 0 ||
        store_file_at(finetune, name, strcspn(name, ".")) < finetune->n_files)
        return;
    store_path(finetune, path, "files", name, NULL);
    if (!strchr(name, '.') || strcmp(strrchr(name, '.'), ".tmp") == 0) unlink(path);
}

static void each_entry(struct finetune *finetune, const char *kind,
                       void (*take)(struct finetune *finetune, const char *name))
{
    char path[STORE_PATH_BYTES];
    store_path(finetune, path, kind, "", NULL);
    DIR *entries = opendir(path);
    for (const struct dirent *entry; entries && (entry = file_next_entry(entries));)
        take(finetune, entry->d_name);
    if (entries) closedir(entries);
}

static int compare_files(const void *a, const void *b)
{
    const struct finetune_file *x = a, *y = b;
    return x->created_s != y->created_s
               ? (x->created_s > y->created_s) - (x->created_s < y->created_s)
               : strcmp(x->id, y->id);
}

static int compare_jobs(const void *a, const void *b)
{
    const struct finetune_job *x = *(struct finetune_job *const *)a,
                              *y = *(struct finetune_job *const *)b;
    return (x->number > y->number) - (x->number < y->number);
}

/* One that was running. What it was to make may be whole already; otherwise it is run again. */
static void recover(struct finetune *finetune, struct finetune_job *job)
{
    struct err err = {0};
    if (job->status != FINETUNE_RUNNING) return;
    const bool is_done = job->has_model && (job->has_report || !job->order.validation_file[0]);
    job->status = job->is_cancelled ? FINETUNE_CANCELLED
                  : is_done         ? FINETUNE_SUCCEEDED
                                    : FINETUNE_QUEUED;
    if (job->status == FINETUNE_QUEUED) {
        store_note(job, false, "%s", FINETUNE_INTERRUPTED);
    } else {
        job->finished_s = (int64_t)time(NULL);
        store_note(job, false, is_done ? "the model is ready" : "the job was cancelled");
        store_clean(finetune, job, !job->is_cancelled);
        store_look(finetune, job);
    }
    if (!store_save_job(finetune, job, &err)) log_error("data-dir: %s", err.message);
}

static bool take_lock(struct finetune *finetune)
{
    char path[STORE_PATH_BYTES];
    snprintf(path, sizeof path, "%s/lock", finetune->folder);
    const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0) {
        finetune->lock = fd;
        return true;
    }
    if (fd >= 0) close(fd);
    return false;
}

bool store_check(const struct finetune *finetune, struct err *err)
{
    if (finetune->is_open) return true;
    if (finetune->is_stopping)
        return err_set(err, ERR_UNAVAILABLE, NULL,
                       "this process is ending and has given its data folder up; send the request "
                       "again");
    return err_set(err, ERR_UNAVAILABLE, NULL,
                   "the data folder %.300s cannot be taken: another process has it, or it is "
                   "gone; send the request again when that has ended",
                   finetune->folder);
}

bool store_open(struct finetune *finetune, struct err *err)
{
    if (finetune->is_open) return true;
    if (finetune->is_stopping || !take_lock(finetune)) return store_check(finetune, err);
    each_entry(finetune, "files", load_file);
    each_entry(finetune, "files", drop_stray);
    each_entry(finetune, "jobs", load_job);
    if (finetune->n_files > 0)
        qsort(finetune->files, finetune->n_files, sizeof *finetune->files, compare_files);
    if (finetune->n_jobs > 0)
        qsort(finetune->jobs, finetune->n_jobs, sizeof *finetune->jobs, compare_jobs);
    for (size_t i = 0; i < finetune->n_jobs; i++)
        recover(finetune, finetune->jobs[i]);
    finetune->is_open = true;
    return true;
}

void store_close(struct finetune *finetune)
{
    for (size_t i = 0; i < finetune->n_jobs; i++)
        free(finetune->jobs[i]);
    free(finetune->jobs);
    free(finetune->files);
    finetune->jobs = NULL;
    finetune->files = NULL;
    finetune->n_jobs = finetune->n_files = finetune->jobs_cap = finetune->files_cap = 0;
    finetune->is_open = false;
    if (finetune->lock >= 0) close(finetune->lock);
    finetune->lock = -1;
}
