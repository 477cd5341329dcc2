/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file launcher.h
 * The process that starts trainings. A service that is confined (base/confine.h) can start no
 * program: this one is forked from it before it reads a model, a key or a byte of a client. It is
 * told which job to train, by ids and numbers, never by a command line, and makes the command lines
 * itself: `embedd train` and `embedd eval` of the very program that serves, with capped memory
 * (RLIMIT_DATA) and the lowest priority (nice 19, SCHED_BATCH, idle disk). It may write into the
 * data folder and nowhere else, and open no connection. When the service ends, however it does, so
 * do the launcher and what it started.
 *
 * Main thread only, before there are others; the messages are for one thread at each end.
 */
#pragma once

#include "base/err.h"
#include "finetune/job.h"

#include <stdbool.h>
#include <stddef.h>

/** What a training is told beside its order. */
struct launcher_settings {
    const char *folder; /* of the data */
    uint64_t memory_bytes, threads;
    bool is_confined;
    const char *tensor, *compat; /* as flags have them; NULL: not given */
    uint64_t limit;              /* 0: none */
};

/** To the launcher. */
struct launcher_message {
    bool ends; /* what runs is killed; otherwise: train this */
    struct finetune_order order;
};

/** What was run of a job, in this order. */
enum launcher_step { LAUNCHER_TRAIN, LAUNCHER_REPORT_JSON, LAUNCHER_REPORT_HTML, LAUNCHER_STEPS };

/** From the launcher, when a job has ended. */
struct launcher_result {
    enum launcher_step step; /* the last that was run */
    int status;              /* its wait status; -1: it could not be started */
    int failure;             /* errno of that */
};

/** launcher_start forks it; the socket to it, or -1 with ERR_IO. */
int launcher_start(const struct launcher_settings *settings, struct err *err);
