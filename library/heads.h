/* SPDX-License-Identifier: Apache-2.0 */
/** @file heads.h  Which head a caller of the library means. Pure functions. */
#pragma once

#include "library/fault.h"
#include "model/model.h"

/** find_head: the head of that name; NULL: the one that answers if none is named. False with
 * EMBEDD_ERROR_NOT_FOUND, or why the model's only head gives no labels. */
bool find_head(const struct model *model, const char *name, const struct head **head,
               struct fault *fault);
