/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the jobs, one at a time: hands each to the launcher and says what became of it. */
#include "base/file.h"
#include "base/log.h"
#include "finetune/launcher.h"
#include "finetune/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* How often a folder that another process has is asked for. */
#define RETRY_S 1
/* Of what a training said, the end. */
#define LOG_BYTES_MAX ((size_t)1 << 20)

/* ---- the launcher ---- */

void finetune_end_child(struct finetune *finetune)
{
    const struct launcher_message message = {.ends = true};
    if (finetune->launcher >= 0)
        send(finetune->launcher, &message, sizeof message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* The mutex is held while it is told: what ends a job comes after what begins it. False: the
   launcher has ended. */
static bool train(struct finetune *finetune, const struct finetune_order *order,
                  struct launcher_result *result)
{
    const struct launcher_message message = {.order = *order};
    const int launcher = finetune->launcher;
    if (launcher < 0 || send(launcher, &message, sizeof message, MSG_NOSIGNAL) < 0) return false;
    ssize_t n;
    pthread_mutex_unlock(&finetune->mutex);
    do
        n = recv(launcher, result, sizeof *result, 0);
    while (n < 0 && errno == EINTR);
    pthread_mutex_lock(&finetune->mutex);
    return n == (ssize_t)sizeof *result;
}

/* ---- what went wrong ---- */

static void fail(struct finetune_job *job, const char *code, const char *param, const char *message)
{
    job->status = FINETUNE_FAILED;
    snprintf(job->error_code, sizeof job->error_code, "%s", code);
    snprintf(job->error_param, sizeof job->error_param, "%s", param);
    snprintf(job->error, sizeof job->error, "%s", message);
    store_note(job, true, "%s", job->error);
}

/* Files are named as the client knows them: by their id. */
static void drop_folders(char *text)
{
    for (char *at; (at = strstr(text, "files/file-"));)
        memmove(at, at + 6, strlen(at + 6) + 1);
}

/* The last sentence that a command wrote into its log: "embedd train: SENTENCE". */
static bool read_sentence(const struct finetune *finetune, const struct finetune_job *job,
                          char *out, size_t bytes)
{
    char path[STORE_PATH_BYTES], *data, *found = NULL;
    size_t n;
    struct err err;
    store_path(finetune, path, "jobs", job->order.job, "train.log");
    if (!file_read(path, LOG_BYTES_MAX, &data, &n, &err)) return false;
    for (char *at = data; (at = strstr(at, "embedd ")); at++)
        if ((at == data || at[-1] == '\n') && strncmp(at, "embedd: ", 8) != 0) found = at;
    char *colon = found ? strstr(found, ": ") : NULL;
    if (colon) {
        colon[strcspn(colon, "\n")] = '\0';
        drop_folders(colon);
        snprintf(out, bytes, "%s", colon + 2);
    }
    free(data);
    return colon;
}

static const char *param_of(const struct finetune_job *job, const char *sentence)
{
    const char *validation = job->order.validation_file;
    return validation[0] && strstr(sentence, validation) ? "validation_file" : "training_file";
}

static void fail_training(const struct finetune *finetune, struct finetune_job *job, int status)
{
    char sentence[400];
    if (WIFEXITED(status) && read_sentence(finetune, job, sentence, sizeof sentence)) {
        fail(job, "training_failed", param_of(job, sentence), sentence);
    } else if (WIFSIGNALED(status)) {
        snprintf(sentence, sizeof sentence,
                 "the training was ended by a signal (%s), perhaps for want of memory; see "
                 "training-memory, or create the job again with fewer rows",
                 strsignal(WTERMSIG(status)));
        fail(job, "training_killed", "training_file", sentence);
    } else {
        snprintf(sentence, sizeof sentence, "the training ended with exit code %d without a word",
                 WIFEXITED(status) ? WEXITSTATUS(status) : -1);
        fail(job, "training_failed", "training_file", sentence);
    }
}

/* The model is there all the same. */
static void note_report(const struct finetune *finetune, struct finetune_job *job)
{
    char sentence[250];
    if (!read_sentence(finetune, job, sentence, sizeof sentence))
        snprintf(sentence, sizeof sentence, "embedd eval was ended");
    store_note(job, true, "there is no report: %s", sentence);
}

/* ---- one job ---- */

static void save(struct finetune *finetune, struct finetune_job *job)
{
    struct err err;
    if (!store_save_job(finetune, job, &err)) log_error("data-dir: %s", err.message);
}

static void finish(struct finetune *finetune, struct finetune_job *job)
{
    const bool is_done = job->status == FINETUNE_SUCCEEDED;
    store_clean(finetune, job, is_done);
    store_look(finetune, job);
    job->finished_s = (int64_t)time(NULL);
    save(finetune, job);
    log_info("job %s: %s%s%s", job->order.job, finetune_status_names[job->status],
             job->error[0] ? ": " : "", job->error);
}

/* The mutex is held. What the training left says what became of it. */
static void judge(struct finetune *finetune, struct finetune_job *job, bool has_launcher,
                  const struct launcher_result *result)
{
    store_look(finetune, job);
    if (job->is_cancelled) {
        job->status = FINETUNE_CANCELLED;
        store_note(job, false, "the job was cancelled");
    } else if (finetune->is_stopping && result->status != 0) {
        job->status = FINETUNE_QUEUED;
        job->starts--; /* an end in good order is nobody's fault */
        store_note(job, false, "%s", FINETUNE_INTERRUPTED);
    } else if (job->has_model && (result->step > LAUNCHER_TRAIN || result->status == 0)) {
        if (has_launcher && result->step > LAUNCHER_TRAIN && result->status != 0)
            note_report(finetune, job);
        job->status = FINETUNE_SUCCEEDED;
    } else if (!has_launcher) {
        fail(job, "training_failed", "",
             "the process that trains has ended; restart the service, "
             "and create the job again");
    } else if (result->status == -1) {
        char sentence[200];
        snprintf(sentence, sizeof sentence, "the training could not be started: %s",
                 strerror(result->failure));
        fail(job, "training_failed", "", sentence);
    } else {
        fail_training(finetune, job, result->status);
    }
}

static void begin(struct finetune *finetune, struct finetune_job *job)
{
    job->status = FINETUNE_RUNNING;
    job->starts++;
    if (!job->started_s) job->started_s = (int64_t)time(NULL);
    store_note(job, false, "the training has begun");
    save(finetune, job);
    log_info("job %s: training %s", job->order.job, job->order.name);
}

/* Has what there is now served, the mutex not being held. */
static bool serve(struct finetune *finetune, struct err *err)
{
    pthread_mutex_unlock(&finetune->mutex);
    const bool is_done = finetune->host.serve(finetune->host.user, err);
    pthread_mutex_lock(&finetune->mutex);
    return is_done;
}

/* Seen as running until it can be asked. */
static void serve_model(struct finetune *finetune, struct finetune_job *job)
{
    struct err err;
    job->status = FINETUNE_RUNNING;
    const bool is_served = serve(finetune, &err);
    job->status = FINETUNE_SUCCEEDED;
    if (is_served)
        store_note(job, false, "the model is ready");
    else
        store_note(job, true, "the model is made, but not served: %.200s", err.message);
    finish(finetune, job);
}

/* The mutex is held, but not while something runs. `job` stays: none that runs is forgotten. */
static void run_job(struct finetune *finetune, struct finetune_job *job)
{
    struct launcher_result result = {.status = -1};
    const struct finetune_order order = job->order;
    struct err err;
    begin(finetune, job);
    const bool has_launcher = train(finetune, &order, &result);
    if (!has_launcher && finetune->launcher >= 0) {
        close(finetune->launcher);
        finetune->launcher = -1;
    }
    judge(finetune, job, has_launcher, &result);
    if (job->status == FINETUNE_QUEUED) {
        save(finetune, job);
    } else if (job->status == FINETUNE_SUCCEEDED) {
        serve_model(finetune, job);
    } else {
        finish(finetune, job);
        serve(finetune, &err); /* a reload may have come upon a model that is not to be */
    }
}

/* ---- the thread ---- */

/* The one that has waited longest; NULL: none. The mutex is held. */
static struct finetune_job *next_job(const struct finetune *finetune)
{
    for (size_t i = 0; i < finetune->n_jobs; i++)
        if (finetune->jobs[i]->status == FINETUNE_QUEUED) return finetune->jobs[i];
    return NULL;
}

static void wait_a_while(struct finetune *finetune)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += RETRY_S;
    pthread_cond_timedwait(&finetune->news, &finetune->mutex, &until);
}

static void take_turn(struct finetune *finetune)
{
    struct err err;
    if (!store_open(finetune, &err)) {
        wait_a_while(finetune);
        return;
    }
    struct finetune_job *job = next_job(finetune);
    if (!job) {
        pthread_cond_wait(&finetune->news, &finetune->mutex);
        return;
    }
    if (job->starts < FINETUNE_STARTS_MAX) {
        run_job(finetune, job);
        return;
    }
    fail(job, "training_failed", "",
         "the service ended three times while this job ran; create it again if that had another "
         "reason");
    finish(finetune, job);
}

void *finetune_run(void *user)
{
    struct finetune *finetune = user;
    pthread_mutex_lock(&finetune->mutex);
    while (!finetune->is_stopping)
        take_turn(finetune);
    store_close(finetune); /* for the process that comes after this one */
    finetune->is_busy = false;
    finetune->host.end(finetune->host.user); /* whoever hears of it may take the host away */
    pthread_mutex_unlock(&finetune->mutex);
    return NULL;
}
