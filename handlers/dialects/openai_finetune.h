/* SPDX-License-Identifier: Apache-2.0 */
/** @file openai_finetune.h  What OpenAI's routes of files and of fine-tuning share. Works on one
 * exchange, which one thread has at a time. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "handlers/exchange.h"

#include <stdbool.h>
#include <stddef.h>

/** finetune_begin: whether the service takes files and jobs, from whoever asks, here and now: all
 * of it waits for the disk, so it is done beside the loops. False with ERR_NOT_FOUND, ERR_FORBIDDEN
 * or x->is_deferred. */
bool finetune_begin(struct exchange *x, struct err *err);

/** A list, page by page: {"object":"list","data":[...],"first_id","last_id","has_more"}. */
struct finetune_page {
    struct exchange *x;
    struct buf out;
    size_t limit, n;
    bool is_past; /* what `after` names has been seen */
    bool has_more;
    char first[64], last[64];
};

/** finetune_page_begin reads x->query (limit from 1 to `max`, after) and begins the list, in the
 * exchange's arena. */
bool finetune_page_begin(struct finetune_page *page, struct exchange *x, size_t limit, size_t max,
                         struct err *err);

/** finetune_page_has: whether the item of that id belongs on the page, the comma being written. */
bool finetune_page_has(struct finetune_page *page, const char *id);

/** finetune_page_check: ERR_INVALID where `after` names nothing. */
bool finetune_page_check(const struct finetune_page *page, struct err *err);

/** finetune_page_reply ends the list and replies with it; not `done`: with the error, whether the
 * page was begun or not. */
void finetune_page_reply(struct exchange *x, struct finetune_page *page, bool done,
                         const struct err *err);

/** finetune_reply_file replies with the bytes of a file, or an error. */
void finetune_reply_file(struct exchange *x, const char *path, const char *type);
