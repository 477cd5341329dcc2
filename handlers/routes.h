/* SPDX-License-Identifier: Apache-2.0 */
/** @file routes.h  The one route table. A path that ends in '/' (other than "/" itself) takes one
 * more segment, which the handler finds in x->path_tail. */
#pragma once

#include "handlers/handlers.h"

extern const struct route routes[];
extern const size_t n_routes;
