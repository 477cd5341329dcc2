/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file setting.h
 * One setting of a config: what it is called where, and setting it. For the files of config/ alone.
 * One thread at a time has a config that is written to.
 */
#pragma once

#include "config/option.h"

#include <stdbool.h>
#include <stddef.h>

/** Of variables. */
#define SETTING_PREFIX "EMBEDD_"
#define SETTING_NAME_BYTES_MAX 64

/** setting_variable: the variable of the option `name`. */
void setting_variable(const char *name, char out[static SETTING_NAME_BYTES_MAX]);

/** setting_find: the place among `options` of a name (bytes), or CONFIG_COUNT. */
size_t setting_find(const char *name, size_t bytes);

/** setting_set takes `text`, unless something that counts for more than `origin` has set it. An
 * item more of a list is one after those that the same origin has set.
 * @param where the value's name in messages: "--threads", "EMBEDD_THREADS", "a.json:3: threads"
 * @return false with ERR_USAGE: it cannot have that value */
bool setting_set(struct config *config, size_t i, enum config_origin origin, const char *where,
                 const char *text, struct err *err);

/** setting_refuse: the error of a value that it cannot have; false. */
bool setting_refuse(const struct option *option, const char *where, const char *text,
                    struct err *err);

/** setting_set_file: the configuration file, unless something that counts for more names one. */
void setting_set_file(struct config *config, enum config_origin origin, const char *path);

/** setting_copy: value and origin. */
void setting_copy(struct config *to, const struct config *from, size_t i);
