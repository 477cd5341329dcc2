/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file activation.h
 * Listening sockets that were open when the process began, as systemd passes them
 * (sd_listen_fds(3)): LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES. Before other threads start.
 */
#pragma once

#include "base/err.h"
#include "server/sockets.h"

#include <stdbool.h>

/** activation_take: those that were passed to this process, of which the ones named "admin" are of
 * admin-listen; the variables are gone afterwards. False with ERR_USAGE: numbers that are none. */
bool activation_take(struct sockets_given *passed, struct err *err);
