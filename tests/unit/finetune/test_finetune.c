/* SPDX-License-Identifier: Apache-2.0 */
/* Files and jobs in a folder, with a launcher that the test plays itself. */
#include "finetune/finetune.h"
#include "finetune/launcher.h"
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct finetune_limits limits = {
    .file_bytes = 100, .files = 3, .jobs = 3, .data_bytes = 250};

static char folder[64];
static int launcher; /* the test's end */

static struct finetune *open_folder(void)
{
    int ends[2];
    struct err err = {0};
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    launcher = ends[1];
    if (!finetune_make_folders(folder, &err)) fail_msg("%s", err.message);
    struct finetune *finetune = finetune_new(folder, &limits, ends[0], &err);
    if (!finetune) fail_msg("%s", err.message);
    return finetune;
}

static void close_folder(struct finetune *finetune)
{
    finetune_free(finetune);
    close(launcher);
}

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/finetune-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

static struct finetune_file add(struct finetune *finetune, const char *data)
{
    struct finetune_file file;
    struct err err = {0};
    if (!finetune_add_file(finetune, "../a\"b", 6, data, strlen(data), &file, &err))
        fail_msg("%s", err.message);
    return file;
}

static struct finetune_job order(const struct finetune_file *file)
{
    struct finetune_job job = {.order.seed = 7};
    strcpy(job.order.training_file, file->id);
    strcpy(job.order.from, "builtin");
    strcpy(job.base, "a/b");
    strcpy(job.suffix, "s");
    return job;
}

static struct finetune_job queue(struct finetune *finetune, const struct finetune_file *file)
{
    struct err err = {0};
    struct finetune_job job = order(file);
    if (!finetune_add_job(finetune, &job, &err)) fail_msg("%s", err.message);
    return job;
}

static struct finetune_job look(struct finetune *finetune, const struct finetune_job *job)
{
    struct finetune_job now;
    struct err err = {0};
    if (!finetune_job(finetune, job->order.job, strlen(job->order.job), &now, &err))
        fail_msg("%s", err.message);
    return now;
}

static void assert_refused(bool done, const struct err *err, enum err_code code, const char *words)
{
    assert_false(done);
    if (err->code != code || !strstr(err->message, words))
        fail_msg("%d %s", err->code, err->message);
}

static void files_survive(void **state)
{
    (void)state;
    struct finetune *finetune = open_folder();
    const struct finetune_file file = add(finetune, "text,label\na,b\n");
    close_folder(finetune);
    finetune = open_folder();
    struct finetune_file found;
    struct err err;
    assert_true(finetune_file(finetune, file.id, strlen(file.id), &found, &err));
    assert_string_equal(found.name, "../a\"b");
    assert_int_equal(found.bytes, file.bytes);
    assert_int_equal(found.created_s, file.created_s);
    assert_true(finetune_delete_file(finetune, file.id, strlen(file.id), &err));
    assert_refused(finetune_file(finetune, file.id, strlen(file.id), &found, &err), &err,
                   ERR_NOT_FOUND, "there is no file");
    close_folder(finetune);
}

static void limits_are_named(void **state)
{
    (void)state;
    struct finetune *finetune = open_folder();
    struct finetune_file file;
    struct err err;
    char data[101];
    memset(data, 'a', sizeof data);
    assert_refused(finetune_add_file(finetune, "a", 1, data, 0, &file, &err), &err, ERR_INVALID,
                   "file is empty");
    assert_refused(finetune_add_file(finetune, "a", 1, data, 101, &file, &err), &err, ERR_TOO_LARGE,
                   "max-file-bytes");
    assert_true(finetune_add_file(finetune, "a", 1, data, 100, &file, &err));
    assert_true(finetune_add_file(finetune, "a", 1, data, 100, &file, &err));
    assert_refused(finetune_add_file(finetune, "a", 1, data, 100, &file, &err), &err, ERR_TOO_LARGE,
                   "max-data-bytes");
    assert_true(finetune_add_file(finetune, "a", 1, data, 10, &file, &err));
    const struct finetune_file last = file;
    assert_refused(finetune_add_file(finetune, "a", 1, data, 10, &file, &err), &err, ERR_INVALID,
                   "max-files");
    for (size_t i = 0; i < 3; i++)
        queue(finetune, &last);
    struct finetune_job job = order(&last);
    assert_refused(finetune_add_job(finetune, &job, &err), &err, ERR_INVALID, "max-jobs");
    close_folder(finetune);
}

