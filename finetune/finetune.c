/* SPDX-License-Identifier: Apache-2.0 */
#include "finetune/finetune.h"

#include "base/log.h"
#include "base/utf8.h"
#include "finetune/store.h"
#include "model/registry.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* ---- the whole ---- */

bool finetune_make_folders(const char *folder, struct err *err)
{
    return store_make_folders(folder, err);
}

struct finetune *finetune_new(const char *folder, const struct finetune_limits *limits,
                              int launcher, struct err *err)
{
    struct err busy;
    struct finetune *finetune = calloc(1, sizeof *finetune);
    if (!finetune) {
        err_set(err, ERR_MEMORY, NULL, "no memory for fine-tuning");
        close(launcher);
        return NULL;
    }
    snprintf(finetune->folder, sizeof finetune->folder, "%s", folder);
    finetune->limits = *limits;
    finetune->launcher = launcher;
    finetune->lock = -1;
    pthread_mutex_init(&finetune->mutex, NULL);
    pthread_cond_init(&finetune->news, NULL);
    if (!store_open(finetune, &busy)) log_warn("data-dir: %s", busy.message);
    return finetune;
}

bool finetune_start(struct finetune *finetune, const struct finetune_host *host)
{
    finetune->host = *host;
    finetune->is_busy = true;
    finetune->has_thread = pthread_create(&finetune->thread, NULL, finetune_run, finetune) == 0;
    if (!finetune->has_thread) finetune->is_busy = false;
    return finetune->has_thread;
}

void finetune_stop(struct finetune *finetune)
{
    pthread_mutex_lock(&finetune->mutex);
    if (!finetune->is_stopping) finetune_end_child(finetune);
    finetune->is_stopping = true;
    pthread_cond_broadcast(&finetune->news);
    pthread_mutex_unlock(&finetune->mutex);
}

bool finetune_is_busy(struct finetune *finetune)
{
    pthread_mutex_lock(&finetune->mutex);
    const bool is_busy = finetune->is_busy;
    pthread_mutex_unlock(&finetune->mutex);
    return is_busy;
}

void finetune_free(struct finetune *finetune)
{
    if (!finetune) return;
    finetune_stop(finetune);
    if (finetune->has_thread) pthread_join(finetune->thread, NULL);
    store_close(finetune);
    if (finetune->launcher >= 0) close(finetune->launcher);
    pthread_cond_destroy(&finetune->news);
    pthread_mutex_destroy(&finetune->mutex);
    free(finetune);
}

const char *finetune_folder(const struct finetune *finetune)
{
    return finetune->folder;
}

const struct finetune_limits *finetune_limits_of(const struct finetune *finetune)
{
    return &finetune->limits;
}

/* ---- models ---- */

static bool each_model_of(const char *job,
                          bool (*take)(void *user, const char *path, const char *name), void *user)
{
    char path[STORE_PATH_BYTES];
    bool done = true;
    DIR *entries = opendir(job);
    for (const struct dirent *entry; entries && done && (entry = readdir(entries));) {
        const char *name = entry->d_name;
        /* One that is being written is called NAME.NUMBER.tmp, and its checkpoint
           NAME.checkpoint; a name itself ends in hexadecimal digits. */
        if (strncmp(name, REGISTRY_TRAINED, strlen(REGISTRY_TRAINED)) != 0) continue;
        const char *id = strrchr(name, ':');
        if (strchr(id, '.')) continue;
        if (snprintf(path, sizeof path, "%s/%s", job, name) < (int)sizeof path)
            done = take(user, path, name);
    }
    if (entries) closedir(entries);
    return done;
}

