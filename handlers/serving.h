/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file serving.h
 * Which of the served models answers a request: borrowed when the request begins or names another,
 * given back when its reply has been sent. Works on one exchange, which one thread has at a time.
 */
#pragma once

#include "base/err.h"
#include "handlers/exchange.h"

#include <stdbool.h>

struct registry;

/** serving_begin: the default model, until the request names one. */
void serving_begin(struct exchange *x);

/**
 * serving_choose: the model of that name or alias; a request that is worked on once more keeps the
 * one it has. Where one model alone is served, it answers to every name.
 * @return false with ERR_NOT_FOUND (field `model`): it is not served; strict-model asks for the
 *         right name of a single one, too
 */
bool serving_choose(struct exchange *x, struct text name, struct err *err);

/**
 * serving_check: whether the chosen model can be read.
 * @return false with ERR_UNAVAILABLE: its file was cut short, or its disk fails, until a reload
 */
bool serving_check(struct exchange *x, struct err *err);

/** serving_fail: what the chosen model maps could not be read just now; nobody is answered by it
 * any more. Said in the log once. */
void serving_fail(struct exchange *x);

/** serving_look at the files of every model that is served: one that was cut short takes its model
 * out, as serving_fail does; one that was written into is said in the log, once. Any thread; it may
 * wait for their disks. */
void serving_look(struct registry *registry);

/** serving_is_ready: whether the service takes requests, and the chosen model can be read. */
bool serving_is_ready(const struct exchange *x);

/** serving_write_models writes every model that is served, parted by commas. */
void serving_write_models(const struct exchange *x, struct buf *out,
                          void (*write)(const struct exchange *x, const struct snapshot *snapshot,
                                        struct buf *out));

/** serving_end gives the model back, if there is one. */
void serving_end(struct exchange *x);
