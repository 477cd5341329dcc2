/* SPDX-License-Identifier: Apache-2.0 */
/** @file job.h  Files and jobs as plain data, and what a service does for them (finetune.h). Copies
 * are their holder's; any thread. */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FINETUNE_ID_BYTES 40
#define FINETUNE_TEXT_BYTES 256
#define FINETUNE_SUFFIX_BYTES 64
#define FINETUNE_EVENTS_MAX 24
#define FINETUNE_STARTS_MAX 3

/** Each of them is an option. */
struct finetune_limits {
    uint64_t file_bytes; /* max-file-bytes: of one file */
    uint64_t files;      /* max-files: how many */
    uint64_t jobs;       /* max-jobs: that are kept, ended ones too */
    uint64_t data_bytes; /* max-data-bytes: of files and models together */
};

struct finetune_file {
    char id[FINETUNE_ID_BYTES];
    char name[FINETUNE_TEXT_BYTES]; /* as the client calls it */
    uint64_t bytes;
    int64_t created_s;
};

enum finetune_status {
    FINETUNE_QUEUED,
    FINETUNE_RUNNING,
    FINETUNE_SUCCEEDED,
    FINETUNE_FAILED,
    FINETUNE_CANCELLED,
    FINETUNE_STATUSES
};

/** "queued", "running", "succeeded", "failed", "cancelled". */
extern const char *const finetune_status_names[FINETUNE_STATUSES];

/** What is trained. Plain bytes: it goes to the launcher as it is. */
struct finetune_order {
    char job[FINETUNE_ID_BYTES];
    char training_file[FINETUNE_ID_BYTES], validation_file[FINETUNE_ID_BYTES]; /* "": none */
    bool is_from_trained;           /* that was trained here */
    char from[1024];                /* the model to start from: a path, or "builtin" */
    char name[FINETUNE_TEXT_BYTES]; /* of the model */
    uint64_t seed, epochs;          /* epochs 0: by the rows */
    double rate_multiplier;         /* of the learning rate; 0: as it is */
};

struct finetune_event {
    int64_t at_s;
    bool is_error;
    char message[300];
};

struct finetune_job {
    struct finetune_order order;
    char base[FINETUNE_TEXT_BYTES]; /* the model that was asked for, by its name */
    char suffix[FINETUNE_SUFFIX_BYTES + 1];
    enum finetune_status status;
    bool is_cancelled; /* it runs still, not for long */
    bool has_model, has_report;
    int64_t created_s, started_s, finished_s;          /* 0: not yet */
    uint64_t number;                                   /* 1, 2, 3 ... in the order of creation */
    uint64_t starts;                                   /* begun, and not ended in good order */
    uint64_t bytes;                                    /* of its folder, once it has ended */
    char error_code[32], error_param[32], error[512];  /* of one that failed */
    struct finetune_event events[FINETUNE_EVENTS_MAX]; /* (n_events) the oldest first */
    size_t n_events;
};

/** What the service does for the jobs. */
struct finetune_host {
    /** serve has the models that are in the folder now served, no others; on any thread. False with
     * err set: one could not be opened. */
    bool (*serve)(void *user, struct err *err);
    /** end: finetune_is_busy will say something else in a moment; any thread, with a lock held: it
     * asks nothing of finetune.h. */
    void (*end)(void *user);
    void *user;
};