bool finetune_each_model(const char *folder,
                         bool (*take)(void *user, const char *path, const char *name), void *user)
{
    char path[PATH_MAX];
    struct dirent **entries;
    if (snprintf(path, sizeof path, "%s/jobs", folder) >= (int)sizeof path) return true;
    const int n = scandir(path, &entries, NULL, alphasort);
    bool done = true;
    for (int i = 0; i < n; i++) {
        char job[STORE_PATH_BYTES];
        snprintf(job, sizeof job, "%s/%s", path, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.') done = done && each_model_of(job, take, user);
        free(entries[i]);
    }
    if (n >= 0) free(entries);
    return done;
}

/* ---- files ---- */

static bool no_file(const char *param, const char *id, size_t bytes, struct err *err)
{
    return err_set(err, param ? ERR_INVALID : ERR_NOT_FOUND, param,
                   "there is no file \"%.*s\"; GET /v1/files lists those there are",
                   (int)utf8_cut(id, bytes, ERR_VALUE_BYTES), id);
}

/* The mutex is held. */
static bool has_room(const struct finetune *finetune, uint64_t bytes, struct err *err)
{
    const struct finetune_limits *limits = &finetune->limits;
    if (finetune->n_files >= limits->files)
        return err_set(
            err, ERR_INVALID, "file",
            "file: there are %zu files, as many as max-files allows; delete some (DELETE "
            "/v1/files/ID), or raise max-files",
            finetune->n_files);
    const uint64_t used = store_bytes(finetune);
    if (used + bytes > limits->data_bytes)
        return err_set(err, ERR_TOO_LARGE, "file",
                       "file: files and models have %" PRIu64
                       " bytes, and with this file's %" PRIu64 " more than max-data-bytes, %" PRIu64
                       "; delete files or models, or raise max-data-bytes",
                       used, bytes, limits->data_bytes);
    return true;
}

static bool check_file(const struct finetune *finetune, size_t bytes, struct err *err)
{
    if (bytes == 0)
        return err_set(err, ERR_INVALID, "file", "file is empty; send labelled rows in it");
    if (bytes > finetune->limits.file_bytes)
        return err_set(err, ERR_TOO_LARGE, "file",
                       "file has %zu bytes, more than max-file-bytes, %" PRIu64
                       "; send a smaller one, or raise max-file-bytes",
                       bytes, finetune->limits.file_bytes);
    return true;
}

static bool keep_file(struct finetune *finetune, const struct finetune_file *file, const char *path,
                      const char *data, struct err *err)
{
    if (!store_write(path, data, file->bytes, err)) return false;
    pthread_mutex_lock(&finetune->mutex);
    const bool done = store_check(finetune, err) && has_room(finetune, file->bytes, err) &&
                      store_save_file(finetune, file, err) && store_put_file(finetune, file, err);
    pthread_mutex_unlock(&finetune->mutex);
    return done;
}

bool finetune_add_file(struct finetune *finetune, const char *name, size_t name_bytes,
                       const char *data, size_t bytes, struct finetune_file *file, struct err *err)
{
    char path[STORE_PATH_BYTES];
    *file = (struct finetune_file){.bytes = bytes, .created_s = (int64_t)time(NULL)};
    memcpy(file->name, name, utf8_cut(name, name_bytes, sizeof file->name - 1));
    if (!check_file(finetune, bytes, err) || !store_new_id(file->id, "file-", err)) return false;
    pthread_mutex_lock(&finetune->mutex);
    const bool has = store_check(finetune, err) && has_room(finetune, bytes, err);
    pthread_mutex_unlock(&finetune->mutex);
    if (!has) return false;
    finetune_file_path(finetune, file->id, path, sizeof path);
    if (keep_file(finetune, file, path, data, err)) return true;
    unlink(path);
    return false;
}

bool finetune_file(struct finetune *finetune, const char *id, size_t id_bytes,
                   struct finetune_file *file, struct err *err)
{
    pthread_mutex_lock(&finetune->mutex);
    bool done = store_check(finetune, err);
    if (done) {
        const size_t at = store_file_at(finetune, id, id_bytes);
        done = at < finetune->n_files || no_file(NULL, id, id_bytes, err);
        if (done) *file = finetune->files[at];
    }
    pthread_mutex_unlock(&finetune->mutex);
    return done;
}

/* A job that waits or runs and reads this file, or NULL. The mutex is held. */
static const struct finetune_job *user_of(const struct finetune *finetune, const char *id)
{
    for (size_t i = 0; i < finetune->n_jobs; i++) {
        const struct finetune_job *job = finetune->jobs[i];
        if (job->status <= FINETUNE_RUNNING && (strcmp(job->order.training_file, id) == 0 ||
                                                strcmp(job->order.validation_file, id) == 0))
            return job;
    }
    return NULL;
}

/* The mutex is held. Its name goes first: without it the rest is nobody's. */
static bool delete_file(struct finetune *finetune, size_t at, struct err *err)
{
    char path[STORE_PATH_BYTES], name[FINETUNE_ID_BYTES + 8];
    const struct finetune_file *file = &finetune->files[at];
    const struct finetune_job *user = user_of(finetune, file->id);
    if (user)
        return err_set(err, ERR_CONFLICT, NULL,
                       "file %s is needed by job %s, which is %s; cancel that first", file->id,
                       user->order.job, finetune_status_names[user->status]);
    snprintf(name, sizeof name, "%s.json", file->id);
    store_path(finetune, path, "files", name, NULL);
    if (unlink(path) != 0 && errno != ENOENT)
        return err_set(err, ERR_IO, NULL, "cannot delete %.400s: %s", path, strerror(errno));
    finetune_file_path(finetune, file->id, path, sizeof path);
    unlink(path);
    finetune->n_files--;
    memmove(&finetune->files[at], &finetune->files[at + 1],
            (finetune->n_files - at) * sizeof *finetune->files);
    return true;
}

bool finetune_delete_file(struct finetune *finetune, const char *id, size_t id_bytes,
                          struct err *err)
{
    pthread_mutex_lock(&finetune->mutex);
    bool done = store_check(finetune, err);
    if (done) {
        const size_t at = store_file_at(finetune, id, id_bytes);
        done = at < finetune->n_files ? delete_file(finetune, at, err)
                                      : no_file(NULL, id, id_bytes, err);
    }
    pthread_mutex_unlock(&finetune->mutex);
    return done;
}

bool finetune_each_file(struct finetune *finetune,
                        bool (*take)(void *user, const struct finetune_file *file), void *user,
                        struct err *err)
{
    pthread_mutex_lock(&finetune->mutex);
    bool done = store_check(finetune, err);
    for (size_t i = finetune->n_files; done && i-- > 0;)
        done = take(user, &finetune->files[i]);
    pthread_mutex_unlock(&finetune->mutex);
    return done;
}

void finetune_file_path(const struct finetune *finetune, const char *id, char *path, size_t bytes)
{
    snprintf(path, bytes, "%s/files/%s", finetune->folder, id);
}

/* ---- jobs ---- */

static bool no_job(const char *id, size_t bytes, struct err *err)
{
    return err_set(err, ERR_NOT_FOUND, NULL,
                   "there is no job \"%.*s\"; GET /v1/fine_tuning/jobs lists those there are",
                   (int)utf8_cut(id, bytes, ERR_VALUE_BYTES), id);
}

static bool check_suffix(const char *suffix, struct err *err)
{
    bool is_sound = utf8_valid_bytes(suffix, strlen(suffix)) == strlen(suffix);
    for (const char *at = suffix; *at; at++)
        is_sound &= (unsigned char)*at > ' ' && *at != 0x7F && !strchr("/:\\\"'", *at);
    return is_sound || err_set(err, ERR_INVALID, "suffix",
                               "suffix must be text without blanks, quotes, slashes, colons and "
                               "control characters: it becomes a part of the model's name");
}

/* The mutex is held. */
static bool check_files(const struct finetune *finetune, const struct finetune_order *order,
                        struct err *err)
{
    const struct {
        const char *param, *id;
    } files[] = {{"training_file", order->training_file},
                 {"validation_file", order->validation_file}};
    for (size_t i = 0; i < 2; i++)
        if ((i == 0 || files[i].id[0]) &&
            store_file_at(finetune, files[i].id, strlen(files[i].id)) == finetune->n_files)
            return no_file(files[i].param, files[i].id, strlen(files[i].id), err);
    return true;
}

/* The oldest that has ended and left no model, to make room for another; the mutex is held. */
static bool forget_one(struct finetune *finetune)
{
    char path[STORE_PATH_BYTES];
    for (size_t i = 0; i < finetune->n_jobs; i++) {
        struct finetune_job *job = finetune->jobs[i];
        if (job->status <= FINETUNE_RUNNING || job->has_model) continue;
        store_path(finetune, path, "jobs", job->order.job, NULL);
        if (!store_remove(path)) continue;
        free(job);
        finetune->n_jobs--;
        memmove(&finetune->jobs[i], &finetune->jobs[i + 1],
                (finetune->n_jobs - i) * sizeof *finetune->jobs);
        return true;
    }
    return false;
}

static bool has_room_for_job(struct finetune *finetune, struct err *err)
{
    const struct finetune_limits *limits = &finetune->limits;
    const uint64_t used = store_bytes(finetune);
    if (used >= limits->data_bytes)
        return err_set(err, ERR_TOO_LARGE, "training_file",
                       "training_file: files and models have %" PRIu64
                       " bytes, and max-data-bytes is %" PRIu64
                       "; delete files or models, or raise max-data-bytes",
                       used, limits->data_bytes);
    while (finetune->n_jobs >= limits->jobs)
        if (!forget_one(finetune))
            return err_set(err, ERR_INVALID, "training_file",
                           "training_file: there are %zu jobs that wait, run or have made a model, "
                           "as many as max-jobs allows; cancel one, delete a model (DELETE "
                           "/v1/models/NAME), or raise max-jobs",
                           finetune->n_jobs);
    return true;
}

static bool is_trained_here(const char *name)
{
    return strncmp(name, REGISTRY_TRAINED, strlen(REGISTRY_TRAINED)) == 0;
}

/* Of a model that was trained here: what that was trained from. */
static void name_model(struct finetune_job *job)
{
    const char *base = job->base;
    size_t bytes = strlen(base);
    if (is_trained_here(base)) {
        base += strlen(REGISTRY_TRAINED);
        bytes = strcspn(base, ":");
    }
    char plain[64 + 1];
    bytes = utf8_cut(base, bytes, sizeof plain - 1);
    for (size_t i = 0; i < bytes; i++)
        plain[i] = base[i] == '/' || base[i] == ':' ? '-' : base[i];
    plain[bytes] = '\0';
    const char *id = job->order.job + strlen("ftjob-");
    snprintf(job->order.name, sizeof job->order.name, REGISTRY_TRAINED "%s:%s:%.8s", plain,
             job->suffix, id);
}

/* The mutex is held. */
static bool add_job(struct finetune *finetune, struct finetune_job *job, struct err *err)
{
    char path[STORE_PATH_BYTES];
    if (!store_check(finetune, err) || !check_files(finetune, &job->order, err) ||
        !has_room_for_job(finetune, err))
        return false;
    job->number = finetune->n_jobs ? finetune->jobs[finetune->n_jobs - 1]->number + 1 : 1;
    store_path(finetune, path, "jobs", job->order.job, NULL);
    if (mkdir(path, 0777) != 0)
        return err_set(err, ERR_IO, NULL, "cannot make the folder %.400s: %s", path,
                       strerror(errno));
    if (store_save_job(finetune, job, err) && store_put_job(finetune, job, err)) return true;
    store_remove(path);
    return false;
}

bool finetune_add_job(struct finetune *finetune, struct finetune_job *job, struct err *err)
{
    struct finetune_job made = {.order = job->order};
    if (!check_suffix(job->suffix, err) || !store_new_id(made.order.job, "ftjob-", err))
        return false;
    memcpy(made.base, job->base, sizeof made.base);
    memcpy(made.suffix, job->suffix, sizeof made.suffix);
    made.order.is_from_trained = is_trained_here(made.base);
    name_model(&made);
    made.created_s = (int64_t)time(NULL);
    store_note(&made, false, "the job waits for its turn");
    *job = made;
    pthread_mutex_lock(&finetune->mutex);
    const bool done = add_job(finetune, job, err);
    pthread_cond_broadcast(&finetune->news);
    pthread_mutex_unlock(&finetune->mutex);
    return done;
}

bool finetune_job(struct finetune *finetune, const char *id, size_t id_bytes,
                  struct finetune_job *job, struct err *err)
{
    pthread_mutex_lock(&finetune->mutex);
    bool done = store_check(finetune, err);
    if (done) {
        const size_t at = store_job_at(finetune, id, id_bytes);
        done = at < finetune->n_jobs || no_job(id, id_bytes, err);
        if (done) *job = *finetune->jobs[at];
    }
    pthread_mutex_unlock(&finetune->mutex);
    return done;
}

bool finetune_each_job(struct finetune *finetune,
                       bool (*take)(void *user, const struct finetune_job *job), void *user,
                       struct err *err)
{
    pthread_mutex_lock(&finetune->mutex);
    bool done = store_check(finetune, err);
    for (size_t i = finetune->n_jobs; done && i-- > 0;)
        done = take(user, finetune->jobs[i]);
    pthread_mutex_unlock(&finetune->mutex);
    return done;
}

/* The mutex is held. */
static bool cancel(struct finetune *finetune, struct finetune_job *job, struct err *err)
{
    if (job->status > FINETUNE_RUNNING)
        return err_set(err, ERR_INVALID, NULL, "job %s has ended already (%s)", job->order.job,
                       finetune_status_names[job->status]);
    struct finetune_job next = *job;
    next.is_cancelled = true;
    if (job->status == FINETUNE_QUEUED) {
        next.status = FINETUNE_CANCELLED;
        next.finished_s = (int64_t)time(NULL);
        store_note(&next, false, "the job was cancelled");
        store_clean(finetune, job, false);
        store_look(finetune, &next);
    }
    if (!store_save_job(finetune, &next, err)) return false;
    if (job->status == FINETUNE_RUNNING) finetune_end_child(finetune);
    *job = next;
    return true;
}

bool finetune_cancel(struct finetune *finetune, const char *id, size_t id_bytes,
                     struct finetune_job *job, struct err *err)
{
    pthread_mutex_lock(&finetune->mutex);
    bool done = store_check(finetune, err);
    if (done) {
        const size_t at = store_job_at(finetune, id, id_bytes);
        done = at < finetune->n_jobs ? cancel(finetune, finetune->jobs[at], err)
                                     : no_job(id, id_bytes, err);
        if (done) *job = *finetune->jobs[at];
    }
    pthread_mutex_unlock(&finetune->mutex);
    return done;
}

/* The mutex is held. */
static bool drop_model(struct finetune *finetune, const char *name, size_t bytes, struct err *err)
{
    if (!store_check(finetune, err)) return false;
    for (size_t i = 0; i < finetune->n_jobs; i++) {
        struct finetune_job *job = finetune->jobs[i];
        if (!job->has_model || job->status <= FINETUNE_RUNNING ||
            strlen(job->order.name) != bytes || memcmp(job->order.name, name, bytes) != 0)
            continue;
        store_clean(finetune, job, false);
        store_look(finetune, job);
        store_note(job, false, "the model was deleted");
        return !job->has_model ? store_save_job(finetune, job, err)
                               : err_set(err, ERR_IO, NULL,
                                         "the files of model %.*s cannot be "
                                         "deleted; see the data folder",
                                         (int)bytes, name);
    }
    return err_set(err, ERR_NOT_FOUND, "model",
                   "there is no model \"%.*s\" that was trained here; only such can be deleted",
                   (int)utf8_cut(name, bytes, ERR_VALUE_BYTES), name);
}

bool finetune_delete_model(struct finetune *finetune, const char *name, size_t name_bytes,
                           struct err *err)
{
    pthread_mutex_lock(&finetune->mutex);
    const bool done = drop_model(finetune, name, name_bytes, err);
    pthread_mutex_unlock(&finetune->mutex);
    return done && finetune->host.serve(finetune->host.user, err);
}

void finetune_report_path(const struct finetune *finetune, const char *job, bool is_html,
                          char *path, size_t bytes)
{
    snprintf(path, bytes, "%s/jobs/%s/report.%s", finetune->folder, job, is_html ? "html" : "json");
}
