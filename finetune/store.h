/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file store.h
 * What finetune.c, files.c, jobs.c and runner.c share: the state in memory, and its copy on the
 * disk (store.c). Internal to them. `mutex` guards all that is not constant; functions of store.c
 * are called with it held, unless they say otherwise.
 */
#pragma once

#include "finetune/job.h"

#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

/** Of a path in the data folder. */
#define STORE_PATH_BYTES (PATH_MAX + NAME_MAX + 2)

/** What is noted of a job that is run again. */
#define FINETUNE_INTERRUPTED                                                                       \
    "the service ended while the job ran: it is run again, and goes on from its last checkpoint"

struct finetune {
    char folder[PATH_MAX - 600];
    struct finetune_limits limits;
    int launcher; /* -1: it has ended */

    pthread_mutex_t mutex;
    pthread_cond_t news; /* for the runner's thread */
    int lock;            /* of the folder; -1: it is another process's */
    bool is_open;        /* what is in it has been read */
    bool is_stopping;
    struct finetune_file *files; /* (n_files) the oldest first */
    size_t n_files, files_cap;
    struct finetune_job **jobs; /* (n_jobs) the oldest first */
    size_t n_jobs, jobs_cap;

    struct finetune_host host;
    pthread_t thread;
    bool has_thread, is_busy;
};

/** store_path writes "FOLDER/KIND/NAME[/FILE]"; kind "files" or "jobs", file NULL: without. */
void store_path(const struct finetune *finetune, char path[static STORE_PATH_BYTES],
                const char *kind, const char *name, const char *file);

/** store_make_folders: as finetune_make_folders. */
bool store_make_folders(const char *folder, struct err *err);

/** store_open takes the folder over and reads it, unless that is done; false with ERR_UNAVAILABLE:
 * another process has it, or it is to end. Not on a thread of requests: it reads JSON. */
bool store_open(struct finetune *finetune, struct err *err);

/** store_check: whether store_open has been done; false as there. */
bool store_check(const struct finetune *finetune, struct err *err);

/** store_close gives it up, with what was read. */
void store_close(struct finetune *finetune);

/** store_new_id writes PREFIX and 24 random hexadecimal digits. */
bool store_new_id(char id[static FINETUNE_ID_BYTES], const char *prefix, struct err *err);

/** store_write writes a whole file, or nothing; ERR_IO. Without the mutex, too. */
bool store_write(const char *path, const void *data, size_t bytes, struct err *err);

/** store_save_file, store_save_job write the JSON of one. */
bool store_save_file(struct finetune *finetune, const struct finetune_file *file, struct err *err);
bool store_save_job(struct finetune *finetune, const struct finetune_job *job, struct err *err);

/** store_file_at, store_job_at: where it is in the list; the length of the list: nowhere. */
size_t store_file_at(const struct finetune *finetune, const char *id, size_t bytes);
size_t store_job_at(const struct finetune *finetune, const char *id, size_t bytes);

/** store_put_file, store_put_job append a copy; false: ERR_MEMORY. */
bool store_put_file(struct finetune *finetune, const struct finetune_file *file, struct err *err);
bool store_put_job(struct finetune *finetune, const struct finetune_job *job, struct err *err);

/** store_bytes: of all files and of what jobs have left. */
uint64_t store_bytes(const struct finetune *finetune);

/** store_note adds an event to a job; the second newest goes where there are too many. */
void store_note(struct finetune_job *job, bool is_error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** store_look says of a job what is in its folder: has_model, has_report, bytes. */
void store_look(const struct finetune *finetune, struct finetune_job *job);

/** store_remove removes a file, or a folder and what is in it, links themselves and not what they
 * lead to. What is not there is fine. False: not all of it; errno. Without the mutex, too. */
bool store_remove(const char *path);

/** store_clean removes of an ended job what nobody needs: a model that is not to be, checkpoints.
 */
void store_clean(const struct finetune *finetune, const struct finetune_job *job, bool keeps_model);

/** finetune_run is the runner's thread; runner.c. */
void *finetune_run(void *finetune);

/** finetune_end_child has what runs killed; with the mutex. */
void finetune_end_child(struct finetune *finetune);
