/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file access_log.h
 * The line that is logged for each request: who asked for what and what came of it, never a text.
 * The caller asks log_access_enabled() first. Any thread that has the request.
 */
#pragma once

#include "server/request.h"

/** access_log_request: a request whose reply has been sent, or which has ended without. */
void access_log_request(const struct request *request);

/** access_log_stray: bytes that were no request; `sample` has the status and the reason. */
void access_log_stray(const struct address *of, const struct metrics_sample *sample);
