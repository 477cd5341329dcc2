/* SPDX-License-Identifier: Apache-2.0 */
/** @file byte_source.h  Where bytes come from, one reader behind the other. Plain data. */
#pragma once

#include "base/err.h"

#include <stddef.h>
#include <sys/types.h>

struct byte_source {
    /* Reads up to `cap` (> 0) bytes: how many there were, 0 at the end, -1 with err set. */
    ssize_t (*read)(void *user, char *out, size_t cap, struct err *err);
    void *user;
};
