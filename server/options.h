/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file options.h
 * The settings in force, and what requests see of them. A reload puts others in their place as a
 * whole: a request keeps to those that it began with, and the old ones are kept until the end, so
 * that nobody has to say when they are done with.
 *
 * One thread at a time reads them anew; any thread may load the two pointers.
 */
#pragma once

#include "base/err.h"
#include "config/config.h"
#include "handlers/service.h"

#include <stdatomic.h>
#include <stdbool.h>

struct options_reading;

struct options {
    const struct config *_Atomic config;
    const struct service *_Atomic service;
    struct options_reading *readings; /* all but the first, the newest first */
};

/** options_fill gives `service` what it has of the settings that can change. */
void options_fill(struct service *service, const struct config *config);

/** options_init: the first; both live as long as the options. */
void options_init(struct options *options, const struct config *config,
                  const struct service *service);

/**
 * options_reload reads the variables and the file anew; what takes a start is logged. A part of a
 * reload (reload.h).
 * @param user the options
 * @return false with ERR_USAGE: all stays as it was
 */
bool options_reload(void *user, struct err *err);

/** options_clear frees what was read. Nobody uses any of it any more. */
void options_clear(struct options *options);