static void a_folder_has_one_process(void **state)
{
    (void)state;
    struct finetune *finetune = open_folder();
    const int mine = launcher;
    struct finetune *other = open_folder();
    struct finetune_file file;
    struct err err;
    assert_refused(finetune_add_file(other, "a", 1, "b", 1, &file, &err), &err, ERR_UNAVAILABLE,
                   "another process has it");
    close_folder(other);
    launcher = mine;
    close_folder(finetune);
}

static void jobs_are_named_and_cancelled(void **state)
{
    (void)state;
    struct finetune *finetune = open_folder();
    const struct finetune_file file = add(finetune, "x");
    struct finetune_job job = queue(finetune, &file);
    struct err err;
    char name[64];
    snprintf(name, sizeof name, "ft:a-b:s:%.8s", job.order.job + strlen("ftjob-"));
    assert_string_equal(job.order.name, name);
    assert_refused(finetune_delete_file(finetune, file.id, strlen(file.id), &err), &err,
                   ERR_CONFLICT, job.order.job);
    struct finetune_job bad = order(&file);
    strcpy(bad.suffix, "a:b");
    assert_refused(finetune_add_job(finetune, &bad, &err), &err, ERR_INVALID, "suffix");
    bad = order(&file);
    strcpy(bad.order.validation_file, "file-0");
    assert_refused(finetune_add_job(finetune, &bad, &err), &err, ERR_INVALID, "file-0");
    assert_true(finetune_cancel(finetune, job.order.job, strlen(job.order.job), &job, &err));
    assert_int_equal(job.status, FINETUNE_CANCELLED);
    assert_refused(finetune_cancel(finetune, job.order.job, strlen(job.order.job), &job, &err),
                   &err, ERR_INVALID, "ended already");
    close_folder(finetune);
    finetune = open_folder();
    const struct finetune_job again = look(finetune, &job);
    assert_int_equal(again.status, FINETUNE_CANCELLED);
    assert_int_equal(again.order.seed, 7);
    assert_int_equal(again.n_events, job.n_events);
    assert_string_equal(again.events[0].message, "the job waits for its turn");
    close_folder(finetune);
}

/* ---- with a launcher ---- */

static bool serve(void *user, struct err *err)
{
    (void)err;
    ++*(int *)user;
    return true;
}

static void end(void *user)
{
    (void)user;
}

static void wait_for(struct finetune *finetune, const struct finetune_job *job,
                     enum finetune_status status)
{
    for (int i = 0; i < 60000 && look(finetune, job).status != status; i++)
        usleep(1000);
    assert_int_equal(look(finetune, job).status, status);
}

static void begin(struct finetune *finetune, int *n_served, const struct finetune_job *job)
{
    struct launcher_message message;
    const struct finetune_host host = {serve, end, n_served};
    assert_true(finetune_start(finetune, &host));
    assert_int_equal(recv(launcher, &message, sizeof message, 0), sizeof message);
    assert_false(message.ends);
    assert_string_equal(message.order.job, job->order.job);
}

static void tell(int status)
{
    const struct launcher_result result = {LAUNCHER_TRAIN, status, 0};
    assert_int_equal(send(launcher, &result, sizeof result, 0), sizeof result);
}

