/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file finetune.h
 * Files that clients upload and the trainings (jobs) that they ask for, in a data folder that one
 * process at a time has (flock):
 *
 *     lock                            whose folder it is
 *     files/file-ID                   an uploaded file, as it came
 *     files/file-ID.json              its name and date
 *     jobs/ftjob-ID/job.json          what was asked for, and how far it has come
 *     jobs/ftjob-ID/ft:BASE:SUFFIX:ID the model, once it is whole (embedd train writes it)
 *     jobs/ftjob-ID/report.{json,html}  by the validation file
 *     jobs/ftjob-ID/train.log         what the training said
 *
 * Everything is written beside its place and renamed. A client's words are in no path: names of
 * files are data, ids are made here. A model's folder being there is what makes it served, at every
 * start (finetune_each_model); job.json follows.
 *
 * One job runs at a time, by a process of its own (launcher.h). A job that was running when the
 * service ended is run again, and goes on from the training's last checkpoint; after
 * FINETUNE_STARTS_MAX ends that were not in order it has failed.
 *
 * Any thread may call all functions but those that say otherwise; they wait for the disk.
 */
#pragma once

#include "base/err.h"
#include "finetune/job.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct finetune;

/** finetune_make_folders makes those of a data folder, and itself where only that is missing;
 * ERR_IO.
 */
bool finetune_make_folders(const char *folder, struct err *err);

/**
 * finetune_new takes the data folder over, unless another process has it: then later, when that has
 * ended.
 * @param launcher the socket to the process that trains (launcher.h), which is closed in the end
 * @return NULL with ERR_MEMORY
 */
struct finetune *finetune_new(const char *folder, const struct finetune_limits *limits,
                              int launcher, struct err *err);

/** finetune_start begins with the jobs, by a thread of its own. False: there is none. */
bool finetune_start(struct finetune *finetune, const struct finetune_host *host);

/** finetune_stop: no job is begun any more, and the one that runs waits for another process. It
 * returns at once; twice is fine. */
void finetune_stop(struct finetune *finetune);

/** finetune_is_busy: whether its thread runs still. */
bool finetune_is_busy(struct finetune *finetune);

/** finetune_free stops and waits. NULL is fine. */
void finetune_free(struct finetune *finetune);

/** finetune_folder: as it was given. */
const char *finetune_folder(const struct finetune *finetune);

/** finetune_limits_of: constant. */
const struct finetune_limits *finetune_limits_of(const struct finetune *finetune);

/** finetune_each_model calls `take` with the path and the name of each model in a data folder,
 * whoever has it; needs no struct finetune. False: `take` said so. A folder that cannot be read has
 * none. */
bool finetune_each_model(const char *folder,
                         bool (*take)(void *user, const char *path, const char *name), void *user);

/* ---- files ---- */

/** finetune_add_file keeps `data`; ERR_INVALID, ERR_TOO_LARGE at a limit, ERR_IO of a full disk,
 * ERR_UNAVAILABLE while another process has the folder (as all that follow). */
bool finetune_add_file(struct finetune *finetune, const char *name, size_t name_bytes,
                       const char *data, size_t bytes, struct finetune_file *file, struct err *err);

/** finetune_file: the file of that id; ERR_NOT_FOUND. */
bool finetune_file(struct finetune *finetune, const char *id, size_t id_bytes,
                   struct finetune_file *file, struct err *err);

/** finetune_delete_file: ERR_NOT_FOUND, or ERR_CONFLICT while a job needs it. */
bool finetune_delete_file(struct finetune *finetune, const char *id, size_t id_bytes,
                          struct err *err);

/** finetune_each_file calls `take` for each, the newest first, with a lock held: it does nothing
 * that takes long. False with err set, or where `take` says so. */
bool finetune_each_file(struct finetune *finetune,
                        bool (*take)(void *user, const struct finetune_file *file), void *user,
                        struct err *err);

/** finetune_file_path: where its bytes are. */
void finetune_file_path(const struct finetune *finetune, const char *id, char *path, size_t bytes);

/* ---- jobs ---- */

/**
 * finetune_add_job queues one. Of `job` the order but for its id and name, base and suffix are
 * read; it is filled in.
 * @return false with ERR_INVALID (a file that is not there; a suffix that cannot be one),
 * ERR_TOO_LARGE (a limit) or ERR_IO
 */
bool finetune_add_job(struct finetune *finetune, struct finetune_job *job, struct err *err);

/** finetune_job: the job of that id, of which `job` becomes a copy; ERR_NOT_FOUND. */
bool finetune_job(struct finetune *finetune, const char *id, size_t id_bytes,
                  struct finetune_job *job, struct err *err);

/** finetune_each_job: as finetune_each_file. */
bool finetune_each_job(struct finetune *finetune,
                       bool (*take)(void *user, const struct finetune_job *job), void *user,
                       struct err *err);

/** finetune_cancel: ERR_NOT_FOUND, or ERR_INVALID: it has ended. One that runs is cancelled a
 * moment later. */
bool finetune_cancel(struct finetune *finetune, const char *id, size_t id_bytes,
                     struct finetune_job *job, struct err *err);

/** finetune_delete_model: it is served no more, and its bytes are free. ERR_NOT_FOUND. */
bool finetune_delete_model(struct finetune *finetune, const char *name, size_t name_bytes,
                           struct err *err);

/** finetune_report_path: of a job that has_report. */
void finetune_report_path(const struct finetune *finetune, const char *job, bool is_html,
                          char *path, size_t bytes);
