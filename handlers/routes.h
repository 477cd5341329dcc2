/* SPDX-License-Identifier: Apache-2.0 */
/** @file routes.h  The one table of routes. Constant; any thread. */
#pragma once

#include "handlers/route.h"

#include <stddef.h>

extern const struct route routes[];
extern const size_t n_routes;

/** Whose errors a path without a route gets. */
extern const struct dialect *const dialect_without_route;