static void make_model(const struct finetune_job *job)
{
    char path[512];
    snprintf(path, sizeof path, "%s/jobs/%s/%s", folder, job->order.job, job->order.name);
    assert_int_equal(mkdir(path, 0777), 0);
}

static bool count_model(void *user, const char *path, const char *name)
{
    (void)path;
    assert_memory_equal(name, "ft:", 3);
    ++*(int *)user;
    return true;
}

static int n_models(void)
{
    int n = 0;
    assert_true(finetune_each_model(folder, count_model, &n));
    return n;
}

static void a_job_succeeds_and_its_model_is_deleted(void **state)
{
    (void)state;
    struct finetune *finetune = open_folder();
    const struct finetune_file file = add(finetune, "x");
    const struct finetune_job job = queue(finetune, &file);
    struct err err;
    int n_served = 0;
    begin(finetune, &n_served, &job);
    make_model(&job);
    tell(0);
    wait_for(finetune, &job, FINETUNE_SUCCEEDED);
    assert_int_equal(n_served, 1);
    assert_int_equal(n_models(), 1);
    assert_true(finetune_delete_model(finetune, job.order.name, strlen(job.order.name), &err));
    assert_int_equal(n_served, 2);
    assert_int_equal(n_models(), 0);
    close_folder(finetune);
}

static void a_job_fails_with_the_sentence_of_its_log(void **state)
{
    (void)state;
    struct finetune *finetune = open_folder();
    const struct finetune_file file = add(finetune, "x");
    const struct finetune_job job = queue(finetune, &file);
    char path[256];
    int n_served = 0;
    begin(finetune, &n_served, &job);
    snprintf(path, sizeof path, "%s/jobs/%s/train.log", folder, job.order.job);
    FILE *log = fopen(path, "w");
    fprintf(log, "warning: a\nembedd: warning: b\nembedd train: files/%s, line 2: no\nmore\n",
            file.id);
    fclose(log);
    tell(1 << 8);
    wait_for(finetune, &job, FINETUNE_FAILED);
    const struct finetune_job ended = look(finetune, &job);
    snprintf(path, sizeof path, "%s, line 2: no", file.id);
    assert_string_equal(ended.error, path);
    assert_string_equal(ended.error_param, "training_file");
    close_folder(finetune);
}

static void a_job_that_was_running_is_run_again_unless_it_was_done(void **state)
{
    (void)state;
    struct finetune *finetune = open_folder();
    const struct finetune_file file = add(finetune, "x");
    const struct finetune_job job = queue(finetune, &file);
    int n_served = 0;
    begin(finetune, &n_served, &job);
    finetune_stop(finetune);
    struct launcher_message message;
    assert_int_equal(recv(launcher, &message, sizeof message, 0), sizeof message);
    assert_true(message.ends);
    tell(9);
    close_folder(finetune);
    finetune = open_folder();
    assert_int_equal(look(finetune, &job).status, FINETUNE_QUEUED);
    assert_int_equal(look(finetune, &job).starts, 0);
    close_folder(finetune);
}

static void a_launcher_that_has_ended_is_said(void **state)
{
    (void)state;
    struct finetune *finetune = open_folder();
    const struct finetune_file file = add(finetune, "x");
    const struct finetune_job job = queue(finetune, &file);
    int n_served = 0;
    begin(finetune, &n_served, &job);
    shutdown(launcher, SHUT_RDWR);
    wait_for(finetune, &job, FINETUNE_FAILED);
    assert_non_null(strstr(look(finetune, &job).error, "restart the service"));
    close_folder(finetune);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(files_survive),
        TEST(limits_are_named),
        TEST(a_folder_has_one_process),
        TEST(jobs_are_named_and_cancelled),
        TEST(a_job_succeeds_and_its_model_is_deleted),
        TEST(a_job_fails_with_the_sentence_of_its_log),
        TEST(a_job_that_was_running_is_run_again_unless_it_was_done),
        TEST(a_launcher_that_has_ended_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
