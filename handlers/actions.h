/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file actions.h
 * What an operator's request may have the server do: functions of the server's, for the handlers,
 * which know no server. Any thread may call them.
 */
#pragma once

#include "base/err.h"
#include "model/changes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Options, models, keys, certificates, and as many more. */
#define RELOAD_PARTS_MAX 8

/** What a reload did; of the thread that asked for it. */
struct reload_report {
    uint64_t duration_ns;
    struct model_changes models;
    struct reload_result {
        const char *name; /* "models" */
        bool is_done;
        char error[512]; /* a sentence; "": it is done */
    } parts[RELOAD_PARTS_MAX];
    size_t n_parts;
};

/** reload_report_clear frees what it holds. */
static inline void reload_report_clear(struct reload_report *report)
{
    model_changes_clear(&report->models);
}

struct service_actions {
    /* Reads anew what can change while requests are answered, and returns when that is done; may
       take as long as opening all models. `report` is empty, and the caller's to clear. False with
       ERR_CONFLICT (it is being done already) or ERR_UNAVAILABLE (the end has begun). */
    bool (*reload)(void *user, struct reload_report *report, struct err *err);
    void *user;
};
